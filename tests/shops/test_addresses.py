from __future__ import annotations

from email.utils import formataddr

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from shops.addresses import (
    Address,
    EmailAddressInvalid,
    domain_to_ascii,
    normalise,
    parse_address,
    parse_list,
    readable,
    validate_address,
    validate_email_list,
)


@pytest.mark.parametrize(
    ("text", "local", "domain", "name"),
    [
        ("anna@shop.example", "anna", "shop.example", ""),
        ("  Anna.Nowak+tag@Shop.Example \n", "Anna.Nowak+tag", "shop.example", ""),
        ("\u200banna@shop.test\ufeff", "anna", "shop.test", ""),
        ("<anna@shop.example>", "anna", "shop.example", ""),
        ("Anna Nowak <anna@shop.example>", "anna", "shop.example", "Anna Nowak"),
        ('"Nowak, Anna \\"A\\"" <anna@shop.example>', "anna", "shop.example", 'Nowak, Anna "A"'),
        ("o'brien!#$%&*/=?^_`{|}~-@shop.co.uk", "o'brien!#$%&*/=?^_`{|}~-", "shop.co.uk", ""),
        ("ewa@Bücher.example", "ewa", "xn--bcher-kva.example", ""),
        ("ewa@straße.example", "ewa", "xn--strae-oqa.example", ""),
        ("ewa@XN--BCHER-KVA.example", "ewa", "xn--bcher-kva.example", ""),
        ("ewa@shop.рф", "ewa", "shop.xn--p1ai", ""),
        ("a@1.2.3.example", "a", "1.2.3.example", ""),
    ],
)
def test_it_reads_one_address(text, local, domain, name):
    assert parse_address(text) == Address(local, domain, name)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "anna", "@shop.example", "anna@", "anna@localhost", "anna@shop", "anna@shop.",
        "anna@.example", "anna@shop..example", "anna@-shop.example", "anna@shop-.example",
        "anna@127.0.0.1", "anna@[127.0.0.1]", "anna@shop.example1", "anna@sh_op.example",
        ".anna@shop.example", "anna.@shop.example", "an..na@shop.example", "an na@shop.example",
        '"anna"@shop.example', '"anna@evil.test"@shop.example', "anna(comment)@shop.example",
        "anna@shop.example(comment)", "(c)anna@shop.example", "a@evil.test@shop.example",
        "a@b.example,c@d.example", "a@b.example c@d.example", "a@b.example;c@d.example",
        "<@relay.test:anna@shop.example>", "@relay.test:anna@shop.example", "a%b.test@",
        "Nowak, Anna <anna@shop.example>", "x@evil.test <anna@shop.example>",
        "Anna (x) <anna@shop.example>", "Friends: a@b.example, c@d.example;",
        "<a@b.example> <c@d.example>", "<a@b.example", "a@b.example>", "Anna <<a@b.example>>",
        "anna@shop.example\r\nBcc: x@evil.test", "an\0na@shop.example", "anna@shop\0.example",
        "Anna\r\n <anna@shop.example>", "\ud800@shop.example", "a@\ud800.example",
        "a\u2028b@shop.example", "łucja@shop.example", "anna\u200b@shop.example",
        "anna@xn--a.example", "anna@xn--.example", "anna＠shop.example", "a@b\uff20c.example",
        "anna@\u200d.example", "anna@" + "a" * 64 + ".example", "a" * 65 + "@shop.example",
        "a@" + ".".join(["a" * 60] * 5) + ".example", "x" * 5000 + "@shop.example",
    ],
)  # fmt: skip
def test_it_refuses_what_is_not_one_deliverable_address(text):
    with pytest.raises(EmailAddressInvalid) as refused:
        parse_address(text)
    assert refused.value.text == text[:100]
    assert str(refused.value.reason)
    str(refused.value).encode()


@pytest.mark.parametrize("mark", [",", ";", " , ", ", Anna "])
def test_two_addresses_are_refused_as_two(mark):
    with pytest.raises(EmailAddressInvalid, match="one address only"):
        parse_address(f"a@b.example{mark}c@d.example")


def test_254_characters_are_taken_and_255_are_not():
    domain = ".".join(["d" * 60] * 3) + ".example"
    local = "a" * (254 - len(domain) - 1)
    assert len(parse_address(f"{local}@{domain}").address) == 254
    with pytest.raises(EmailAddressInvalid, match="254"):
        parse_address(f"{local}a@{domain}")


def test_a_local_part_beyond_ascii_is_read_only_when_asked_for():
    with pytest.raises(EmailAddressInvalid, match="unaccented"):
        parse_address("łucja@poczta.example")
    address = parse_address("łucja@poczta.example", allow_utf8_local=True)
    assert (address.local, address.needs_smtputf8) == ("łucja", True)
    for hidden in ("łu\u200bcja", "łu\u00a0cja", "łu\u202ecja", "łu cja", "ł..a", '"ł"'):
        with pytest.raises(EmailAddressInvalid):
            parse_address(f"{hidden}@poczta.example", allow_utf8_local=True)


@given(st.text(max_size=60))
@example("a@b.example" * 5)
@example('"' * 50 + "@b.example")
def test_any_text_gives_an_address_or_a_refusal(text):
    for allow in (False, True):
        try:
            address = parse_address(text, allow_utf8_local=allow)
        except EmailAddressInvalid:
            continue
        assert address.address.count("@") == 1 and address.domain.isascii()
        assert parse_address(address.address, allow_utf8_local=allow).address == address.address


@given(st.from_regex(r"[a-z0-9.@<>\"(),:; \\żＡ\[\]-]{0,40}", fullmatch=True))
def test_what_is_read_stood_in_the_text(text):
    try:
        address = parse_address(text, allow_utf8_local=True)
    except EmailAddressInvalid:
        return
    assert address.local in text


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30))
def test_a_quoted_name_comes_back(name):
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    address = parse_address(f'"{escaped}" <anna@shop.example>')
    assert address == Address("anna", "shop.example", " ".join(name.split()))
    if name.isascii():
        assert parse_address(formataddr((name.strip(), "anna@shop.example"))).local == "anna"


def test_domains_are_lower_case_a_labels():
    assert domain_to_ascii("Żółw.Example") == "xn--w-uga1v8h.example"
    with pytest.raises(EmailAddressInvalid):
        domain_to_ascii("shop")


@pytest.mark.promise("S0.21")
@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("", []),
        (" , ", []),
        ("test@test.pl, test1@test.pl", ["test@test.pl", "test1@test.pl"]),
        ("test@test.pl,test1@test.pl", ["test@test.pl", "test1@test.pl"]),
        ("  test@test.pl  ,   test1@test.pl  , ", ["test@test.pl", "test1@test.pl"]),
        (
            "test@test.pl; test1@test.pl\r\nx@test.pl",
            ["test@test.pl", "test1@test.pl", "x@test.pl"],
        ),
        ("Test@Test.pl, test@test.pl, TEST@TEST.PL", ["Test@test.pl"]),
        ('"Nowak, Anna" <anna@test.pl>, b@test.pl', ["anna@test.pl", "b@test.pl"]),
    ],
)
def test_copy_addresses_are_separated_by_commas(text, addresses):
    assert [address.address for address in parse_list(text)] == addresses


@pytest.mark.promise("S0.21")
@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("test@test.pl, test1@", "test1@"),
        ("test@test.pl, anna nowak@test.pl, x", "anna nowak@test.pl"),
        ("test@test.pl test1@test.pl", "test@test.pl test1@test.pl"),
        ('"open, a@test.pl', '"open'),
    ],
)
def test_the_wrong_address_of_a_list_is_named(text, wrong):
    with pytest.raises(EmailAddressInvalid) as refused:
        parse_list(text)
    assert refused.value.text == wrong
    assert f"“{wrong}”" in str(refused.value)


def test_an_endless_list_is_refused():
    with pytest.raises(EmailAddressInvalid, match="4,000"):
        parse_list('"\\' * 2001)


def test_spellings_of_one_address_are_equal_for_suppression():
    assert normalise("Anna <ANNA@Shop.Example>") == normalise("anna@shop.example")
    assert normalise("ewa@Bücher.example") == "ewa@xn--bcher-kva.example"
    assert normalise("Łucja@poczta.example") == normalise("łucja@poczta.example")


def test_validators_name_the_address():
    validate_address("anna@shop.example")
    validate_email_list("a@shop.example, b@shop.example,")
    with pytest.raises(ValidationError, match="anna@shop”"):
        validate_address("anna@shop")
    with pytest.raises(ValidationError, match="without a name"):
        validate_address("Anna <anna@shop.example>")
    with pytest.raises(ValidationError, match="“b”"):
        validate_email_list("a@shop.example, b")


@pytest.mark.parametrize("shown", ["sklep@łódź.example", "ewa@shop.рф", "ewa@shop.example"])
def test_an_address_is_shown_as_people_write_it(shown):
    stored = parse_address(shown).address
    assert stored.isascii()
    assert readable(stored) == shown


@pytest.mark.parametrize("text", ["", "a@xn--ł.example", "a@xn--999999.example", "a@" + "x" * 70])
def test_what_is_no_idn_is_shown_as_it_stands(text):
    assert readable(text) == text
