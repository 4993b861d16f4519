"""What is said about a template before it is saved: every fault, with its place and what to do."""

from __future__ import annotations

from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_tx import defaults, message_types
from templates_tx.contract import Contract
from templates_tx.contract_check import Problem, check_source

ORDER = message_types.get("order.placed")
SHIPPED = message_types.get("order.shipped")
BOOKING = message_types.get("booking.confirmed")

LOOP = "{% for item in order.items %}"
# Source → part of the sentence, line, column, how many characters are underlined, suggestion.
FAULTS: list[tuple[str, str, int, int, int, str]] = [
    # Names
    ("{{ order.totl }}", "“order.totl” is not known here.", 1, 4, 10, "order.total"),
    ("a\n  {{ order.totl | money }}", "“order.totl”", 2, 6, 10, "order.total"),
    ("zażółć {{ ordr.total }}", "“ordr.total”", 1, 11, 10, "order.total"),
    ("{{ total }}", "“total”", 1, 4, 5, "order.total"),
    ("{{ xyzzy }}", "“xyzzy”", 1, 4, 5, ""),
    ("{{ order['nmber'] }}", "“order.nmber”", 1, 4, 14, "order.number"),
    ("{% if order.notee %}x{% endif %}", "“order.notee”", 1, 7, 11, "order.note"),
    ("{% unless ordr %}x{% endunless %}", "“ordr”", 1, 11, 4, "order"),
    ("{% if a %}{% elsif shop.nam %}{% endif %}", "“shop.nam”", 1, 20, 8, "shop.name"),
    ('{% case order.xyz %}{% when "x" %}{% endcase %}', "“order.xyz”", 1, 9, 9, ""),
    ("{{ order.note | default: shop.nme }}", "“shop.nme”", 1, 26, 8, "shop.name"),
    ("{% assign x = order.totl %}{{ x }}", "“order.totl”", 1, 15, 10, "order.total"),
    ("{% assign o = order %}{{ o.totl }}", "“o.totl”", 1, 26, 6, "o.total"),
    ("{% assign i = order.items.first %}{{ i.nme }}", "“i.nme”", 1, 38, 5, "i.name"),
    ("{% liquid\n  assign o = order\n  echo o.nmber %}", "“o.nmber”", 3, 8, 7, "o.number"),
    ("{{ x }}{% assign x = 1 %}", "“x”", 1, 4, 1, ""),
    ("{{ order.number.foo }}", "single value, without a “foo”", 1, 4, 16, "order.number"),
    ("{{ change.befor }}", "“change.befor”", 1, 4, 12, "change.before"),
    ("{{ order.first_name }}", "first_name", 1, 4, 16, "customer.first_name"),
    # Loops
    (f"{LOOP}{{{{ item.nam }}}}{{% endfor %}}", "“item.nam”", 1, 33, 8, "item.name"),
    (f"{LOOP}{{% endfor %}}{{{{ item.name }}}}", "only inside of its loop", 1, 45, 9, ""),
    ("{{ item.name }}", "{% for item in order.items %} before it", 1, 4, 9, ""),
    ("{{ forloop.index }}", "“forloop” is known only inside of a loop", 1, 4, 13, ""),
    (f"{LOOP}{{{{ forloop.indx }}}}{{% endfor %}}", "indx", 1, 33, 12, "forloop.index"),
    ("{% for x in order.total %}{% endfor %}", "“order.total” is no list", 1, 13, 11, ""),
    ("{% for x in order %}{% endfor %}", "“order” is no list", 1, 13, 5, ""),
    ("{% for x in order.itms %}{% endfor %}", "“order.itms”", 1, 13, 10, "order.items"),
    ("{% tablerow x in order.items %}{{ x.skuu }}{% endtablerow %}", "skuu", 1, 35, 6, "x.sku"),
    ("{{ order.items.name }}", "“item.name” between them", 1, 4, 16, ""),
    ("{{ order.items[0].nam }}", "“order.items[0].nam”", 1, 4, 18, "order.items[0].name"),
    ("{% if order.items %}{% break %}{% endif %}", "“break” stands outside", 1, 24, 5, ""),
    # What is printed
    ("{{ order }}", "“order” is a group of values", 1, 4, 5, "order.number"),
    ("{{ order.items }}", "“order.items” is a list", 1, 4, 11, ""),
    ("{{ order.items | first }}", "is a group of values", 1, 4, 11, ""),
    # Filters
    ("{{ order.number | money }}", "“money” is for amounts, and “order.number”", 1, 19, 5, ""),
    ("{{ order.total | format_date }}", "“format_date” is for dates", 1, 18, 11, ""),
    ("{{ order.placed_at | format_date | money }}", "“money” is for amounts", 1, 36, 5, ""),
    ("{{ order | upcase }}", "“order” is a group", 1, 12, 6, ""),
    ("{{ order.items | upcase }}", "“upcase” is for single values", 1, 18, 6, ""),
    ("{{ order.items | join: ', ' }}", "“join” is for single values", 1, 18, 4, ""),
    ("{{ order.items | map: 'nme' | join }}", "“nme” is nothing", 1, 24, 3, "name"),
    ("{{ order.total | truncate: 1, 2, 3 }}", "“truncate” needs other values", 1, 18, 8, ""),
    # Comparisons
    ("{% if order.total > 100 %}{% endif %}", "is text such as", 1, 7, 11, ""),
    ("{% if order.discount == 0 %}{% endif %}", "equals no number", 1, 7, 14, ""),
    ("{% if order.items > 0 %}{% endif %}", "is a list: compare", 1, 7, 11, "order.items.size"),
    # What cannot be read
    (f"a\n{LOOP}\nb", "“for” is never closed by “endfor”.", 2, 1, 2, ""),
    (f"{LOOP}{{% endif %}}", "“endif” does not close “for”", 1, 30, 2, ""),
    ("{% endif %}", "“endif” closes nothing", 1, 1, 2, ""),
    ("{{ order.total | mony }}", "There is no filter “mony”.", 1, 18, 4, "money"),
    ("{% iff x %}", "There is no tag “iff”.", 1, 4, 3, "if"),
    ("{% include 'x' %}", "There is no tag “include”.", 1, 4, 7, ""),
    ("a\n{{ }}", "The name of a value is missing", 2, 3, 0, ""),
    ("a\n{% for x in %}b{% endfor %}", "The name of a value is missing", 2, 1, 14, ""),
    ("{{ order total }}", "“total” cannot stand here", 1, 10, 5, ""),
    ("{{ order.total | }}", "filter is missing behind “|”", 1, 4, 13, ""),
    ("{{ “a” }}", "Quotation marks have to be straight", 1, 4, 1, ""),
    ("{{ 'a }}", "A quotation mark is never closed", 1, 4, 1, ""),
    ("{{ 1 + 2 }}", "“+” cannot stand here", 1, 6, 1, ""),
    ("{% if (a) %}{% endif %}", "Conditions have no parentheses", 1, 7, 1, ""),
    ("{% if not a %}{% endif %}", "write {% unless … %}", 1, 7, 3, ""),
    ("{{ a", "“{{” is never closed by “}}”.", 1, 1, 2, ""),
    ("{% assign a.b = 1 %}", "letters, digits and “_”", 1, 11, 1, ""),
    # Merge tags
    ("*|ORDER_NUMBR|*", "“ORDER_NUMBR” is not known here.", 1, 3, 11, "order.number"),
    ("*|ORDER_NUMBER|* {{ order.totl }}", "“order.totl”", 1, 21, 10, "order.total"),
    ("x\n*|MC_PREVIEW:TEXT|*", "would be sent as it is", 2, 1, 19, ""),
]

# What Liquid offers, and nothing is wrong with.
FINE = [
    "{{ order.total | money }} {{ order['number'] }} {{ locale }} {{ currency }}",
    "{{ order.items.size }} {{ order.number.size }} {{ order.items.first.name }}",
    "{{ order.items[0].name }} {{ order.items[-1]['total'] | money }}",
    "{% assign o = order %}{{ o.total | money }}{% assign i = o.items.last %}{{ i.name }}",
    "{% assign n = order.total | plus: 1 %}{% if n > 100 %}{{ n | money }}{% endif %}",
    "{% capture x %}{{ order.number }}{% endcapture %}{{ x | upcase }}",
    "{% for i in order.items %}{{ forloop.index }}/{{ forloop.length }} {{ i.name }}{% endfor %}",
    "{% for i in order.items %}{% for n in (1..3) %}{{ forloop.parentloop.index }}{% endfor %}"
    "{% endfor %}",
    "{% tablerow i in order.items cols: 2 %}{{ tablerowloop.col }}{{ i.name }}{% endtablerow %}",
    "{% for i in order.items %}{% if seen %}, {% endif %}{{ i.name }}{% assign seen = true %}"
    "{% endfor %}",
    "{% if locale == 'pl' %}{% assign x = order %}{% else %}{% assign x = order.total %}{% endif %}"
    "{{ x.number }}",
    "{% increment n %}{{ n }}{% cycle 'a', 'b' %}",
    "{% if change %}{{ change.before }} → {{ change.after }}{% endif %}",
    "{% case order.payment_state %}{% when 'paid', 'refunded' %}x{% else %}y{% endcase %}",
    "{{ order.delivery_address | join: ', ' }}{% for l in order.billing_address %}{{ l }}"
    "{% endfor %}",
    "{{ order.items | map: 'name' | join: ', ' }} {{ order.items | where: 'sku', 'x' | size }}",
    "{% assign found = order.items | where: 'sku', 'x' | first %}{% if found %}{{ found.name }}"
    "{% endif %}",
    "{{ order.placed_at | format_datetime: 'short' }} {{ order.placed_at | date: '%d.%m.%Y' }}",
    "{{ order.shipping_method | default: 'x' | truncate: 5 | ljust: 9 }}",
    "{{ order.discount | default: '0' | money }}{% raw %}{{ nothing }}{% endraw %}",
    "{% comment %}{{ nothing }} {% endif %}{% endcomment %}",
    "{% liquid\n assign o = order\n echo o.number\n%}",
    '<a href="{{ order.url | safe_url }}">{{ order.url }}</a>{{ order.note | newline_to_br }}',
    "*|ORDER_NUMBER|* *|IF:ORDER_NOTE|*x*|END:IF|*",
]


def faults(source: str, part: str = "html", contract: Contract = ORDER.contract) -> list[Problem]:
    return check_source(source, part, contract)


@pytest.mark.promise("S5.5")
@pytest.mark.parametrize(
    ("source", "words", "line", "column", "length", "suggestion"),
    FAULTS,
    ids=[fault[0][:40] for fault in FAULTS],
)
def test_a_fault_is_named_with_its_place_and_what_was_meant(
    source: str, words: str, line: int, column: int, length: int, suggestion: str
) -> None:
    [problem] = [each for each in faults(source) if words in each.message]
    place = (problem.line, problem.column, problem.length, problem.suggestion)
    assert place == (line, column, length, suggestion)
    assert problem.severity == "error" and problem.part == "html"


@pytest.mark.parametrize("source", FINE)
@pytest.mark.parametrize("part", ["html", "text"])
def test_nothing_is_said_about_what_is_right(source: str, part: str) -> None:
    assert faults(source, part) == []


def test_words_that_types_share_may_ask_for_what_only_some_of_them_have() -> None:
    contact = message_types.get("contact.form").contract
    assert (
        faults("{% if customer %}x{% endif %}{% if order.number %}x{% endif %}", "text", contact)
        == []
    )
    [typo] = faults("{% if customer.nam %}x{% endif %}", "text", contact)
    assert typo.suggestion == "customer.name"
    assert faults("{% if customer %}{{ customer.name }}{% endif %}", "text", contact)


def test_all_faults_are_named_in_one_pass_in_the_order_of_the_source() -> None:
    found = faults("{{ order.a1 }}\n{{ order.number | money }}\n{% for x in shop %}{% endfor %}")
    assert [problem.line for problem in found] == [1, 2, 3]


def test_the_same_name_is_named_wherever_it_stands() -> None:
    assert [each.column for each in faults("{{ ab }} {{ ab }}")] == [4, 13]


def test_a_source_full_of_faults_ends_at_a_hundred() -> None:
    source = "".join(f"{{{{ wrong{number} }}}}" for number in range(2_000))
    started = thread_time()
    assert len(faults(source)) == 100
    assert thread_time() - started < 2


WARNINGS = [
    ('<a href="{{ order.url }}">', "html", "becomes a link", "order.url | safe_url"),
    ("<img src='{{- order.url }}'>", "html", "becomes a link", "order.url | safe_url"),
    ("<p>{{ order.note }}</p>", "html", "several lines", "order.note | newline_to_br"),
    ("{{ order.delivery_address }}", "text", "is a list", 'order.delivery_address | join: ", "'),
]


@pytest.mark.parametrize(("source", "part", "words", "suggestion"), WARNINGS)
def test_what_is_only_unwise_is_a_warning_that_names_the_remedy(
    source: str, part: str, words: str, suggestion: str
) -> None:
    [problem] = faults(source, part)
    assert words in problem.message
    assert (problem.severity, problem.suggestion) == ("warning", suggestion)
    assert not problem.refuses
    assert faults(source.replace(problem.suggestion.partition(" ")[0], suggestion), part) == []


def test_a_note_in_an_attribute_or_in_the_text_needs_no_breaks() -> None:
    assert faults('<b title="{{ order.note }}">x</b>') == []
    assert faults("{{ order.note }}", "text") == []


def test_a_group_or_list_that_is_filtered_away_is_no_longer_one() -> None:
    assert faults("{{ order.items | reverse | first | upcase }}") != []
    assert faults("{{ order.items | size | plus: 1 }}") == []


PIECES = [
    *("{{", "}}", "{%", "%}", "if", "for", "in", "endif", "endfor", "assign", "order", "item"),
    *("order.items", "|", "money", ":", ",", ".", "[", "]", "[0]", "==", ">", "1", "'a'", '"'),
    *("else", "elsif", "case", "when", "capture", "x", "=", "*|X|*", "(1..3)", "forloop", "\n"),
    *("liquid", "raw", "endraw", "comment", "map:", "'name'", "break", "cycle", "tablerow"),
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(PIECES),
        ),
        max_size=30,
    )
)
def test_no_source_makes_the_check_itself_fail(pieces: list[str]) -> None:
    source = " ".join(pieces)
    for part in ("subject", "html", "text"):
        for problem in check_source(source, part, ORDER.contract):
            assert problem.message
            assert problem.line is None or 1 <= problem.line <= source.count("\n") + 1


@pytest.mark.parametrize("source", ["{% if a %}" * 30, "{{ a" + "[a" * 900, "{{ a" + ".b" * 1_400])
def test_what_is_nested_without_an_end_is_a_problem_and_no_crash(source: str) -> None:
    assert faults(source)
    assert faults("{% if " + " and ".join(["a"] * 500) + " %}x{% endif %}")


def test_a_long_template_is_checked_while_somebody_types() -> None:
    made = defaults.load("order.placed", "en")
    body = made.body + "<p>Text of the shop, which is no Liquid. {{ shop.name }}</p>" * 30
    source = body * (60_000 // len(body))
    taken = []
    for _round in range(5):
        started = thread_time()
        assert faults(source) == []
        taken.append(thread_time() - started)
    assert min(taken) < 0.12  # about 0.03 on a machine that does nothing else
