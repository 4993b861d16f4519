from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from maillog.models import Attempt, MailMessage, SentKey, Suppression
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from shops.admin import scope
from shops.models import AuditEntry, Role
from tests import factories
from tests.pages import form_values

LIST = reverse("admin:maillog_mailmessage_changelist")


@pytest.fixture
def admin_client(operator):
    client = Client()
    client.force_login(operator)
    return client


def limited_client(shop, role=Role.ADMIN):
    user = factories.make_user(shop, role, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="maillog"))
    client = Client()
    client.force_login(user)
    return client


def queued(shop, to="anna@klient.example", **values):
    facts = {
        "message_type": "note",
        "shop": shop,
        "account": shop.sender_accounts.get(is_main=True),
        "recipients": (Recipient(to, "Anna"),),
        "expires_in": timedelta(hours=1),
        "subject": "Zamówienie 10482 przyjęte",
        "body": Body(html="<p>Tajne słowa</p>", text="Tajne słowa\n"),
        "context": {"link": "https://shop.example/reset/kanarek"},
    }
    return queue(Draft(**{**facts, **values}))


def page_of(message):
    return reverse("admin:maillog_mailmessage_change", args=[message.pk])


def found(client, **query):
    return list(client.get(LIST, query).context["cl"].result_list)


def send_again(client, *messages, token="t1"):
    return client.post(
        LIST,
        {
            "action": "send_again",
            "token": token,
            "_selected_action": [str(each.pk) for each in messages],
        },
    )


def test_the_log_is_found_by_folded_words_and_by_message_id(admin_client, shop):
    message, other = queued(shop), queued(shop, to="ola@klient.example", subject="Inne")
    assert found(admin_client, q="zamowienie") == [message]
    assert found(admin_client, q="OLA@klient") == [other]
    assert found(admin_client, q=f" {message.message_id} ") == [message]
    assert found(admin_client, q="nobody") == []


def test_the_log_is_filtered_by_shop_type_state_and_date(admin_client, shop, other_shop):
    ours, theirs = queued(shop), queued(other_shop, message_type="order.placed")
    assert found(admin_client, shop=str(shop.pk)) == [ours]
    assert found(admin_client, type="order.placed") == [theirs]
    assert found(admin_client, state__exact="sent") == []
    assert found(admin_client, since="1") == [theirs, ours]


@pytest.mark.parametrize(
    "query", [{"shop": "x"}, {"shop": "999999"}, {"since": "soon"}, {"type": "?"}, {"p": "9999"}]
)
def test_a_filter_that_means_nothing_is_no_error(admin_client, shop, query):
    queued(shop)
    assert admin_client.get(LIST, query, follow=True).status_code == 200


def test_the_list_asks_the_same_number_of_questions_however_long_it_is(admin_client, shop):
    queued(shop)
    admin_client.get(LIST)
    with CaptureQueriesContext(
        connection,
    ) as few:
        admin_client.get(LIST)
    for number in range(30):
        queued(shop, to=f"anna{number}@klient.example")
    with CaptureQueriesContext(connection) as many:
        admin_client.get(LIST)
    assert len(many) == len(few)
    counts = [each["sql"] for each in many if "COUNT(" in each["sql"].upper()]
    assert all("LIMIT" in sql for sql in counts)


def test_the_count_has_an_end(admin_client, shop, monkeypatch):
    monkeypatch.setattr(scope, "MOST_COUNTED", 3)
    for number in range(5):
        queued(shop, to=f"anna{number}@klient.example")
    assert admin_client.get(LIST).context["cl"].result_count == 3


def test_a_message_is_read_only_and_shows_its_deliveries_and_attempts(admin_client, shop):
    message = queued(shop)
    Attempt.objects.create(
        delivery=message.deliveries.get(),
        fence=1,
        at=timezone.now(),
        answer="temporary",
        phase="rcpt",
        code=451,
        text="<script>alert(1)</script> come back",
    )
    page = admin_client.get(page_of(message)).content.decode()
    assert "anna@klient.example" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; come back" in page
    assert 'name="_save"' not in page
    assert admin_client.post(page_of(message), {"subject": "forged"}).status_code == 403
    delete = reverse("admin:maillog_mailmessage_delete", args=[message.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("sensitive", [False, True])
def test_no_page_of_the_admin_shows_a_body_or_its_context(admin_client, shop, sensitive):
    message = queued(shop, sensitive=sensitive)
    pages = [page_of(message), LIST]
    for name in ("messagebody", "delivery", "sentkey", "attempt"):
        pages.append(reverse(f"admin:maillog_{name}_changelist"))
    pages.append(reverse("admin:maillog_messagebody_change", args=[message.pk]))
    pages.append(reverse("admin:maillog_delivery_change", args=[message.deliveries.get().pk]))
    for page in pages:
        text = admin_client.get(page).content.decode()
        assert "Tajne" not in text, page
        assert "kanarek" not in text, page
    if sensitive:
        assert "It holds a personal link" in admin_client.get(page_of(message)).content.decode()


def test_send_again_makes_one_new_message_however_often_it_is_clicked(admin_client, operator, shop):
    message = queued(shop)
    send_again(admin_client, message)
    response = send_again(admin_client, message)
    again = MailMessage.objects.get(resend_of=message)
    assert again.message_id != message.message_id
    assert AuditEntry.objects.get(action="message.sent_again").user == operator
    send_again(admin_client, message, token="t2")
    assert MailMessage.objects.filter(resend_of=message).count() == 2
    assert "1 message sent again" in admin_client.get(response.url).content.decode()


def test_send_again_stands_on_the_messages_own_page(admin_client, shop):
    message = queued(shop)
    values = form_values(admin_client.get(page_of(message)), "mailmessage_form")
    assert values["CHANGE_FORM-token"][0]
    admin_client.post(page_of(message), {**values, "CHANGE_FORM-action": "send_again"})
    assert MailMessage.objects.filter(resend_of=message).count() == 1


def test_what_must_not_be_sent_again_is_refused_in_words(admin_client, shop):
    harmless, secret = queued(shop), queued(shop, sensitive=True)
    response = send_again(admin_client, harmless, secret)
    assert "personal link" in admin_client.get(response.url).content.decode()
    assert not MailMessage.objects.filter(resend_of__isnull=False).exists()


def test_limited_staff_find_and_send_only_their_shops_mail(shop, other_shop):
    ours, theirs = queued(shop), queued(other_shop)
    system = queued(shop, message_type="system.invitation")
    MailMessage.objects.filter(pk=system.pk).update(shop=None)
    client = limited_client(shop)
    assert found(client) == [ours]
    assert found(client, q=theirs.message_id) == []
    assert "Ullhuset" not in client.get(LIST).content.decode()
    for foreign in (theirs, system):
        assert client.get(page_of(foreign)).status_code == 302
        send_again(client, foreign)
    assert not MailMessage.objects.filter(resend_of__isnull=False).exists()
    send_again(client, ours)
    assert MailMessage.objects.filter(resend_of=ours).count() == 1


def test_a_viewer_reads_and_cannot_send_again(shop):
    message = queued(shop)
    client = limited_client(shop, Role.VIEWER)
    assert client.get(page_of(message)).status_code == 200
    assert send_again(client, message).status_code == 403
    assert not MailMessage.objects.filter(resend_of=message).exists()


@pytest.mark.parametrize("name", ["workerbeat", "attachmentfile"])
def test_what_belongs_to_no_shop_is_for_operators(admin_client, shop, name):
    there = reverse(f"admin:maillog_{name}_changelist")
    assert admin_client.get(there).status_code == 200
    assert list(limited_client(shop).get(there).context["cl"].result_list) == []


def test_a_suppression_is_stored_in_the_form_it_is_looked_up_by(admin_client, shop):
    add = reverse("admin:maillog_suppression_add")
    admin_client.post(add, {"shop": shop.pk, "address": " Anna@Klient.Example", "reason": "manual"})
    assert Suppression.objects.get(shop=shop).address == "anna@klient.example"
    response = admin_client.post(add, {"shop": shop.pk, "address": "anna", "reason": "manual"})
    assert "the @ is missing" in response.content.decode()


def test_the_ledger_of_what_was_said_cannot_be_touched(admin_client, shop):
    key = SentKey.objects.create(shop=shop, channel="email", cause="note", occurrence="order:1")
    assert admin_client.post(reverse("admin:maillog_sentkey_add"), {}).status_code == 403
    there = reverse("admin:maillog_sentkey_delete", args=[key.pk])
    assert admin_client.post(there, {"post": "yes"}).status_code == 403


def test_types_that_shops_have_made_are_named_in_the_list_with_one_query_for_each_shop(
    admin_client, shop, other_shop
):
    for of, name in ((shop, "Punkty"), (other_shop, "Poeng")):
        factories.make_account(of)
        factories.make_own_type(of, name=name)
        for number in range(3):
            queued(of, f"k{number}@klient.example", message_type="own.points", subject="")
    with CaptureQueriesContext(connection) as queries:
        page = admin_client.get(LIST).text
    # As the subject, which it stands for, and as the type.
    assert page.count("Punkty") == page.count("Poeng") == 6
    assert sum("templates_tx_ownmessagetype" in each["sql"] for each in queries) == 2
