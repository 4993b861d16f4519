"""Headers and return addresses that receivers look at, on the wire."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.sink_store import Received
from mailaccounts.models import SenderAccount
from maillog import envelope
from maillog.models import Delivery
from maillog.outbox import queue
from shops.uuid7 import uuid7
from tests import factories
from tests.maillog.test_session import account_at, make_draft, send_all
from tests.smtp import sink


@given(st.uuids(), st.from_regex(r"[a-z0-9._-]{1,36}", fullmatch=True))
def test_a_marked_return_address_names_its_delivery(pk: UUID, local: str) -> None:
    marked = envelope.tagged(f"{local}@sklep.example", pk)
    assert marked.startswith(f"{local}+b") and marked.endswith("@sklep.example")
    assert marked == marked.lower() and len(marked.partition("@")[0]) <= 64
    assert envelope.delivery_of(marked) == envelope.delivery_of(f"<{marked.upper()}>") == pk


@given(st.text(max_size=90))
def test_any_other_address_names_none(text: str) -> None:
    assert envelope.delivery_of(text) is None


@pytest.mark.parametrize(
    "address",
    [
        "sklep@sklep.example",
        "sklep+b@sklep.example",
        "sklep+baaaaaaaaaaaaaaaaaaaaaaaaab@sklep.example",  # bits that no UUID has
        "sklep+b0aaaaaaaaaaaaaaaaaaaaaaaaa@sklep.example",
        "sklep+xaaaaaaaaaaaaaaaaaaaaaaaaaa@sklep.example",
        "+baaaaaaaaaaaaaaaaaaaaaaaaaa@sklep.example",
        "sklep+baaaaaaaaaaaaaaaaaaaaaaaaaa@",
    ],
)
def test_what_is_not_quite_ours_names_none(address: str) -> None:
    assert envelope.delivery_of(address) is None


def test_an_address_that_would_be_too_long_stays_as_it_is() -> None:
    pk = uuid7()
    fits, long = ("a" * length + "@sklep.example" for length in (36, 37))
    assert len(envelope.tagged(fits, pk).partition("@")[0]) == 64
    assert envelope.tagged(long, pk) == long


def sent(**values: Any) -> tuple[Received, Message, Delivery]:
    """One message as the server got it, from an account with ``values["account"]``."""
    with sink() as server:
        account = account_at(server.port, **values.pop("account", {}))
        message = queue(make_draft(account, **values))
        assert message is not None
        send_all(account)
        [arrived] = server.store.received
    return arrived, message_from_bytes(arrived.content), message.deliveries.get()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_tagged", [True, False])
def test_bounces_come_back_to_an_address_that_names_the_delivery(is_tagged: bool) -> None:
    arrived, parsed, delivery = sent(account={"tagged_envelope": is_tagged})
    found = envelope.delivery_of(arrived.mail_from)
    assert found == (delivery.pk if is_tagged else None)
    assert is_tagged or arrived.mail_from == delivery.message.from_address
    assert delivery.message.from_address in parsed["From"]
    assert parsed["X-Postroom-Delivery"] == delivery.pk.hex


@pytest.mark.django_db(transaction=True)
def test_mail_says_that_no_person_wrote_it() -> None:
    _arrived, parsed, _delivery = sent()
    assert parsed.get_all("Auto-Submitted") == ["auto-generated"]


@pytest.mark.django_db(transaction=True)
def test_what_a_message_says_of_itself_stands() -> None:
    _arrived, parsed, _delivery = sent(headers=(("auto-submitted", "auto-replied"),))
    assert parsed.get_all("Auto-Submitted") == ["auto-replied"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("of_type", "of_account", "expected"),
    [
        ("", "", None),
        ("", "biuro@sklep.example", "biuro@sklep.example"),
        ("reklamacje@sklep.example", "biuro@sklep.example", "reklamacje@sklep.example"),
    ],
)
def test_answers_go_where_the_type_says_else_where_the_account_says(
    of_type: str, of_account: str, expected: str | None
) -> None:
    _arrived, parsed, _delivery = sent(reply_to=of_type, account={"reply_to": of_account})
    assert parsed["Reply-To"] == expected


@pytest.mark.django_db(transaction=True)
def test_no_account_is_looked_up_for_each_message_of_a_batch(
    django_assert_max_num_queries: Any,
) -> None:
    with sink() as server:
        account: SenderAccount = factories.make_account(
            factories.make_shop(), port=server.port, tagged_envelope=True
        )
        for number in range(5):
            queue(make_draft(account, f"a{number}@klient.example"))
        with django_assert_max_num_queries(200) as context:
            send_all(account)
    asked = [each["sql"] for each in context if 'FROM "mailaccounts_senderaccount"' in each["sql"]]
    assert len(asked) == 1, "the test's own look at the row"
