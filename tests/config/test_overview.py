"""The first page of a shop: figures of the shop's day, one alarm, the set-up list."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.overview import days_of, greeting, queue_of
from mailaccounts.models import SenderAccount, SenderDomain
from maillog.models import MailMessage, WorkerBeat
from maillog.states import Reason, State
from shops.models import Role, Shop
from templates_tx.models import TemplateAssignment
from tests import factories
from tests.maillog.logged import at, end, logged, many

pytestmark = pytest.mark.django_db


def overview(client: Client, shop: Shop) -> str:
    response = client.get(reverse("panel:overview", args=[shop.slug]))
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def working(shop: Shop) -> None:
    """A worker that has just said that it is alive."""
    now = timezone.now()
    WorkerBeat.objects.create(name="host:1", kind="deliver", started_at=now, beat_at=now)


def test_the_page_of_another_shop_does_not_exist(shop, other_shop, owner_client):
    url = reverse("panel:overview", args=[other_shop.slug])
    assert owner_client.get(url).status_code == 404


def test_a_day_begins_at_midnight_on_the_shops_clock(shop):
    today = shop.local(timezone.now()).date()
    midnight = shop.local(timezone.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    at(end(logged(shop), State.SENT, "sent"), midnight)
    at(end(logged(shop), State.SENT, "sent"), midnight - timedelta(seconds=1))
    at(end(logged(shop), State.FAILED, "recipient"), midnight - timedelta(seconds=1))
    days = days_of(shop, today)
    assert (len(days), days[-1].date) == (30, today)
    assert (days[-1].accepted, days[-1].failed) == (1, 0)
    assert (days[-2].accepted, days[-2].failed) == (1, 1)


def test_only_the_shops_own_mail_counts(shop, other_shop):
    end(logged(other_shop), State.SENT, "sent")
    logged(other_shop)
    assert sum(day.accepted for day in days_of(shop, timezone.now().date())) == 0
    assert queue_of(shop).waiting == 0


def test_the_queue_tells_what_waits_since_when_and_what_is_held(shop):
    oldest = logged(shop)
    logged(shop)
    logged(shop, born=State.HELD, reason=Reason.APPROVAL)
    for _each in range(2):
        logged(shop, born=State.HELD, reason=Reason.TEMPLATE)
    queue = queue_of(shop)
    assert (queue.waiting, queue.oldest) == (2, oldest.created_at)
    assert (queue.held, queue.unmade) == (1, 2)


def test_the_figures_lead_into_the_log(shop, owner_client, working):
    end(logged(shop), State.SENT, "sent")
    page = overview(owner_client, shop)
    assert f"/s/{shop.slug}/log/?state=sent&amp;since=" in page
    assert re.search(r'Accepted today</div><div class="v">1<', page)


@pytest.mark.parametrize(
    ("figure", "states"),
    [
        ("Failed today", (State.FAILED, State.EXPIRED)),
        ("Bounced today", (State.BOUNCED, State.COMPLAINED)),
    ],
)
def test_a_figure_counts_what_its_link_shows(shop, owner_client, working, figure, states):
    for state in states:
        message = logged(shop)
        end(message, State.SENT if state in (State.BOUNCED, State.COMPLAINED) else state, "sent")
        MailMessage.objects.filter(pk=message.pk).update(state=state)
    page = overview(owner_client, shop)
    found = re.search(
        rf'href="([^"]+)"><div class="l">{figure}</div><div class="v[^>]*>(\d+)<', page
    )
    assert found is not None and found[2] == "2"
    listed = owner_client.get(unescape(found[1])).context["page"].messages
    assert {message.state for message in listed} == set(states)


def test_the_chart_has_its_numbers_as_a_table_too(shop, owner_client, working):
    end(logged(shop), State.SENT, "sent")
    page = overview(owner_client, shop)
    found = re.search(r'<script id="mail-chart-data"[^>]*>(.*?)</script>', page)
    assert found
    data = json.loads(found[1])
    assert data["accepted"][-1] == 1 and len(data["labels"]) == 30
    assert page.count("<tr><td>") >= 30


@pytest.mark.parametrize("count", [10, 500])
def test_it_costs_the_same_queries_however_much_mail_there_is(
    shop, owner_client, working, django_assert_num_queries, count
):
    many(shop, count)
    for number in range(count // 10):
        factories.make_account(shop, label=f"Account {number}")
    overview(owner_client, shop)
    with django_assert_num_queries(14):
        overview(owner_client, shop)


def test_it_alarms_when_nothing_sends(shop, owner_client):
    assert "Nothing is sending: start the worker" in overview(owner_client, shop)


@pytest.mark.parametrize(("kind", "age"), [("deliver", 61), ("worker", 1)])
def test_a_silent_process_or_a_mere_supervisor_does_not_send(shop, owner_client, kind, age):
    then = timezone.now() - timedelta(seconds=age)
    WorkerBeat.objects.create(name="host:1", kind=kind, started_at=then, beat_at=then)
    assert "Nothing is sending" in overview(owner_client, shop)


def test_it_shows_the_workers_beat(shop, owner_client, working):
    page = overview(owner_client, shop)
    assert re.search(r"beat \d s ago", page) and "Nothing is sending" not in page


def test_there_is_one_alarm_the_worst(shop, owner_client, working):
    logged(shop, born=State.HELD, reason=Reason.APPROVAL)
    assert "1 message is held" in overview(owner_client, shop)
    logged(shop, born=State.HELD, reason=Reason.TEMPLATE)
    page = overview(owner_client, shop)
    assert "The text of 1 message could not be made" in page and "is held" not in page
    assert "?state=generation_failure" in page
    SenderAccount.objects.update(breaker="open", breaker_reason="535 <b>no</b>")
    page = overview(owner_client, shop)
    assert "is paused" in page and "is held" not in page
    assert "The server cannot be reached" in page and "<b>no</b>" not in page
    WorkerBeat.objects.all().delete()
    page = overview(owner_client, shop)
    assert "Nothing is sending" in page and "is paused" not in page


def test_a_healthy_shop_has_no_alarm(shop, owner_client, working):
    assert 'role="alert"' not in overview(owner_client, shop)


def done(page: str) -> list[str]:
    return re.findall(r'<li class="done">.*?<div class="grow"><div >(.*?)</div>', page, re.S)


def test_the_set_up_list_ticks_off_what_is_done(shop, owner_client, working):
    assert done(overview(owner_client, shop)) == []
    account = factories.make_account(shop)
    page = overview(owner_client, shop)
    assert done(page) == ["Add an e-mail account"]
    assert reverse("mailaccounts:account_test", args=[shop.slug, account.pk]) in page
    SenderAccount.objects.filter(pk=account.pk).update(last_test_ok=True)
    SenderDomain.objects.create(shop=shop, domain=account.from_domain, spf_status="pass")
    assert done(overview(owner_client, shop)) == [
        "Add an e-mail account",
        "Test it",
        "Put the domain&#x27;s DNS records in order",
    ]
    TemplateAssignment.objects.create(shop=shop, message_type="order.paid", is_on=True)
    end(logged(shop), State.SENT, "sent")
    assert len(done(overview(owner_client, shop))) == 5
    Shop.objects.filter(pk=shop.pk).update(logo="logos/x.png")
    assert "Set up Rowerownia" not in overview(owner_client, shop)


def test_the_set_up_list_links_only_what_the_role_may_do(shop, colleague, working):
    client = Client()
    client.force_login(colleague)
    page = overview(client, shop)
    assert "Fill in logo or address" in page and ">Continue<" not in page
    assert reverse("mailaccounts:account_pick", args=[shop.slug]) not in page


def test_the_start_page_leads_back_to_the_last_shop(shop, other_shop, owner, owner_client):
    other_shop.memberships.create(user=owner, role=Role.VIEWER)
    for here in (other_shop, shop, other_shop):
        overview(owner_client, here)
        assert owner_client.get("/")["Location"] == f"/s/{here.slug}/"


def test_who_is_in_no_shop_is_told_what_to_do(db):
    client = Client()
    client.force_login(factories.make_user())
    assert "invite you" in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        (3, "Good evening"),
        (4, "Good morning"),
        (11, "Good morning"),
        (12, "Good afternoon"),
        (17, "Good afternoon"),
        (18, "Good evening"),
    ],
)
def test_it_greets_by_the_shops_clock(hour, words):
    assert greeting(hour, "Marta") == f"{words}, Marta" and greeting(hour, "") == words


@time_machine.travel("2026-11-20 09:34:00+00:00", tick=True)
def test_date_and_hour_are_the_shops(shop, owner_client):
    assert "Friday, 20 November 2026, 10:34" in overview(owner_client, shop)
