"""What runs in the background for one domain, started by a button: the page asks how it goes.

One thing at a time a domain. Marks and plans live in the cache: what is lost there is asked for
again by the next click.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import get_language, override
from django_q.tasks import async_task

from mailaccounts import domains
from mailaccounts.dkim import new_key
from mailaccounts.dns import update
from mailaccounts.dns.update import Change, UpdateFailed
from mailaccounts.models import KeyState, Kind, SenderAccount, SenderDomain
from mailaccounts.records import wanted
from shops.models import AuditEntry

LATE = 30.0  # seconds until the page says that no worker answers
FORGOTTEN = 120  # seconds until the button may be pressed again in any case
PLAN_LASTS = 3600  # seconds


@dataclass(frozen=True, slots=True)
class Work:
    """``what`` is ``check``, ``plan`` or ``publish``; ``seconds`` since it was asked for."""

    what: str
    seconds: int

    @property
    def is_late(self) -> bool:
        return self.seconds > LATE


@dataclass(frozen=True, slots=True)
class Plan:
    """What an update would change, or what came of it. ``digest`` names just these changes."""

    zone: str = ""
    changes: list[Change] = field(default_factory=list)
    error: str = ""
    is_done: bool = False

    @property
    def digest(self) -> str:
        data = [each.as_dict() for each in self.changes]
        return hashlib.sha256(json.dumps([self.zone, data]).encode()).hexdigest()


def start(what: str, domain: SenderDomain, *arguments: Any) -> None:
    """Starts ``check``, ``plan`` or ``publish``, unless something runs for the domain."""
    if cache.add(_mark(domain.pk), [what, time.time()], FORGOTTEN):
        async_task(
            f"mailaccounts.domain_work.{what}", domain.pk, *arguments, language=get_language()
        )


def look_up_soon(account: SenderAccount) -> None:
    """The account's domain is checked, unless that was done lately."""
    if account.shop_id is None or account.is_default or not domains.domain_of(account):
        return
    domain = domains.domain_for(account)
    fresh = timezone.now() - domains.CHECK_AGAIN_AFTER
    is_old = domain.checked_at is None or domain.checked_at < fresh
    if is_old or account.kind == Kind.SERVER:
        start("check", domain)


def going_on(domain: SenderDomain) -> Work | None:
    mark = cache.get(_mark(domain.pk))
    if not mark:
        return None
    what, since = mark
    return Work(what, int(max(time.time() - since, 0)))


def plan_of(domain: SenderDomain) -> Plan | None:
    """The plan made last, while it is kept."""
    stored = cache.get(_plan(domain.pk))
    if not stored:
        return None
    changes = [Change.from_dict(each) for each in stored["changes"]]
    return Plan(stored["zone"], changes, stored["error"], stored["is_done"])


def forget_plan(domain: SenderDomain) -> None:
    cache.delete(_plan(domain.pk))


def check(pk: int, *, language: str | None = None) -> None:
    """Task: asks DNS and stores what it said."""
    try:
        domain = SenderDomain.objects.select_related("shop").filter(pk=pk).first()
        if domain is not None:
            with override(language):
                domains.check(domain)
    finally:
        cache.delete(_mark(pk))


def plan(pk: int, *, language: str | None = None) -> None:
    """Task: checks the domain and compares what it needs with what the name server has."""
    try:
        domain = SenderDomain.objects.select_related("shop").filter(pk=pk).first()
        zone = update.zone_of(domain.domain) if domain is not None else None
        if domain is None or zone is None:
            return
        with override(language):
            _ensure_key(domain)
            now = domains.check(domain)
            try:
                _store(pk, Plan(zone, update.plan(zone, wanted(now))))
            except UpdateFailed as failure:
                _store(pk, Plan(zone, error=str(failure)))
    finally:
        cache.delete(_mark(pk))


def publish(pk: int, digest: str, user_pk: int, *, language: str | None = None) -> None:
    """Task: makes the changes that were shown, then asks DNS whether the world sees them."""
    try:
        domain = SenderDomain.objects.select_related("shop").filter(pk=pk).first()
        shown = plan_of(domain) if domain is not None else None
        if domain is None or shown is None or shown.digest != digest or shown.is_done:
            return
        with override(language):
            try:
                update.publish(shown.zone, shown.changes)
            except UpdateFailed as failure:
                _store(pk, Plan(shown.zone, shown.changes, str(failure)))
                return
            _store(pk, Plan(shown.zone, shown.changes, is_done=True))
            AuditEntry.note(
                "domain.records_published",
                shop=domain.shop,
                user=get_user_model().objects.filter(pk=user_pk).first(),
                target=domain,
                names=[each.name for each in shown.changes],
            )
            domains.check(domain)
    finally:
        cache.delete(_mark(pk))


def _ensure_key(domain: SenderDomain) -> None:
    """A domain whose mail we would sign gets its key, so that all three can be published."""
    in_use = domain.keys.filter(state__in=[KeyState.NEW, KeyState.ACTIVE])
    if domains.signs_for(domain) and not in_use.exists():
        new_key(domain)


def _store(pk: int, plan: Plan) -> None:
    data = {"zone": plan.zone, "error": plan.error, "is_done": plan.is_done}
    changes = [each.as_dict() for each in plan.changes]
    cache.set(_plan(pk), {**data, "changes": changes}, PLAN_LASTS)


def _mark(pk: int) -> str:
    return f"domain-work:{pk}"


def _plan(pk: int) -> str:
    return f"domain-plan:{pk}"
