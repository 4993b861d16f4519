"""The exact new record for each kind of old one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailaccounts.dns.spf_record import (
    Advice,
    Change,
    Proposal,
    compare,
    propose,
    txt_strings,
    zone_line,
)
from mailaccounts.dns.spf_syntax import parse

US = "spf.desk.example"
# A loaded machine takes its time.
quick = settings(max_examples=60, deadline=None)


@pytest.mark.promise("S0.26")
def test_a_domain_without_a_record_gets_the_promised_one() -> None:
    assert propose([], "spf.iai-sa.com").record == "v=spf1 a mx include:spf.iai-sa.com -all"


@pytest.mark.promise("S0.27", "S5.2")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v=spf1 a mx -all", "v=spf1 a mx include:US -all"),
        ("v=spf1 a mx include:x.example ~all", "v=spf1 a mx include:x.example include:US ~all"),
        ("v=spf1 mx ?all", "v=spf1 mx include:US ?all"),
        ("v=spf1 mx all", "v=spf1 mx include:US all"),
        ("v=spf1 mx +all", "v=spf1 mx include:US +all"),
        ("v=spf1 -all", "v=spf1 include:US -all"),
        ("v=spf1", "v=spf1 include:US"),
        ("v=spf1 a mx", "v=spf1 a mx include:US"),
        ("v=spf1 redirect=x.example", "v=spf1 include:US redirect=x.example"),
        ("v=spf1 mx redirect=x.example", "v=spf1 mx include:US redirect=x.example"),
        ("v=spf1 redirect=x.example mx", "v=spf1 include:US redirect=x.example mx"),
        ("v=spf1 mx -all redirect=x.example", "v=spf1 mx include:US -all redirect=x.example"),
        ("v=spf1 mx exp=why.example", "v=spf1 mx include:US exp=why.example"),
        ("v=spf1 mx -all exp=why.example", "v=spf1 mx include:US -all exp=why.example"),
        ("v=spf1 exp=why.example mx", "v=spf1 exp=why.example mx include:US"),
        ("V=SPF1 MX -ALL", "V=SPF1 MX include:US -ALL"),
        ("v=spf1  mx   -all ", "v=spf1 mx include:US -all"),
        ("v=spf1 -ip4:192.0.2.1 ~a ?mx -all", "v=spf1 -ip4:192.0.2.1 ~a ?mx include:US -all"),
        ("v=spf1 exists:%{i}.x.example -all", "v=spf1 exists:%{i}.x.example include:US -all"),
        ("v=spf1 mx -all include:US", "v=spf1 mx include:US -all"),
        ("v=spf1 include:US mx -all include:US", "v=spf1 include:US mx -all"),
        ("v=spf1 include:US include:US -all", "v=spf1 include:US -all"),
        ("v=spf1 -include:US mx -all", "v=spf1 mx include:US -all"),
        ("v=spf1 ~include:US include:US -all", "v=spf1 include:US -all"),
        ("v=spf1 mx -all a", "v=spf1 mx include:US -all a"),
    ],
)
def test_ours_is_put_once_where_it_is_read(old: str, new: str) -> None:
    old, new = old.replace("US", US), new.replace("US", US)

    assert propose([old], US).record == new
    assert propose([old], US).changes


@pytest.mark.promise("S0.27")
@pytest.mark.parametrize(
    "record",
    [
        f"v=spf1 a mx include:{US} -all",
        f"v=spf1 +include:{US} ~all",
        f"v=spf1 INCLUDE:{US.upper()}. a -all",
        f"v=spf1 include:{US}",
        f"v=spf1  include:{US}  redirect=x.example",
    ],
)
def test_a_record_that_has_ours_stays_as_it_is(record: str) -> None:
    proposal = propose([record], US)

    assert (proposal.record, proposal.changes) == (record, False)


@pytest.mark.promise("S5.2")
@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ("v=spf1 a -all", "v=spf1 mx -all", "v=spf1 a mx include:US -all"),
        ("v=spf1 a mx ~all", "v=spf1 mx a include:x.example -all",
         "v=spf1 a mx include:x.example include:US ~all"),
        ("v=spf1 a", "v=spf1 include:US -all", "v=spf1 a include:US -all"),
        ("v=spf1 a -all", "v=spf1 a -all", "v=spf1 a include:US -all"),
        ("v=spf1 a", "v=spf1 +A exp=e.example", "v=spf1 a include:US exp=e.example"),
        ("v=spf1 include:US -all", "v=spf1 include:US ?all", "v=spf1 include:US ?all"),
    ],
)  # fmt: skip
def test_two_records_become_one(first: str, second: str, merged: str) -> None:
    pair = [first.replace("US", US), second.replace("US", US)]
    proposal = propose(pair, US)

    assert proposal.record == merged.replace("US", US)
    assert proposal.replaces == tuple(pair)
    assert Advice.MERGED in proposal.advice and proposal.changes


@pytest.mark.promise("S5.2")
@pytest.mark.parametrize(
    "second",
    ["v=spf1 redirect=x.example", "v=spf1 +all", "v=spf1 all", "v=spf1 -ip4:192.0.2.1 -all"],
)
def test_two_records_whose_order_matters_are_not_merged(second: str) -> None:
    proposal = propose(["v=spf1 a -all", second], US)

    assert (proposal.record, proposal.advice) == (None, (Advice.MERGE_BY_HAND,))


@pytest.mark.parametrize("found", [["v=spf1 ipv4:192.0.2.1 -all"], ["v=spf1 a", "v=spf1 b"]])
def test_what_cannot_be_read_is_not_edited(found: list[str]) -> None:
    proposal = propose(found, US)

    assert (proposal.record, proposal.advice) == (None, (Advice.SYNTAX,))
    assert proposal.error is not None and proposal.error.term in found[-1]


@pytest.mark.parametrize(
    ("record", "advice"),
    [
        ("v=spf1 +all", Advice.EVERYONE),
        ("v=spf1 a all", Advice.EVERYONE),
        ("v=spf1 -all", Advice.NOBODY),
        ("v=spf1 a", Advice.NO_END),
        ("v=spf1 ptr -all", Advice.OLD_PTR),
        (f"v=spf1 a -all include:{US}", Advice.MOVED),
        (f"v=spf1 include:{US} include:{US} -all", Advice.DOUBLE),
        ("v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(16)) + " -all", Advice.LONG),
    ],
)
def test_it_says_what_should_be_known(record: str, advice: Advice) -> None:
    assert propose([record], US).advice == (advice,)


@pytest.mark.promise("S5.2")
def test_the_comparison_shows_the_one_new_word() -> None:
    proposal = propose(["v=spf1 a mx ~all"], US)

    assert [(token.text, token.change.value) for token in proposal.tokens] == [
        ("v=spf1", "kept"),
        ("a", "kept"),
        ("mx", "kept"),
        (f"include:{US}", "new"),
        ("~all", "kept"),
    ]


def test_the_comparison_shows_what_goes() -> None:
    proposal = propose([f"v=spf1 -all include:{US}"], US)

    assert [token.change for token in proposal.tokens] == [
        Change.KEPT,
        Change.NEW,
        Change.KEPT,
        Change.REMOVED,
    ]
    assert propose([], US).tokens[0].change is Change.NEW


@pytest.mark.promise("S5.2")
def test_a_long_record_is_split_into_strings() -> None:
    record = "v=spf1 " + " ".join(f"ip4:198.51.100.{n}" for n in range(100, 125)) + " -all"
    strings = txt_strings(record)

    assert len(record) > 450
    assert "".join(strings) == record
    assert [part[-1] for part in strings[:-1]] == [" "]
    assert zone_line("shop.example", record) == (
        f'shop.example. IN TXT "{strings[0]}" "{strings[1]}"'
    )


domains = st.sampled_from(["x.example", "y.example", "%{d}.z.example", "mail.shop.example", US])
qualifiers = st.sampled_from(["", "+", "-", "~", "?"])
mechanisms = st.builds(
    lambda qualifier, body: qualifier + body,
    qualifiers,
    st.one_of(
        st.sampled_from(["a", "mx", "ptr", "a/24", "mx//64", "ip4:192.0.2.0/24", "ip6:2001:db8::"]),
        st.builds(lambda name, at: f"{name}:{at}", st.sampled_from(["a", "mx", "exists"]), domains),
        st.builds(lambda at: f"include:{at}", domains),
        st.just("all"),
    ),
)
modifiers = st.lists(
    st.sampled_from(["redirect=x.example", "exp=why.example", "note=a", "note=b"]),
    unique_by=lambda text: text.partition("=")[0],
)


@st.composite
def records(draw: st.DrawFn) -> str:
    words = draw(st.lists(mechanisms, max_size=12)) + draw(modifiers)
    return " ".join(["v=spf1", *draw(st.permutations(words))])


def others(record: str) -> list[str]:
    """The terms that are not ours."""
    return [
        term.text for term in parse(record) if not (term.name == "include" and term.value == US)
    ]


@pytest.mark.promise("S0.27", "S5.2")
@quick
@given(records())
def test_every_proposal_keeps_the_rest_and_has_ours_once_before_the_end(record: str) -> None:
    new = propose([record], US).record

    assert new is not None
    assert others(new) == others(record)
    terms = parse(new)
    ours = [at for at, term in enumerate(terms) if term.name == "include" and term.value == US]
    assert len(ours) == 1 and terms[ours[0]].passes
    assert all(at > ours[0] for at, term in enumerate(terms) if term.name == "all")
    assert propose([new], US) == Proposal(new, (new,), propose([new], US).advice)


@quick
@given(st.lists(records(), min_size=2, max_size=3))
def test_several_records_become_one_that_stays(found: list[str]) -> None:
    new = propose(found, US).record

    if new is not None:
        words = {word.lstrip("+").lower() for record in found for word in others(record)}
        assert {word.lstrip("+").lower() for word in others(new)} <= words
        assert not propose([new], US).changes


@quick
@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=900))
def test_strings_are_short_and_lose_nothing(text: str) -> None:
    parts = txt_strings(text)

    assert "".join(parts) == text
    assert all(len(part) <= 255 for part in parts)


@quick
@given(records(), records())
def test_a_comparison_gives_both_records_back(old: str, new: str) -> None:
    tokens = compare(old, new)

    assert [token.text for token in tokens if token.change != Change.NEW] == old.split()
    assert [token.text for token in tokens if token.change != Change.REMOVED] == new.split()
