"""A shop's own words: begun as a copy, checked, saved as versions, taken back, put into use."""

from __future__ import annotations

import threading
from dataclasses import fields, replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from maillog.registry import RenderFailed
from shops import audit
from shops.models import AuditEntry, Shop
from templates_tx import message_types
from templates_tx.contract_check import Sources, check_template
from templates_tx.dry_run import sources_of
from templates_tx.models import MessageTemplate, OwnMessageType, TemplateDraft
from templates_tx.notify import notify
from templates_tx.own_types import as_type
from templates_tx.plans import plan_for
from templates_tx.renderer import parts_of, render
from templates_tx.rendering import TemplateError
from templates_tx.saving import (
    OrdersFail,
    Refused,
    own_template,
    restore,
    save_version,
    set_in_use,
)
from templates_tx.starter import starter
from tests import factories

pytestmark = pytest.mark.django_db

ORDER = message_types.get("order.placed")
WORDS = Sources(
    subject="Zamówienie {{ order.number }}",
    html_source="<p>{{ order.number }}</p>{% for item in order.items %}{{ item.name }}{% endfor %}",
    text="{{ order.number }} {% for item in order.items %}{{ item.name }}{% endfor %}",
    preheader="Dziękujemy",
)


@pytest.fixture
def template(shop: Shop, owner: User) -> MessageTemplate:
    return own_template(shop, ORDER, "pl", owner)


def draft(template: MessageTemplate, words: Sources) -> TemplateDraft:
    parts = {each.name: getattr(words, each.name) for each in fields(words)}
    return TemplateDraft.objects.create(template=template, began_from=1, **parts)


def current_subject(shop: Shop) -> str:
    return plan_for(shop, ORDER, "pl").words().subject


@pytest.mark.promise("S3.17")
def test_own_words_begin_as_a_copy_of_the_built_in_ones_and_are_not_in_use(
    shop: Shop, owner: User
) -> None:
    before = current_subject(shop)
    template = own_template(shop, ORDER, "pl", owner)
    built_in = MessageTemplate.objects.get(shop=None, message_type="order.placed", language="pl")
    assert template.current is not None and built_in.current is not None
    assert sources_of(template.current) == sources_of(built_in.current)
    assert (template.current.number, template.current.html) == (1, built_in.current.html)
    assert not template.in_use and current_subject(shop) == before
    assert template.current.created_by == owner


def test_own_words_are_made_once(shop: Shop, owner: User, template: MessageTemplate) -> None:
    again = own_template(shop, ORDER, "pl", owner)
    assert again == template and again.versions.count() == 1
    assert AuditEntry.objects.filter(action="template.added").count() == 1


def test_in_a_language_without_words_they_begin_in_english(shop: Shop, owner: User) -> None:
    MessageTemplate.objects.filter(shop=None, language="cs").delete()
    template = own_template(shop, ORDER, "cs", owner)
    assert template.current is not None and "received" in template.current.subject
    assert '<html lang="{{ locale }}">' in template.current.html


@pytest.mark.parametrize(
    "each",
    [each for each in message_types.all_types() if not each.is_handed_in],
    ids=lambda each: each.code,
)
def test_where_nobody_has_written_any_they_begin_with_what_must_appear(each: Any) -> None:
    assert check_template(starter(each, "pl"), each, "pl") == []


def test_a_type_that_the_shop_has_made_begins_with_its_own_values(shop: Shop, owner: User) -> None:
    row = OwnMessageType.objects.create(
        shop=shop,
        code="own.voucher",
        name="Bon {{ x }} <b>",
        section="orders",
        to="given",
        fields=[{"name": "voucher", "label": "Bon", "sample": "X1", "must_appear": True}],
    )
    template = own_template(shop, as_type(row), "pl", owner)
    assert template.current is not None
    assert "{{ voucher }}" in template.current.html and "{{ voucher }}" in template.current.text
    assert "&lt;b&gt;" in template.current.html
    assert save_version(template, sources_of(template.current), owner).number == 1


@pytest.mark.promise("S4.21")
def test_a_message_without_a_value_that_its_words_need_is_refused(shop: Shop, owner: User) -> None:
    factories.make_account(shop)
    row = OwnMessageType.objects.create(
        shop=shop,
        code="own.voucher",
        name="Bon",
        section="orders",
        to="given",
        fields=[{"name": "voucher", "label": "Bon", "sample": "X1"}],
    )
    template = own_template(shop, as_type(row), "pl", owner)
    to = {"shop": shop, "to": "anna@klient.example", "language": "pl"}
    save_version(template, Sources("Bon {{ voucher }}", "", "Bon"), owner)
    with pytest.raises(TemplateError, match="voucher"):
        notify("own.voucher", **to)
    save_version(template, Sources("Bon", "", "Bon {{ voucher }}"), owner)
    message = notify("own.voucher", **to)
    assert message is not None
    with pytest.raises(RenderFailed, match="voucher"):
        render(message)
    complete = notify("own.voucher", context={"voucher": "X-7"}, **to)
    assert complete is not None and render(complete).text == "Bon X-7"


def test_what_is_saved_is_the_next_version_compiled_and_in_use(
    shop: Shop, owner: User, template: MessageTemplate
) -> None:
    version = save_version(template, WORDS, owner)
    assert (version.number, version.created_by) == (2, owner)
    assert sources_of(version) == WORDS
    assert "<!DOCTYPE html>" in version.html and "Dziękujemy</div>" in version.html
    assert template.in_use and current_subject(shop) == WORDS.subject
    assert plan_for(shop, ORDER, "pl").words().version == version.pk
    row = MessageTemplate.objects.get(pk=template.pk)
    assert row.current == version and row.in_use


def test_the_draft_is_gone_once_it_is_saved(owner: User, template: MessageTemplate) -> None:
    draft(template, WORDS)
    save_version(template, WORDS, owner)
    assert not TemplateDraft.objects.exists()


def test_a_draft_of_other_words_stays_when_a_version_is_saved_or_comes_back(
    owner: User, template: MessageTemplate
) -> None:
    first = template.current
    assert first is not None
    kept = draft(template, replace(WORDS, subject="A colleague's"))
    save_version(template, WORDS, owner)
    restore(first, owner)
    assert TemplateDraft.objects.get() == kept
    assert kept.began_from < 3  # so its writer is told


def test_a_refused_draft_stays(owner: User, template: MessageTemplate) -> None:
    TemplateDraft.objects.create(template=template, began_from=1, subject="x")
    with pytest.raises(Refused):
        save_version(template, replace(WORDS, text="{{ order.totl }}"), owner)
    assert TemplateDraft.objects.exists()


@pytest.mark.promise("S5.5")
def test_a_template_that_could_fail_is_refused_with_the_line(
    shop: Shop, owner: User, template: MessageTemplate
) -> None:
    with pytest.raises(Refused) as caught:
        save_version(template, replace(WORDS, text=WORDS.text + "\n\n{{ order.totl }}"), owner)
    [problem] = caught.value.problems
    assert (problem.part, problem.line, problem.suggestion) == ("text", 3, "order.total")
    assert template.versions.count() == 1
    assert not MessageTemplate.objects.get(pk=template.pk).in_use


def test_a_warning_refuses_nothing(owner: User, template: MessageTemplate) -> None:
    unwise = WORDS.html_source + '<a href="{{ order.url }}">x</a>'
    assert save_version(template, replace(WORDS, html_source=unwise), owner).number == 2


def test_the_same_words_make_no_new_version(owner: User, template: MessageTemplate) -> None:
    first = save_version(template, WORDS, owner)
    entries = AuditEntry.objects.count()
    assert save_version(template, WORDS, owner) == first
    assert template.versions.count() == 2
    assert AuditEntry.objects.count() == entries


def test_the_first_copy_may_be_put_into_use_by_saving_it(
    owner: User, template: MessageTemplate
) -> None:
    assert template.current is not None
    version = save_version(template, sources_of(template.current), owner)
    assert version.number == 1
    assert MessageTemplate.objects.get(pk=template.pk).in_use


def test_merge_tags_are_kept_as_the_liquid_that_is_rendered(
    owner: User, template: MessageTemplate
) -> None:
    written = replace(
        WORDS, subject="Zamówienie *|ORDER_NUMBER|*", text="*|ORDER_NUMBER|* " + WORDS.text
    )
    version = save_version(template, written, owner)
    parts_of.cache_clear()  # numbers of rows come again in another test
    assert version.subject == WORDS.subject
    assert parts_of(version.pk).text.startswith("{{ order.number }} ")
    assert save_version(template, written, owner) == version


def test_an_old_version_comes_back_as_a_new_one(owner: User, template: MessageTemplate) -> None:
    first = template.current
    assert first is not None
    save_version(template, WORDS, owner)
    newest = restore(first, owner)
    assert newest.number == 3 and sources_of(newest) == sources_of(first)
    assert MessageTemplate.objects.get(pk=template.pk).current == newest


def test_an_old_version_that_would_fail_today_does_not_come_back(
    owner: User, template: MessageTemplate
) -> None:
    first = template.current
    assert first is not None
    save_version(template, WORDS, owner)
    template.versions.filter(number=1).update(text="{{ order.totl }}")
    first.refresh_from_db()
    with pytest.raises(Refused, match=r"order\.totl"):
        restore(first, owner)


def test_built_in_words_come_back_and_go_again(
    shop: Shop, owner: User, template: MessageTemplate
) -> None:
    built_in = current_subject(shop)
    save_version(template, WORDS, owner)
    for in_use, subject in ((False, built_in), (True, WORDS.subject)):
        set_in_use(template, in_use, owner)
        assert template.in_use is in_use and current_subject(shop) == subject
    set_in_use(template, True, owner)
    actions = [entry.action for entry in AuditEntry.objects.filter(shop=shop).order_by("pk")]
    assert actions[-4:] == ["template.added", "template.saved", "template.unused", "template.used"]


def test_the_audit_says_who_saved_what(shop: Shop, owner: User, template: MessageTemplate) -> None:
    save_version(template, WORDS, owner)
    told = audit.entries_for(template)
    assert [each.what for each in told] == ["Template saved", "Own words begun"]
    assert told[0].who == owner.get_username()
    assert told[0].more == ["Version: 2"]


def test_built_in_words_are_never_changed(owner: User) -> None:
    built_in = MessageTemplate.objects.get(shop=None, message_type="order.placed", language="pl")
    with pytest.raises(ValueError, match="built-in"):
        save_version(built_in, WORDS, owner)


@pytest.fixture
def failing(shop: Shop) -> Sources:
    """Words that fail where the customer has written a note; only a real order has this one."""
    for number in range(5):
        factories.place_order(shop, number=f"N{number}", note="" if number in (1, 3) else "x")
    fails = "{% if order.note == 'x' %}{{ order.note | append: '' | money }}{% endif %}"
    return replace(WORDS, text=WORDS.text + "\n" + fails)


def test_what_fails_for_real_orders_is_refused_with_their_numbers(
    owner: User, template: MessageTemplate, failing: Sources
) -> None:
    with pytest.raises(OrdersFail) as caught:
        save_version(template, failing, owner)
    run = caught.value.dry_run
    assert run.tried == 5
    assert sorted(each.order_number for each in run.failures) == ["N0", "N2", "N4"]
    assert caught.value.problems[0].line == 2
    assert "N4" in str(caught.value) and template.versions.count() == 1


def test_it_may_be_saved_all_the_same(
    owner: User, template: MessageTemplate, failing: Sources
) -> None:
    assert save_version(template, failing, owner, even_if_orders_fail=True).number == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_save_at_once_both_get_a_number(shop: Shop, owner: User) -> None:
    template = own_template(shop, ORDER, "pl", owner)
    barrier, numbers, failures = threading.Barrier(4), [], []

    def save(name: str) -> None:
        try:
            barrier.wait()
            words = replace(WORDS, subject=f"{name} {{{{ order.number }}}}")
            row = MessageTemplate.objects.get(pk=template.pk)
            numbers.append(save_version(row, words, owner).number)
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=save, args=(f"T{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and sorted(numbers) == [2, 3, 4, 5]
    row = MessageTemplate.objects.select_related("current").get(pk=template.pk)
    assert row.current is not None and row.current.number == 5
