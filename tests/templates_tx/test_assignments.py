"""What several people decide about one message: nobody's change is lost, or undone by others."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.http import QueryDict
from django.test import Client

from shops.models import Role, Shop
from templates_tx import assignments
from templates_tx.assignments import Decision, Edit, decide, from_undo_token, undo_token
from templates_tx.bulk import BulkForm, change_of
from templates_tx.catalogue import catalogue_of
from templates_tx.copying import preview, take_over
from templates_tx.models import TemplateAssignment
from tests import factories
from tests.templates_tx.test_type_settings import page_of, rule, settings_of, stored, undo_url
from tests.templates_tx.test_views import posted_by, row_of

pytestmark = pytest.mark.django_db

CODE = "order.placed"


@pytest.fixture
def colleague(shop: Shop) -> User:
    return factories.make_user(shop, role=Role.EDITOR)


def change(shop: Shop, user: User, **values: Any) -> str:
    """Decides it; returns the token that undoes it. “note_pl” stands for “notes.pl”."""
    edit = Edit({name.replace("note_", "notes."): value for name, value in values.items()})
    return undo_token(shop, decide(shop, {CODE: edit}, user).values())


def undo(shop: Shop, token: str, user: User) -> TemplateAssignment:
    decide(shop, from_undo_token(shop, token), user)
    return TemplateAssignment.objects.get(shop=shop, message_type=CODE)


def test_a_change_for_many_keeps_what_was_stored_while_it_was_asked(
    shop: Shop, owner: User, colleague: User
) -> None:
    catalogue = catalogue_of(shop)
    form = BulkForm(QueryDict(f"codes={CODE}&do=off"), catalogue=catalogue)
    assert form.is_valid()
    asked = change_of(catalogue, form)
    change(shop, colleague, note_pl="Zapraszamy!")
    decide(shop, asked.edits, owner)
    assert (stored(shop).is_on, stored(shop).notes) == (False, {"pl": "Zapraszamy!"})


def test_a_set_up_that_is_taken_over_keeps_what_was_stored_while_it_was_shown(
    shop: Shop, other_shop: Shop, owner: User, colleague: User
) -> None:
    edit = Edit({"delay_minutes": 120, "notes.de": "Willkommen!"})
    decide(other_shop, {CODE: edit}, None)
    shown = preview(other_shop, shop)
    change(shop, colleague, reply_to="ola@rowerownia.example", note_pl="Zapraszamy!")
    take_over(shown, {"options", "notes"}, owner)
    row = stored(shop)
    assert (row.delay_minutes, row.reply_to) == (120, "ola@rowerownia.example")
    assert row.notes == {"pl": "Zapraszamy!", "de": "Willkommen!"}


def test_a_page_opened_earlier_stores_only_what_was_changed_on_it(
    shop: Shop, owner_client: Client, colleague: User
) -> None:
    opened = settings_of(owner_client.get(page_of(shop)))
    paid = [{"then": "send", "field": "payment_state", "before": "", "after": "paid"}]
    change(shop, colleague, is_on=False, note_pl="Od Oli", delay_minutes=60, conditions=paid)
    answer = owner_client.post(page_of(shop), {**opened, "note_en": "From me"})
    assert answer.status_code == 302
    row = stored(shop)
    assert row.notes == {"pl": "Od Oli", "en": "From me"}
    assert (row.is_on, row.delay_minutes, row.conditions) == (False, 60, paid)


def test_a_page_that_was_refused_still_knows_what_it_showed(
    shop: Shop, owner_client: Client, colleague: User
) -> None:
    opened = settings_of(owner_client.get(page_of(shop)))
    change(shop, colleague, note_pl="Od Oli")
    refused = owner_client.post(page_of(shop), {**opened, "reply_to": "nobody"})
    assert refused.status_code == 422
    again = {**settings_of(refused), "reply_to": "biuro@rowerownia.example"}
    owner_client.post(page_of(shop), again)
    row = stored(shop)
    assert (row.notes, row.reply_to) == ({"pl": "Od Oli"}, "biuro@rowerownia.example")


def test_the_conditions_of_an_older_page_take_the_place_of_newer_ones_only_if_changed(
    shop: Shop, owner_client: Client, colleague: User
) -> None:
    opened = settings_of(owner_client.get(page_of(shop)))
    change(shop, colleague, conditions=[], delay_minutes=5)
    lines = {"rules-TOTAL_FORMS": "1", **rule(0, "payment_state:paid")}
    owner_client.post(page_of(shop), {**opened, **lines})
    assert [each["after"] for each in stored(shop).conditions] == ["paid"]
    assert stored(shop).delay_minutes == 5


def test_a_row_shown_earlier_stores_only_what_was_changed_in_it(
    shop: Shop, owner_client: Client, colleague: User
) -> None:
    shown = posted_by(owner_client, shop, CODE)
    change(shop, colleague, is_on=False)
    owner_client.post(row_of(shop, CODE), {**shown, "copy_to_owner": "on"})
    assert (stored(shop).is_on, stored(shop).copy_to_owner) == (False, True)


def test_a_page_on_which_it_was_still_on_is_not_asked_about_switching_on(
    shop: Shop, owner_client: Client, colleague: User
) -> None:
    decide(shop, {"order.paid": Edit({"is_on": True})}, colleague)
    settings = settings_of(owner_client.get(page_of(shop, "order.paid")))
    row = posted_by(owner_client, shop, "order.paid")
    decide(shop, {"order.paid": Edit({"is_on": False})}, colleague)
    answer = owner_client.post(page_of(shop, "order.paid"), {**settings, "note_pl": "Dzięki!"})
    assert answer.status_code == 302
    answer = owner_client.post(row_of(shop, "order.paid"), {**row, "reply_to": "a@b.example"})
    assert answer.status_code == 302
    kept = stored(shop, "order.paid")
    assert (kept.is_on, kept.notes, kept.reply_to) == (False, {"pl": "Dzięki!"}, "a@b.example")


@pytest.mark.parametrize("shown", ["", "is_on", "=", "is_on=x notes.xx=1 " * 1000, "\x00", "é=é"])
def test_a_page_that_does_not_say_what_it_showed_breaks_nothing(
    shop: Shop, owner_client: Client, shown: str
) -> None:
    opened = settings_of(owner_client.get(page_of(shop)))
    answer = owner_client.post(page_of(shop), {**opened, "shown": shown, "note_pl": "Witamy!"})
    assert answer.status_code == (422 if "\x00" in shown else 302)
    if answer.status_code == 302:
        assert stored(shop).notes == {"pl": "Witamy!"}


def test_undo_is_about_the_own_change_though_a_colleague_came_right_after(
    shop: Shop, owner: User, colleague: User
) -> None:
    made = decide(shop, {CODE: Edit({"is_on": False})}, owner)
    change(shop, colleague, reply_to="ola@rowerownia.example")
    row = undo(shop, undo_token(shop, made.values()), owner)
    assert (row.is_on, row.reply_to) == (True, "ola@rowerownia.example")


def test_undo_leaves_a_value_that_a_colleague_has_changed_once_more(
    shop: Shop, owner: User, colleague: User
) -> None:
    token = change(shop, owner, delay_minutes=5, reply_to="a@rowerownia.example")
    change(shop, colleague, delay_minutes=20)
    row = undo(shop, token, owner)
    assert (row.delay_minutes, row.reply_to) == (20, "")


def test_undo_of_a_note_leaves_the_notes_in_other_languages(
    shop: Shop, owner: User, colleague: User
) -> None:
    change(shop, owner, note_pl="Stara", note_en="Old")
    token = change(shop, owner, note_pl="Nowa", note_en="New")
    change(shop, colleague, note_en="Theirs", note_de="Ihre")
    assert undo(shop, token, owner).notes == {"pl": "Stara", "en": "Theirs", "de": "Ihre"}


def test_undo_reads_what_holds_when_it_stores(shop: Shop, owner: User, colleague: User) -> None:
    edits = from_undo_token(shop, change(shop, owner, delay_minutes=5, is_on=False))
    change(shop, colleague, delay_minutes=20, note_pl="Od Oli")
    decide(shop, edits, owner)
    row = stored(shop)
    assert (row.is_on, row.delay_minutes, row.notes) == (True, 20, {"pl": "Od Oli"})


def test_undo_says_where_nothing_is_left_to_undo(
    shop: Shop, owner_client: Client, colleague: User
) -> None:
    opened = {**settings_of(owner_client.get(page_of(shop))), "note_pl": "Moja"}
    url = undo_url(owner_client, shop, owner_client.post(page_of(shop), opened))
    change(shop, colleague, note_pl="Od Oli")
    text = owner_client.post(url, follow=True).content.decode()
    assert "Nothing was changed: it has been changed again since." in text
    assert stored(shop).notes == {"pl": "Od Oli"}


def test_nothing_new_is_not_noted(shop: Shop, owner: User) -> None:
    assert decide(shop, {CODE: Edit({"is_on": True, "notes.pl": ""})}, owner) == {}
    made = decide(shop, {CODE: Edit({"is_on": False})}, owner)
    assert (made[CODE].before, made[CODE].after) == (Decision(True), Decision(False))


@pytest.mark.django_db(transaction=True)
def test_two_who_decide_about_the_same_messages_do_not_lock_each_other_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL, where each holds the first row when it asks for the second."""
    codes = ["order.placed", "order.paid"]
    decide(shop, {code: Edit({"delay_minutes": 1}) for code in codes}, None)
    has_first, one_row, failures = threading.Barrier(2), assignments._decide, []

    def slow(*args: Any) -> Any:
        made = one_row(*args)
        with suppress(threading.BrokenBarrierError):  # the other waits for the row of this one
            has_first.wait(timeout=1)
        return made

    def work(order: list[str], edit: Edit) -> None:
        try:
            decide(shop, dict.fromkeys(order, edit), None)
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    monkeypatch.setattr(assignments, "_decide", slow)
    both = [
        threading.Thread(target=work, args=(codes, Edit({"is_on": False}))),
        threading.Thread(target=work, args=(codes[::-1], Edit({"reply_to": "a@b.example"}))),
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert failures == []
    for code in codes:
        assert (stored(shop, code).is_on, stored(shop, code).reply_to) == (False, "a@b.example")
