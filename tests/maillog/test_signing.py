"""Signed mail, verified by dkimpy as it arrived over SMTP; and what may not hold mail back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dkim
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from demo.sink_faults import Fault, Stage
from mailaccounts.dkim import activate, forget_keys, kept, kept_signing_keys, new_key
from mailaccounts.models import DkimKey, KeyState, SenderAccount, SenderDomain
from maillog import registry
from maillog.mime import Attachment
from maillog.models import Delivery, MailMessage
from maillog.outbox import queue
from maillog.registry import Body
from maillog.signing import Signer
from maillog.states import Role, State
from shops.models import Alarm, Shop
from tests import factories
from tests.dkim_keys import PRIVATE, PUBLIC
from tests.maillog.test_session import make_draft, send_all
from tests.smtp import independent_server, sink

pytestmark = pytest.mark.django_db(transaction=True)


def signing_account(port: int, **values: Any) -> SenderAccount:
    """An account whose domain has a key in use."""
    account = factories.make_account(factories.make_shop(), port=port, **values)
    domain = SenderDomain.objects.create(shop=account.shop, domain=account.from_domain)
    DkimKey.objects.create(
        domain=domain,
        selector="pr202611ab12",
        private_key=PRIVATE,
        public_key=PUBLIC,
        state=KeyState.ACTIVE,
    )
    return account


def verify(content: bytes) -> bool:
    """What dkimpy says, asking for the records that the shop's keys have."""

    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        selector, _dot, domain = name.decode().rstrip(".").partition("._domainkey.")
        key = DkimKey.objects.filter(selector=selector, domain__domain=domain).first()
        return f"v=DKIM1; k=rsa; p={key.public_key}".encode() if key else None

    return bool(dkim.verify(content, dnsfunc=look_up))


def signature_of(content: bytes) -> str:
    head = content.split(b"\r\n\r\n")[0].replace(b"\r\n ", b"")
    lines = [each for each in head.split(b"\r\n") if each.startswith(b"DKIM-Signature:")]
    assert len(lines) <= 1
    return lines[0].decode() if lines else ""


def built(message: MailMessage) -> bytes:
    found = Delivery.objects.select_related("message__body").get(message=message, role=Role.MAIN)
    return registry.channels["email"].build(found).content


TEXT = "Dziękujemy, Anno.\n.\n..kropki na początku\n  dużo   odstępów  \t\n" + "Żółć! " * 400
MAILS: dict[str, dict[str, Any]] = {
    "Polish": {"subject": "Zażółć gęślą jaźń: zamówienie 10482 przyjęte"},
    "dots and blanks": {"body": Body(html="<p>Hej</p>", text=TEXT)},
    "long headers": {
        "subject": "Zamówienie " + "bardzo długie " * 40,
        "reply_to": "b@klient.example",
    },
    "empty": {"body": Body(html="", text="")},
    "HTML only": {"body": Body(html="<p>" + "Dziękujemy " * 500 + "</p>", text="")},
    "files": {
        "attachments": (
            Attachment("Faktura Żółć.pdf", "application/pdf", bytes(range(256)) * 400),
            Attachment("uwagi.txt", "text/plain; charset=utf-8", "zażółć\r\n.\r\n".encode()),
        )
    },
}


@pytest.mark.promise("S5.3")
@pytest.mark.parametrize("values", MAILS.values(), ids=MAILS)
def test_what_arrived_at_an_independent_server_verifies(values: dict[str, Any]) -> None:
    with independent_server() as (strict, port):
        account = signing_account(port)
        message = queue(make_draft(account, **values))
        send_all(account)
    assert message is not None
    [envelope] = strict.envelopes
    assert verify(envelope.content)
    assert "d=rowerownia.example; s=pr202611ab12;" in signature_of(envelope.content).replace(
        ";d", "; d"
    )
    assert not verify(envelope.content.replace(b"Message-ID: <", b"Message-ID: <x"))
    assert built(message) == envelope.content


@pytest.mark.promise("S5.3")
def test_what_arrived_at_the_sink_verifies_for_each_recipient_and_copy() -> None:
    with sink() as server:
        account = signing_account(server.port, copy_to="szef@sklep.example")
        for number in range(5):
            queue(make_draft(account, to=f"a{number}@klient.example"))
        send_all(account)
        contents = [stored.content for stored in server.store.received]
    assert len(contents) == 10
    assert all(verify(each) for each in contents)


def test_an_address_with_letters_outside_ascii_is_signed_in_8_bit_headers() -> None:
    with independent_server(enable_SMTPUTF8=True, decode_data=False) as (strict, port):
        account = signing_account(port)
        queue(make_draft(account, to="żaneta@klient.example"))
        send_all(account)
    [envelope] = strict.envelopes
    assert not envelope.content.isascii()
    assert verify(envelope.content)


def test_the_signatures_of_a_batch_cost_one_query_and_one_commit(shop: Shop) -> None:
    def cost(server: Any, account: SenderAccount, count: int) -> list[str]:
        for number in range(count):
            queue(make_draft(account, to=f"a{number}@klient.example"))
        forget_keys()
        with CaptureQueriesContext(connection) as caught:
            send_all(account)
        return [each["sql"] for each in caught.captured_queries]

    with sink() as server:
        plain, keyed = factories.make_account(shop, port=server.port), signing_account(server.port)
        without, few, many = (cost(server, *each) for each in ((plain, 6), (keyed, 2), (keyed, 6)))
    asked = [sum("mailaccounts_dkimkey" in sql for sql in each) for each in (without, few, many)]
    assert asked == [1, 1, 1]
    stored = [sum("SET wire_headers" in sql for sql in each) for each in (without, few, many)]
    # The log of queries has one line for the whole of an ``executemany``.
    assert stored == [0, 1, 1]


def test_sessions_that_follow_each_other_ask_for_the_keys_once(shop: Shop) -> None:
    with sink() as server:
        plain, keyed = factories.make_account(shop, port=server.port), signing_account(server.port)
        for account, signs in ((plain, False), (keyed, True)):
            with CaptureQueriesContext(connection) as caught:
                for number in range(3):
                    queue(make_draft(account, to=f"a{number}@klient.example"))
                    send_all(account)
            asked = ["mailaccounts_dkimkey" in each["sql"] for each in caught.captured_queries]
            assert sum(asked) == 1
            assert {bool(signature_of(each.content)) for each in server.store.received} == {signs}
            server.store.received.clear()


def test_keys_that_are_kept_get_old_and_are_dropped_with_any_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = signing_account(1)
    domain = SenderDomain.objects.get()

    def selectors() -> list[str]:
        assert account.shop_id is not None
        return [each.selector for each in kept_signing_keys(account.shop_id).values()]

    assert selectors() == ["pr202611ab12"]
    DkimKey.objects.update(state=KeyState.RETIRED)
    assert selectors() == ["pr202611ab12"], "for some seconds"
    monkeypatch.setattr(kept, "KEPT", 0.0)
    assert selectors() == []
    monkeypatch.undo()
    key = new_key(domain)
    assert activate(key) and selectors() == [key.selector]
    key.delete()
    assert selectors() == []


def test_a_test_address_that_is_the_recipient_is_marked_once() -> None:
    """The envelope stays the same: only the mark and the header line are new."""
    busy = Fault(Stage.DOT, times=1)
    for keyed in (False, True):
        with sink(faults=[busy]) as server:
            account = signing_account(server.port)
            if not keyed:
                DkimKey.objects.all().delete()
            message = queue(make_draft(account, to="test@sklep.example"))
            Shop.objects.update(test_mode="redirect", test_address="test@sklep.example")
            send_all(account)
            stored = Delivery.objects.get(message=message)
            assert stored.subject_prefix == "[TEST] "
            Delivery.objects.update(due_at=stored.message.created_at)
            send_all(account)
            [arrived] = server.store.received
        assert arrived.content.count(b"X-Original-To:") == 1
        assert message is not None and built(message) == arrived.content
        Shop.objects.all().update(test_mode="off")


def test_a_kind_that_signs_elsewhere_is_not_even_asked_for_keys(shop: Shop) -> None:
    account = factories.make_account(shop, kind="freshmail", host="")
    with CaptureQueriesContext(connection) as caught:
        Signer(account).sign([])
    assert not caught.captured_queries


def test_a_retry_carries_the_same_signature() -> None:
    busy = Fault(Stage.DOT, times=1)
    with sink(faults=[busy]) as server:
        account = signing_account(server.port)
        message = queue(make_draft(account))
        send_all(account)
        assert message is not None
        first = message.deliveries.get()
        assert (first.state, first.wire_headers[0][0]) == (State.DEFERRED, "DKIM-Signature")
        Delivery.objects.update(due_at=first.message.created_at)
        send_all(account)
        [arrived] = server.store.received
    again = message.deliveries.get()
    assert again.state == State.SENT
    assert again.wire_headers == first.wire_headers
    assert verify(arrived.content)


def test_a_new_key_signs_anew_and_mail_of_the_old_one_still_verifies() -> None:
    busy = Fault(Stage.DOT, times=1)
    with sink(faults=[busy]) as server:
        account = signing_account(server.port)
        message = queue(make_draft(account))
        send_all(account)
        assert message is not None
        old = built(message)
        assert activate(new_key(SenderDomain.objects.get()))
        Delivery.objects.update(due_at=message.created_at)
        send_all(account)
        [arrived] = server.store.received
    assert signature_of(arrived.content) != signature_of(old)
    assert verify(arrived.content)
    assert verify(old)


def test_a_message_that_moves_to_another_account_loses_the_signature() -> None:
    busy = Fault(Stage.DOT, times=1)
    with sink(faults=[busy]) as server:
        account = signing_account(server.port)
        message = queue(make_draft(account))
        send_all(account)
        DkimKey.objects.update(state=KeyState.RETIRED, private_key="")
        forget_keys()
        Delivery.objects.update(due_at=Delivery.objects.get().message.created_at)
        send_all(account)
        [arrived] = server.store.received
    assert message is not None
    assert signature_of(arrived.content) == ""
    assert built(message) == arrived.content


def test_mail_in_test_mode_is_signed_as_it_is_redirected() -> None:
    with sink() as server:
        account = signing_account(server.port)
        message = queue(make_draft(account))
        Shop.objects.update(test_mode="redirect", test_address="test@sklep.example")
        send_all(account)
        [arrived] = server.store.received
    assert message is not None
    assert arrived.rcpt_to == ("test@sklep.example",)
    assert verify(arrived.content)
    delivery = message.deliveries.get()
    assert (delivery.envelope_to, delivery.subject_prefix) == ("test@sklep.example", "[TEST] ")
    assert built(message) == arrived.content


@pytest.mark.promise("S5.3")
@pytest.mark.parametrize("state", [KeyState.NEW, KeyState.RETIRING, KeyState.RETIRED])
def test_only_a_key_in_use_signs(state: KeyState) -> None:
    with sink() as server:
        account = signing_account(server.port)
        DkimKey.objects.update(state=state)
        queue(make_draft(account))
        send_all(account)
        [arrived] = server.store.received
    assert signature_of(arrived.content) == ""


def test_another_shops_key_for_the_same_domain_signs_nothing_of_ours() -> None:
    with sink() as server:
        signing_account(server.port)
        account = factories.make_account(factories.make_shop(), port=server.port)
        queue(make_draft(account))
        send_all(account)
        [arrived] = server.store.received
    assert signature_of(arrived.content) == ""


def test_a_key_that_cannot_be_used_alarms_and_the_mail_leaves_unsigned() -> None:
    with sink() as server:
        account = signing_account(server.port)
        DkimKey.objects.update(private_key="not a key")
        messages = [queue(make_draft(account, to=f"a{n}@klient.example")) for n in range(3)]
        send_all(account)
        assert [signature_of(stored.content) for stored in server.store.received] == ["", "", ""]
    for message in messages:
        assert message is not None
        message.refresh_from_db()
        assert (message.state, message.notes) == (State.SENT, ["unsigned"])
    alarm = Alarm.objects.get()
    assert (alarm.code, alarm.shop) == ("domain.dkim_key", account.shop)
    assert "not a key" not in alarm.text


def test_a_message_that_cannot_be_built_fails_alone() -> None:
    with sink() as server:
        account = signing_account(server.port)
        broken = queue(make_draft(account))
        good = queue(make_draft(account, to="b@klient.example"))
        assert broken is not None and good is not None
        MailMessage.objects.filter(pk=broken.pk).update(headers=[["Bcc", "x@y.example"]])
        send_all(account)
        assert len(server.store.received) == 1
    assert broken.deliveries.get().state == State.FAILED
    assert good.deliveries.get().state == State.SENT


def test_what_expired_is_not_signed() -> None:
    with sink() as server:
        account = signing_account(server.port)
        message = queue(make_draft(account))
        assert message is not None
        Delivery.objects.update(expires_at=message.created_at - timedelta(seconds=1))
        send_all(account)
    assert message.deliveries.get().wire_headers == []
