from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def schedule_sweep(**kwargs: object) -> None:
    """A plain qcluster sweeps every minute; ``deliver`` processes sweep by themselves."""
    from django.apps import apps

    if not apps.is_installed("django_q"):
        return
    from django_q.models import Schedule

    Schedule.objects.get_or_create(
        name="maillog.sweep",
        defaults={"func": "maillog.tasks.sweep", "schedule_type": Schedule.MINUTES, "minutes": 1},
    )


class MailLogConfig(AppConfig):
    name = "maillog"
    verbose_name = _("E-mail log")

    def ready(self) -> None:
        from maillog import audit_words, checks, order_messages, receivers, registry  # noqa: F401
        from maillog.pipeline import EmailChannel
        from shops import previews

        audit_words.register()
        registry.channels["email"] = EmailChannel()
        previews.message_lists.append(order_messages.messages_of)
        previews.newest_messages.append(order_messages.newest_of)
        post_migrate.connect(schedule_sweep, sender=self)
