"""The palette: what each value inserts can be saved as it is."""

from __future__ import annotations

import pytest

from templates_tx.contract_check import check_source
from templates_tx.editor.palette import completions, filters, groups
from templates_tx.message_types import all_types, get

TYPES = [each for each in all_types() if not each.is_handed_in]


def chips(message_type):
    return {chip.path: chip for group in groups(message_type.contract) for chip in group.chips}


@pytest.mark.parametrize("message_type", TYPES, ids=lambda each: each.code)
def test_what_is_inserted_passes_the_check(message_type):
    contract = message_type.contract
    lists = {rows.item: path for path, rows in contract.lists().items()}
    for path, chip in chips(message_type).items():
        for part, inserted in (("html", chip.html), ("text", chip.text)):
            item = path.partition(".")[0]
            if item in lists:
                inserted = f"{{% for {item} in {lists[item]} %}}{inserted}{{% endfor %}}"
            wrong = [one for one in check_source(inserted, part, contract) if one.refuses]
            assert not wrong, (path, part, inserted, wrong)


@pytest.mark.parametrize(
    ("path", "html"),
    [
        ("order.number", "{{ order.number }}"),
        ("order.total", "{{ order.total | money }}"),
        ("order.placed_at", "{{ order.placed_at | format_date }}"),
        ("order.url", "{{ order.url | safe_url }}"),
        ("order.note", "{{ order.note | newline_to_br }}"),
        ("order.items", "{% for item in order.items %}\n{{ item.name }}\n{% endfor %}"),
        ("item.total", "{{ item.total | money }}"),
    ],
)
def test_each_kind_of_value_comes_with_its_filter(path, html):
    assert chips(get("order.placed"))[path].html == html


def test_what_the_message_is_about_stands_first_and_what_must_appear_is_marked():
    made = groups(get("order.placed").contract)
    assert [group.name for group in made][:2] == ["Order", "Articles"]
    assert [chip.path for group in made for chip in group.chips if chip.must_appear] == [
        "order.number",
        "order.items",
    ]


def test_completions_know_lists_and_what_their_rows_hold():
    found = {each["name"]: each for each in completions(get("order.placed").contract, "pl")}
    assert found["order.items"]["kind"] == "list"
    assert found["item.name"]["of"] == "order.items"
    assert found["order.total"]["sample"] == "4218.00"


def test_every_filter_that_is_offered_exists():
    contract = get("order.placed").contract
    for each in filters():
        wrong = check_source(f"{{{{ order.number | {each['name']} }}}}", "text", contract)
        assert not any("There is no filter" in one.message for one in wrong)
