"""The page of one message: its verdict, its tries, its content in safe dress, its buttons."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog.mime import Attachment
from maillog.models import Delivery, MailMessage
from maillog.outbox import Recipient
from maillog.registry import Body
from maillog.session import Session
from maillog.states import Reason, Role, State
from shops.models import AuditEntry, Shop
from shops.models import Role as ShopRole
from tests import factories
from tests.maillog.logged import end, logged
from tests.smtp import sink

pytestmark = pytest.mark.django_db

PAGES = ("message", "message_html", "message_pictures", "message_eml")
DEEDS = ("send_again", "try_again", "stop")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(name: str, message: MailMessage, shop: Shop | None = None, **more: Any) -> str:
    place = shop or message.shop
    assert place is not None
    return reverse(f"maillog:{name}", kwargs={"shop": place.slug, "message": message.pk, **more})


def page_of(client: Client, message: MailMessage, query: str = "", **headers: str) -> str:
    response = client.get(f"{url('message', message)}?{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def words(html: str) -> str:
    """The page's text alone."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", html).split()))


# Who may


@pytest.mark.parametrize("name", PAGES)
def test_another_shops_message_does_not_exist(shop, other_shop, stranger, owner_client, name):
    message = logged(shop)
    assert client_of(stranger).get(url(name, message)).status_code == 404
    assert client_of(stranger).get(url(name, message, other_shop)).status_code == 404
    assert owner_client.get(url(name, message)).status_code == 200


@pytest.mark.parametrize("name", DEEDS)
def test_a_viewer_reads_and_does_nothing_else(shop, colleague, name):
    message = logged(shop)
    client = client_of(colleague)
    page = page_of(client, message)
    assert f'action="{url(name, message)}"' not in page
    assert client.post(url(name, message)).status_code == 403
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("name", DEEDS)
def test_a_stranger_can_do_nothing(shop, other_shop, stranger, name):
    message = logged(shop)
    assert client_of(stranger).post(url(name, message)).status_code == 404
    assert client_of(stranger).post(url(name, message, other_shop)).status_code == 404
    assert message.deliveries.get().state == State.QUEUED


@pytest.mark.parametrize("name", DEEDS)
def test_reading_never_does_anything(shop, owner_client, name):
    assert owner_client.get(url(name, logged(shop))).status_code == 405


def test_the_installations_own_mail_is_for_operators(shop, owner_client, operator):
    message = logged(None, account=shop.sender_accounts.get())
    assert owner_client.get(url("message", message, shop)).status_code == 404
    assert client_of(operator).get(url("message", message, shop)).status_code == 200


# What became of it


def test_it_says_who_accepted_it_and_when(shop, owner_client):
    message = end(logged(shop), State.SENT, "sent")
    assert re.search(r"Accepted by mx\.wp\.example at \d\d:\d\d", page_of(owner_client, message))


def test_it_says_that_the_account_is_paused_and_what_the_server_said(shop, owner_client):
    message = logged(shop)
    SenderAccount.objects.update(breaker="open", breaker_reason="535 5.7.8 wrong password")
    text = words(page_of(owner_client, message))
    assert "Waiting: the account “Default account” is paused" in text
    assert "535 5.7.8 wrong password" in text


def test_it_says_at_which_line_a_text_could_not_be_made(shop, owner_client):
    message = logged(
        shop, born=State.HELD, reason=Reason.TEMPLATE, detail="html, line 14: order.totl: unknown"
    )
    text = words(page_of(owner_client, message))
    assert "Generation failure: the text of this message could not be made" in text
    assert "The mistake is in the HTML, line 14." in text and "order.totl: unknown" in text


def test_it_says_that_nobody_can_know(shop, owner_client):
    message = end(logged(shop), State.UNKNOWN, "unknown", code=None, text="connection lost")
    text = words(page_of(owner_client, message))
    assert "Perhaps sent" in text and "may get it twice" in text


@pytest.mark.promise("S2.12")
def test_it_keeps_the_servers_own_words_about_a_failure(shop, owner_client):
    said = "5.1.2 <anna@gmial.example>: Recipient address rejected: Domain not found"
    message = end(logged(shop), State.FAILED, "recipient", code=550, text=said)
    page = page_of(owner_client, message)
    assert "Not delivered to anna@klient.example" in page
    assert "The server does not take mail for this address." in page
    assert "550 5.1.2 &lt;anna@gmial.example&gt;: Recipient address rejected" in page


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_sentence(shop, owner_client, state):
    message = logged(shop)
    values: dict[str, Any] = {"state": state, "ended_at": timezone.now(), "last_answer": "weird"}
    if state == State.CLAIMED:
        values["lease_until"] = timezone.now()
    if state == State.HELD:
        values["reason"] = "poison"
    if state == State.UNKNOWN:
        values["dot_at"] = timezone.now()
    Delivery.objects.update(**values)
    MailMessage.objects.update(state=state)
    assert 'class="' in page_of(owner_client, message)


@pytest.mark.promise("S2.15")
def test_the_error_log_names_every_recipient_with_its_reason(shop, owner_client):
    people = (
        Recipient("a@x.example"),
        Recipient("b@x.example", role=Role.CC),
        Recipient("c@x.example", role=Role.BCC),
        Recipient("szef@x.example", role=Role.COPY),
    )
    message = end(logged(shop, recipients=people), State.FAILED, "mailbox_full", text="4.2.2 full")
    page = page_of(owner_client, message, "tab=recipients")
    text = words(page)
    for address in ("a@x.example", "b@x.example", "c@x.example", "szef@x.example"):
        assert address in text
    assert text.count("The recipient's mailbox is full.") >= 4 and "Copies of the shop" in text
    assert "Error log" in page_of(owner_client, message)


def test_a_withheld_copy_is_mentioned(shop, owner_client):
    factories.make_account(shop, copy_to="szef@x.example")
    message = logged(shop, sensitive=True)
    assert "No copy was sent" in page_of(owner_client, message)


def test_many_recipients_cost_no_more_queries(shop, owner_client, django_assert_max_num_queries):
    people = tuple(Recipient(f"c{number}@x.example") for number in range(200))
    message = end(logged(shop, recipients=people), State.SENT, "sent")
    for tab in ("timeline", "recipients", "headers", "files", "source"):
        page_of(owner_client, message, f"tab={tab}")
        with django_assert_max_num_queries(18):
            page_of(owner_client, message, f"tab={tab}")


def test_a_waiting_message_asks_again_until_it_has_ended(shop, owner_client):
    message = logged(shop)
    page = page_of(owner_client, message)
    seen = re.search(r'"X-Seen": "(\w+)"', page)
    assert seen and "every 1s" in page
    headers = {"HX-Target": "viewer", "X-Seen": seen[1]}
    assert owner_client.get(url("message", message), headers=headers).status_code == 204
    end(message, State.SENT, "sent")
    part = owner_client.get(url("message", message), headers=headers).content.decode()
    assert "Accepted by" in part and "every 1s" not in part and "<html" not in part


def test_what_waits_for_hours_does_not_ask_every_second(shop, owner_client):
    message = logged(shop)
    later = timezone.now() + timedelta(hours=2)
    Delivery.objects.update(state=State.DEFERRED, due_at=later)
    assert "every 1s" not in page_of(owner_client, message)


# The mail as sent


@pytest.mark.promise("S2.11")
def test_the_frame_shows_the_html_exactly_as_sent(shop, owner_client):
    html = "<!doctype html><p style='color:red'>Dziękujemy &amp; pozdrawiamy</p>"
    message = end(logged(shop, body=Body(html, "x")), State.SENT, "sent")
    page = page_of(owner_client, message)
    assert f'src="{url("message_html", message)}"' in page
    assert re.search(r"<iframe[^>]* sandbox (?!=)", page)
    assert owner_client.get(url("message_html", message)).content.decode() == html


@pytest.mark.parametrize(("name", "images"), [("message_html", False), ("message_pictures", True)])
def test_the_frame_has_a_policy_of_its_own(shop, owner_client, name, images):
    response = owner_client.get(url(name, logged(shop)))
    policy = {
        part.split()[0]: part.split()[1:]
        for part in response["Content-Security-Policy"].split("; ")
    }
    assert policy["default-src"] == ["'none'"] and policy["form-action"] == ["'none'"]
    assert policy["sandbox"] == [] and "script-src" not in policy
    assert policy["frame-ancestors"] == ["'self'"]
    assert ("https:" in policy["img-src"]) is images
    own = ("data:", "/media/", "/static/")
    assert images or all(each.endswith(own) for each in policy["img-src"])
    assert "no-store" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Frame-Options"] == "SAMEORIGIN"


def test_pictures_inside_the_mail_are_shown(shop, owner_client):
    files = (
        Attachment("logo.png", "image/png", b"\x89PNG", "logo@x"),
        Attachment("evil.svg", "image/svg+xml", b"<svg/>", "evil@x"),
    )
    body = Body('<img src="cid:logo@x"><img src="cid:evil@x">', "x")
    shown = owner_client.get(url("message_html", logged(shop, attachments=files, body=body)))
    assert b'src="data:image/png;base64,iVBORw=="' in shown.content
    assert b'src="cid:evil@x"' in shown.content


@pytest.mark.django_db(transaction=True)
@pytest.mark.promise("S2.11")
def test_the_eml_is_byte_for_byte_what_the_server_got() -> None:
    with sink() as server:
        account = factories.make_account(factories.make_shop(), port=server.port)
        files = (Attachment("faktura ł.pdf", "application/pdf", b"%PDF" * 99),)
        message = logged(account.shop, attachments=files, headers=(("X-Shop", "ą"),))
        Session(account, "tests:1", threading.Event()).run()
        [received] = server.store.received
    client = client_of(factories.make_user(account.shop, ShopRole.VIEWER))
    response = client.get(url("message_eml", message))
    assert response.content == received.content
    assert response["Content-Type"] == "message/rfc822"
    assert response["Content-Disposition"].startswith("attachment")


def test_there_is_no_eml_before_the_mail_was_made(shop, owner_client):
    message = logged(shop, body=None, context={}, template_version=1)
    response = owner_client.get(url("message_eml", message), follow=True)
    assert "has not been made yet" in response.content.decode()
    assert owner_client.get(url("message_html", message)).status_code == 404


def test_headers_and_source_come_from_the_real_bytes(shop, owner_client):
    message = end(logged(shop), State.SENT, "sent")
    headers = page_of(owner_client, message, "tab=headers")
    assert "Message-ID" in headers and "Zamówienie 10482 przyjęte" in headers
    assert "MIME-Version: 1.0" in page_of(owner_client, message, "tab=source")


def test_the_text_part_can_be_read(shop, owner_client):
    page = page_of(owner_client, logged(shop), "as=text")
    assert "Dziękujemy" in page and "<iframe" not in page


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("faktura ł.pdf", "faktura%20%C5%82.pdf"),
        ("../../etc/passwd", "_etc_passwd"),
        ('a"; filename="evil.html', "evil.html"),
        ("a\r\nSet-Cookie: x=1.pdf", "Set-Cookie_ x=1.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("...", "file"),
    ],
)
def test_an_attachment_is_only_ever_saved(shop, owner_client, name, saved):
    message = logged(shop, attachments=(Attachment("x", "text/html", b"<script>1</script>"),))
    attachment = message.attachments.get()
    attachment.name = name
    attachment.save()
    response = owner_client.get(url("message_file", message, file=attachment.pk))
    assert response.content == b"<script>1</script>"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert response["Content-Disposition"].startswith("attachment")
    assert saved in response["Content-Disposition"] and "Set-Cookie" not in response.headers


def test_an_attachment_of_another_message_is_not_found(shop, other_shop, owner_client):
    foreign = logged(other_shop, attachments=(Attachment("x", "text/plain", b"1"),))
    file = foreign.attachments.get().pk
    assert owner_client.get(url("message_file", logged(shop), file=file)).status_code == 404


@pytest.mark.promise("S2.11")
def test_a_personal_link_is_shown_to_nobody(shop, owner_client, operator):
    secret = "https://rowerownia.example/reset/s3cr3t"
    message = logged(
        shop,
        sensitive=True,
        body=Body(f"<a href='{secret}'>x</a>", secret),
        context={"link": secret},
        attachments=(Attachment("link.txt", "text/plain", secret.encode()),),
    )
    file = message.attachments.get().pk
    for client in (owner_client, client_of(operator)):
        for tab in ("timeline", "recipients", "headers", "files", "source", "timeline&as=text"):
            assert "s3cr3t" not in page_of(client, message, f"tab={tab}")
        assert "personal link" in page_of(client, message)
        for name in ("message_html", "message_pictures"):
            assert client.get(url(name, message)).status_code == 404
        assert client.get(url("message_file", message, file=file)).status_code == 404
        assert b"s3cr3t" not in client.get(url("message_eml", message), follow=True).content


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 }}'


def test_hostile_words_are_text_on_every_tab(shop, owner_client):
    message = logged(shop, recipients=(Recipient("a@x.example"), Recipient("b@x.example")))
    end(message, State.FAILED, "recipient", text=HOSTILE, server=HOSTILE, tls=HOSTILE[:60])
    MailMessage.objects.update(
        subject=HOSTILE,
        from_name=HOSTILE[:78],
        to_text=HOSTILE,
        detail=HOSTILE,
        notes=[HOSTILE],
        message_type=HOSTILE[:80],
        order_number=HOSTILE[:60],
    )
    for number, delivery in enumerate(message.deliveries.all()):
        delivery.address, delivery.reason = f"{HOSTILE}{number}", "<b>x"
        delivery.last_reply = HOSTILE
        delivery.save()
    for tab in ("timeline", "recipients", "files", "headers", "source"):
        page = page_of(owner_client, message, f"tab={tab}")
        assert "<script>alert" not in page and "<img src=x" not in page and "<b>x" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("query", ["tab=evil", "tab=%00", "as=x&pictures=1", "in_list=1"])
def test_a_broken_address_shows_the_message(shop, owner_client, query):
    page_of(owner_client, logged(shop), query)


# What staff do


@pytest.fixture
def sent(shop: Shop) -> MailMessage:
    return end(logged(shop), State.SENT, "sent")


def test_the_page_offers_to_send_again_and_the_button_does_it(shop, owner, owner_client, sent):
    token = re.search(r'name="token" value="(\w{32})"', page_of(owner_client, sent))
    assert token
    for _click in range(2):
        response = owner_client.post(url("send_again", sent), {"token": token[1]})
        again = sent.resends.get()
        assert response["Location"] == url("message", again)
    assert AuditEntry.objects.get(action="message.sent_again").user == owner
    assert "Sent again to anna@klient.example" in page_of(owner_client, sent)


def test_it_goes_to_another_address_when_one_is_given(shop, owner_client, sent):
    owner_client.post(url("send_again", sent), {"token": uuid4().hex, "to": " ewa@x.example "})
    assert sent.resends.get().to_text == "ewa@x.example"


@pytest.mark.parametrize(
    "form",
    [
        {"to": "no address"},
        {"to": "a@x.example\r\nBcc: b@x.example"},
        {"to": "a@x.example, b@x.example"},
        {"to": "x" * 300},
        {"token": "short"},
        {"token": ""},
    ],
)
def test_a_bad_address_is_refused_at_its_field(shop, owner_client, sent, form):
    response = owner_client.post(url("send_again", sent), {"token": uuid4().hex, **form})
    assert response.status_code == 422 and not sent.resends.exists()


def test_beside_the_list_one_stays_in_the_list(shop, owner_client, sent):
    response = owner_client.post(url("send_again", sent), {"token": uuid4().hex, "in_list": "1"})
    assert f"?open={sent.resends.get().pk}" in response["Location"]


def test_a_failed_message_is_tried_again(shop, owner_client):
    message = end(logged(shop), State.FAILED, "recipient")
    assert "Try again" in page_of(owner_client, message)
    owner_client.post(url("try_again", message))
    assert message.deliveries.get().state == State.QUEUED


def test_a_waiting_message_is_stopped(shop, owner_client):
    message = logged(shop)
    assert "Stop sending" in page_of(owner_client, message)
    assert "Send again" not in page_of(owner_client, message)
    owner_client.post(url("stop", message))
    assert message.deliveries.get().state == State.CANCELLED
    response = owner_client.post(url("stop", message), follow=True)
    assert "too late" in response.content.decode()


def test_nothing_is_done_without_the_token_against_forgery(shop, owner):
    message = logged(shop)
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert client.post(url("stop", message)).status_code == 403
