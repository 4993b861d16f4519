"""Every template is rendered, turned into a mail and read back before a customer sees it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from shops.models import Shop
from templates_tx import message_types, proof
from templates_tx.contract import Contract
from templates_tx.generated import generated
from templates_tx.models import MessageTemplate, TemplateVersion
from templates_tx.proof import ORDERS, candidates, fault_in, prove
from templates_tx.rendering import Parts, plain, render_all

ORDER: Contract = message_types.get("order.placed").contract


def own_template(shop: Shop, **parts: str) -> MessageTemplate:
    sources = {"subject": "Order {{ order.number }}", "text": "{{ order.total }}", "html": ""}
    template = MessageTemplate.objects.create(shop=shop, message_type="order.placed", language="pl")
    template.current = TemplateVersion.objects.create(
        template=template, number=1, **{**sources, **parts}
    )
    template.save()
    return template


def run(*args: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    try:
        call_command("check_templates", "--json", *args, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


@pytest.mark.promise("S4.4")
def test_all_built_in_templates_stand_the_proof(db: None) -> None:
    code, report = run()
    assert report["failed"] == [] and code == 0
    assert set(report) == {"types", "languages", "rendered", "failed"}
    assert report["rendered"] == len(list(candidates())) * (2 + ORDERS)


def test_a_shops_own_template_is_proved_too(shop: Shop) -> None:
    own_template(shop, text="{{ order.totl }}")
    code, report = run("--orders", "3")
    names = {each["template"] for each in report["failed"]}
    assert code == 1 and names == {f"{shop.slug}: order.placed/pl"}
    assert "order.totl" in report["failed"][0]["problem"]


def test_one_that_is_not_in_use_is_left_alone(shop: Shop) -> None:
    template = own_template(shop, text="{{ order.totl }}")
    MessageTemplate.objects.filter(pk=template.pk).update(in_use=False)
    assert run("--orders", "0")[0] == 0


def test_what_fails_for_some_orders_only_is_found(shop: Shop) -> None:
    own_template(shop, text="{{ order.items[1].name }}")
    faults = prove(orders=20).failed
    assert 1 < len(faults) < 22
    assert any(fault.data.startswith("generated order") for fault in faults)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        (Parts("", "", "x"), "the subject is empty"),
        (Parts("x", "<p>x</p>", " \n"), "there is no text part"),
        (Parts("x", "", "{{ order.nr }}"), "order.nr"),
        (Parts("x", "", "{{ customer.name }}"), ""),
    ],
)
def test_each_kind_of_fault_is_told(parts: Parts, problem: str) -> None:
    found = fault_in(parts, ORDER.sample("en"))
    assert problem in found and bool(found) == bool(problem)


def test_two_parsers_that_disagree_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts("Zażółć", "<p>gęślą</p>", "jaźń")
    assert fault_in(parts, ORDER.sample("pl")) == ""
    monkeypatch.setattr(proof, "_by_strict", lambda content: ("Zażółć", "jaźń", "<p>other</p>"))
    assert fault_in(parts, ORDER.sample("pl")) == "the parser “strict” reads another HTML"


@pytest.mark.parametrize(
    "code", [each.code for each in message_types.all_types() if not each.is_handed_in]
)
def test_samples_and_generated_data_have_the_same_keys_and_are_plain(code: str) -> None:
    contract = message_types.get(code).contract
    sample = contract.sample("en")
    for context in (contract.barest("en"), *(generated(contract, "en", n) for n in range(5))):
        assert plain(context).keys() == sample.keys()
        for name, group in sample.items():
            if isinstance(group, dict):
                assert context[name].keys() == group.keys()


def test_a_seed_always_gives_the_same_data() -> None:
    assert generated(ORDER, "pl", 7) == generated(ORDER, "pl", 7)
    assert generated(ORDER, "pl", 7) != generated(ORDER, "pl", 8)


def test_placeholders_in_customers_data_are_never_evaluated() -> None:
    parts = Parts("{{ customer.name }}", "<p>{{ customer.name }}</p>", "{{ customer.name }}")
    for hostile in ("{{ order.total }}", "{% for x in y %}", "*|FNAME|*", "{{ shop.email }}{#"):
        context = ORDER.sample("en")
        context["customer"]["name"] = hostile
        made = render_all(parts, context)
        assert made.subject == made.text == hostile
        assert made.html == f"<p>{hostile}</p>"


def test_a_wrong_number_of_orders_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="--orders"):
        call_command("check_templates", "--orders", "-1")
