"""The editor's page: who may, what is locked, drafts with their faults, saving, two editors."""

from __future__ import annotations

import pytest
from django.test import Client

from maillog.models import MailMessage
from shops.models import AuditEntry, Role
from templates_tx.editor import drafts
from templates_tx.editor.forms import MOST, WordsForm
from templates_tx.models import MessageTemplate, OwnMessageType, TemplateDraft
from templates_tx.own_types import find
from templates_tx.problems import Sources
from templates_tx.renderer import render
from templates_tx.saving import own_template, save_version, set_in_use
from tests import factories
from tests.pages import form_values
from tests.templates_tx.editor.desks import CODE, check, url, words, wrong


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def saved(template, user, **typed):
    """A version with ``typed`` in it, in use."""
    given = words(template, **typed)
    form = {name: given[name] for name in ("subject", "preheader", "text", "sms")}
    return save_version(template, Sources(html_source=given["html"], **form), user)


# Who may, and what there is


@pytest.mark.parametrize(("role", "status"), [(Role.SENDER, 403), (Role.EDITOR, 200)])
def test_writing_is_for_editors(shop, role, status):
    assert signed_in(factories.make_user(shop, role)).get(url(shop)).status_code == status


@pytest.mark.parametrize(
    ("code", "language"),
    [("order.placed", "xx"), ("no.such_type", "pl"), ("own.of_another_shop", "pl"), ("note", "EN")],
)
def test_what_does_not_exist_is_not_found(shop, other_shop, owner_client, code, language):
    OwnMessageType.objects.create(
        shop=other_shop, code="own.of_another_shop", name="x", section="orders", to="buyer"
    )
    assert owner_client.get(url(shop, code=code, language=language)).status_code == 404
    assert owner_client.post(url(shop, "copy", code=code, language=language)).status_code == 404


@pytest.mark.promise("S3.17")
def test_the_built_in_words_are_shown_and_cannot_be_changed(shop, owner_client):
    page = owner_client.get(url(shop))
    assert "built-in, locked" in page.text
    assert 'name="html" rows="14" class="fill bare"' in page.text
    assert page.text.count(" readonly>") == 4
    typed = form_values(page, "words") | {"html": "<p>mine</p>"}
    for name in ("template", "check"):
        assert owner_client.post(url(shop, name), typed).status_code == 404
    built_in = MessageTemplate.objects.get(shop=None, message_type=CODE, language="pl")
    assert built_in.current.number == built_in.versions.count()
    assert "mine" not in built_in.current.html_source


def test_a_copy_begins_with_the_built_in_words_and_is_not_in_use(shop, owner_client):
    owner_client.post(url(shop, "copy"))
    copy = MessageTemplate.objects.for_shop(shop).get()
    built_in = MessageTemplate.objects.get(shop=None, message_type=CODE, language="pl")
    assert copy.current.html_source == built_in.current.html_source
    assert not copy.in_use
    assert "not in use" in owner_client.get(url(shop)).text


def test_a_second_copy_changes_nothing(shop, owner_client, template):
    owner_client.post(url(shop, "copy"))
    assert template.versions.count() == 1


def test_the_languages_say_whose_words_are_sent(shop, owner, owner_client, template):
    saved(template, owner, subject="Moje {{ order.number }}")
    MessageTemplate.objects.filter(shop=None, message_type=CODE, language="nb").delete()
    page = owner_client.get(url(shop, language="nb")).text
    assert "Polish: your own words" in page
    assert "English: built-in words" in page
    assert "Norwegian: no words of its own: Polish is sent" in page


def test_a_message_type_of_the_shop_has_words_to_begin_with(shop, owner_client):
    OwnMessageType.objects.create(
        shop=shop, code="own.service", name="Service is due", section="contact", to="buyer"
    )
    page = owner_client.get(url(shop, code="own.service"))
    assert "There are no words in this language yet." in page.text
    assert "Service is due" in page.text


def test_the_page_costs_eight_queries(shop, owner_client, template, django_assert_max_num_queries):
    for _ in range(3):
        factories.place_order(shop)
    with django_assert_max_num_queries(8):
        owner_client.get(url(shop))


# Drafts


@pytest.mark.promise("S5.5")
def test_a_draft_is_kept_with_its_faults_and_the_line_is_named(shop, owner_client, template):
    html = wrong(template)
    answer = check(owner_client, shop, words(template, html=html)).json()
    line = next(at for at, text in enumerate(html.split("\n"), 1) if "totl" in text)
    [problem] = answer["problems"]
    assert (problem["part"], problem["line"], problem["severity"]) == ("html", line, "error")
    bar = answer["parts"]["bar"]
    assert f"Line {line}: “order.totl” is not known here." in bar
    assert "Use order.total" in bar
    assert answer["inOrder"] is False
    assert template.draft.html_source == html
    assert form_values(owner_client.get(url(shop)), "words")["html"] == [html]


def test_line_ends_of_a_browser_are_those_of_the_check(shop, owner_client, template):
    check(owner_client, shop, words(template, text="a\r\nb\rc"))
    assert template.draft.text == "a\nb\nc"


def test_what_no_database_keeps_is_replaced(shop, owner_client, template):
    check(owner_client, shop, words(template, text="a\x00b"))
    assert "\x00" not in template.draft.text


def test_nothing_changed_makes_no_draft(shop, owner_client, template):
    check(owner_client, shop, words(template))
    assert not TemplateDraft.objects.exists()


def test_the_value_of_the_sms_is_kept(shop, owner_client, template):
    check(owner_client, shop, words(template, subject="x", sms="Order {{ order.number }}"))
    assert template.draft.sms == "Order {{ order.number }}"


@pytest.mark.parametrize("part", ["subject", "preheader", "html", "text", "sms"])
def test_a_part_that_is_too_long_is_said_by_its_name(shop, owner_client, template, part):
    typed = words(template, **{part: "x" * (MOST + 1)})
    answer = check(owner_client, shop, typed)
    assert answer.status_code == 422
    name = WordsForm(typed)[part].label
    assert answer.json()["trouble"].startswith(f"{name}: Ensure this value has at most")
    page = owner_client.post(url(shop), typed)
    assert page.status_code == 422
    assert "x" * (MOST + 1) in page.text


def test_without_script_a_check_leads_back_to_the_page_that_says_what_is_wrong(
    shop, owner_client, template
):
    order = factories.place_order(shop)
    typed = words(template, html=wrong(template), order=order.number)
    page = owner_client.post(url(shop, "check"), typed, follow=True)
    assert page.redirect_chain[0][0].endswith(f"?order={order.number}")
    assert "“order.totl” is not known here." in page.text
    assert "Saved as draft" in page.text


def test_a_discarded_draft_is_gone_and_the_version_stays(shop, owner_client, template):
    check(owner_client, shop, words(template, subject="Draft {{ order.number }}"))
    owner_client.post(url(shop, "discard"))
    assert not TemplateDraft.objects.exists()
    assert "Draft {{" not in owner_client.get(url(shop)).text


def test_advice_is_given_for_words_that_sell(shop, owner_client, template):
    typed = words(template, subject="SALE!!! {{ order.number }}")
    assert "piece" in check(owner_client, shop, typed).json()["parts"]["advice"]


# Saving


@pytest.mark.promise("S1.19", "S1.20")
def test_saving_makes_a_version_that_customers_get(shop, owner_client, template, account):
    text = "Nr {{ order.number }}: {% for item in order.items %}{{ item.name }}{% endfor %}"
    typed = words(template, subject="Mamy {{ order.number }}", text=text)
    page = owner_client.post(url(shop), typed, follow=True)
    assert "Version 2 is saved. Customers get it from now on." in page.text
    assert "version 2 is live" in page.text
    assert not TemplateDraft.objects.exists()
    order = factories.place_order(shop)
    message = MailMessage.objects.get(message_type=CODE, order_number=order.number)
    assert message.subject == f"Mamy {order.number}"
    assert render(message).text.startswith(f"Nr {order.number}: Kask")


REFUSED = {
    "unknown value": ({"html": "{{ order.totl }}"}, "“order.totl” is not known here."),
    "unknown filter": ({"subject": "{{ order.number | shout }}"}, "There is no filter “shout”."),
    "loop left open": ({"text": "{% for item in order.items %}{{ item.name }}"}, "is never closed"),
    "no subject": ({"subject": " "}, "A message needs a subject."),
    "no text": ({"text": ""}, "A message needs a text"),
    "must appear": ({"html": "<p>Hello</p>"}, "The message must show “Order number”"),
    "bad first line": ({"preheader": "{{ nobody }}"}, "“nobody” is not known here."),
}


@pytest.mark.promise("S5.5")
@pytest.mark.parametrize(("typed", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_names_what_is_wrong_and_loses_nothing(
    shop, owner_client, template, typed, sentence
):
    page = owner_client.post(url(shop), words(template, **typed))
    assert page.status_code == 422
    assert sentence in page.text
    sent = form_values(page, "words")
    assert {name: sent[name][0] for name in typed} == typed
    assert template.versions.count() == 1
    assert template.draft


@pytest.mark.promise("S5.5")
def test_a_template_that_fails_for_some_orders_names_them_and_may_be_saved_all_the_same(
    shop, owner_client, template
):
    good = factories.place_order(shop)
    bad = factories.place_order(shop, note="x" * 1200)
    # Nothing that a contract could know: it doubles a text until no message holds it.
    grow = "{% assign t = order.note %}" + "{% assign t = t | append: t %}" * 12
    typed = words(template, text=words(template)["text"] + grow)
    page = owner_client.post(url(shop), typed)
    assert page.status_code == 422
    assert f"Fails for 1 of 2 orders: {bad.number}." in page.text
    assert "Save all the same" in page.text
    assert f"?order={good.number}" not in page.text
    assert template.versions.count() == 1
    owner_client.post(url(shop), {**typed, "save": "anyway"})
    assert template.versions.count() == 2


def test_saving_is_noted_with_its_author(shop, owner, owner_client, template):
    owner_client.post(url(shop), words(template, subject="Nr {{ order.number }}"))
    template.refresh_from_db()
    assert template.current.created_by == owner
    assert AuditEntry.objects.filter(shop=shop, action="template.saved", user=owner).exists()


# Two at once


@pytest.fixture
def ola(shop):
    return factories.make_user(shop, Role.EDITOR, first_name="Ola", last_name="Nowak")


def test_a_version_saved_meanwhile_is_named_and_mine_is_kept(shop, ola, owner_client, template):
    mine = words(template, subject="Mine {{ order.number }}")
    saved(template, ola, subject="Hers {{ order.number }}")
    page = owner_client.post(url(shop), mine)
    assert page.status_code == 422
    assert "Ola Nowak saved version 2" in page.text
    assert "/versions/2/?against=draft" in page.text
    assert "Mine {{ order.number }}" in page.text
    assert template.versions.count() == 2
    again = owner_client.get(url(shop)).text
    assert "Ola Nowak saved version 2" in again
    assert "Mine {{ order.number }}" in again


def test_the_difference_to_a_version_saved_meanwhile_is_shown(shop, ola, owner_client, template):
    mine = words(template, subject="Mine {{ order.number }}")
    saved(template, ola, subject="Hers {{ order.number }}")
    owner_client.post(url(shop), mine)
    page = owner_client.get(url(shop, "version", number=2) + "?against=draft").text
    assert "<del>Hers</del>" in page
    assert "<ins>Mine</ins>" in page


def test_mine_may_be_saved_over_a_version_saved_meanwhile(shop, ola, owner_client, template):
    mine = words(template, subject="Mine {{ order.number }}")
    saved(template, ola, subject="Hers {{ order.number }}")
    owner_client.post(url(shop), {**mine, "overwrite": "1"})
    template.refresh_from_db()
    assert (template.current.number, template.current.subject) == (3, "Mine {{ order.number }}")


def test_a_check_says_that_a_version_was_saved_meanwhile(shop, ola, owner_client, template):
    mine = words(template, subject="Mine {{ order.number }}")
    saved(template, ola, subject="Hers {{ order.number }}")
    assert "Ola Nowak" in check(owner_client, shop, mine).json()["parts"]["conflict"]


def test_the_draft_of_somebody_who_writes_too_is_not_written_over(
    shop, ola, owner_client, template
):
    check(signed_in(ola), shop, words(template, subject="Hers {{ order.number }}"))
    mine = words(template, subject="Mine {{ order.number }}")
    answer = check(owner_client, shop, mine).json()
    assert "Ola Nowak is writing here, too" in answer["parts"]["conflict"]
    template.draft.refresh_from_db()
    assert template.draft.subject.startswith("Hers")
    owner_client.post(url(shop, "check"), {**mine, "overwrite": "draft"})
    template.draft.refresh_from_db()
    assert template.draft.subject.startswith("Mine")


def test_a_page_from_before_a_colleagues_version_does_not_write_over_her_next_draft(
    shop, ola, owner_client, template
):
    mine = words(template, subject="Mine {{ order.number }}")
    saved(template, ola, subject="Hers {{ order.number }}")
    check(signed_in(ola), shop, words(template, subject="Her next {{ order.number }}"))
    answer = check(owner_client, shop, mine).json()
    assert "Ola Nowak is writing here, too" in answer["parts"]["conflict"]
    assert not answer["isKept"]
    page = owner_client.post(url(shop), {**mine, "overwrite": "1"})
    assert "Ola Nowak is writing here, too" in page.text
    template.draft.refresh_from_db()
    assert template.draft.subject.startswith("Her next")
    page = owner_client.post(url(shop, "check"), {**mine, "overwrite": "draft"})
    assert "Ola Nowak saved version 2" in page.text
    template.draft.refresh_from_db()
    assert template.draft.subject.startswith("Mine")


def test_two_windows_of_one_person_do_not_write_over_each_other_unasked(
    shop, owner_client, template
):
    one, two = (form_values(owner_client.get(url(shop)), "words") for _ in range(2))
    one["subject"], two["subject"] = "One {{ order.number }}", "Two {{ order.number }}"
    assert check(owner_client, shop, one).json()["isKept"]
    # Its first answer may have got lost, or not have come yet: that is no other window.
    one["subject"] = "One more {{ order.number }}"
    assert check(owner_client, shop, one).json()["isKept"]
    answer = check(owner_client, shop, two).json()
    assert "You are writing here in another window, too" in answer["parts"]["conflict"]
    assert template.draft.subject.startswith("One more")
    owner_client.post(url(shop, "check"), {**two, "overwrite": "draft"})
    template.draft.refresh_from_db()
    assert template.draft.subject.startswith("Two")
    assert not check(owner_client, shop, one).json()["isKept"]


def test_who_has_seen_a_colleagues_draft_writes_on_in_it(shop, ola, owner_client, template):
    check(signed_in(ola), shop, words(template, subject="Hers {{ order.number }}"))
    seen = form_values(owner_client.get(url(shop)), "words")["seen"][0]
    typed = words(template, subject="Both {{ order.number }}", seen=seen)
    answer = check(owner_client, shop, typed)
    assert answer.json()["parts"]["conflict"].strip() == ""


def test_a_version_saved_in_this_very_moment_stops_the_one_that_comes_second(
    shop, ola, owner_client, template, monkeypatch
):
    mine = words(template, subject="Mine {{ order.number }}")
    keep = drafts.keep

    def keep_a_moment_later(*args):
        saved(template, ola, subject="Hers {{ order.number }}")
        keep(*args)

    monkeypatch.setattr(drafts, "keep", keep_a_moment_later)
    page = owner_client.post(url(shop), mine)
    assert page.status_code == 422
    assert "Ola Nowak saved version 2" in page.text
    assert template.versions.count() == 2
    assert template.draft.subject == mine["subject"]


# In use or not


def test_back_to_the_built_in_words_and_to_the_own_ones_again(shop, owner, owner_client, template):
    saved(template, owner, subject="Moje {{ order.number }}")
    page = owner_client.post(url(shop, "use_built_in"), follow=True)
    template.refresh_from_db()
    assert not template.in_use
    assert f'action="{url(shop, "use_own")}"' in page.text  # the toast's Undo
    owner_client.post(url(shop, "use_own"))
    template.refresh_from_db()
    assert template.in_use


def test_there_is_no_way_back_to_built_in_words_that_do_not_exist(shop, owner, owner_client):
    OwnMessageType.objects.create(
        shop=shop, code="own.service", name="Service", section="contact", to="buyer"
    )
    made = own_template(shop, find("own.service", shop), "pl", owner)
    set_in_use(made, True, owner)
    page = owner_client.post(url(shop, "use_built_in", code="own.service"), follow=True)
    made.refresh_from_db()
    assert made.in_use
    assert "There are no built-in words in this language." in page.text
