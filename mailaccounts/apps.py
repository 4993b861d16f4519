from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailAccountsConfig(AppConfig):
    name = "mailaccounts"
    verbose_name = _("E-mail accounts")

    def ready(self) -> None:
        from mailaccounts import audit_words, receivers  # noqa: F401

        audit_words.register()
