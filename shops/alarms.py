"""Troubles that concern people: one row each from when it is noticed until it is over.

``raise_alarm`` may be called as often as the trouble is seen. Every page of the panel shows what is
open. The shop's people are told by mail at most once in six hours, however often the trouble goes
and comes back, and once more when it is over; the mail leaves through the installation's own
account. Titles and texts are plain text: they may hold a server's words.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from shops.conf import conf
from shops.models import Alarm, Membership, Role, Shop

logger = logging.getLogger(__name__)

TELL_AGAIN_AFTER = timedelta(hours=6)
TOLD = (Role.ACCOUNTS, Role.ADMIN)
MAIL_TYPE = "system.alarm"


@contextmanager
def speaking_to(shop: Shop | None) -> Iterator[None]:
    """Makes sentences for an alarm in the language of the shop's people.

    Workers run in the installation's language; an alarm is read by staff, in the panel and by mail.
    """
    offered = {code for code, _name in settings.LANGUAGES}
    language = shop.language if shop and shop.language in offered else settings.LANGUAGE_CODE
    with translation.override(language):
        yield


def raise_alarm(
    code: str,
    *,
    shop: Shop | None,
    target: str = "",
    title: str,
    text: str = "",
    path: str = "",
    urgent: bool = True,
    by_mail: bool = True,
) -> Alarm:
    """Opens the alarm, or notes that its trouble is still there; mails what people should know.

    An ``urgent`` one stands above every page and is mailed; another one waits under the bell.
    ``by_mail`` is False for trouble of the account that the mail itself would leave through: that
    mail would only wait with all the rest, so people are told when it is over.
    """
    words = {"title": title[:200], "text": text, "path": path[:300], "is_urgent": urgent}
    alarm = _opened({"shop": shop, "code": code, "target": target, "closed_at": None}, words)
    if urgent and by_mail:
        _tell_if_due(alarm)
    elif urgent:
        Alarm.objects.filter(pk=alarm.pk, mailed_at=None).update(mailed_at=timezone.now())
    return alarm


def _opened(key: dict[str, Any], words: dict[str, Any]) -> Alarm:
    try:
        with transaction.atomic():
            return Alarm.objects.update_or_create(**key, defaults=words)[0]
    except IntegrityError:  # two workers saw it at once: the other's row is there now
        return Alarm.objects.update_or_create(**key, defaults=words)[0]


def clear_alarm(
    code: str, *, shop: Shop | None, target: str = "", text: str = "", title: str = ""
) -> bool:
    """Closes the alarm; True if there was one. Who was told of it is told that it is over.

    ``title`` and ``text`` say how; without them the mail repeats what it was about.
    """
    alarm = Alarm.objects.filter(shop=shop, code=code, target=target, closed_at=None).first()
    if alarm is None:
        return False
    closed = Alarm.objects.filter(pk=alarm.pk, closed_at=None).update(closed_at=timezone.now())
    if closed and alarm.mailed_at:
        with speaking_to(alarm.shop):
            _mail(alarm, title or _("In order again: %s") % alarm.title, text)
    return bool(closed)


def open_alarms(shop: Shop, *, operator: bool) -> list[Alarm]:
    """What is wrong in ``shop`` now, urgent first, then the latest; operators also see what is
    wrong with the installation itself. One query."""
    whose = Q(shop=shop) | Q(shop=None) if operator else Q(shop=shop)
    return list(Alarm.objects.filter(whose, closed_at=None).order_by("-is_urgent", "-pk")[:50])


def tell_what_waits() -> int:
    """Mails alarms that came back too early to be mailed and are still open six hours later.

    Nobody may see such a trouble again: an account with a wrong password is not tried any more.
    Returns how many were due.
    """
    waiting = Alarm.objects.filter(closed_at=None, mailed_at=None, is_urgent=True)
    return sum(_tell_if_due(alarm) for alarm in waiting.select_related("shop")[:50])


def _tell_if_due(alarm: Alarm) -> bool:
    now = timezone.now()
    if _was_told_since(alarm, now - TELL_AGAIN_AFTER):
        return False
    # Of two workers the one whose UPDATE finds the row as it was mails.
    waiting = Alarm.objects.filter(pk=alarm.pk, mailed_at=alarm.mailed_at, closed_at=None)
    if not waiting.update(mailed_at=now):
        return False
    with speaking_to(alarm.shop):
        _mail(alarm, alarm.title, alarm.text)
    return True


def _was_told_since(alarm: Alarm, moment: datetime) -> bool:
    """Of this trouble, also of an earlier time that was over in between."""
    same = Alarm.objects.filter(shop=alarm.shop_id, code=alarm.code, target=alarm.target)
    return same.filter(mailed_at__gt=moment).exists()


def _mail(alarm: Alarm, subject: str, text: str) -> None:
    """One message to each, so that one bad address keeps nobody else from knowing."""
    where = alarm.shop.name if alarm.shop else "Postroom"
    address = f"{conf.PUBLIC_URL.rstrip('/')}{alarm.path}" if alarm.path else ""
    body = "\n\n".join(part for part in (text, address) if part) or subject
    for person in _addresses(alarm.shop):
        mail = EmailMessage(
            subject=" ".join(f"[{where}] {subject}".split()),
            body=f"{body}\n",
            to=[person],
            headers={"X-Postroom-Type": MAIL_TYPE},
        )
        try:
            with transaction.atomic():
                mail.send()
        except Exception:
            # An alarm must not break what raised it.
            logger.exception("the alarm %s could not be mailed", alarm.pk)


def _addresses(shop: Shop | None) -> list[str]:
    """Those who may mend it: the shop's people, or the operators where there are none."""
    if shop is not None:
        people = Membership.objects.filter(shop=shop, role__in=TOLD, user__is_active=True)
        if found := people.exclude(user__email="").values_list("user__email", flat=True):
            return sorted(set(found))
    operators = get_user_model().objects.filter(is_superuser=True, is_active=True)
    return sorted(set(operators.exclude(email="").values_list("email", flat=True)))
