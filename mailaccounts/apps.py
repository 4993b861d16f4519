from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def schedule_look_after_sign_ins(**kwargs: object) -> None:
    """Once an hour: alarms of sign-ins that end, permissions to give back."""
    from django.apps import apps

    if not apps.is_installed("django_q"):
        return
    from django_q.models import Schedule

    Schedule.objects.get_or_create(
        name="mailaccounts.sign_ins",
        defaults={
            "func": "mailaccounts.oauth.tasks.look_after",
            "schedule_type": Schedule.HOURLY,
        },
    )


def schedule_domain_checks(**kwargs: object) -> None:
    """DNS is asked about every sender's domain once an hour."""
    from django.apps import apps

    if not apps.is_installed("django_q"):
        return
    from django_q.models import Schedule

    Schedule.objects.get_or_create(
        name="mailaccounts.domains",
        defaults={
            "func": "mailaccounts.tasks.check_all_domains",
            "schedule_type": Schedule.HOURLY,
        },
    )


class MailAccountsConfig(AppConfig):
    name = "mailaccounts"
    verbose_name = _("E-mail accounts")

    def ready(self) -> None:
        from django.core import checks

        from mailaccounts import audit_words, receivers  # noqa: F401
        from mailaccounts.checks import dynamic_update
        from mailaccounts.oauth.checks import check_sign_in

        audit_words.register()
        checks.register(dynamic_update)
        checks.register(check_sign_in)
        post_migrate.connect(schedule_look_after_sign_ins, sender=self)
        post_migrate.connect(schedule_domain_checks, sender=self)
