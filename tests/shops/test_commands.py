from __future__ import annotations

import io
import json
import sys

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from mailaccounts.models import SenderAccount
from maillog.models import MailMessage
from maillog.states import State
from shops.models import Invitation, Membership, Order, Role, Shop
from templates_tx.models import TemplateAssignment
from tests import factories

RESET = {"link": "https://rowerownia.example/haslo/9vXr2", "valid_minutes": 60}


def run(command, *args, **options):
    """What the command writes to its standard output and error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(command, *args, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


# create_shop


def create(**changed):
    values = {
        "name": "Rowerownia",
        "slug": "rowerownia",
        "domain": "rowerownia.pl",
        "language": "pl",
        "currency": "PLN",
        "contact-email": "kontakt@rowerownia.pl",
        **changed,
    }
    return run("create_shop", *(f"--{name}={value}" for name, value in values.items()))


@pytest.mark.promise("S0.2")
def test_a_new_shop_prints_its_slug_and_has_its_default_account(db):
    assert create() == ("rowerownia\n", "")
    shop = Shop.objects.get(slug="rowerownia")
    assert (shop.language, shop.currency, shop.time_zone) == ("pl", "PLN", "Europe/Warsaw")
    account = SenderAccount.objects.get(shop=shop)
    assert (account.is_default, account.is_main, account.from_name) == (True, True, "Rowerownia")
    assert account.reply_to == "kontakt@rowerownia.pl"


@pytest.mark.parametrize(
    "option, value",
    [
        ("name", ""),
        ("slug", "a b"),
        ("domain", "https://rowerownia.pl"),
        ("language", "xx"),
        ("currency", "BTC"),
        ("time-zone", "Mars/Olympus"),
        ("contact-email", "kontakt"),
        ("contact-email", "a..b@rowerownia.pl"),
        ("owner", "nobody"),
    ],
)
def test_a_shop_that_makes_no_sense_is_refused_by_option(db, option, value):
    with pytest.raises(CommandError, match=f"^--{option}: "):
        create(**{option: value})
    assert not Shop.objects.exists()


def test_a_slug_exists_once(db):
    create()
    with pytest.raises(CommandError, match="^--slug: "):
        create(domain="other.pl")


def test_an_owner_who_exists_becomes_admin(db):
    user = factories.make_user(email="marta@rowerownia.pl")
    create(owner="Marta@rowerownia.pl")
    assert Membership.objects.get(user=user).role == Role.ADMIN
    assert not mail.outbox


def test_an_owner_who_is_new_is_invited(db):
    out, err = create(owner="marta@rowerownia.pl")
    assert out == "rowerownia\n"
    assert "http://localhost:8000/invitation/" in err
    assert Invitation.objects.get().role == Role.ADMIN
    assert mail.outbox[0].to == ["marta@rowerownia.pl"]


# place_order


def test_an_order_prints_its_number_and_queues_its_confirmation(shop):
    out, _err = run("place_order", "--shop", shop.slug, "--email", "jan@klient.example")
    order = Order.objects.get(number=out.strip())
    assert order.total == sum(line.total for line in order.lines.all()) + order.shipping_cost
    assert order.currency == shop.currency
    message = MailMessage.objects.get(message_type="order.placed")
    assert (message.to_text, message.state) == ("jan@klient.example", State.QUEUED)


def test_orders_get_numbers_of_their_own(shop):
    numbers = {run("place_order", "--shop", shop.slug)[0] for _ in range(3)}
    assert len(numbers) == 3
    assert shop.customers.count() == 1


def test_an_order_can_arrive_paid_and_shipped(shop):
    link = "https://inpost.example/1"
    run("place_order", "--shop", shop.slug, "--number", "A/1", "--paid", "--tracking-url", link)
    order = Order.objects.get(number="A/1")
    assert (order.payment_state, order.tracking_url) == ("paid", link)
    types = MailMessage.objects.values_list("message_type", flat=True)
    assert sorted(types) == ["order.paid", "order.placed", "order.shipped"]


@pytest.mark.parametrize(
    "option, value",
    [
        ("--shop", "nowhere"),
        ("--email", "x"),
        ("--number", "1" * 61),
        ("--tracking-url", "javascript:alert(1)"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_by_option(shop, option, value):
    options = {"--shop": shop.slug, option: value}
    with pytest.raises(CommandError, match=f"^{option}: "):
        run("place_order", *(f"{name}={given}" for name, given in options.items()))
    assert not Order.objects.exists()


def test_a_number_that_is_taken_is_refused(shop):
    factories.place_order(shop, number="7")
    with pytest.raises(CommandError, match="^--number: 7 is taken"):
        run("place_order", "--shop", shop.slug, "--number", "7")


# send_message


@pytest.fixture
def send(shop, tmp_path):
    def send(code="customer.password_reset", **changed):
        file = tmp_path / "context.json"
        file.write_text(json.dumps(RESET))
        options = {"shop": shop.slug, "to": "anna@klient.example", "context": file, **changed}
        return run("send_message", code, *(f"--{name}={value}" for name, value in options.items()))

    return send


def test_a_message_prints_its_id(send):
    out, err = send()
    message = MailMessage.objects.get(pk=out.strip())
    assert (message.message_type, message.to_text) == (
        "customer.password_reset",
        "anna@klient.example",
    )
    assert message.state == State.QUEUED
    assert err == ""


def test_the_context_may_come_from_the_standard_input(send, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(RESET)))
    out, _err = send(context="-")
    assert MailMessage.objects.get(pk=out.strip()).context["link"] == RESET["link"]


def test_the_language_decides_the_words(send):
    polish = MailMessage.objects.get(pk=send(language="pl")[0].strip())
    english = MailMessage.objects.get(pk=send(language="en")[0].strip())
    assert (polish.language, english.language) == ("pl", "en")
    assert polish.subject != english.subject


def test_the_same_occurrence_is_said_once_and_prints_the_same_id(send):
    first, _err = send(occurrence="reset:417")
    again, err = send(occurrence="reset:417")
    assert first == again
    assert "was queued before" in err
    assert MailMessage.objects.count() == 1


def test_a_type_that_is_switched_off_is_logged_and_prints_its_id(send, shop):
    TemplateAssignment.objects.create(
        shop=shop, message_type="customer.password_reset", is_on=False
    )
    out, _err = send()
    assert MailMessage.objects.get(pk=out.strip()).state == State.NOT_SENT


@pytest.mark.parametrize(
    "code, changed, told",
    [
        ("order.nonsense", {}, "TYPE: order.nonsense is none of order.placed"),
        ("note", {"shop": "nowhere"}, "--shop: "),
        ("note", {"to": "anna"}, "--to: "),
        ("note", {"to": "Anna <anna@x.example>"}, "--to: "),
        ("note", {"to": "anna@x.example\r\nBcc: b@x.example"}, "--to: "),
        ("note", {"language": "xx"}, "--language: xx is none of en"),
        ("note", {"occurrence": "x" * 2001}, "--occurrence: "),
        ("note", {"occurrence": "a\udcff"}, "--occurrence: "),
        ("note", {"name": "a\udcff"}, "--name: "),
        ("note", {"context": "/nowhere.json"}, "--context: /nowhere.json cannot be read"),
    ],
)
def test_a_wrong_argument_is_named(send, code, changed, told):
    with pytest.raises(CommandError) as refusal:
        send(code, **changed)
    assert str(refusal.value).startswith(told)
    assert not MailMessage.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff\xfe",
        b'{"text": "a\\u0000"}',
        b'{"text": "\\ud800"}',
        b"[" * 100_000,
        b'{"text": "' + b"x" * 1_100_000 + b'"}',
        b'{"order": {"number": {"a": 1}}}',
        b"{}",
    ],
)
def test_a_context_that_cannot_be_used_is_named(shop, tmp_path, content):
    file = tmp_path / "context.json"
    file.write_bytes(content)
    arguments = ["note", "--shop", shop.slug, "--to", "a@klient.example", "--context", str(file)]
    with pytest.raises(CommandError, match="^--context: "):
        run("send_message", *arguments)
    assert not MailMessage.objects.exists()
