"""What has no text is called by its name, alarms people, and is sent all at once when mended."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from demo.sink import Sink
from mailaccounts.models import SenderAccount
from maillog import generation_alarms, mending_many, tasks
from maillog.generation_failure import explained
from maillog.mending import mend
from maillog.models import MailMessage
from maillog.order_messages import messages_of
from maillog.session import Session
from maillog.states import Reason, State
from shops import signals
from shops.models import Alarm, Order, Role, Shop
from templates_tx.models import MessageTemplate
from tests import factories
from tests.maillog.logged import logged
from tests.maillog.test_log_view import client_of, get, log_url
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)

MISTAKE = "subject, line 3: 'order.nummer' is undefined"


def unmade(shop: Shop, to: str = "anna@klient.example", **values: object) -> MailMessage:
    facts = {"message_type": "order.placed", "subject": "", "body": None, "detail": MISTAKE}
    return logged(shop, to, born=State.HELD, reason=Reason.TEMPLATE, once=False, **facts | values)


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def page_of(client: Client, message: MailMessage) -> str:
    assert message.shop is not None
    response = client.get(reverse("maillog:message", args=[message.shop.slug, message.pk]))
    assert response.status_code == 200
    return response.content.decode()


def press(client: Client, shop: Shop, **values: str) -> str:
    """The button above the list; what the page says then."""
    url = reverse("maillog:send_mended", args=[shop.slug])
    response = client.post(url, values, follow=True)
    assert response.status_code == 200
    return words(response.content.decode())


def alarms() -> list[Alarm]:
    return list(Alarm.objects.filter(code="template.failing", closed_at=None).order_by("target"))


# What it is called


@pytest.mark.promise("S4.33")
def test_the_log_calls_it_by_its_name_and_not_held(shop: Shop, owner_client: Client) -> None:
    unmade(shop)
    page = get(owner_client, shop)
    row = page[page.index('class="it"') :]
    assert "Generation failure" in words(row) and "Held" not in words(row)
    assert '<span class="dot bad">' in row and 'class="bad-t">Generation failure' in row


@pytest.mark.promise("S4.33")
def test_it_has_a_filter_of_its_own_and_is_no_part_of_what_is_held_or_came_back(
    shop: Shop, owner_client: Client
) -> None:
    unmade(shop, "ewa@x.example")
    logged(shop, "jan@x.example", born=State.HELD, reason=Reason.APPROVAL)
    logged(shop, "ola@x.example")
    expected = {
        "generation_failure": {"ewa"},
        "held": {"jan"},
        "trouble": {"ewa", "jan"},
        "came_back": set(),
        "given_up": set(),
    }
    for state, who in expected.items():
        page = get(owner_client, shop, f"state={state}")
        listed = page[page.index('id="log-list"') :]
        assert {name for name in ("ewa", "jan", "ola") if f"{name}@x.example" in listed} == who
    assert '<option value="generation_failure" selected>Generation failure' in get(
        owner_client, shop, "state=generation_failure"
    )


@pytest.mark.promise("S4.33")
def test_its_page_says_where_the_mistake_is_and_what_helps(
    shop: Shop, owner_client: Client
) -> None:
    message = unmade(shop, template_version=1)
    page = page_of(owner_client, message)
    text = words(page)
    assert "Generation failure: the text of this message could not be made" in text
    assert "The mistake is in the subject, line 3." in text
    assert "'order.nummer' is undefined" in text and "Send now that it is mended" in text
    assert "Send again" not in text.replace("Cannot be sent again", "")
    timeline = text[text.index("Timeline") :]
    assert "Generation failure: the text could not be made." in timeline
    assert "message queued" not in timeline, "it never was"


@pytest.mark.parametrize(("role", "shown"), [(Role.EDITOR, True), (Role.SENDER, False)])
def test_the_way_to_the_template_is_shown_to_those_who_may_mend_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, role: Role, shown: bool
) -> None:
    from maillog import registry

    monkeypatch.setitem(registry.editors, "email", lambda message: f"/edit/{message.message_type}/")
    page = page_of(client_of(factories.make_user(shop, role)), unmade(shop))
    assert ('href="/edit/order.placed/"' in page) == shown


def test_an_orders_page_calls_it_by_its_name(shop: Shop) -> None:
    unmade(shop, order_number="7")
    [shown] = messages_of(shop, "7")
    assert (shown.state, shown.tone, shown.reason) == ("Generation failure", "bad", MISTAKE)


def test_its_failed_recipients_are_none(shop: Shop) -> None:
    assert unmade(shop).failed_recipients == 0


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        (MISTAKE, ("The mistake is in the subject, line 3.", "'order.nummer' is undefined")),
        ("html: cannot be rendered", ("The mistake is in the HTML.", "cannot be rendered")),
        ("text, line 12: a\nb", ("The mistake is in the plain text, line 12.", "a\nb")),
        ("ZeroDivisionError", ("", "ZeroDivisionError")),
        ("body, line 1: x", ("", "body, line 1: x")),
        ("subject, line ٣: x", ("", "subject, line ٣: x")),
        ("", ("", "")),
    ],
)
def test_where_a_mistake_is_is_read_from_what_the_template_said(
    detail: str, expected: tuple[str, str]
) -> None:
    assert explained(detail) == expected


# The alarm


@pytest.mark.promise("S4.33")
def test_people_are_told_within_a_minute_and_once_more_when_none_is_left(
    shop: Shop, owner: User
) -> None:
    template = factories.make_template(shop, subject="{{ order.nummer }}")
    for _order in range(2):
        factories.place_order(shop)
    assert not alarms(), "never in the order's own transaction"
    tasks.sweep()
    [alarm] = alarms()
    assert alarm.title == "2 messages “Order confirmation” could not be made"
    assert "The mistake is in the subject, line 1." in alarm.text and "nummer" in alarm.text
    assert alarm.path == f"/s/{shop.slug}/log/?state=generation_failure&type=order.placed"
    assert alarm.is_urgent and alarm.mailed_at
    factories.new_version(template)
    for message in MailMessage.objects.filter(shop=shop):
        mend(message)
    assert not alarms(), "the page does not claim for a minute what is over"


def test_each_type_has_an_alarm_and_the_urgent_ones_are_urgent(shop: Shop) -> None:
    unmade(shop)
    unmade(shop, message_type="note")
    unmade(shop, message_type="customer.password_reset", critical=True)
    generation_alarms.look()
    generation_alarms.look()
    assert {each.target: each.is_urgent for each in alarms()} == {
        "order.placed": True,
        "note": False,
        "customer.password_reset": True,
    }
    MailMessage.objects.filter(message_type="note").update(state=State.CANCELLED)
    generation_alarms.look()
    assert [each.target for each in alarms()] == ["customer.password_reset", "order.placed"]


def test_each_shop_has_its_own_and_a_healthy_one_none(shop: Shop, other_shop: Shop) -> None:
    unmade(shop)
    logged(other_shop, born=State.HELD, reason=Reason.APPROVAL)
    generation_alarms.look()
    assert [each.shop for each in alarms()] == [shop]


# All at once


@pytest.fixture
def server() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def account(shop: Shop, server: Sink) -> SenderAccount:
    return factories.make_account(shop, port=server.port)


def broken(shop: Shop, count: int) -> MessageTemplate:
    """So many orders whose confirmation could not be made."""
    template = factories.make_template(shop, subject="{{ order.nummer }}")
    customer = factories.make_customer(shop)
    for _order in range(count):
        factories.place_order(shop, customer)
    return template


def send_all(account: SenderAccount) -> None:
    Session(account, "tests:1", threading.Event()).run()


def run_tasks() -> int:
    """Runs what is enqueued, and what that enqueues; returns how many mended."""
    ran = 0
    while queued := OrmQ.objects.filter().order_by("id").first():
        task = queued.task
        queued.delete()
        if task["func"] == "maillog.tasks.mend_batch":
            tasks.mend_batch(*task["args"])
            ran += 1
    return ran


@pytest.mark.promise("S4.33")
def test_one_button_sends_what_waited_and_says_what_still_fails(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    client = client_of(factories.make_user(shop, Role.SENDER))
    template = broken(shop, 11)
    factories.new_version(
        template,
        subject="{% if order.note == '' %}Dziękujemy{% else %}{{ order.nummer }}{% endif %}",
    )
    factories.place_order(shop, note="Proszę zadzwonić")
    page = words(get(client, shop, "state=generation_failure"))
    assert "Send all 12 now that they are mended" in page
    said = press(client, shop)
    assert "11 are on their way, 1 still fails: subject, line 1: " in said and "nummer" in said
    send_all(account)
    assert len(server.store.received) == 11
    assert MailMessage.objects.filter(reason=Reason.TEMPLATE).count() == 1


def test_the_button_sends_the_type_that_is_shown_and_no_other(
    shop: Shop, owner_client: Client, account: SenderAccount
) -> None:
    template = broken(shop, 1)
    factories.new_version(template)
    note = unmade(shop, message_type="note")
    page = get(owner_client, shop, "state=generation_failure&type=order.placed")
    assert 'name="type" value="order.placed"' in page
    assert "1 is on its way." in press(owner_client, shop, type="order.placed")
    note.refresh_from_db()
    assert note.state == State.HELD


def test_it_is_not_offered_where_the_list_shows_only_a_part(
    shop: Shop, owner_client: Client
) -> None:
    unmade(shop)
    assert "send-mended" not in get(owner_client, shop)
    assert "send-mended" in get(owner_client, shop, "state=generation_failure")
    assert "send-mended" not in get(owner_client, shop, "state=generation_failure&q=anna")


def test_a_viewer_and_a_stranger_cannot_press_it(
    shop: Shop, colleague: User, stranger: User
) -> None:
    message = unmade(shop)
    assert "send-mended" not in get(client_of(colleague), shop, "state=generation_failure")
    url = reverse("maillog:send_mended", args=[shop.slug])
    assert client_of(colleague).post(url).status_code == 403
    assert client_of(stranger).post(url).status_code == 404
    assert client_of(colleague).get(url).status_code in (403, 405)
    message.refresh_from_db()
    assert message.state == State.HELD


def test_it_mends_its_own_shop_alone(shop: Shop, other_shop: Shop, owner_client: Client) -> None:
    theirs = unmade(other_shop)
    assert "0 are on their way." in press(owner_client, shop)
    theirs.refresh_from_db()
    assert theirs.state == State.HELD


@pytest.mark.promise("S4.33")
def test_many_are_sent_by_tasks_and_the_page_counts_down(
    shop: Shop,
    owner_client: Client,
    account: SenderAccount,
    server: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mending_many, "BATCH", 25)
    factories.new_version(broken(shop, 60))
    assert "They are being sent" in press(owner_client, shop)
    assert "They are being sent" in press(owner_client, shop), "the second click starts nothing"
    assert OrmQ.objects.count() == 1
    page = words(get(owner_client, shop, "state=generation_failure"))
    assert "60 messages are being made and sent" in page and "Send all" not in page
    first = OrmQ.objects.get()
    task = first.task
    first.delete()
    assert tasks.mend_batch(*task["args"]) == 25
    page = words(get(owner_client, shop, "state=generation_failure"))
    assert "35 messages are being made and sent" in page and "25 are on their way" in page
    run_tasks()
    page = words(get(owner_client, shop, "state=generation_failure"))
    assert "60 are on their way." in page
    send_all(account)
    assert len(server.store.received) == 60
    assert len({each.message_id for each in MailMessage.objects.all()}) == 60


def test_the_same_task_twice_queues_each_message_once(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    factories.new_version(broken(shop, 3))
    for _time in range(2):
        tasks.mend_batch(shop.pk, {"code": "", "language": ""}, None, "")
    send_all(account)
    assert len(server.store.received) == 3


def test_a_replay_before_the_button_leaves_one_mail_each(
    shop: Shop, owner_client: Client, account: SenderAccount, server: Sink
) -> None:
    factories.new_version(broken(shop, 3))
    replayed = Order.objects.filter(shop=shop)[:2]
    for order in replayed:
        signals.order_placed.send(Order, order=order)
    assert "1 is on its way, 2 are not sent any more." in press(owner_client, shop)
    send_all(account)
    assert len(server.store.received) == 3


def test_it_expires_like_everything_that_waits_and_the_alarm_ends(shop: Shop) -> None:
    message = unmade(shop)
    generation_alarms.look()
    past = timezone.now() - timedelta(seconds=1)
    message.deliveries.update(expires_at=past)
    tasks.sweep()
    message.refresh_from_db()
    assert message.state == State.EXPIRED and not alarms()


def test_the_log_is_walked_without_more_queries_than_before(
    shop: Shop, owner_client: Client, django_assert_max_num_queries: object
) -> None:
    for _each in range(10):
        unmade(shop)
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        owner_client.get(log_url(shop, "state=generation_failure"))
