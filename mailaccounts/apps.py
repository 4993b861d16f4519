from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailAccountsConfig(AppConfig):
    name = "mailaccounts"
    verbose_name = _("E-mail accounts")

    def ready(self) -> None:
        from django.core import checks

        from mailaccounts import receivers  # noqa: F401
        from mailaccounts.checks import dynamic_update

        checks.register(dynamic_update)
