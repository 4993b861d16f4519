"""“Send this to my technician”: by mail, by a link, and what the link shows to strangers."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mailaccounts import leaving, technician
from mailaccounts.dkim import new_key, record_name, record_text
from mailaccounts.models import SenderDomain, TechnicianLink
from mailaccounts.signals import say_left
from shops.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db

DOMAIN = "rowerownia.example"
OLD, NEW = "v=spf1 a ~all", "v=spf1 a include:spf.poczta.example ~all"


@pytest.fixture
def domain(shop):
    factories.make_account(shop, from_address=f"sklep@{DOMAIN}", kind="server", host="")
    return SenderDomain.objects.create(
        shop=shop,
        domain=DOMAIN,
        spf_status="wrong",
        spf={"status": "not-including-us", "found": [OLD], "proposed": NEW},
        dmarc={
            "status": "missing",
            "found": [],
            "proposed": "v=DMARC1; p=none",
            "name": f"_dmarc.{DOMAIN}",
        },
        checked_at=timezone.now(),
    )


@pytest.fixture
def matter(shop, domain):
    return technician.Matter(shop, domain=domain)


def ask(of, **kwargs):
    return reverse(f"mailaccounts:{of}_technician", **kwargs)


def opened(url):
    return Client().get(url.replace("http://testserver", ""))


def path_of(url):
    return "/" + url.split("/", 3)[3]


def test_the_mail_names_every_record_in_plain_words(owner_client, owner, shop, domain, mailoutbox):
    key = new_key(domain)
    address = ask("domain", args=[shop.slug, domain.pk])
    answer = owner_client.post(address, {"address": "jan@technik.example", "do": "mail"})
    assert answer.headers["Location"] == reverse("mailaccounts:domain", args=[shop.slug, domain.pk])
    [message] = mailoutbox
    assert (message.to, message.reply_to) == (["jan@technik.example"], [owner.email])
    assert message.subject == f"DNS records for {DOMAIN}"
    text = message.body
    for part in (OLD, NEW, record_name(key), record_text(key), f"_dmarc.{DOMAIN}"):
        assert f"\n{part}\n" in text
    assert "&" not in text
    link = re.search(r"http://\S+/technician/\S+/", text)[0]
    assert Client().get(path_of(link)).status_code == 200
    assert AuditEntry.objects.get(action="technician.mailed").details == {
        "to": "jan@technik.example"
    }


def test_an_address_that_is_none_is_refused_beside_its_field(
    owner_client, shop, domain, mailoutbox
):
    address = ask("domain", args=[shop.slug, domain.pk])
    answer = owner_client.post(
        address, {"address": "jan", "do": "mail"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 422
    assert "err-x" in answer.content.decode()
    assert not mailoutbox


def test_a_link_is_shown_once_and_only_its_hash_is_kept(owner_client, shop, domain):
    address = ask("domain", args=[shop.slug, domain.pk])
    page = owner_client.post(address, {"do": "link"}).content.decode()
    token = re.search(r"/technician/([\w-]+)/", page)[1]
    assert len(token) >= 27  # 160 bits in base64
    link = TechnicianLink.objects.get()
    assert token not in link.token_hash
    assert link.expires_at - link.created_at > timedelta(days=13, hours=23)
    assert token not in owner_client.get(address).content.decode()


def test_the_page_shows_the_records_and_nothing_else_of_the_shop(shop, domain, matter, owner):
    account = factories.make_account(
        shop, username="secret-user", password="secret-word", host="smtp.inner.example"
    )
    factories.place_order(shop)
    _link, url = technician.issue(matter, owner)
    answer = Client().get(path_of(url))
    page = answer.content.decode()
    assert OLD in page and f'data-copy="{NEW}"' in page
    assert f"_dmarc.{DOMAIN}" in page
    for secret in (account.username, "secret-word", account.host, owner.email, shop.slug + "/"):
        assert secret not in page
    assert "/s/" not in page
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"


def test_it_speaks_the_language_of_who_made_it(matter, owner):
    link, url = technician.issue(matter, owner)
    TechnicianLink.objects.filter(pk=link.pk).update(language="pl")
    page = Client().get(path_of(url)).content.decode()
    assert '<html lang="pl"' in page


@pytest.mark.parametrize("change", ["revoked", "ended", "wrong"])
def test_a_link_that_ended_says_only_that(owner_client, shop, matter, owner, change):
    link, url = technician.issue(matter, owner)
    if change == "revoked":
        owner_client.post(reverse("mailaccounts:technician_revoke", args=[shop.slug, link.pk]))
    elif change == "ended":
        TechnicianLink.objects.update(expires_at=timezone.now())
    else:
        url = url[:-3] + "xx/"
    answer = Client().get(path_of(url))
    assert answer.status_code == 404
    assert DOMAIN not in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store, private"


def test_a_link_ends_with_its_account(owner_client, shop, owner):
    account = factories.make_account(shop, state="draft")
    link, url = technician.issue(technician.Matter(shop, account=account), owner)
    assert Client().get(path_of(url)).status_code == 200
    leaving.remove(account)
    answer = Client().get(path_of(url))
    assert answer.status_code == 404
    assert account.from_address not in answer.content.decode()
    link.refresh_from_db()
    assert link.revoked_at is not None
    TechnicianLink.objects.update(revoked_at=None)  # the account was deleted by an older release
    assert Client().get(path_of(url)).status_code == 404
    gone = reverse("mailaccounts:technician_revoke", args=[shop.slug, link.pk])
    assert owner_client.post(gone, follow=True).status_code == 200


def test_a_link_outlives_an_account_that_is_only_switched_off(shop, owner):
    account = factories.make_account(shop, state="disabled")
    _link, url = technician.issue(technician.Matter(shop, account=account), owner)
    say_left(account)
    assert Client().get(path_of(url)).status_code == 200


def test_nothing_can_be_posted_to_it(matter, owner):
    _link, url = technician.issue(matter, owner)
    assert Client().post(path_of(url)).status_code == 405


def test_what_is_in_order_by_now_is_not_asked_for(matter, owner, domain):
    _link, url = technician.issue(matter, owner)
    domain.spf["proposed"] = domain.dmarc["proposed"] = None
    domain.save()
    page = Client().get(path_of(url)).content.decode()
    assert NEW not in page
    assert "all records are as they should be" in page


def test_an_accounts_missing_server_data_are_asked_for(owner_client, shop, owner, mailoutbox):
    account = factories.make_account(shop, username="secret-user", password="secret-word")
    address = ask("account", args=[shop.slug, account.pk])
    owner_client.post(address, {"address": "jan@technik.example", "do": "mail"})
    [message] = mailoutbox
    assert message.subject == f"Mail server data for {account.from_address}"
    assert "Port and encryption" in message.body
    link = re.search(r"http://\S+/technician/\S+/", message.body)[0]
    page = Client().get(path_of(link)).content.decode()
    assert "do not send the password by e-mail" in page
    for text in (page, message.body):
        assert "secret-user" not in text and "secret-word" not in text


def test_a_polish_domain_is_written_with_its_letters(owner_client, shop, owner, mailoutbox):
    account = factories.make_account(shop, from_address="sklep@xn--kot-jwa.example", state="draft")
    domain = SenderDomain.objects.create(
        shop=shop, domain="xn--kot-jwa.example", checked_at=timezone.now()
    )
    for about in ({"account": account}, {"domain": domain}):
        matter = technician.Matter(shop, **about)
        technician.send(matter, "jan@technik.example", owner)
        message = mailoutbox.pop()
        link = re.search(r"http://\S+/technician/\S+/", message.body)[0]
        for text in (message.subject, message.body, opened(link).content.decode()):
            assert "kotł.example" in text and "xn--" not in text


def test_the_hosters_own_ways_are_named_where_we_know_them(owner_client, shop):
    account = factories.make_account(shop, preset="ovh")
    page = owner_client.get(ask("account", args=[shop.slug, account.pk])).content.decode()
    assert "OVH" in page


def test_links_have_a_limit(owner_client, shop, domain, matter, owner, mailoutbox):
    for _number in range(technician.MOST_AN_HOUR):
        technician.issue(matter, owner)
    address = ask("domain", args=[shop.slug, domain.pk])
    answer = owner_client.post(address, {"address": "jan@technik.example", "do": "mail"})
    assert answer.status_code == 422
    assert owner_client.post(address, {"do": "link"}).status_code == 302
    assert not mailoutbox
    assert TechnicianLink.objects.count() == technician.MOST_AN_HOUR
