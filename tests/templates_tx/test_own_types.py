"""Message types of a shop's own, made in the panel or registered by an app."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from maillog.loading import render_missing
from maillog.models import MailMessage
from maillog.states import Reason, State
from shops.models import AuditEntry, Role
from templates_tx import message_types
from templates_tx.catalogue import catalogue_of
from templates_tx.message_types import MessageType, Section, To
from templates_tx.models import (
    MessageTemplate,
    OwnMessageType,
    TemplateAssignment,
    TemplateVersion,
)
from templates_tx.notify import notify
from templates_tx.own_type_code import json_for, python_for
from templates_tx.own_type_forms import RESERVED, code_for
from templates_tx.own_types import find
from templates_tx.plans import NoTemplate
from templates_tx.renderer import parts_of
from tests import factories
from tests.pages import form_values

pytestmark = pytest.mark.django_db

CODE = "own.punkty_lojalnosciowe"


def new_url(shop):
    return reverse("templates_tx:own_type_new", args=[shop.slug])


def edit_url(shop, code=CODE):
    return reverse("templates_tx:own_type", args=[shop.slug, code])


def value(number, **more):
    """One line of the table of values."""
    filled = {"name": "points", "label": "Liczba punktów", "kind": "number", "sample": "120"}
    return {f"values-{number}-{name}": each for name, each in {**filled, **more}.items()}


def posted(**typed):
    return {
        "name": "Punkty lojalnościowe",
        "section": "account",
        "description": "Raz w miesiącu.",
        "to": "given",
        "values-TOTAL_FORMS": "1",
        "values-INITIAL_FORMS": "0",
        **value(0, must_appear="on"),
        **typed,
    }


def make(client, shop, **typed):
    answer = client.post(new_url(shop), posted(**typed))
    assert answer.status_code == 302, (
        answer.context["form"].errors,
        answer.context["lines"].errors,
    )
    return OwnMessageType.objects.latest("pk")


def write(shop, code=CODE, html="<p>Masz {{ points }} pkt.</p>", subject="{{ points }} punktów"):
    template = MessageTemplate.objects.create(shop=shop, message_type=code, language=shop.language)
    template.current = TemplateVersion.objects.create(
        template=template,
        number=1,
        subject=subject,
        html_source=html,
        html=html,
        text="x",
        digest="",
    )
    template.save()
    parts_of.cache_clear()  # numbers of rows come again in another test


@pytest.mark.promise("S2.7")
def test_an_admin_makes_a_type_writes_it_and_a_program_sends_it(owner_client, owner, shop):
    factories.make_account(shop)
    row = make(owner_client, shop)
    assert (row.code, row.created_by) == (CODE, owner)
    assert row.fields == [
        {
            "name": "points",
            "label": "Liczba punktów",
            "kind": "number",
            "sample": "120",
            "may_be_empty": False,
            "must_appear": True,
        }
    ]
    contract = find(CODE, shop).contract
    assert contract.must_appear == ("points",)
    assert contract.sample("pl")["points"] == "120"
    send = {"shop": shop, "to": "anna@klient.example", "name": "Anna"}
    with pytest.raises(NoTemplate):
        notify(CODE, context={"points": "7"}, **send)
    write(shop)
    message = notify(CODE, context={"points": "7"}, **send)
    assert (message.state, message.subject) == (State.QUEUED, "7 punktów")
    render_missing([message])
    assert "Masz 7 pkt." in message.body.html


@pytest.mark.promise("S2.7")
def test_it_is_in_the_list_the_log_and_the_names(owner_client, shop, other_shop):
    factories.make_account(shop)
    make(owner_client, shop)
    page = owner_client.get(reverse("templates_tx:messages", args=[shop.slug]), {"q": "punkty"})
    text = page.content.decode()
    assert "Punkty lojalnościowe" in text and "No words yet" in text
    write(shop)
    message = notify(CODE, shop=shop, to="anna@klient.example", context={"points": "7"})
    log = owner_client.get(reverse("maillog:log", args=[shop.slug]), {"type": CODE})
    text = log.content.decode()
    assert f'<option value="{CODE}" selected>Punkty lojalnościowe</option>' in text
    assert str(message.pk) in text
    assert CODE not in {row.type.code for row in catalogue_of(other_shop).rows}
    with pytest.raises(message_types.UnknownMessageType):
        find(CODE, other_shop)


def test_every_type_has_its_page_of_settings(owner_client, shop):
    make(owner_client, shop)
    page = owner_client.get(reverse("templates_tx:type_settings", args=[shop.slug, CODE]))
    assert page.context["lines"] is None
    assert "It has no words yet" in page.content.decode()
    make(owner_client, shop, name="Opinia", to="buyer")
    url = reverse("templates_tx:type_settings", args=[shop.slug, "own.opinia"])
    assert owner_client.get(url).context["lines"] is not None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Loyalty points", "own.loyalty_points"),
        ("Punkty łącznie: 100 %!", "own.punkty_lacznie_100"),
        ("Žluťoučký kůň", "own.zlutoucky_kun"),
        ("2 years with us", "own.m_2_years_with_us"),
        ("Λόγος", None),
        ("…", "own.message"),
        ("x" * 80, "own." + "x" * 60),
    ],
)
def test_the_code_is_made_of_the_name(name, code):
    made = code_for(name)
    assert message_types.is_code(made)
    assert code is None or made == code


def test_the_code_stays_when_the_name_changes(owner_client, shop):
    make(owner_client, shop)
    values = {**form_values(owner_client.get(edit_url(shop))), "name": "Punkty klubowe"}
    assert owner_client.post(edit_url(shop), values).status_code == 302
    row = OwnMessageType.objects.get()
    assert (row.code, row.name) == (CODE, "Punkty klubowe")
    assert [each["name"] for each in row.fields] == ["points"]
    assert CODE in owner_client.get(edit_url(shop)).content.decode()
    changed = AuditEntry.objects.get(action="own_type.changed")
    assert changed.details["fields"] == ["name"]


def test_a_name_that_is_taken_gets_a_sentence(owner_client, shop, other_shop):
    make(owner_client, shop)
    answer = owner_client.post(new_url(shop), posted(name="PUNKTY lojalnościowe!"))
    assert answer.status_code == 422
    assert f"There is a message with this name, {CODE}." in answer.content.decode()
    OwnMessageType.objects.create(
        shop=other_shop, code="own.opinia", name="Opinia", section="contact", to="given"
    )
    assert make(owner_client, shop, name="Opinia").code == "own.opinia"


def test_names_in_other_scripts_get_codes_of_their_own(owner_client, shop):
    names = ("日本語", "Розсилка", "…", "Розсилка 2", "日本語 2")
    codes = [make(owner_client, shop, name=name).code for name in names]
    assert codes == ["own.message", "own.message_2", "own.message_3", "own.m_2", "own.m_2_2"]
    answer = owner_client.post(new_url(shop), posted(name="РОЗСИЛКА"))
    assert answer.status_code == 422
    assert "There is a message with this name, own.message_2." in answer.content.decode()


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_value_may_not_hide_what_templates_have(owner_client, shop, name):
    answer = owner_client.post(new_url(shop), posted(**value(0, name=name)))
    assert answer.status_code == 422
    assert "is there already in every template" in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "a\0b"}, "Null characters"),
        ({"name": "x" * 81}, "at most 80"),
        ({"section": "kitchen"}, "kitchen is not one of"),
        ({"to": "everybody"}, "everybody is not one of"),
        (value(0, name="Points"), "Only small letters"),
        (value(0, name="2points"), "Only small letters"),
        (value(0, name="po-ints"), "Only small letters"),
        (value(0, name="points.sum"), "Only small letters"),
        (value(0, name="pünkte"), "Only small letters"),
        (value(0, name="x" * 41), "at most 40"),
        (value(0, name=""), "This field is required"),
        (value(0, label=""), "This field is required"),
        (value(0, sample=""), "This field is required"),
        (value(0, kind="html"), "html is not one of"),
        (value(0, kind="number", sample="a lot"), "A number, for instance"),
        (value(0, kind="money", sample="12 zł"), "An amount without its currency"),
        (value(0, kind="date", sample="30.11.2026"), "A date as"),
        (value(0, kind="moment", sample="2026-11-30T10:02"), "with the zone"),
        (value(0, kind="link", sample="javascript:alert(1)"), "begins with https://"),
        (value(0, kind="email", sample="nobody"), "An e-mail address"),
        (value(0, kind="colour", sample="red"), "A colour as"),
        (value(0, kind="flag", sample="perhaps"), "Type yes or no"),
        ({"values-TOTAL_FORMS": "2", **value(1)}, "Another value has this name"),
        ({"values-TOTAL_FORMS": ""}, "tampered"),
    ],
)
def test_bad_input_gets_a_sentence_and_makes_nothing(owner_client, shop, typed, told):
    answer = owner_client.post(new_url(shop), posted(**{"description": "Kept", **typed}))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert told in text
    assert "Kept" in text
    assert not OwnMessageType.objects.exists()


@pytest.mark.parametrize(
    ("kind", "typed", "sample"),
    [
        ("money", "1 234,50", "1234.50"),
        ("number", "1,5", "1.5"),
        ("date", "2026-11-30", "2026-11-30"),
        ("moment", "2026-11-30T10:02+01:00", "2026-11-30T10:02:00+01:00"),
        ("link", "https://rowerownia.example/p", "https://rowerownia.example/p"),
        ("flag", "yes", True),
        ("flag", "no", False),
        ("lines", "jedna\r\ndruga", ["jedna", "druga"]),
        ("text", "<b>", "<b>"),
    ],
)
def test_an_example_is_kept_as_programs_hand_it_in(owner_client, shop, kind, typed, sample):
    make(owner_client, shop, **value(0, kind=kind, sample=typed))
    assert find(CODE, shop).contract.sample("pl")["points"] == sample


def test_lines_are_added_and_removed_without_a_script(owner_client, shop):
    page = owner_client.post(new_url(shop), {**posted(), "more": "values"})
    values = form_values(page)
    assert (page.status_code, values["values-TOTAL_FORMS"]) == (200, ["2"])
    assert values["values-0-name"] == ["points"]
    typed = {**values, **value(1, name="expires_on", kind="date", sample="2026-11-30")}
    assert owner_client.post(new_url(shop), typed).status_code == 302
    values = form_values(owner_client.get(edit_url(shop)))
    owner_client.post(edit_url(shop), {**values, "values-0-DELETE": "on"})
    assert [each["name"] for each in OwnMessageType.objects.get().fields] == ["expires_on"]


def without_points(client, shop):
    return {**form_values(client.get(edit_url(shop))), "values-0-DELETE": "on"}


def test_a_value_that_words_in_use_need_is_not_taken_away_unasked(owner_client, shop):
    row = make(owner_client, shop)
    write(shop, html="<p>Masz</p>\n<p>{{ points }} pkt.</p>")
    typed = {**without_points(owner_client, shop), "name": "Punkty klubowe"}
    page = owner_client.post(edit_url(shop), typed)
    assert page.status_code == 422
    assert "Polish, Subject, line 1: “points” is not known here." in page.text
    assert "Polish, HTML, line 2: “points” is not known here." in page.text
    assert form_values(page)["name"] == ["Punkty klubowe"]
    row.refresh_from_db()
    assert [each["name"] for each in row.fields] == ["points"]
    assert owner_client.post(edit_url(shop), {**typed, "anyway": "1"}).status_code == 302
    row.refresh_from_db()
    assert row.fields == []


def test_a_value_that_only_unused_words_need_is_taken_away(owner_client, shop):
    row = make(owner_client, shop)
    write(shop)
    MessageTemplate.objects.update(in_use=False)
    assert owner_client.post(edit_url(shop), without_points(owner_client, shop)).status_code == 302
    row.refresh_from_db()
    assert row.fields == []


def test_a_value_that_must_appear_is_added_before_the_words_have_it(owner_client, shop):
    row = make(owner_client, shop)
    write(shop)
    typed = {
        **form_values(owner_client.get(edit_url(shop))),
        "values-TOTAL_FORMS": "2",
        **value(1, name="level", must_appear="on"),
    }
    assert owner_client.post(edit_url(shop), typed).status_code == 302
    row.refresh_from_db()
    assert [each["name"] for each in row.fields] == ["points", "level"]


def test_what_is_withdrawn_is_kept_and_not_sent(owner_client, shop):
    factories.make_account(shop)
    make(owner_client, shop)
    write(shop)
    url = reverse("templates_tx:own_type_withdraw", args=[shop.slug, CODE])
    owner_client.post(url, {"withdraw": "yes"})
    message = notify(CODE, shop=shop, to="anna@klient.example", context={"points": "7"})
    assert (message.state, message.reason) == (State.NOT_SENT, Reason.OFF)
    page = owner_client.get(reverse("templates_tx:messages", args=[shop.slug])).content.decode()
    assert "being withdrawn · wycofywane" in page
    owner_client.post(url, {"withdraw": "no"})
    again = notify(CODE, shop=shop, to="anna@klient.example", context={"points": "7"})
    assert again.state == State.QUEUED


def test_it_is_deleted_only_while_the_log_does_not_know_it(owner_client, shop):
    factories.make_account(shop)
    make(owner_client, shop)
    write(shop)
    url = reverse("templates_tx:own_type_delete", args=[shop.slug, CODE])
    message = notify(CODE, shop=shop, to="anna@klient.example", context={"points": "7"})
    owner_client.post(url)
    assert OwnMessageType.objects.exists()
    assert url not in owner_client.get(edit_url(shop)).content.decode()
    MailMessage.objects.filter(pk=message.pk).delete()
    TemplateAssignment.objects.create(shop=shop, message_type=CODE, is_on=False)
    assert url in owner_client.get(edit_url(shop)).content.decode()
    owner_client.post(url)
    assert not OwnMessageType.objects.exists()
    # One that is made under the same code later begins anew.
    assert not TemplateAssignment.objects.exists()
    assert not MessageTemplate.objects.filter(shop=shop).exists()
    assert AuditEntry.objects.filter(action="own_type.deleted").exists()


def test_the_command_sends_it(owner_client, shop, tmp_path):
    factories.make_account(shop)
    row = make(owner_client, shop)
    write(shop)
    (tmp_path / "values.json").write_text(json_for(row), encoding="utf-8")
    out = StringIO()
    options = {"shop": shop.slug, "to": "anna@klient.example"}
    call_command("send_message", CODE, context=str(tmp_path / "values.json"), stdout=out, **options)
    message = MailMessage.objects.get(pk=out.getvalue().strip())
    assert (message.message_type, message.subject) == (CODE, "120 punktów")
    with pytest.raises(CommandError, match=r"own.nothing is none of .*own.punkty_lojalnosciowe"):
        call_command("send_message", "own.nothing", **options)


@pytest.mark.parametrize("to", list(To))
def test_the_page_shows_lines_that_really_send_it(owner_client, shop, to):
    factories.make_account(shop)
    row = make(owner_client, shop, to=to.value)
    write(shop)
    code = python_for(row)
    page = owner_client.get(edit_url(shop)).content.decode()
    assert f"manage.py send_message {CODE} --shop {shop.slug}" in page
    order = factories.place_order(shop)
    exec(code, {"shop": shop, "customer": order.customer, "order": order})
    message = MailMessage.objects.get(message_type=CODE)
    assert message.subject == "120 punktów"
    expected = shop.contact_email if to == To.OWNER else order.customer.email
    assert message.deliveries.get().address == expected
    assert ("order" in json.loads(json_for(row))) == (to == To.BUYER)


def test_only_an_admin_makes_types(shop):
    client = Client()
    client.force_login(factories.make_user(shop, Role.EDITOR))
    assert client.get(new_url(shop)).status_code == 403
    assert client.post(new_url(shop), posted()).status_code == 403
    page = client.get(reverse("templates_tx:messages", args=[shop.slug])).content.decode()
    assert new_url(shop) not in page


def test_what_is_typed_is_shown_as_text(owner_client, shop):
    make(
        owner_client,
        shop,
        name="<script>alert(1)</script>",
        **value(0, kind="text", sample="</code><b>"),
    )
    code = OwnMessageType.objects.get().code
    for url in (edit_url(shop, code), reverse("templates_tx:messages", args=[shop.slug])):
        text = owner_client.get(url).content.decode()
        assert "<script>alert" not in text and "</code><b>" not in text


@pytest.fixture
def registered():
    """A type that an app of the installation has registered."""
    made = message_types.register(
        MessageType(
            "loyalty.points", "Your points", Section.ACCOUNT, "Once a month.", on_in_new_shop=False
        )
    )
    yield made
    del message_types._types["loyalty.points"]


@pytest.mark.promise("S2.7")
def test_a_type_of_an_app_is_in_the_list_and_in_the_log(registered, owner_client, shop):
    factories.make_account(shop)
    row = catalogue_of(shop).row("loyalty.points")
    assert (row.type, row.decision.is_on) == (registered, False)
    settings = reverse("templates_tx:type_settings", args=[shop.slug, "loyalty.points"])
    assert "Once a month." in owner_client.get(settings).content.decode()
    TemplateAssignment.objects.create(shop=shop, message_type="loyalty.points", is_on=True)
    write(shop, "loyalty.points")
    notify("loyalty.points", shop=shop, to="anna@klient.example", context={"points": "7"})
    log = owner_client.get(reverse("maillog:log", args=[shop.slug]), {"type": "loyalty.points"})
    assert "Your points" in log.content.decode()


@pytest.mark.parametrize("code", ["own.points", "system.points", "Points", "a..b", "x" * 81])
def test_an_app_cannot_take_codes_that_are_not_its_own(code):
    with pytest.raises(ValueError, match="not a message type's code"):
        message_types.register(MessageType(code, "x", Section.ACCOUNT, "x"))
