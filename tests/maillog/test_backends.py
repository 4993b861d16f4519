from __future__ import annotations

import threading

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, send_mail
from django.test import Client

from mailaccounts.models import system_account
from maillog import mime, registry
from maillog.models import Delivery, MailMessage
from maillog.session import Session
from maillog.states import State
from shops.models import Shop
from tests import factories
from tests.smtp import sink

pytestmark = pytest.mark.django_db

BACKEND = "maillog.backends.OutboxBackend"


@pytest.fixture(autouse=True)
def real_backend(settings: pytest.FixtureRequest) -> None:
    """Django's test runner swaps every mailer for one in memory; these tests want ours."""
    settings.MAILERS = {"default": {"BACKEND": BACKEND}}  # type: ignore[attr-defined]


def the_message() -> MailMessage:
    return MailMessage.objects.get()


def wire() -> mime.ParsedMail:
    delivery = Delivery.objects.select_related("message__body").first()
    assert delivery is not None
    return mime.parse_parts(registry.channels["email"].build(delivery).content)


@pytest.mark.promise("S2.8")
def test_any_send_mail_is_a_row_in_the_log() -> None:
    send_mail("Nowe\nhasło", "Dzień dobry", None, ["anna@klient.example"])
    message = the_message()
    assert (message.shop, message.message_type) == (None, "system.mail")
    assert message.subject == "Nowe hasło" and message.sensitive
    assert message.account == system_account()


def test_it_leaves_through_the_installations_own_server(settings: pytest.FixtureRequest) -> None:
    with sink() as server:
        settings.SYSTEM_SENDER_URL = f"smtp://127.0.0.1:{server.port}"  # type: ignore[attr-defined]
        send_mail("Hej", "Dzień dobry", None, ["anna@klient.example"])
        Session(system_account(), "tests:1", threading.Event()).run()
    assert server.store.count == 1 and the_message().state == State.SENT


def test_text_html_files_and_every_kind_of_recipient_come_through() -> None:
    message = EmailMultiAlternatives(
        "Umowa", "tekst", None, ["a@x.example"], bcc=["c@x.example"], cc=["b@x.example"]
    )
    message.attach_alternative("<p>html</p>", "text/html")
    message.attach("umowa.pdf", b"%PDF-1.7", "application/pdf")
    message.attach("list.eml", "Subject: x\n\ny", "message/rfc822")
    message.send()
    parsed = wire()
    assert parsed.html.strip() == "<p>html</p>" and parsed.text.strip() == "tekst"
    assert [each.name for each in parsed.attachments] == ["umowa.pdf", "list.eml"]
    roles = Delivery.objects.values_list("role", "address")
    assert set(roles) == {("main", "a@x.example"), ("cc", "b@x.example"), ("bcc", "c@x.example")}


def test_our_own_headers_cannot_be_forged_and_others_must_begin_with_x() -> None:
    EmailMessage(
        "x",
        "y",
        None,
        ["a@x.example"],
        headers={"X-Shop": "1", "X-Postroom-Delivery": "forged", "Bcc": "b@x.example"},
    ).send()
    assert the_message().headers == [["X-Shop", "1"]]


def test_a_rollback_takes_the_mail_with_it() -> None:
    from django.db import transaction

    with pytest.raises(RuntimeError), transaction.atomic():
        send_mail("Hej", "x", None, ["a@x.example"])
        raise RuntimeError
    assert not MailMessage.objects.exists()


@pytest.mark.promise("S2.8")
def test_the_panels_own_password_mail_is_logged_and_its_link_is_not_shown(shop: Shop) -> None:
    user = factories.make_user(shop)
    Client().post("/accounts/password/reset/", {"email": user.email})
    message = the_message()
    assert message.deliveries.get().address == user.email and message.sensitive
