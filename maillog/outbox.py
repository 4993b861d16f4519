"""The one way in: a composed ``Draft`` becomes a row with its deliveries, or is known already.

``queue()`` runs in the caller's transaction, inside a savepoint of its own: what it stores lives
and dies with the order, and what goes wrong in it never breaks the order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog.hindrances import Hindrances, look_up
from maillog.kept_files import FileRef, keep_files, kept
from maillog.mime import Attachment, make_message_id
from maillog.models import (
    Delivery,
    MailMessage,
    MessageBody,
)
from maillog.registry import Body
from maillog.states import (
    COUNTED_ROLES,
    FAILURES,
    SEVERITY,
    Reason,
    Role,
    State,
    UnknownPolicy,
)
from maillog.storing import Key, store
from maillog.wake import wake_on_commit
from shops.addresses import EmailAddressInvalid, is_usable, parse_address, parse_list
from shops.conf import conf
from shops.models import Shop
from shops.models.shop import TestMode
from shops.search_text import fold
from shops.storable import one_line, storable, storable_data

COPY_EXPIRES = timedelta(hours=24)
COPY_PRIORITY = 9
LONGEST_OCCURRENCE = 200


@dataclass(frozen=True, slots=True)
class Recipient:
    address: str
    name: str = ""
    role: Role = Role.MAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A composed message that is not stored yet.

    ``body`` is set for messages that arrive ready-made; the others carry ``context`` and
    ``template_version`` and are rendered by the worker. ``born`` other than QUEUED says that it
    is only to be logged (``NOT_SENT``, ``HELD``), with ``reason`` and ``detail``.
    ``imported_at`` is the order's, for reset marks.
    """

    message_type: str
    shop: Shop | None
    account: SenderAccount | None
    recipients: tuple[Recipient, ...]
    expires_in: timedelta
    occurrence: str = ""
    once: bool = True
    subject: str = ""
    body: Body | None = None
    context: dict[str, Any] | None = None
    template_version: int | None = None
    attachments: tuple[Attachment, ...] = ()
    files: tuple[FileRef, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    language: str = ""
    order_number: str = ""
    imported_at: datetime | None = None
    occurred_at: datetime | None = None
    due_in: timedelta = timedelta(0)
    priority: int = 5
    reply_to: str = ""
    sensitive: bool = False
    critical: bool = False
    is_test: bool = False
    unknown_policy: UnknownPolicy = UnknownPolicy.REPEAT
    born: State = State.QUEUED
    reason: Reason = Reason.NONE
    detail: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    resend_of: MailMessage | None = None


@dataclass(slots=True)
class _Birth:
    """What a delivery is born as."""

    state: State
    reason: Reason = Reason.NONE
    detail: str = ""


_no_address = _Birth(State.NOT_SENT, Reason.NO_ADDRESS)


def queue(draft: Draft, *, savepoint: bool = True) -> MailMessage | None:
    """Stores ``draft`` in the caller's transaction; None if it was said once already.

    Deliveries of addresses that cannot be used, are suppressed, or belong to an order under a
    reset mark are stored in the state that says so. ``savepoint=False`` says that the caller has
    set one just before.
    """
    draft = _cleaned(draft)
    with transaction.atomic(savepoint=savepoint):
        hindrances = _hindrances(draft)
        birth = _birth(draft, hindrances)
        message = _message(draft)
        deliveries = list(_deliveries(draft, message, birth, hindrances))
        _settle(message, deliveries)
        if not store(message, deliveries, _key(draft, birth)):
            return None
        _store_content(draft, message)
    if any(each.state == State.QUEUED for each in deliveries) and draft.account:
        wake_on_commit(draft.account.pk)
    return message


def _cleaned(draft: Draft) -> Draft:
    """``draft`` with nothing in it that a database would refuse, and with bare addresses."""
    return replace(
        draft,
        message_type=storable(draft.message_type),
        recipients=tuple(_bare(each) for each in draft.recipients),
        occurrence=storable(draft.occurrence),
        subject=one_line(draft.subject),
        body=draft.body and Body(storable(draft.body.html), storable(draft.body.text)),
        context=storable_data(draft.context),
        headers=tuple((storable(name), storable(value)) for name, value in draft.headers),
        language=storable(draft.language),
        order_number=storable(draft.order_number),
        reply_to=storable(draft.reply_to).strip()[:254],
        detail=storable(draft.detail),
        tags=storable_data(draft.tags),
    )


def _bare(recipient: Recipient) -> Recipient:
    """``Anna <anna@x.pl>`` taken apart; what is no address stays as it was typed."""
    try:
        parsed = parse_address(recipient.address, allow_utf8_local=True)
    except EmailAddressInvalid:
        address = storable(recipient.address.strip())[:254]
        return replace(recipient, address=address, name=one_line(recipient.name))
    name = one_line(recipient.name) or parsed.name
    return replace(recipient, address=parsed.address, name=name)


def _hindrances(draft: Draft) -> Hindrances:
    if draft.shop is None or draft.account is None or draft.born != State.QUEUED:
        return Hindrances()
    addresses = [each.address for each in draft.recipients if each.role != Role.COPY]
    number = draft.order_number[:60]
    order = (number, timezone.now() + draft.due_in) if number else None
    return look_up(draft.shop, draft.message_type, draft.imported_at, addresses, order)


def _birth(draft: Draft, hindrances: Hindrances) -> _Birth:
    if draft.born != State.QUEUED:
        return _Birth(draft.born, draft.reason, draft.detail)
    if draft.account is None:
        return _Birth(State.HELD, Reason.NO_ACCOUNT)
    if hindrances.is_reset:
        return _Birth(State.CANCELLED, Reason.RESET)
    if draft.shop and draft.shop.test_mode == TestMode.HOLD and not draft.is_test:
        return _Birth(State.HELD, Reason.APPROVAL)
    return _Birth(State.QUEUED)


def key_text(occurrence: str) -> str:
    """The occurrence as the ledger keeps it: as it is, or its digest where it is too long."""
    if len(occurrence) <= LONGEST_OCCURRENCE:
        return occurrence
    return "sha256:" + hashlib.sha256(occurrence.encode()).hexdigest()


def _key(draft: Draft, birth: _Birth) -> Key | None:
    """None for what may be said each time, and for what is not said at all."""
    if birth.state == State.NOT_SENT or not (draft.once and draft.shop and draft.occurrence):
        return None
    return Key(draft.shop.pk, draft.message_type, key_text(draft.occurrence))


def _message(draft: Draft) -> MailMessage:
    now, account, shop = timezone.now(), draft.account, draft.shop
    visible = [each for each in draft.recipients if each.role in (Role.MAIN, Role.CC)]
    to_text = ", ".join(each.address for each in visible)
    from_address = account.from_address if account else ""
    return MailMessage(
        shop=shop,
        message_type=draft.message_type,
        occurrence=key_text(draft.occurrence),
        account=account,
        order_number=draft.order_number[:60],
        language=draft.language,
        subject=draft.subject[:900],
        from_name=account.from_name if account else "",
        from_address=from_address,
        reply_to=draft.reply_to or (account.reply_to if account else ""),
        to_text=to_text,
        addressing={
            # One that cannot be written to must not spoil the headers of all the others.
            role: [
                [each.name, each.address]
                for each in visible
                if each.role == role and is_usable(each.address)
            ]
            for role in (Role.MAIN, Role.CC)
        },
        headers=[list(header) for header in draft.headers],
        search=fold(f"{draft.subject} {to_text} {draft.order_number}"),
        context=draft.context,
        template_version=draft.template_version,
        message_id=_message_id(from_address),
        detail=draft.detail,
        sensitive=draft.sensitive,
        critical=draft.critical,
        is_test=draft.is_test,
        has_files=bool(draft.attachments or draft.files),
        test_mode=shop.test_mode if shop else TestMode.OFF,
        unknown_policy=conf.UNKNOWN_POLICY or draft.unknown_policy,
        tags=draft.tags,
        notes=list(draft.notes),
        resend_of=draft.resend_of,
        occurred_at=draft.occurred_at or now,
        created_at=now,
        expires_at=now + draft.expires_in,
    )


def _message_id(from_address: str) -> str:
    """In the sender's domain, or in a neutral one where that is no name for the outside."""
    try:
        return make_message_id(from_address.rpartition("@")[2])
    except EmailAddressInvalid:
        return make_message_id("localhost.localdomain")


def _deliveries(
    draft: Draft, message: MailMessage, birth: _Birth, hindrances: Hindrances
) -> Iterator[Delivery]:
    seen: set[tuple[str, str]] = set()
    now = message.created_at
    for recipient in (*draft.recipients, *_copies(draft, message)):
        address, own = _judged(recipient, birth, hindrances)
        if (recipient.role, address.lower()) in seen:
            continue
        seen.add((recipient.role, address.lower()))
        is_copy = recipient.role == Role.COPY
        message.detail = message.detail or own.detail
        yield Delivery(
            message=message,
            account=draft.account,
            role=recipient.role,
            address=address,
            state=own.state,
            reason=own.reason,
            priority=COPY_PRIORITY if is_copy else draft.priority,
            due_at=now + draft.due_in,
            expires_at=now + (draft.due_in + COPY_EXPIRES if is_copy else draft.expires_in),
            ended_at=None if own.state in (State.QUEUED, State.HELD) else message.created_at,
            after=_after(recipient.role, address, own, hindrances),
            envelope_to=address,
        )


def _after(role: Role, address: str, own: _Birth, hindrances: Hindrances) -> UUID | None:
    """The delivery about the same order to the same address that goes first, if one waits."""
    if not hindrances.earlier or role != Role.MAIN or own.state != State.QUEUED:
        return None
    return hindrances.goes_after(address)


def _judged(recipient: Recipient, birth: _Birth, hindrances: Hindrances) -> tuple[str, _Birth]:
    """The address as it will be used, and what its delivery is born as."""
    if not recipient.address.strip():
        # A message whose text could not be made stays in sight, whoever it was for.
        return "", birth if birth.state == State.HELD else _no_address
    try:
        address = parse_address(recipient.address, allow_utf8_local=True).address
    except EmailAddressInvalid as error:
        return recipient.address, _Birth(State.FAILED, Reason.BAD_ADDRESS, str(error))
    may_leave = birth.state == State.QUEUED and recipient.role != Role.COPY
    if may_leave and hindrances.stops(address):
        return address, _Birth(State.SUPPRESSED)
    return address, birth


def _copies(draft: Draft, message: MailMessage) -> Iterable[Recipient]:
    """The account's copies. Secrets are not copied; the log says that they were withheld."""
    if draft.account is None or draft.is_test or draft.born == State.NOT_SENT:
        return []
    try:
        copies = parse_list(draft.account.copy_to)
    except EmailAddressInvalid:
        # Nothing that is wrong with a copy may cost the customer the message.
        message.notes = [*message.notes, "copy_unusable"]
        return []
    if copies and draft.sensitive:
        message.notes = [*message.notes, "copy_withheld"]
        return []
    return [Recipient(each.address, role=Role.COPY) for each in copies]


def _settle(message: MailMessage, deliveries: list[Delivery]) -> None:
    """The roll-up of a message that has just been born (``moves.roll_up`` does it from then on)."""
    counted = [each for each in deliveries if each.role in COUNTED_ROLES]
    # A message to blind copies alone has no other recipients to go by.
    main = [each for each in deliveries if each.role == Role.MAIN] or counted
    worst = min(main, key=lambda each: SEVERITY[State(each.state)])
    message.state, message.reason = worst.state, worst.reason
    message.recipient_count = len(counted)
    message.failed_recipients = sum(each.state in FAILURES for each in counted)


def _store_content(draft: Draft, message: MailMessage) -> None:
    if draft.body is not None:
        MessageBody.objects.create(message=message, html=draft.body.html, text=draft.body.text)
    if draft.attachments or draft.files:
        attached = [kept(each) for each in draft.attachments]
        keep_files(message, [*attached, *((each, "") for each in draft.files)])
