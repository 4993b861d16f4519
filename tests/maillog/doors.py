"""Every door into the outbox, and what comes out at the server behind it.

What arrives is read twice, by the standard library and by ``maillog.mime.strict``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import message_from_string
from email.policy import default
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from demo.sink import Sink
from demo.sink_store import Received
from mailaccounts.models import SenderAccount
from maillog.mime import strict
from maillog.models import Delivery, MailMessage
from maillog.outbox import Recipient, queue
from maillog.registry import Body
from maillog.session import Session
from maillog.states import WAITING, State
from shops.forms import new_token
from shops.models import Order
from templates_tx.notify import notify
from tests import factories
from tests.maillog.test_session import make_draft

ANNA = "anna@klient.example"
HEADERS = {
    *("X-Postroom-Delivery", "From", "To", "Subject", "Date", "Message-ID"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted"),
}


@dataclass(frozen=True)
class Mail:
    """What a customer would see of one mail."""

    subject: str
    to: list[tuple[str, str]]
    text: str
    html: str
    note: str = ""
    files: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.to]


def read_strictly(content: bytes) -> Mail:
    mail = strict.parse(content)
    bodies = {leaf.kind: leaf.payload.decode().replace("\r\n", "\n") for leaf in mail.leaves()}
    return Mail(
        strict.decode_words(mail.get("Subject")),
        strict.mailboxes(mail.get("To")),
        bodies["text/plain"],
        bodies.get("text/html", ""),
        strict.decode_words(mail.get("X-Note")),
        [leaf.filename for leaf in mail.leaves() if leaf.get("Content-Disposition")],
    )


def read_as_python_does(content: bytes) -> Mail:
    mail = message_from_string(content.decode(), policy=default)

    def body(kind: str) -> str:
        found = mail.get_body((kind,))
        return found.get_content().replace("\r\n", "\n") if found else ""

    return Mail(
        str(mail["Subject"]),
        [(each.display_name, each.addr_spec) for each in mail["To"].addresses],
        body("plain"),
        body("html"),
        str(mail["X-Note"] or ""),
        [str(each.get_filename()) for each in mail.iter_attachments()],
    )


def read(received: Received) -> Mail:
    names = [name for name, _ in strict.parse(received.content).headers]
    assert set(names) <= HEADERS | {"X-Note"} and len(names) == len(set(names))
    mail = read_strictly(received.content)
    assert mail == read_as_python_does(received.content)
    return mail


class Refused(ValueError):
    """A form was shown again: which field, and why."""


@dataclass
class Stage:
    """A shop, the doors into its outbox, and the server at the other end."""

    server: Sink
    folder: Path
    last: UUID = UUID(int=0)

    def __post_init__(self) -> None:
        self.server.store.received.clear()
        self.shop = factories.make_shop()
        self.account = factories.make_account(self.shop, port=self.server.port)

    def deliver(self) -> dict[str, Mail]:
        """Sends all that waits; the mails by delivery. None may be lost, doubled or astray."""
        accounts = SenderAccount.objects.filter(deliveries__state=State.QUEUED).distinct()
        # Of several messages about one order each waits for the one before.
        for _round in range(Delivery.objects.filter(state=State.QUEUED).count()):
            for account in accounts.all():
                Session(account, "tests:1", threading.Event()).run()
        assert not Delivery.objects.filter(state__in=WAITING).exists()
        sent = {each.pk.hex: each.address for each in Delivery.objects.filter(state=State.SENT)}
        received = self.server.store.received
        assert sorted(each.delivery for each in received) == sorted(sent)
        assert [each.rcpt_to for each in received] == [(sent[each.delivery],) for each in received]
        return {each.delivery: read(each) for each in received}

    def arrivals(self, door: Door, values: Mapping[str, str]) -> dict[str, Mail]:
        """One message for each value through ``door``, all sent in one session."""
        made = {kind: self._put(door, value) for kind, value in values.items()}
        mails = self.deliver()
        assert len(mails) == len(made)
        return {kind: self._as_logged(message, mails) for kind, message in made.items()}

    def _put(self, door: Door, value: str) -> MailMessage:
        door(self, value)
        [message] = self._new()
        self.last = message.pk
        return message

    def _new(self) -> list[MailMessage]:
        return list(MailMessage.objects.filter(pk__gt=self.last).defer("context"))

    def _as_logged(self, message: MailMessage, mails: dict[str, Mail]) -> Mail:
        delivery = message.deliveries.get()
        mail = mails[delivery.pk.hex]
        assert mail.subject == message.subject
        assert [address for _, address in mail.to] == [delivery.address]
        return mail

    def refusals(self, door: Door, values: Mapping[str, str]) -> dict[str, str]:
        """What is said about each value, at once or in the log. Nothing leaves."""
        told = {kind: self._refusal(door, value) for kind, value in values.items()}
        assert self.deliver() == {}
        return {kind: logged(each) for kind, each in told.items()}

    def _refusal(self, door: Door, value: str) -> str | MailMessage:
        try:
            return self._put(door, value)
        except (CommandError, ValidationError, Refused, ValueError) as error:
            assert self._new() == []
            return str(error)

    # The doors

    def queue(self, **values: Any) -> None:
        queue(make_draft(self.account, **{"recipients": (Recipient(ANNA),), **values}))

    def notify(self, to: str = ANNA, name: str = "", language: str = "", **context: Any) -> None:
        values = {"text": "x", **context}
        notify("note", shop=self.shop, to=to, name=name, language=language, context=values)

    def place(self, name: str = "", email: str = "", **values: Any) -> Order:
        known = {"email": email} if email else {}
        customer = factories.make_customer(self.shop, first_name=name, last_name="", **known)
        return factories.place_order(self.shop, customer, **values)

    @cached_property
    def order(self) -> Order:
        """An order whose own mail is no matter here."""
        order = self.place()
        MailMessage.objects.filter(order_number=order.number).delete()
        return order

    @cached_property
    def client(self) -> Client:
        client = Client()
        client.force_login(factories.make_user(self.shop))
        return client

    def command(self, *options: str, to: str = ANNA, **context: Any) -> None:
        path = self.folder / "context.json"
        path.write_text(json.dumps({"text": "x", **context}))
        known = (f"--to={to}", f"--shop={self.shop.slug}", f"--context={path}")
        call_command("send_message", "note", *known, *options)

    def mail(self, subject: str = "x", text: str = "x", *to: str, **more: Any) -> None:
        EmailMessage(subject, text, None, list(to) or [ANNA], **more).send()

    def note(self, text: str) -> None:
        self.order.write_note(text, occurrence=new_token())

    def note_form(self, text: str) -> None:
        self.form("note", text=text, token=new_token())

    def form(self, name: str, **values: str) -> None:
        """As a browser posts it; half characters come as bytes that are no UTF-8."""
        answer = self.client.post(
            reverse(f"shops:order_{name}", args=[self.shop.slug, self.order.pk]),
            urlencode(values, errors="surrogatepass"),
            content_type="application/x-www-form-urlencoded",
        )
        if answer.status_code != 302:
            assert answer.status_code == 422
            raise Refused(answer.context[f"{name}_form"].errors.as_json())


def logged(told: str | MailMessage) -> str:
    """What was said at once, or what the log says about a message that did not leave."""
    if isinstance(told, str):
        return told
    message = MailMessage.objects.defer("context").get(pk=told.pk)
    assert message.state in (State.FAILED, State.HELD)
    return f"{message.detail} {message.deliveries.get().last_reply}".strip()


type Door = Callable[[Stage, str], object]


# What is typed, and what is meant by it, by kind.
type Table = dict[str, tuple[str, str]]


def typed(table: Table) -> dict[str, str]:
    return {kind: value for kind, (value, _) in table.items()}


def meant(table: Table, pattern: str = "{}") -> dict[str, str]:
    return {kind: pattern.format(value) for kind, (_, value) in table.items()}


def all_say(told: dict[str, str], *words: str) -> bool:
    return all(word in each for each in told.values() for word in words)


def order_numbered(number: str) -> dict[str, Any]:
    return {"number": number, "items": [], "url": "", "total": "1.00"}


def quoted(name: str) -> str:
    """A name and Anna's address in one string, as callers of ``send_mail`` write them."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{ANNA}>'


NAME_DOORS: dict[str, Door] = {
    "queue": lambda stage, name: stage.queue(recipients=(Recipient(ANNA, name),)),
    "notify": lambda stage, name: stage.notify(name=name),
    "Order.place": lambda stage, name: stage.place(name=name),
    "send_message": lambda stage, name: stage.command(f"--name={name}"),
    "send_mail": lambda stage, name: stage.mail("x", "x", quoted(name)),
}
SUBJECT_DOORS: dict[str, tuple[Door, str]] = {
    "queue": (lambda stage, text: stage.queue(subject=text), "{}"),
    "send_mail": (lambda stage, text: stage.mail(text), "{}"),
    "notify": (
        lambda stage, number: stage.notify(order=order_numbered(number)),
        "W sprawie zamówienia {}",
    ),
    "Order.place": (
        lambda stage, number: stage.place(number=number),
        "Zamówienie {} przyjęte, dziękujemy",
    ),
    "send_message": (
        lambda stage, number: stage.command(order=order_numbered(number)),
        "W sprawie zamówienia {}",
    ),
}
TEXT_DOORS: dict[str, Door] = {
    "queue": lambda stage, text: stage.queue(body=Body(html=f"<p>{text}</p>", text=text)),
    "send_mail": lambda stage, text: stage.mail("x", text),
    "notify": lambda stage, text: stage.notify(text=text),
    "send_message": lambda stage, text: stage.command(text=text),
    "Order.write_note": lambda stage, text: stage.note(text),
    "the note form": lambda stage, text: stage.note_form(text),
}
ADDRESS_DOORS: dict[str, Door] = {
    "queue": lambda stage, address: stage.queue(recipients=(Recipient(address, "Anna"),)),
    "notify": lambda stage, address: stage.notify(to=address),
    "Order.place": lambda stage, address: stage.place(email=address),
    "send_message": lambda stage, address: stage.command(to=address),
    "send_mail": lambda stage, address: stage.mail("x", "x", address),
}
HEADER_DOORS: dict[str, Door] = {
    "queue": lambda stage, name: stage.queue(headers=((name, "1"),)),
    "send_mail": lambda stage, name: stage.mail(headers={name: "1"}),
}
NOTE_DOORS: dict[str, Door] = {
    "queue": lambda stage, value: stage.queue(headers=(("X-Note", value),)),
    "send_mail": lambda stage, value: stage.mail(headers={"X-Note": value}),
}
LINK_DOORS: dict[str, Door] = {
    "Order.place": lambda stage, link: stage.place(tracking_url=link),
    "Order.ship": lambda stage, link: stage.order.ship(link),
    "the form": lambda stage, link: stage.form("ship", tracking_url=link),
}
