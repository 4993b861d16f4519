"""What an account of each type may be, held by the model itself."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from mailaccounts import kind_rules
from mailaccounts.models import Kind, SenderAccount

ESP = {"kind": "esp", "esp": "brevo", "password": "key-1"}
FRESHMAIL = {"kind": "freshmail", "password": "token-1"}


def account(**values) -> SenderAccount:
    facts = {
        "kind": "smtp",
        "label": "Sklep",
        "from_name": "Sklep",
        "from_address": "sklep@shop.example",
        "host": "smtp.shop.example",
    }
    return SenderAccount(**{**facts, **values})


def wrong(**values) -> set[str]:
    """The fields that the model's own validation names."""
    try:
        account(**values).full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        return set(error.message_dict)
    return set()


@pytest.mark.promise("S0.19")
def test_freshmail_takes_no_copies_and_every_other_type_does():
    assert wrong(**FRESHMAIL, copy_to="szef@shop.example") == {"copy_to"}
    for kind in set(Kind) - {Kind.FRESHMAIL}:
        more = ESP if kind is Kind.ESP else {"kind": kind}
        assert wrong(**more, copy_to="szef@shop.example") == set()


@pytest.mark.promise("S0.23")
@pytest.mark.parametrize("kind", ["freshmail", "google", "microsoft"])
def test_no_imap_for_freshmail_google_and_microsoft(kind):
    assert wrong(kind=kind, password="x-1", imap_enabled=True) == {"imap_enabled"}


@pytest.mark.promise("S0.23")
@pytest.mark.parametrize("values", [{"kind": "server"}, {"kind": "smtp"}, ESP])
def test_imap_for_the_other_types(values):
    assert wrong(**values, imap_enabled=True) == set()


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.SMTP}))
def test_only_a_server_of_ones_own_may_have_a_wrong_certificate(kind):
    values = ESP if kind == Kind.ESP else {"kind": kind, "password": "x-1"}
    assert wrong(**values, ignore_certificate_errors=True) == {"ignore_certificate_errors"}
    assert wrong(ignore_certificate_errors=True) == set()


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        (ESP, set()),
        ({**ESP, "esp": "nobody"}, {"esp"}),
        ({**ESP, "esp": ""}, {"esp"}),
        ({"esp": "brevo"}, {"esp"}),
        ({**ESP, "password": ""}, {"password"}),
        ({**ESP, "password": "klucz ąę"}, {"password"}),
        ({**ESP, "esp": "mailgun"}, {"esp_domain"}),
        ({**ESP, "esp": "mailgun", "esp_domain": "mg.shop.example"}, set()),
        ({**ESP, "esp": "mailgun", "esp_domain": "a/b", "esp_region": "mars"}, None),
        ({**ESP, "esp": "ses"}, {"username", "esp_region"}),
        (
            {**ESP, "esp": "ses", "username": "AKIAIOSFODNN7EXAMPLE", "esp_region": "x.evil/#"},
            {"esp_region"},
        ),
        (
            {
                **ESP,
                "esp": "ses",
                "username": "AKIAIOSFODNN7EXAMPLE",
                "esp_region": "us-gov-west-1",
            },
            set(),
        ),
        (FRESHMAIL, set()),
        ({**FRESHMAIL, "password": ""}, {"password"}),
        ({**FRESHMAIL, "password": "", "state": "draft"}, set()),
    ],
)
def test_what_a_provider_wants_must_be_there_before_the_account_is_active(values, fields):
    found = set(kind_rules.problems(account(**values)))
    assert found == ({"esp_domain", "esp_region"} if fields is None else fields)


def test_the_key_is_not_repeated_in_a_complaint():
    found = kind_rules.problems(account(**{**FRESHMAIL, "password": "tajne-ąę-1"}))
    assert "tajne" not in repr(found)


def test_microsoft_takes_three_connections_at_most():
    assert kind_rules.problems(account(kind="microsoft", concurrency=3)) == {}
    assert set(kind_rules.problems(account(kind="microsoft", concurrency=4))) == {"concurrency"}
    assert kind_rules.problems(account(kind="google", concurrency=4)) == {}
