"""The page of one message type: what is shown, what is stored, what is refused."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from maillog.models import MailMessage
from maillog.states import State
from shops import audit
from shops.models import AuditEntry, Role
from templates_tx.assignments import Edit, decide
from templates_tx.built_in import sync
from templates_tx.models import MessageTemplate, TemplateAssignment, TemplateVersion
from templates_tx.settings_views import takes_conditions
from templates_tx.types.contact import NOTE
from templates_tx.types.orders import ORDER_PLACED
from templates_tx.types.people import PASSWORD_RESET
from tests import factories
from tests.pages import form_values

pytestmark = pytest.mark.django_db


def page_of(shop, code="order.placed"):
    return reverse("templates_tx:type_settings", args=[shop.slug, code])


def save(client, shop, code="order.placed", **typed):
    """Opens the page, types over what its form holds, presses Save. None: the box is not ticked."""
    page = client.get(page_of(shop, code))
    assert page.status_code == 200
    values = {**settings_of(page), **typed}
    return client.post(
        page_of(shop, code), {name: each for name, each in values.items() if each is not None}
    )


def settings_of(page):
    """What the form of settings would send; the form of files stands on the same page."""
    names = ("shown", "is_on", "account", "reply_to", "copy_to_owner", "answer", "unit", "delay")
    return {
        name: values
        for name, values in form_values(page).items()
        if name in names or name.startswith(("rules-", "note_"))
        if "__prefix__" not in name
    }


def rule(number, after="", before="", then="send", **more):
    return {
        f"rules-{number}-then": then,
        f"rules-{number}-after": after,
        f"rules-{number}-before": before,
        **{f"rules-{number}-{name}": value for name, value in more.items()},
    }


def stored(shop, code="order.placed"):
    return TemplateAssignment.objects.get(shop=shop, message_type=code)


def test_the_page_says_what_the_message_is_and_who_gets_it(owner_client, shop):
    text = owner_client.get(page_of(shop)).content.decode()
    for words in (
        "Order confirmation",
        "order.placed",
        "Order placement",
        "the buyer of the order",
    ):
        assert words in text
    assert "at once" in text
    assert "Potwierdzenie przyjęcia zamówienia" in text


@pytest.mark.promise("S0.33")
@pytest.mark.parametrize("code", ["order.placed", "order.shipped", "customer.registered", "note"])
def test_every_message_is_set_up_in_the_same_way(owner_client, shop, code):
    account = factories.make_account(shop)
    answer = save(
        owner_client,
        shop,
        code,
        account=str(account.pk) if not account.is_main else "",
        reply_to="biuro@rowerownia.example",
        copy_to_owner="on",
        unit="days",
        delay="2",
        note_pl="Zapraszamy!\r\nhttps://rowerownia.example",
    )
    assert answer.status_code == 302, answer.context["form"].errors
    row = stored(shop, code)
    assert (row.reply_to, row.copy_to_owner) == ("biuro@rowerownia.example", True)
    assert row.delay_minutes == 2 * 24 * 60
    assert row.notes == {"pl": "Zapraszamy!\nhttps://rowerownia.example"}
    page = owner_client.get(page_of(shop, code))
    assert "after 2 days" in page.content.decode()
    assert save(owner_client, shop, code).status_code == 302
    assert AuditEntry.objects.filter(action="assignment.changed").count() == 1


def test_a_message_is_switched_off_and_on(owner_client, shop):
    save(owner_client, shop, is_on=None)
    assert not stored(shop).is_on
    save(owner_client, shop, is_on="on")
    assert stored(shop).is_on


def test_conditions_are_stored_and_told_in_words(owner_client, shop):
    lines = {**rule(0, "payment_state:paid"), **rule(1, "state:cancelled", then="nothing")}
    save(owner_client, shop, **{"rules-TOTAL_FORMS": "2"}, **lines)
    assert stored(shop).conditions == [
        {"then": "send", "field": "payment_state", "before": "", "after": "paid"},
        {"then": "nothing", "field": "state", "before": "", "after": "cancelled"},
    ]
    text = owner_client.get(page_of(shop)).content.decode()
    assert "Sent only when the payment is “Paid”. Never when the order is “Cancelled”." in text
    save(owner_client, shop, **{"rules-0-DELETE": "on"})
    assert [each["field"] for each in stored(shop).conditions] == ["state"]


def test_what_the_page_stores_decides_on_the_next_order(owner_client, shop):
    sync()
    factories.make_account(shop)
    save(owner_client, shop, **{"rules-TOTAL_FORMS": "1"}, **rule(0, "payment_state:paid"))
    first, second = factories.place_order(shop), factories.place_order(shop, payment_state="paid")
    sent = dict(
        MailMessage.objects.filter(message_type="order.placed").values_list("order_number", "state")
    )
    assert sent == {first.number: State.NOT_SENT, second.number: State.QUEUED}


def test_a_line_is_added_and_removed_without_a_script(owner_client, shop):
    page = owner_client.get(page_of(shop))
    typed = {**settings_of(page), "more": "rules", "note_pl": "Nie zgub mnie"}
    page = owner_client.post(page_of(shop), typed)
    assert page.status_code == 200
    values = settings_of(page)
    assert values["rules-TOTAL_FORMS"] == ["1"]
    assert "rules-0-after" in values
    assert values["note_pl"] == ["Nie zgub mnie"]
    assert not TemplateAssignment.objects.exists()
    page = owner_client.post(page_of(shop), {**values, **rule(0, "state:new"), "more": "rules"})
    values = settings_of(page)
    assert (values["rules-TOTAL_FORMS"], values["rules-0-after"]) == (["2"], ["state:new"])
    # The second line is left empty, which is no mistake.
    assert owner_client.post(page_of(shop), values).status_code == 302
    assert len(stored(shop).conditions) == 1


def test_only_a_message_about_a_change_can_ask_what_was_before(owner_client, shop):
    about = owner_client.get(page_of(shop, "order.on_hold")).context["lines"].empty_form
    assert about.can_tell_before
    lines = rule(0, "state:on_hold", "state:new")
    save(owner_client, shop, "order.on_hold", **{"rules-TOTAL_FORMS": "1"}, **lines)
    [kept] = stored(shop, "order.on_hold").conditions
    assert (kept["before"], kept["after"]) == ("new", "on_hold")
    assert not owner_client.get(page_of(shop)).context["lines"].empty_form.can_tell_before
    answer = save(owner_client, shop, **{"rules-TOTAL_FORMS": "1"}, **lines)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("code", "before", "other"),
    [
        ("order.paid", "payment_state:unpaid", "payment_state:failed"),
        ("order.shipped", "delivery_state:none", "delivery_state:ready"),
    ],
)
def test_payment_and_shipping_can_ask_what_was_before_and_are_sent_by_it(
    owner_client, shop, code, before, other
):
    sync()
    factories.make_account(shop)
    decide(shop, {"order.placed": Edit({"is_on": False}), code: Edit({"is_on": True})}, None)
    sent = []
    for asked in (before, other):
        answer = save(
            owner_client, shop, code, **{"rules-TOTAL_FORMS": "1"}, **rule(0, before=asked)
        )
        assert answer.status_code == 302
        order = factories.place_order(shop)
        order.mark_paid()
        order.ship("https://inpost.example/1", "N1")
        sent.append(MailMessage.objects.get(order_number=order.number, message_type=code).state)
    assert sent == [State.QUEUED, State.NOT_SENT]


def test_conditions_are_offered_where_there_is_an_order(owner_client, shop):
    assert takes_conditions(ORDER_PLACED) and takes_conditions(NOTE)
    assert not takes_conditions(PASSWORD_RESET)
    assert owner_client.get(page_of(shop, "staff.new_order")).context["lines"] is not None
    code = PASSWORD_RESET.code
    assert owner_client.get(page_of(shop, code)).context["lines"] is None
    save(owner_client, shop, code, **{"rules-TOTAL_FORMS": "1"}, **rule(0, "state:new"), delay="")
    assert not TemplateAssignment.objects.filter(message_type=code).exclude(conditions=[]).exists()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"account": "777"}, "not one that this shop can send from"),
        ({"reply_to": "nobody"}, ""),
        ({"unit": "weeks"}, ""),
        ({"unit": "hours", "delay": ""}, "Say how many"),
        ({"unit": "hours", "delay": "x"}, "Enter a whole number"),
        ({"unit": "hours", "delay": "-1"}, ""),
        ({"unit": "days", "delay": "31"}, "30 days at most"),
        ({"unit": "minutes", "delay": str(30 * 24 * 60 + 1)}, ""),
        ({"note_pl": "x" * 2001}, "has 2001 characters; 2000 is the most"),
        ({"note_pl": "a\0b"}, "Null characters are not allowed"),
        ({"rules-TOTAL_FORMS": "1", **rule(0)}, ""),
        ({"rules-TOTAL_FORMS": "1", **rule(0, then="nothing")}, "Choose a state"),
        ({"rules-TOTAL_FORMS": "1", **rule(0, "state:blue")}, "blue is not one of"),
        ({"rules-TOTAL_FORMS": "1", **rule(0, "state:new", then="x")}, "x is not one of"),
        ({"rules-TOTAL_FORMS": "99999"}, ""),
        ({"rules-TOTAL_FORMS": "many"}, "tampered"),
    ],
)
def test_bad_input_gets_a_sentence_and_stores_nothing(owner_client, shop, typed, told):
    answer = save(owner_client, shop, **{"note_en": "Kept", **typed})
    if typed == {"rules-TOTAL_FORMS": "1", **rule(0)}:
        assert answer.status_code == 302  # a line that nobody has filled in
        return
    text = answer.content.decode()
    assert answer.status_code == 422
    assert told in text and ("err-x" in text)
    assert "Kept" in text
    assert not TemplateAssignment.objects.exists()


def test_a_note_of_exactly_the_limit_is_kept(owner_client, shop):
    text = "\n".join(["x" * 199] * 10)
    save(owner_client, shop, note_pl=text.replace("\n", "\r\n") + "y")
    assert len(stored(shop).notes["pl"]) == 2000


def test_a_post_without_the_fields_changes_nothing(owner_client, shop):
    assert owner_client.post(page_of(shop), {}).status_code == 422
    assert owner_client.post(page_of(shop), {"more": "rules"}).status_code == 200
    assert not TemplateAssignment.objects.exists()


@pytest.mark.promise("S3.18")
def test_the_note_says_that_everybody_sees_it(owner_client, shop):
    text = owner_client.get(page_of(shop)).content.decode()
    assert "Every customer who gets this message sees it." in text


@pytest.mark.promise("S3.17")
def test_the_note_stands_in_the_built_in_layout_and_nothing_else_changes(owner_client, shop):
    sync()
    factories.make_account(shop)

    def confirmation():
        order = factories.place_order(shop)
        message = MailMessage.objects.get(order_number=order.number, message_type="order.placed")
        return message.template_version, (message.context or {})["shop"]["note"]

    before = confirmation()
    save(owner_client, shop, note_pl="Zapraszamy!")
    assert (before[1], confirmation()) == ("", (before[0], "Zapraszamy!"))
    assert not MessageTemplate.objects.exclude(shop=None).exists()


@pytest.mark.promise("S3.19")
def test_it_tells_how_a_link_is_written(owner_client, shop):
    assert "[our page](https://…)" in owner_client.get(page_of(shop)).content.decode()


def test_it_says_where_the_shops_own_template_leaves_the_note_out(owner_client, shop):
    template = MessageTemplate.objects.create(shop=shop, message_type="order.placed", language="pl")

    def use(html):
        number = template.versions.count() + 1
        template.current = TemplateVersion.objects.create(
            template=template, number=number, subject="x", html_source=html, text="", digest=""
        )
        template.save()
        return owner_client.get(page_of(shop)).content.decode()

    assert "in Polish is in use and does not show the note" in use("<p>x</p>")
    assert "in Polish is in use; the note shows where" in use("{{ shop.note | with_links }}")


def undo_url(client, shop, answer):
    """What the toast's Undo posts to."""
    text = client.get(answer.url).content.decode()
    start = text.index(reverse("templates_tx:undo", args=[shop.slug, "x"])[:-2])
    return text[start : text.index('"', start)]


def test_everything_can_be_undone_at_once(owner_client, shop):
    lines = {"rules-TOTAL_FORMS": "1", **rule(0, "payment_state:paid")}
    save(owner_client, shop, note_pl="Pierwsza", unit="hours", delay="1", **lines)
    before = TemplateAssignment.objects.values().get()
    notes = {
        f"note_{each}": f"{each} " + "Zażółć gęślą jaźń. " * 105 for each in ("pl", "en", "fr")
    }
    answer = save(
        owner_client,
        shop,
        is_on=None,
        unit="now",
        reply_to="biuro@rowerownia.example",
        **notes,
        **{"rules-0-DELETE": "on"},
    )
    assert TemplateAssignment.objects.values().get() != before
    undo = undo_url(owner_client, shop, answer)
    assert len(undo) < 400  # an address of 4,000 letters is refused by web servers
    back = owner_client.post(undo)
    assert back.url == page_of(shop)
    assert TemplateAssignment.objects.values().get() == before


def test_undo_leaves_alone_what_somebody_has_changed_since(owner_client, shop):
    answer = save(owner_client, shop, is_on=None)
    undo = undo_url(owner_client, shop, answer)
    save(owner_client, shop, note_pl="Od koleżanki")
    owner_client.post(undo)
    assert (stored(shop).is_on, stored(shop).notes) == (True, {"pl": "Od koleżanki"})


def test_saving_a_row_of_the_list_keeps_what_the_row_does_not_show(owner_client, shop):
    lines = {"rules-TOTAL_FORMS": "1", **rule(0, "payment_state:paid")}
    save(owner_client, shop, note_pl="Zapraszamy!", unit="hours", delay="3", **lines)
    before = stored(shop)
    row = reverse("templates_tx:message", args=[shop.slug, "order.placed"])
    posted = {"is_on": "off", "account": "", "copy_to_owner": "off", "reply_to": ""}
    assert owner_client.post(row, posted).status_code == 302
    after = stored(shop)
    assert not after.is_on
    assert (after.notes, after.delay_minutes, after.conditions) == (
        before.notes,
        before.delay_minutes,
        before.conditions,
    )


def test_the_audit_tells_it_in_words(owner_client, owner, shop):
    lines = {"rules-TOTAL_FORMS": "1", **rule(0, "payment_state:paid")}
    save(owner_client, shop, note_pl="Zapraszamy!", unit="hours", delay="3", **lines)
    entry = AuditEntry.objects.get(action="assignment.changed")
    assert (entry.user, entry.target) == (owner, "order.placed")
    # PostgreSQL keeps the keys of JSON in an order of its own.
    assert sorted(audit.in_words(entry).more) == [
        "Conditions: – → Sent only when the payment is “Paid”.",
        "Delay in minutes: at once → after 3 hours",
        "Note: – → pl: Zapraszamy!",
    ]


def test_payment_received_asks_about_the_confirmation_here_too(owner_client, shop):
    answer = save(owner_client, shop, "order.paid", is_on="on")
    assert answer.status_code == 422
    assert "Instead of it, or in addition to it?" in answer.content.decode()
    save(owner_client, shop, "order.paid", is_on="on", answer="instead")
    assert stored(shop, "order.paid").is_on and not stored(shop, "order.placed").is_on


def test_it_is_refused_beside_a_confirmation_only_once(owner_client, shop):
    save(owner_client, shop, "order.paid", is_on="on", answer="besides")
    assert stored(shop, "order.paid").is_on
    assert not TemplateAssignment.objects.filter(message_type="order.placed", is_on=False).exists()
    assert save(owner_client, shop, "order.paid").status_code == 302


def test_a_secret_is_not_copied(owner_client, shop):
    code = PASSWORD_RESET.code
    assert "copy_to_owner" not in settings_of(owner_client.get(page_of(shop, code)))
    save(owner_client, shop, code, is_on=None, copy_to_owner="on")
    assert not stored(shop, code).copy_to_owner


def test_what_is_typed_is_shown_as_text(owner_client, shop):
    save(owner_client, shop, note_pl="</textarea><script>alert(1)</script>")
    text = owner_client.get(page_of(shop)).content.decode()
    assert "<script>alert" not in text
    assert "&lt;/textarea&gt;&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SENDER])
def test_only_editors_may_look_or_change(shop, role):
    client = Client()
    client.force_login(factories.make_user(shop, role))
    assert client.get(page_of(shop)).status_code == 403
    assert client.post(page_of(shop), {"unit": "now"}).status_code == 403


@pytest.mark.parametrize("code", ["order.nonsense", "own.nothing", "own.a\0b", "own.Ł", "x" * 300])
def test_unknown_messages_are_not_found(owner_client, shop, code):
    assert owner_client.get(page_of(shop, code)).status_code == 404
    assert owner_client.post(page_of(shop, code), {}).status_code == 404
