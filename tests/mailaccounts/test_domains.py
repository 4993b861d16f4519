"""Sender domains: what is stored of a check, what it proves, whom it tells, what it forbids."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from mailaccounts import domains, tasks
from mailaccounts.dns.dkim_record import KeyToFind
from mailaccounts.models import (
    DkimKey,
    DomainStatus,
    SenderAccount,
    SenderDomain,
    system_account,
)
from shops.models import Alarm, Shop
from tests import factories
from tests.mailaccounts.dns.test_dkim_record import public_key
from tests.name_server import NameServer

NAME = "rowerownia.example"
US = "spf.desk.example"
GOOD = f"v=spf1 mx include:{US} -all"

pytestmark = pytest.mark.django_db


@pytest.fixture
def zone(names: NameServer, settings: Any) -> NameServer:
    """The shop's domain with everything in order but DKIM."""
    settings.DNS_SERVERS, settings.SPF_INCLUDE = [names.address], US
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    names.add(US, "TXT", "v=spf1 ip4:198.51.100.0/24 -all")
    names.add(NAME, "TXT", GOOD).add(NAME, "MX", "10 mx.rowerownia.example.")
    names.add(NAME, "NS", "dns104.ovh.net.")
    return names.add(f"_dmarc.{NAME}", "TXT", "v=DMARC1; p=none; rua=mailto:d@rowerownia.example")


@pytest.fixture
def server(shop: Shop, zone: NameServer) -> SenderAccount:
    """An active account that sends from this server."""
    return factories.make_account(shop, kind="server", host="", from_address=f"sklep@{NAME}")


@pytest.fixture
def domain(server: SenderAccount) -> SenderDomain:
    return domains.domain_for(server)


def check(domain: SenderDomain) -> SenderDomain:
    """By the task, as a worker does it."""
    tasks.check_domain(domain.pk)
    return SenderDomain.objects.get(pk=domain.pk)


def add_key(domain: SenderDomain, selector: str, state: str) -> DkimKey:
    return DkimKey.objects.create(
        domain=domain, selector=selector, state=state, public_key=public_key(2048)
    )


def publish(zone: NameServer, key: DkimKey) -> None:
    zone.put(str(key), "TXT", KeyToFind(key.selector, key.public_key).record or "")


def open_alarms(code: str) -> list[Alarm]:
    return list(Alarm.objects.filter(code=code, closed_at=None))


def made_older(domain: SenderDomain, **columns: datetime) -> None:
    SenderDomain.objects.filter(pk=domain.pk).update(**columns)


# What is stored


def test_a_domain_is_kept_once_a_shop_in_letters_of_dns(
    shop: Shop, other_shop: Shop, server: SenderAccount
) -> None:
    again = factories.make_account(shop, from_address=f"inny@{NAME.upper()}")
    foreign = factories.make_account(other_shop, from_address=f"butikk@{NAME}")
    polish = SenderAccount(shop=shop, from_address="sklep@łódź.example")

    assert domains.domain_for(again) == domains.domain_for(server)
    assert domains.domain_for(foreign) != domains.domain_for(server)
    assert domains.domain_for(polish).domain == "xn--d-uga0v4h.example"
    assert domains.domain_of(SenderAccount(from_address="nobody")) == ""
    with pytest.raises(ValueError, match="no sender domain"):
        domains.domain_for(system_account())


@pytest.mark.promise("S5.2", "S0.13")
def test_a_check_stores_what_dns_says(domain: SenderDomain) -> None:
    row = check(domain)

    assert (row.spf_status, row.dkim_status, row.dmarc_status) == ("pass", "attention", "attention")
    assert row.spf["found"] == [GOOD]
    assert row.dmarc["proposed"] == "v=DMARC1; p=quarantine; rua=mailto:d@rowerownia.example"
    assert (row.dns_operator, row.mx["name_servers"]) == ("ovh", ["dns104.ovh.net"])
    assert row.checked_at is not None and row.verified_at == row.checked_at
    assert domains.is_verified(row)


@pytest.mark.promise("S0.25")
def test_what_to_do_is_said_in_the_language_of_the_shop(
    zone: NameServer, domain: SenderDomain
) -> None:
    zone.put(NAME, "TXT")

    row = check(domain)

    assert (row.spf_status, row.spf["proposed"]) == ("missing", f"v=spf1 a mx include:{US} -all")
    assert "OVH" in row.spf["hint"]


@pytest.mark.parametrize(
    ("record", "status"),
    [
        (f"v=spf1 include:{US} +all", "attention"),
        ("v=spf1 mx -all", "wrong"),
        ("v=spf1 mx mxx -all", "wrong"),
    ],
)
def test_each_verdict_has_its_status(
    zone: NameServer, domain: SenderDomain, record: str, status: str
) -> None:
    zone.put(NAME, "TXT", record)

    assert check(domain).spf_status == status


@pytest.mark.promise("S0.13")
def test_the_key_in_use_decides_and_a_found_one_is_noted(
    zone: NameServer, domain: SenderDomain
) -> None:
    zone.put(NAME, "TXT")
    in_use, waiting = add_key(domain, "pr1", "active"), add_key(domain, "pr2", "new")
    publish(zone, in_use)

    row = check(domain)

    assert row.dkim_status == DomainStatus.PASS
    assert [key["status"] for key in row.dkim["keys"]] == ["missing", "pass"]
    in_use.refresh_from_db()
    waiting.refresh_from_db()
    assert in_use.found_at is not None and waiting.found_at is None
    assert domains.is_verified(row), "a key of ours proves the domain without SPF"


def test_whatever_stands_in_dns_can_be_stored(zone: NameServer, domain: SenderDomain) -> None:
    zone.put(NAME, "TXT", "v=spf1 \0 \x1b[31m é", "v=DMARC\0" + "x" * 60000)
    zone.put(f"_dmarc.{NAME}", "TXT", "v=DMARC1; p=none; x=" + "a " * 30000 + "\0")

    row = check(domain)

    assert (row.spf_status, row.dmarc_status) == ("wrong", "wrong")
    assert "\0" not in row.spf["found"][0]


# Proof


def test_proof_lasts_through_a_week_of_failing(zone: NameServer, domain: SenderDomain) -> None:
    check(domain)
    zone.put(NAME, "TXT", "v=spf1 mx -all")

    row = check(domain)
    assert row.failing_since is not None and domains.is_verified(row)

    made_older(domain, failing_since=timezone.now() - timedelta(days=7, minutes=1))
    row = check(domain)
    assert not domains.is_verified(row)
    assert len(open_alarms("domain.unproven")) == 1

    zone.put(NAME, "TXT", GOOD)
    row = check(domain)
    assert domains.is_verified(row) and row.failing_since is None
    assert open_alarms("domain.unproven") == []


def test_silence_neither_proves_nor_disproves(zone: NameServer, domain: SenderDomain) -> None:
    verified_at = check(domain).verified_at
    zone.fail(NAME, "servfail")

    row = check(domain)

    assert row.spf_status == DomainStatus.ERROR
    assert (row.verified_at, row.failing_since) == (verified_at, None)
    assert domains.is_verified(row)


def test_what_never_passed_is_not_proved(zone: NameServer, domain: SenderDomain) -> None:
    zone.put(NAME, "TXT", "v=spf1 mx -all")

    row = check(domain)

    assert not domains.is_verified(row) and row.failing_since is None


# Alarms


@pytest.mark.promise("S5.2", "S0.28")
def test_a_domain_that_breaks_raises_one_alarm_and_stops_nothing(
    zone: NameServer, domain: SenderDomain, server: SenderAccount, owner: Any
) -> None:
    check(domain)
    zone.put(NAME, "TXT", "v=spf1 mx -all")

    check(domain)
    check(domain)

    (alarm,) = open_alarms("domain.spf")
    assert alarm.is_urgent and alarm.target == f"domain:{domain.pk}" and alarm.shop == domain.shop
    assert NAME in alarm.title and f"v=spf1 mx include:{US} -all" in alarm.text
    assert len(mail.outbox) == 1
    server.refresh_from_db()
    assert server.state == "active"


@pytest.mark.promise("S5.2")
def test_a_domain_that_is_mended_clears_the_alarm(
    zone: NameServer, domain: SenderDomain, owner: Any
) -> None:
    check(domain)
    zone.put(NAME, "TXT")
    check(domain)
    zone.put(NAME, "TXT", GOOD)

    check(domain)

    assert open_alarms("domain.spf") == []
    assert len(mail.outbox) == 2


def test_silence_raises_and_clears_nothing(zone: NameServer, domain: SenderDomain) -> None:
    check(domain)
    zone.fail(NAME, "servfail")
    check(domain)
    assert Alarm.objects.count() == 0

    zone.fail(NAME, "").put(NAME, "TXT")
    check(domain)
    zone.fail(NAME, "servfail")
    check(domain)
    assert len(open_alarms("domain.spf")) == 1


def test_what_was_never_in_order_does_not_break(zone: NameServer, domain: SenderDomain) -> None:
    zone.put(NAME, "TXT")

    check(domain)

    assert Alarm.objects.count() == 0


def test_where_others_send_the_alarm_is_quiet(zone: NameServer, shop: Shop) -> None:
    domain = domains.domain_for(factories.make_account(shop))
    check(domain)
    zone.put(NAME, "TXT")

    check(domain)

    assert [alarm.is_urgent for alarm in open_alarms("domain.spf")] == [False]

    zone.put(NAME, "TXT", "v=spf1 mx -all")
    check(domain)
    assert open_alarms("domain.spf") == [], "valid, and it need not name us"


def test_where_nobody_sends_any_more_there_is_no_alarm(
    zone: NameServer, domain: SenderDomain, server: SenderAccount
) -> None:
    check(domain)
    zone.put(NAME, "TXT")
    check(domain)
    SenderAccount.objects.filter(pk=server.pk).update(state="disabled", is_main=False)

    check(domain)

    assert open_alarms("domain.spf") == []


def test_a_key_that_leaves_dns_raises_an_alarm(zone: NameServer, domain: SenderDomain) -> None:
    key = add_key(domain, "pr1", "active")
    publish(zone, key)
    check(domain)
    zone.fail(str(key), "servfail")
    check(domain)
    assert open_alarms("domain.dkim") == []

    zone.fail(str(key), "").put(str(key), "TXT")
    check(domain)
    (alarm,) = open_alarms("domain.dkim")
    assert str(key) in alarm.text

    publish(zone, key)
    check(domain)
    assert open_alarms("domain.dkim") == []


@pytest.mark.promise("S5.3")
def test_a_new_key_takes_over_once_it_is_in_dns(zone: NameServer, domain: SenderDomain) -> None:
    old, new = add_key(domain, "pr1", "active"), add_key(domain, "pr2", "new")
    zone.fail(str(new), "servfail")
    check(domain)
    new.refresh_from_db()
    assert new.state == "new"

    zone.fail(str(new), "")
    publish(zone, new)
    check(domain)
    new.refresh_from_db()
    old.refresh_from_db()
    assert (new.state, old.state) == ("active", "retiring")
    assert open_alarms("domain.dkim") == []


# May the account be switched on?


@pytest.mark.promise("S0.28", "S0.11")
@pytest.mark.parametrize(
    ("record", "words"),
    [
        (GOOD, None),
        ("", f"v=spf1 a mx include:{US} -all"),
        ("v=spf1 mx ~all", f"v=spf1 mx include:{US} ~all"),
        ("v=spf1 mx mxx", "is not in order"),
    ],
)
def test_a_server_account_needs_spf_with_our_server(
    zone: NameServer, domain: SenderDomain, server: SenderAccount, record: str, words: str | None
) -> None:
    zone.put(NAME, "TXT", *([record] if record else []))
    check(domain)

    refusal = domains.refusal_to_activate(server)

    assert (refusal is None) == (words is None)
    assert words is None or words in str(refusal)


def test_before_the_first_check_it_is_refused_without_asking_dns(
    zone: NameServer, server: SenderAccount
) -> None:
    zone.asked.clear()

    assert "has not been checked yet" in str(domains.refusal_to_activate(server))
    assert zone.asked == []


@pytest.mark.promise("S0.28")
def test_no_answer_is_not_a_missing_record(
    zone: NameServer, domain: SenderDomain, server: SenderAccount
) -> None:
    zone.fail(NAME, "servfail")
    check(domain)
    assert "could not be read" in str(domains.refusal_to_activate(server))

    zone.fail(NAME, "")
    check(domain)
    zone.fail(NAME, "servfail")
    row = check(domain)
    assert domains.refusal_to_activate(server) is None

    long_ago = (timezone.now() - timedelta(days=8)).isoformat()
    SenderDomain.objects.filter(pk=row.pk).update(spf={**row.spf, "passed_at": long_ago})
    assert "could not be read" in str(domains.refusal_to_activate(server))


def test_an_old_check_is_none(domain: SenderDomain, server: SenderAccount) -> None:
    check(domain)
    made_older(domain, checked_at=timezone.now() - timedelta(days=8))

    assert "has not been checked yet" in str(domains.refusal_to_activate(server))


@pytest.mark.promise("S0.28")
@pytest.mark.parametrize("kind", ["smtp", "google", "microsoft", "freshmail", "esp"])
def test_other_types_are_not_kept_back(shop: Shop, zone: NameServer, kind: str) -> None:
    account = SenderAccount(shop=shop, kind=kind, from_address=f"sklep@{NAME}")

    assert domains.refusal_to_activate(account) is None


def test_the_default_and_the_system_account_are_not_kept_back(shop: Shop) -> None:
    default = SenderAccount.objects.get(shop=shop, is_default=True)

    assert domains.refusal_to_activate(default) is None
    assert domains.refusal_to_activate(system_account()) is None


# Tasks


@pytest.mark.promise("S5.2")
def test_every_hour_each_domain_is_checked_by_a_task_of_its_own(
    server: SenderAccount, other_shop: Shop
) -> None:
    factories.make_account(other_shop, from_address="butikk@ullhuset.example")
    recent = SenderDomain.objects.create(
        shop=other_shop, domain="recent.example", checked_at=timezone.now()
    )
    schedule = Schedule.objects.get(func="mailaccounts.tasks.check_all_domains")

    assert tasks.check_all_domains() == 2

    queued = [each.task for each in OrmQ.objects.all()]
    assert {each["func"] for each in queued} == {"mailaccounts.tasks.check_domain"}
    due = SenderDomain.objects.exclude(pk=recent.pk).values_list("pk", flat=True)
    assert sorted(each["args"][0] for each in queued) == sorted(due)
    assert schedule.schedule_type == Schedule.HOURLY


def test_a_domain_that_is_gone_is_no_trouble() -> None:
    assert tasks.check_domain(123456) == ""


def test_the_mailbox_of_a_domain_is_looked_up_for_the_picker(zone: NameServer) -> None:
    from mailaccounts.suggestion import suggestion_for

    zone.put(NAME, "MX", "10 mx1.mail.ovh.net.")

    assert tasks.look_up_mailbox(NAME) == "ovh"
    assert suggestion_for(f"sklep@{NAME}").preset == "ovh"
