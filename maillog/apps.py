from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def schedule_sweep(**kwargs: object) -> None:
    """A plain qcluster sweeps and files every minute; ``deliver`` processes do it by themselves."""
    from django.apps import apps

    if not apps.is_installed("django_q"):
        return
    from django_q.models import Schedule

    for task in ("sweep", "sync_sent_folders"):
        minutely = {"schedule_type": Schedule.MINUTES, "minutes": 1}
        Schedule.objects.get_or_create(
            name=f"maillog.{task}", defaults={"func": f"maillog.tasks.{task}", **minutely}
        )


class MailLogConfig(AppConfig):
    name = "maillog"
    verbose_name = _("E-mail log")

    def ready(self) -> None:
        from mailaccounts import figures
        from maillog import (  # noqa: F401
            account_figures,
            audit_words,
            checks,
            order_messages,
            receivers,
            registry,
        )
        from maillog.pipeline import EmailChannel
        from shops import previews

        audit_words.register()
        registry.channels["email"] = EmailChannel()
        previews.message_lists.append(order_messages.messages_of)
        previews.newest_messages.append(order_messages.newest_of)
        figures.sources.append(account_figures.fill_in)
        figures.cost_reports.append(account_figures.cost_report)
        post_migrate.connect(schedule_sweep, sender=self)
