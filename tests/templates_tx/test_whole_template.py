"""A whole template is checked: each part, what must appear, and what comes out of a trial."""

from __future__ import annotations

from dataclasses import replace
from time import thread_time

import pytest

from templates_tx import defaults, message_types
from templates_tx.contract import Contract, Field, Group, Kind
from templates_tx.contract_check import Sources, check_template
from templates_tx.message_types import MessageType, Section

ORDER = message_types.get("order.placed")
SHIPPED = message_types.get("order.shipped")
BOOKING = message_types.get("booking.confirmed")

LOOP = "{% for item in order.items %}"
GOOD = Sources(
    subject="Order {{ order.number }}",
    html_source=f"<p>{{{{ order.number }}}}</p>{LOOP}<p>{{{{ item.name }}}}</p>{{% endfor %}}",
    text=f"{{{{ order.number }}}}\n{LOOP}{{{{ item.name }}}}\n{{% endfor %}}",
)


def problems(sources: Sources, message_type: MessageType = ORDER) -> list[str]:
    return [each.message for each in check_template(sources, message_type, "en")]


def test_a_good_template_has_no_problem() -> None:
    assert problems(GOOD) == []


def with_(sources: Sources, **parts: str) -> Sources:
    """The same with these parts instead."""
    return replace(sources, **parts)


@pytest.mark.promise("S4.21")
@pytest.mark.parametrize("part", ["subject", "preheader", "html_source", "text", "sms"])
def test_a_merge_tag_without_a_value_is_refused_in_every_part(part: str) -> None:
    [problem] = check_template(
        with_(GOOD, **{part: getattr(GOOD, part) + "*|VOUCHER|*"}), ORDER, "en"
    )
    assert problem.message == "“VOUCHER” is not known here."
    assert problem.refuses and problem.part == part.removesuffix("_source")


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("text", f"{LOOP}{{{{ item.name }}}}{{% endfor %}}"),
        ("text", f"{{% if order.number %}}x{{% endif %}}{LOOP}{{% endfor %}}"),
        ("html_source", f"<p>{LOOP}{{{{ item.name }}}}{{% endfor %}}</p>"),
    ],
)
def test_what_must_appear_is_missed_in_html_and_text(part: str, source: str) -> None:
    [problem] = check_template(with_(GOOD, **{part: source}), ORDER, "en")
    assert problem.message == "The message must show “Order number”: insert {{ order.number }}"
    assert problem.suggestion == "{{ order.number }}"
    assert (problem.part, problem.line) == (part.removesuffix("_source"), None)


@pytest.mark.parametrize(
    ("source", "is_missed"),
    [
        ("{{ order.items.size }}", True),
        ("{% if order.items %}x{% endif %}", True),
        ("{{ order.items.first.name }}", False),
        ("{% assign i = order.items %}{% for x in i %}{{ x.name }}{% endfor %}", False),
        (f"{{% if order.note %}}{LOOP}{{{{ item.name }}}}{{% endfor %}}{{% endif %}}", False),
        ("{{ order.items | map: 'name' | join }}", False),
    ],
)
def test_a_list_appears_where_one_of_its_items_does(source: str, is_missed: bool) -> None:
    found = check_template(with_(GOOD, text="{{ order.number }}" + source), ORDER, "en")
    assert bool(found) is is_missed
    if found:
        assert found[0].suggestion == f"{LOOP}{{{{ item.name }}}}{{% endfor %}}"


def test_a_message_without_html_needs_no_value_there() -> None:
    assert problems(with_(GOOD, html_source="")) == []


def test_a_parcels_message_must_show_its_link() -> None:
    link = "{% if order.tracking_url %}{{ order.tracking_url }}{% endif %}"
    without = Sources("Parcel {{ order.number }}", "", "{{ order.number }}")
    assert "“Tracking link”: insert {{ order.tracking_url }}" in problems(without, SHIPPED)[0]
    assert problems(with_(without, text="{{ order.number }}" + link), SHIPPED) == []


def test_subject_and_text_are_needed() -> None:
    assert problems(with_(GOOD, subject=" ")) == ["A message needs a subject."]
    assert problems(with_(GOOD, text="")) == [
        "A message needs a text: some people read no other part of it."
    ]


def test_a_subject_that_may_be_empty_is_refused() -> None:
    [words] = problems(with_(GOOD, subject="{{ order.note }}"))
    assert "subject is empty" in words


def test_a_value_that_may_be_empty_fails_in_the_trial_with_its_line() -> None:
    text = "{{ booking.name }} {{ booking.starts_at | format_date }}\n\n{{ booking.total | money }}"
    [problem] = check_template(Sources("x", "", text), BOOKING, "en")
    assert (problem.part, problem.line) == ("text", 3)
    assert problem.message == "A value may be empty here: write {% if … %} around it."


def test_a_value_that_is_missing_while_another_is_there_fails_too() -> None:
    guarded = "{% if booking.place %}{{ booking.total | money }}{% endif %}"
    text = "{{ booking.name }} {{ booking.starts_at | format_date }}" + guarded
    [problem] = check_template(Sources("x", "", text), BOOKING, "en")
    assert "may be empty" in problem.message
    assert (
        problems(Sources("x", "", text.replace("if booking.place", "if booking.total")), BOOKING)
        == []
    )


def test_mjml_and_its_faults_are_checked_as_html() -> None:
    body = f"<mj-section><mj-column><mj-text>{GOOD.html_source}</mj-text></mj-column></mj-section>"
    assert problems(with_(GOOD, html_source=body)) == []
    [words] = problems(with_(GOOD, html_source=body.replace("mj-text", "mj-foo")))
    assert "mj-foo" in words


def test_a_template_that_runs_too_long_is_refused_soon() -> None:
    slow = "{% for a in (1..9999) %}{{ 'x' | append: 'y' | upcase | size }}{% endfor %}" * 15
    started = thread_time()
    [words] = problems(with_(GOOD, text=GOOD.text + slow))
    assert "too long" in words
    assert thread_time() - started < 2


def test_a_type_of_an_app_is_checked_against_its_own_contract() -> None:
    points = Field("points", "Points", 120, Kind.NUMBER)
    contract = Contract((Group("card", "Card", (points,)),), ("card.points",))
    loyalty = MessageType("loyalty.points", "Points", Section.ACCOUNT, "x", contract=contract)
    assert problems(Sources("x", "", "{{ card.points }}"), loyalty) == []
    assert problems(Sources("x", "", "{{ card.points | money }} {{ order.total }}"), loyalty) == [
        "“order.total” is not known here."
    ]


@pytest.mark.parametrize("language", ["de", "nb", "is"])
def test_a_language_without_words_of_its_own_has_a_frame_all_the_same(language: str) -> None:
    assert check_template(GOOD, ORDER, language) == []


@pytest.mark.parametrize(("code", "language"), list(defaults.every()))
def test_the_built_in_templates_have_no_problem(code: str, language: str) -> None:
    made = defaults.load(code, language)
    sources = Sources(made.subject, made.body, made.text, made.preheader)
    assert check_template(sources, message_types.get(code), language) == []
