"""The screens of domains, on what a check against a real name server has stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django_q.models import OrmQ

from mailaccounts import domain_work
from mailaccounts.dkim import new_key, record_name, record_text
from mailaccounts.models import DkimKey, KeyState, SenderDomain
from shops.models import AuditEntry
from tests import factories
from tests.mailaccounts.domain_pages import (
    DOMAIN,
    FOUND,
    INCLUDE,
    PROPOSED,
    checked,
    filled_server,
    make_domain,
    seen,
    url,
)
from tests.name_server import NameServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Any) -> Iterator[NameServer]:
    with filled_server(settings) as running:
        yield running


@pytest.fixture
def domain(shop, server) -> SenderDomain:
    return make_domain(shop)


@pytest.mark.promise("S5.2", "S0.25", "S0.11")
def test_the_doctor_shows_the_record_the_exact_new_one_and_where_to_click(owner_client, domain):
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "it does not name our server" in page
    assert f'<code class="code found">{FOUND}</code>' in page
    assert f'data-copy="{PROPOSED}"' in page
    assert f"<mark>include:{INCLUDE}</mark> ~all" in page
    assert "3 of 10" in page and "The new record uses 4." in page
    assert f"OVH › Web Cloud › Domain names › {DOMAIN} › DNS zone" in page
    assert "do not add a second one" in page
    assert "Read from dns104.ovh.net" in page


@pytest.mark.promise("S0.13")
def test_dkim_and_dmarc_stand_beside_spf(owner_client, domain):
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "No key yet" in page and "Make a key" in page
    assert "Only watching" in page
    assert f'data-copy="v=DMARC1; p=quarantine; rua=mailto:dmarc@{DOMAIN}"' in page
    assert "DKIM: not signed yet" in page


@pytest.mark.promise("S0.25")
def test_a_missing_record_is_explained(owner_client, domain, server):
    server.put(DOMAIN, "TXT")
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "The domain has no SPF record." in page
    assert "Add exactly this" in page
    assert f'data-copy="v=spf1 a mx include:{INCLUDE} -all"' in page


@pytest.mark.parametrize(
    ("found", "words"), [([FOUND], "need not"), ([], "has the record to copy")]
)
def test_a_domain_that_never_sends_from_here_is_not_told_to_name_us(
    owner_client, shop, server, found, words
):
    server.put(DOMAIN, "TXT", *found)
    domain = checked(make_domain(shop, kind="smtp"))
    assert domain.spf_status == ("pass" if found else "missing")
    page = seen(owner_client.get(url("domain", domain)))
    assert words in page
    spf = page.split("DKIM signature")[0]
    assert "Copy new record" not in spf and INCLUDE not in spf
    asked = seen(owner_client.get(url("domain_technician", domain)))
    assert INCLUDE not in asked


def test_a_stricter_policy_is_asked_for_only_once_own_mail_would_pass(owner_client, domain, server):
    stricter = "p=quarantine"
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "First get SPF and DKIM in order." in page
    assert stricter not in seen(owner_client.get(url("domain_technician", domain)))
    key = new_key(domain)
    server.put(DOMAIN, "TXT", PROPOSED).add(record_name(key), "TXT", record_text(key))
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "First get SPF and DKIM in order." not in page
    assert stricter in seen(owner_client.get(url("domain_technician", domain)))


def test_the_technician_is_offered_only_while_something_is_missing(owner_client, shop, server):
    domain = checked(make_domain(shop))
    offer = "Send this to my technician"
    assert offer in seen(owner_client.get(url("domain", domain))).split("<dialog")[0]
    key = new_key(domain)
    server.put(DOMAIN, "TXT", PROPOSED).add(record_name(key), "TXT", record_text(key))
    server.put(f"_dmarc.{DOMAIN}", "TXT", "v=DMARC1; p=reject")
    page = seen(owner_client.get(url("domain", checked(domain)))).split("<dialog")[0]
    assert offer not in page and "What will be sent" not in page
    assert "nothing is missing" in seen(owner_client.get(url("domain_technician", domain)))


def test_a_domain_that_was_never_checked_says_so(owner_client, domain):
    page = seen(owner_client.get(url("domain", domain)))
    assert "Nobody has looked at this record yet." in page
    assert "Send this to my technician" not in page.split("<dialog")[0]


def test_name_servers_that_do_not_answer_leave_everything_open(owner_client, domain, server):
    server.fail(DOMAIN, "servfail").fail(f"_dmarc.{DOMAIN}", "servfail")
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert page.count("Could not be read") == 2
    assert "Copy new record" not in page


def test_two_records_that_contradict_each_other_are_for_a_person(owner_client, domain, server):
    server.put(DOMAIN, "TXT", "v=spf1 a -all", "v=spf1 mx redirect=x.example")
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "more than one SPF record" in page
    assert "Copy new record" not in page.split("DKIM signature")[0]
    asked = seen(owner_client.get(url("domain_technician", domain)))
    assert "To be decided by a person" in asked
    assert f"{DOMAIN} TXT v=spf1 mx redirect=x.example" in asked


def test_more_than_ten_look_ups_are_counted(owner_client, domain, server):
    names = [f"s{number}.example" for number in range(12)]
    for name in names:
        server.add(name, "TXT", "v=spf1 ip4:192.0.2.1 -all")
    server.put(DOMAIN, "TXT", "v=spf1 " + " ".join(f"include:{each}" for each in names) + " ~all")
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "12 of 10" in page
    assert "cells big over" in page


def test_what_stands_in_dns_is_text_on_the_page(owner_client, domain, server):
    evil = "v=spf1 <script>alert(1)</script> ~all"
    server.put(DOMAIN, "TXT", evil)
    server.put(f"_dmarc.{DOMAIN}", "TXT", 'v=DMARC1; p=none; rua="><img src=x>')
    content = owner_client.get(url("domain", checked(domain))).content.decode()
    assert "<script>alert" not in content and "<img src=x" not in content
    assert "&lt;script&gt;alert(1)" in content


def test_check_now_starts_one_task_and_the_page_asks_until_it_is_done(owner_client, domain):
    htmx = {"headers": {"HX-Request": "true"}}
    page = seen(owner_client.post(url("domain_check", domain), **htmx))
    assert f'hx-get="{url("domain_state", domain)}" hx-trigger="every 1s"' in page
    assert f"Asking the name servers of {DOMAIN}" in page
    owner_client.post(url("domain_check", domain), **htmx)
    assert OrmQ.objects.count() == 1
    [task] = [each.task for each in OrmQ.objects.all()]
    assert (task["func"], task["args"]) == ("mailaccounts.domain_work.check", (domain.pk,))
    line = seen(owner_client.get(url("domain_state", domain), **htmx))
    assert "0 s so far" in line and "Look-ups" not in line
    domain_work.check(domain.pk, **task["kwargs"])
    answer = owner_client.get(url("domain_state", domain), **htmx)
    assert answer.headers["HX-Retarget"] == "#report"
    page = seen(answer)
    assert "every 1s" not in page
    assert "it does not name our server" in page
    assert 'id="checked" hx-swap-oob="true"' in page


def test_a_worker_that_does_not_run_is_named(owner_client, domain):
    domain_work.start("check", domain)
    mark = f"domain-work:{domain.pk}"
    cache.set(mark, ["check", cache.get(mark)[1] - 60])
    page = seen(owner_client.get(url("domain_state", domain)))
    assert "The worker that asks DNS does not answer" in page
    assert "every 5s" in page and "Look-ups" in page
    line = seen(owner_client.get(url("domain_state", domain) + "?late=1"))
    assert "Look-ups" not in line


def test_a_check_that_fails_does_not_block_the_button(domain, monkeypatch):
    domain_work.start("check", domain)
    monkeypatch.setattr("mailaccounts.domains.check", lambda domain: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        domain_work.check(domain.pk)
    assert domain_work.going_on(domain) is None


def test_without_scripts_the_button_leads_back_to_the_page(owner_client, domain):
    answer = owner_client.post(url("domain_check", domain))
    assert answer.headers["Location"] == url("domain", domain)


@pytest.mark.promise("S5.3")
def test_a_key_is_made_found_in_dns_and_used(owner_client, owner, domain, server):
    owner_client.post(url("domain_key", domain))
    key = DkimKey.objects.get()
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "Waits for its record" in page and "Not in DNS yet" in page
    assert record_name(key) in page
    assert f'data-copy="{record_text(key)}"' in page
    assert "PRIVATE" not in page
    entry = AuditEntry.objects.get(action="domain.key_made")
    assert (entry.user, entry.target) == (owner, record_name(key))
    server.add(record_name(key), "TXT", record_text(key))
    page = seen(owner_client.get(url("domain", checked(domain))))
    key.refresh_from_db()
    assert key.state == KeyState.ACTIVE
    assert "Every mail carries a seal" in page and "Change the key" in page


@pytest.mark.promise("S5.3")
def test_changing_the_key_shows_both_until_the_new_one_is_found(owner_client, domain, server):
    old = new_key(domain)
    server.add(record_name(old), "TXT", record_text(old))
    checked(domain)
    owner_client.post(url("domain_key", domain))
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "Key is being changed" in page and "Key in use" in page
    new = DkimKey.objects.get(state=KeyState.NEW)
    server.add(record_name(new), "TXT", record_text(new))
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert f"{record_name(old)} stays in DNS for a week" in page
    old.refresh_from_db()
    assert old.state == KeyState.RETIRING


def test_a_record_that_is_gone_is_bad_news(owner_client, domain, server):
    key = new_key(domain)
    server.add(record_name(key), "TXT", record_text(key))
    checked(domain)
    server.put(record_name(key), "TXT")
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "the signature is void" in page


def test_the_new_key_can_be_given_up(owner_client, domain):
    new_key(domain)
    owner_client.post(url("domain_key_drop", domain))
    assert not DkimKey.objects.exists()


def test_a_key_that_is_asked_for_twice_is_made_and_noted_once(owner_client, domain):
    first = owner_client.post(url("domain_key", domain), follow=True)
    assert "The key is made." in seen(first)
    again = seen(owner_client.post(url("domain_key", domain), follow=True))
    assert "There is a key already: put its record into DNS." in again
    assert "The key is made. Put" not in again
    assert DkimKey.objects.count() == AuditEntry.objects.filter(action="domain.key_made").count()
    assert DkimKey.objects.count() == 1


def test_giving_up_a_key_that_is_not_there_says_so(owner_client, domain):
    answer = owner_client.post(url("domain_key_drop", domain), follow=True)
    assert "There is no new key to give up." in seen(answer)
    assert not AuditEntry.objects.filter(action="domain.key_dropped").exists()


def test_a_domain_whose_mail_a_provider_signs_offers_no_key(owner_client, shop, server):
    domain = make_domain(shop, kind="google")
    page = seen(owner_client.get(url("domain", checked(domain))))
    assert "Not ours to sign" in page and "Make a key" not in page


def test_the_list_names_each_domain_once_with_its_badges(
    owner_client, shop, domain, django_assert_max_num_queries
):
    factories.make_account(shop, from_address="b@never.example")
    factories.make_account(shop, from_address=f"c@{DOMAIN}")
    checked(domain)
    with django_assert_max_num_queries(14):
        page = seen(owner_client.get(reverse("mailaccounts:domains", args=[shop.slug])))
    assert page.count(f">{DOMAIN}</a>") == 1
    assert f"sklep@{DOMAIN}, c@{DOMAIN}" in page
    assert "OVH" in page and "DMARC" in page
    assert '<input type="hidden" name="domain" value="never.example">' in page
    assert 'Domains <span class="t3 num">2</span>' in page


def test_a_new_domain_of_an_account_can_be_checked_and_no_other(owner_client, shop, domain):
    factories.make_account(shop, from_address="b@never.example")
    address = reverse("mailaccounts:domains_check", args=[shop.slug])
    owner_client.post(address, {"domain": "never.example"})
    assert SenderDomain.objects.filter(shop=shop, domain="never.example").exists()
    assert owner_client.post(address, {"domain": "google.com"}).status_code == 404


def test_a_shop_without_accounts_of_its_own_is_told_what_will_appear(owner_client, shop):
    page = seen(owner_client.get(reverse("mailaccounts:domains", args=[shop.slug])))
    assert "The domains of your sender accounts will appear here" in page


def test_the_django_admin_shows_keys_without_their_private_half(client, operator, domain):
    key = new_key(domain)
    client.force_login(operator)
    for address in (
        reverse("admin:mailaccounts_dkimkey_changelist"),
        reverse("admin:mailaccounts_dkimkey_change", args=[key.pk]),
        reverse("admin:mailaccounts_senderdomain_changelist"),
        reverse("admin:mailaccounts_technicianlink_changelist"),
    ):
        page = client.get(address)
        assert page.status_code == 200
        assert "PRIVATE" not in page.content.decode()
    page = client.get(reverse("admin:mailaccounts_dkimkey_change", args=[key.pk])).content.decode()
    assert key.public_key in page
