"""The table of hosters, and what is said about the address somebody wants to send from."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string

from mailaccounts.fields import PORTS, host_name
from mailaccounts.models import SenderAccount
from mailaccounts.presets import (
    OTHER,
    OTHER_HINT,
    PRESETS,
    TIP_OWN_MAILBOX,
    Login,
    Source,
    apply,
    by_slug,
    choices,
    clean_app_password,
    freemail_warning,
    is_freemail,
    limit_warning,
    recognise,
)


def preset(slug):
    found = by_slug(slug)
    assert found is not None, slug
    return found


@pytest.mark.promise("S3.6")
@pytest.mark.parametrize(
    ("slug", "host", "port"),
    [
        ("o2switch", "mail.o2dev.fr", 465),
        ("godaddy", "smtpout.secureserver.net", 465),
        ("ovh", "ssl0.ovh.net", 465),
        ("ionos_fr", "smtp.ionos.fr", 465),
    ],
)
def test_the_hosters_of_the_guide_have_exactly_its_values(slug, host, port):
    assert (preset(slug).host, preset(slug).port, preset(slug).tls) == (host, port, "implicit")


@pytest.mark.promise("S3.13")
def test_gmail_is_sent_over_its_server_on_port_465():
    gmail = preset("gmail")
    assert (gmail.host, gmail.port, gmail.tls) == ("smtp.gmail.com", 465, "implicit")
    assert gmail.login is Login.ADDRESS
    assert "app password" in str(gmail.password)


@pytest.mark.promise("S3.10")
def test_gmail_begins_with_100_a_day_and_says_what_more_may_cost():
    gmail = preset("gmail")
    assert gmail.per_day == 100
    assert "100 a day" in str(gmail.warning)
    assert limit_warning("gmail", 100) == ""
    assert "may block" in limit_warning("gmail", 500)
    assert "at most 500" in limit_warning("gmail", 501)
    assert "at most 500" in limit_warning("gmail", None)
    assert limit_warning("google_workspace", 2000) == ""
    assert limit_warning("ovh", None) == limit_warning(OTHER, 9) == ""


@pytest.mark.promise("S1.14")
@pytest.mark.parametrize("each", PRESETS, ids=lambda each: each.slug)
def test_every_row_of_the_table_can_be_used(each):
    assert re.fullmatch(r"[a-z0-9_]{2,40}", each.slug)
    assert each.port in PORTS
    assert each.tls == {465: "implicit", 587: "starttls"}[each.port]
    assert (each.host == "") == (each.source is Source.OWN)
    for host in filter(None, (each.host, each.imap_host)):
        assert host_name(host) == host
    assert each.host or each.note, "where a customer's server has its name is said"
    assert 1 <= each.concurrency <= 16
    assert each.password
    if each.guide:
        assert render_to_string(f"mailaccounts/parts/guide_{each.guide}.html")


def test_slugs_and_what_hosters_are_recognised_by_belong_to_one_of_them():
    for values in (
        [each.slug for each in PRESETS],
        [domain for each in PRESETS for domain in each.domains],
        [mx for each in PRESETS for mx in each.mx],
    ):
        assert sorted(values) == sorted(set(values))


@pytest.mark.parametrize(
    ("mx", "domain", "slug"),
    [
        (["aspmx.l.google.com.", "alt1.aspmx.l.google.com"], "shop.pl", "google_workspace"),
        (["SMTP.Google.com"], "shop.pl", "google_workspace"),
        (["gmail-smtp-in.l.google.com"], "gmail.com", "gmail"),
        (["shop-pl.mail.protection.outlook.com"], "shop.pl", "office365"),
        (["shop.a-v1.mx.microsoft"], "shop.pl", "office365"),
        (["shop.olc.protection.outlook.com"], "shop.pl", "outlook"),
        (["mx1.mail.ovh.net", "mx2.mail.ovh.net"], "boutique.fr", "ovh"),
        (["mx00.ionos.fr"], "boutique.fr", "ionos_fr"),
        (["mx00.kundenserver.de"], "laden.de", "ionos_de"),
        (["mailstore1.secureserver.net"], "shop.com", "godaddy"),
        (["mx.home.pl"], "sklep.pl", "homepl"),
        (["mx.poczta.onet.pl"], "vp.pl", "onet"),
        ([], "WP.PL", "wp"),
        (["backup.example", "mx.interia.pl"], "sklep.pl", "interia"),
        (["mx.domeneshop.no"], "butikk.no", "domeneshop"),
        (["mx1.seznam.cz"], "obchod.cz", "seznam"),
        (["mail.nothome.pl", "evil-google.com"], "sklep.pl", None),
        ([], "sklep.pl", None),
    ],
)  # fmt: skip
def test_a_hoster_is_recognised_by_the_domain_or_its_mail_exchangers(mx, domain, slug):
    assert recognise(mx, domain) == slug


def test_a_preset_fills_in_an_account_which_staff_may_change():
    account = SenderAccount(kind="smtp", from_address="sklep@wp.pl")
    apply(preset("wp"), account)
    assert (account.host, account.port, account.tls_mode) == ("smtp.wp.pl", 465, "implicit")
    assert (account.username, account.imap_username) == ("sklep", "sklep")
    assert (account.imap_host, account.imap_port, account.preset) == ("imap.wp.pl", 993, "wp")
    apply(preset("office365"), account)
    assert (account.port, account.tls_mode, account.username) == (587, "starttls", "sklep@wp.pl")
    assert account.concurrency == 3


def test_a_hoster_whose_customers_have_servers_of_their_own_fills_in_no_wrong_one():
    account = SenderAccount(kind="smtp", from_address="sklep@sklep.pl", imap_host="kept.example")
    apply(preset("lhpl"), account)
    assert account.host == ""
    assert account.imap_host == "kept.example"


@pytest.mark.promise("S3.7")
def test_who_is_not_in_the_table_is_sent_to_the_hosters_documentation():
    assert choices()[-1][0] == OTHER
    assert by_slug(OTHER) is None
    assert "documentation" in str(OTHER_HINT)


@pytest.mark.promise("S3.12")
@pytest.mark.parametrize(
    "typed", ["abcd efgh ijkl mnop", " abcdefghijklmnop\n", "abcd\u00a0efgh ijkl mnop"]
)
def test_an_app_password_is_taken_with_and_without_its_spaces(typed):
    assert clean_app_password("smtp.gmail.com", typed) == "abcdefghijklmnop"
    assert clean_app_password("SMTP.googlemail.com.", typed) == "abcdefghijklmnop"


@pytest.mark.parametrize(
    ("host", "typed"),
    [
        ("smtp.gmail.com", "a password with words"),
        ("smtp.gmail.com", "abcd efgh ijkl mno1"),
        ("smtp.wp.pl", "abcd efgh ijkl mnop"),
        ("notgmail.com", "abcd efgh ijkl mnop"),
    ],
)
def test_no_other_password_is_changed(host, typed):
    assert clean_app_password(host, typed) == typed


@pytest.mark.promise("S3.4")
@pytest.mark.parametrize(
    "address",
    [
        *("a@gmail.com", "a@WP.pl", "a@o2.pl", "a@onet.pl", "a@op.pl", "a@interia.pl"),
        *("a@seznam.cz", "a@gmx.de", "a@web.de", "a@orange.fr", "a@free.fr", "a@laposte.net"),
        *("a@outlook.com", "a@hotmail.com", "a@yahoo.com", "a@icloud.com", "a@proton.me"),
    ],
)
def test_an_address_that_anybody_can_have_is_warned_of(address):
    assert is_freemail(address)
    assert address.rpartition("@")[2].lower() in freemail_warning(address)


def test_a_domain_of_ones_own_is_not():
    assert freemail_warning("sklep@rowerownia.example") == ""
    assert not is_freemail("sklep@mygmail.com")
    assert not is_freemail("sklep@firma.onmicrosoft.com")


@pytest.mark.promise("S3.3")
def test_a_mailbox_just_for_automatic_mail_is_advised():
    assert "just for automatic mail" in str(TIP_OWN_MAILBOX)


@pytest.mark.promise("S3.11")
def test_the_guide_for_gmail_switches_on_two_steps_before_it_makes_an_app_password():
    guide = render_to_string("mailaccounts/parts/guide_gmail.html")
    steps = re.findall(r"<li>(.*?)</li>", guide, re.DOTALL)
    assert len(steps) == 4
    assert "two-step verification" in steps[1]
    assert "App passwords" in steps[2] and "name one after this app" in steps[2]
    assert "16 letters" in steps[3] and "without the spaces" in steps[3]


@pytest.mark.promise("S3.9")
def test_microsofts_end_of_passwords_is_named_with_its_date_and_its_error():
    guide = render_to_string("mailaccounts/parts/guide_microsoft.html")
    assert "end of December 2026" in guide and "5.7.30" in guide
    assert "end of December 2026" in str(preset("office365").warning)
