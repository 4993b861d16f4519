from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SmsConfig(AppConfig):
    """Gateways, the meter and sender names will live here; the outbox is maillog's."""

    name = "sms"
    verbose_name = _("SMS")
