"""Troubles that concern people: one row each from when it is noticed until it is over.

``raise_alarm`` may be called as often as the trouble is seen. The shop's people are told by mail
at most once in six hours, through the installation's own account, and once more when it is over.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shops.conf import conf
from shops.models import Alarm, Membership, Role, Shop

logger = logging.getLogger(__name__)

TELL_AGAIN_AFTER = timedelta(hours=6)
TOLD = (Role.ACCOUNTS, Role.ADMIN)


def raise_alarm(
    code: str,
    *,
    shop: Shop | None,
    target: str = "",
    title: str,
    text: str = "",
    path: str = "",
    urgent: bool = True,
) -> Alarm:
    """Opens the alarm, or notes that its trouble is still there; mails what people should know."""
    words = {"title": title[:200], "text": text, "path": path[:300], "is_urgent": urgent}
    key = {"shop": shop, "code": code, "target": target, "closed_at": None}
    try:
        with transaction.atomic():
            alarm, _made = Alarm.objects.update_or_create(**key, defaults=words)
    except IntegrityError:  # two workers saw it at once
        alarm = Alarm.objects.get(**key)
    if urgent:
        _tell_if_due(alarm)
    return alarm


def clear_alarm(code: str, *, shop: Shop | None, target: str = "", text: str = "") -> bool:
    """Closes the alarm; True if there was one. Who was told of it is told that it is over."""
    alarm = Alarm.objects.filter(shop=shop, code=code, target=target, closed_at=None).first()
    if alarm is None:
        return False
    closed = Alarm.objects.filter(pk=alarm.pk, closed_at=None).update(closed_at=timezone.now())
    if closed and alarm.mailed_at:
        _mail(alarm, _("In order again: %s") % alarm.title, text)
    return bool(closed)


def _tell_if_due(alarm: Alarm) -> None:
    due = timezone.now() - TELL_AGAIN_AFTER
    waiting = Alarm.objects.filter(pk=alarm.pk).exclude(mailed_at__gt=due)
    if waiting.update(mailed_at=timezone.now()):
        _mail(alarm, alarm.title, alarm.text)


def _mail(alarm: Alarm, subject: str, text: str) -> None:
    address = f"{conf.PUBLIC_URL.rstrip('/')}{alarm.path}" if alarm.path else ""
    body = "\n\n".join(part for part in (text, address) if part)
    try:
        with transaction.atomic():
            send_mail(subject, body, None, _addresses(alarm.shop))
    except Exception:
        # An alarm must not break what raised it.
        logger.exception("the alarm %s could not be mailed", alarm.pk)


def _addresses(shop: Shop | None) -> list[str]:
    """Those who may mend it; nobody for the installation's own alarms until operators have one."""
    if shop is None:
        return []
    people = Membership.objects.filter(shop=shop, role__in=TOLD, user__is_active=True)
    return sorted(set(people.exclude(user__email="").values_list("user__email", flat=True)))
