from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mailaccounts.models import AccountState, SenderAccount
from maillog.models import Delivery, MailMessage
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.states import Reason, State
from maillog.states import Role as To
from shops.models import AuditEntry, Role, Shop
from shops.uuid7 import lowest_at
from templates_tx.models import TemplateAssignment
from tests import factories

HTMX = {"HX-Request": "true"}


class Controls(HTMLParser):
    """What a browser would post for one row, from its controls wherever they lie."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.select = form_id, ""
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "option" and self.select and "selected" in given:
            self.values[self.select] = given.get("value") or ""
        if given.get("form") != self.form_id:
            return
        name = given.get("name") or ""
        if tag == "select":
            self.select = name
            self.values[name] = ""
        elif given.get("type") != "checkbox" or "checked" in given:
            self.values[name] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = ""


def page_of(shop: Shop) -> str:
    return reverse("templates_tx:messages", args=[shop.slug])


def row_of(shop: Shop, code: str) -> str:
    return reverse("templates_tx:message", args=[shop.slug, code])


def posted_by(client: Client, shop: Shop, code: str) -> dict[str, str]:
    reader = Controls(f"save-{code.replace('.', '-')}")
    reader.feed(client.get(page_of(shop)).content.decode())
    assert reader.values, code
    return reader.values


def save(client: Client, shop: Shop, code: str, *, htmx: bool = True, **changes: str) -> Any:
    values = {**posted_by(client, shop, code), **changes}
    return client.post(row_of(shop, code), values, headers=HTMX if htmx else {})


def undo_url(response: Any) -> str:
    told = json.loads(response["HX-Trigger"])["postroom:toast"]
    return str(told["undo"])


def stored(shop: Shop, code: str) -> TemplateAssignment:
    return TemplateAssignment.objects.get(shop=shop, message_type=code)


def mails() -> dict[str, MailMessage]:
    return {each.message_type: each for each in MailMessage.objects.all()}


@pytest.fixture
def service(shop: Shop) -> SenderAccount:
    """A second account; the shop's own first one is main."""
    factories.make_account(shop, label="Zamówienia", from_address="zamowienia@rowerownia.example")
    return factories.make_account(shop, label="Serwis", from_address="serwis@rowerownia.example")


def test_the_page_groups_messages_and_says_who_gets_them(owner_client: Client, shop: Shop) -> None:
    text = owner_client.get(page_of(shop)).content.decode()
    places = [text.index(word) for word in ("Złożenie zamówienia", "Płatności", "Wysyłka")]
    assert places == sorted(places)
    assert "To the buyer, as soon as the order has arrived." in text
    assert "6 languages" in text
    assert "3 of 6 on" in text and "0 of 2 on" in text


@pytest.mark.promise("S0.5")
def test_a_fresh_shop_writes_to_the_customer_and_not_to_its_staff(shop: Shop, owner: User) -> None:
    order = factories.place_order(shop)
    (delivery,) = Delivery.objects.filter(message__order_number=order.number)
    assert (delivery.address, delivery.role) == (order.email, To.MAIN)


@pytest.mark.promise("S0.5", "S2.4")
def test_one_switch_sends_the_owner_the_same_confirmation(owner_client: Client, shop: Shop) -> None:
    answer = save(owner_client, shop, "order.placed", copy_to_owner="on")
    assert f"{shop.contact_email} gets a copy of each." in answer.content.decode()
    order = factories.place_order(shop)
    (message,) = MailMessage.objects.all()
    sent_to = set(message.deliveries.values_list("address", "role"))
    assert sent_to == {(order.email, To.MAIN), (shop.contact_email, To.COPY)}


@pytest.mark.promise("S0.31")
def test_another_account_changes_the_sender_of_that_message_only(
    owner_client: Client, shop: Shop, service: SenderAccount
) -> None:
    answer = save(owner_client, shop, "order.shipped", account=str(service.pk))
    assert answer.status_code == 200
    factories.place_order(shop, tracking_url="https://parcel.example/1")
    assert mails()["order.shipped"].from_address == "serwis@rowerownia.example"
    assert mails()["order.placed"].from_address == "zamowienia@rowerownia.example"


@pytest.mark.promise("S0.1")
@pytest.mark.parametrize("account", ["foreign", "deleted", "999999", "x", "-1"])
def test_an_account_that_is_not_this_shop_s_is_refused_by_name(
    owner_client: Client, shop: Shop, other_shop: Shop, account: str
) -> None:
    own = factories.make_account(shop)
    gone = factories.make_account(shop, state=AccountState.DELETED)
    known = {"foreign": factories.make_account(other_shop).pk, "deleted": gone.pk}
    TemplateAssignment.objects.create(shop=shop, message_type="note", account=own)
    answer = save(owner_client, shop, "note", account=str(known.get(account, account)))
    assert answer.status_code == 422
    assert answer.context["row"].form.errors.keys() == {"account"}
    assert "This account is not one that this shop can send from." in answer.content.decode()
    assert stored(shop, "note").account == own


@pytest.mark.promise("S0.1")
def test_accounts_of_another_shop_are_not_offered(
    owner_client: Client, shop: Shop, other_shop: Shop
) -> None:
    factories.make_account(other_shop, from_address="post@ullhuset.example")
    assert "ullhuset" not in owner_client.get(page_of(shop)).content.decode()


@pytest.mark.parametrize("missing", ["is_on", "account", "copy_to_owner", "reply_to"])
def test_a_post_without_a_field_changes_nothing(
    owner_client: Client, shop: Shop, service: SenderAccount, missing: str
) -> None:
    TemplateAssignment.objects.create(
        shop=shop, message_type="note", account=service, copy_to_owner=True
    )
    values = posted_by(owner_client, shop, "note") | {"is_on": "off"}
    del values[missing]
    answer = owner_client.post(row_of(shop, "note"), values, headers=HTMX)
    assert answer.status_code == 422
    assert "is missing; nothing was saved." in answer.content.decode()
    row = stored(shop, "note")
    assert (row.is_on, row.account, row.copy_to_owner) == (True, service, True)


def test_saving_one_thing_after_the_other_keeps_the_account(
    owner_client: Client, shop: Shop, service: SenderAccount
) -> None:
    save(owner_client, shop, "note", account=str(service.pk))
    save(owner_client, shop, "note", is_on="off")
    service.make_main()
    save(owner_client, shop, "note", is_on="on")
    service.refresh_from_db()
    SenderAccount.objects.exclude(pk=service.pk).filter(shop=shop).last().make_main()  # type: ignore[union-attr]
    SenderAccount.objects.get(pk=service.pk).switch_off()
    answer = save(owner_client, shop, "note", copy_to_owner="on")
    assert "Off: it leaves from the main account." in answer.content.decode()
    assert stored(shop, "note").account == service


def test_a_change_can_be_undone(owner_client: Client, shop: Shop, service: SenderAccount) -> None:
    save(owner_client, shop, "note", account=str(service.pk), copy_to_owner="on")
    answer = save(owner_client, shop, "note", is_on="off", account="", copy_to_owner="off")
    back = owner_client.post(undo_url(answer), headers=HTMX)
    assert "Undone." in back.content.decode()
    row = stored(shop, "note")
    assert (row.is_on, row.account, row.copy_to_owner) == (True, service, True)


def test_undo_is_refused_when_late_forged_or_another_shop_s(
    owner_client: Client, shop: Shop, other_shop: Shop, operator: User, time_machine: Any
) -> None:
    undo = undo_url(save(owner_client, shop, "note", is_on="off"))
    assert owner_client.post(undo[:-2] + "x/").status_code == 302
    elsewhere = Client()
    elsewhere.force_login(operator)
    elsewhere.post(undo.replace(shop.slug, other_shop.slug))
    assert not TemplateAssignment.objects.filter(shop=other_shop).exists()
    time_machine.move_to(timezone.now() + timedelta(seconds=601))
    answer = owner_client.post(undo, headers=HTMX)
    assert answer["HX-Redirect"] == page_of(shop)
    assert not stored(shop, "note").is_on
    assert "It is too late to undo this." in owner_client.get(page_of(shop)).content.decode()


def test_undo_does_not_bring_back_an_account_that_cannot_send(
    owner_client: Client, shop: Shop, service: SenderAccount
) -> None:
    save(owner_client, shop, "note", account=str(service.pk))
    undo = undo_url(save(owner_client, shop, "note", account=""))
    service.switch_off()
    owner_client.post(undo)
    assert stored(shop, "note").account is None


def test_payment_received_asks_what_becomes_of_the_confirmation(
    owner_client: Client, shop: Shop
) -> None:
    asked = save(owner_client, shop, "order.paid", is_on="on")
    assert "Instead of “Order confirmation”, or in addition to it?" in asked.content.decode()
    assert not TemplateAssignment.objects.exists()

    values = posted_by(owner_client, shop, "order.paid") | {"is_on": "on", "answer": "instead"}
    answer = owner_client.post(row_of(shop, "order.paid"), values, headers=HTMX)
    assert 'id="row-order-placed"' in answer.content.decode()
    assert "Payment received leaves from now on. Order confirmation is off." in (
        answer.content.decode()
    )
    assert stored(shop, "order.paid").is_on and not stored(shop, "order.placed").is_on
    factories.place_order(shop, payment_state="paid")
    assert (mails()["order.placed"].state, mails()["order.placed"].reason) == (
        State.NOT_SENT,
        Reason.OFF,
    )
    assert mails()["order.paid"].state == State.QUEUED

    owner_client.post(undo_url(answer), headers=HTMX)
    assert stored(shop, "order.placed").is_on and not stored(shop, "order.paid").is_on


def test_payment_received_may_come_in_addition(owner_client: Client, shop: Shop) -> None:
    save(owner_client, shop, "order.paid", is_on="on", answer="besides")
    factories.place_order(shop, payment_state="paid")
    assert {code for code, mail in mails().items() if mail.state == State.QUEUED} == {
        "order.placed",
        "order.paid",
    }


def test_it_asks_nothing_where_the_confirmation_is_off(owner_client: Client, shop: Shop) -> None:
    save(owner_client, shop, "order.placed", is_on="off")
    save(owner_client, shop, "order.paid", is_on="on")
    assert stored(shop, "order.paid").is_on


def test_it_works_without_javascript(owner_client: Client, shop: Shop) -> None:
    answer = save(owner_client, shop, "note", htmx=False, is_on="off")
    assert answer.status_code == 302
    page = owner_client.get(answer.url).content.decode()
    assert "Saved. Note to the customer is off." in page
    assert f'action="{reverse("templates_tx:undo", args=[shop.slug, "x"])[:-2]}' in page
    asked = save(owner_client, shop, "order.paid", htmx=False, is_on="on")
    assert asked.status_code == 200
    assert "or in addition to it?" in asked.content.decode()
    refused = save(owner_client, shop, "note", htmx=False, account="777")
    assert refused.status_code == 422
    assert "Transactional messages" in refused.content.decode()


def test_each_change_is_in_the_audit_once(
    owner_client: Client, shop: Shop, owner: User, service: SenderAccount
) -> None:
    save(owner_client, shop, "note", account=str(service.pk))
    save(owner_client, shop, "note")
    (entry,) = AuditEntry.objects.filter(shop=shop, action="assignment.changed")
    assert (entry.user, entry.target) == (owner, "note")
    assert entry.details == {"account": [None, service.pk]}


def test_a_secret_link_is_never_copied(owner_client: Client, shop: Shop) -> None:
    values = posted_by(owner_client, shop, "customer.password_reset")
    assert "copy_to_owner" not in values
    save(owner_client, shop, "customer.password_reset", is_on="off", copy_to_owner="on")
    assert not stored(shop, "customer.password_reset").copy_to_owner


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SENDER])
def test_only_editors_may_look_or_change(shop: Shop, role: str) -> None:
    client = Client()
    client.force_login(factories.make_user(shop, role))
    assert client.get(page_of(shop)).status_code == 403
    assert client.post(row_of(shop, "note"), {"is_on": "off"}).status_code == 403
    assert not TemplateAssignment.objects.exists()


def test_strangers_and_unknown_messages_are_not_found(
    owner_client: Client, shop: Shop, stranger: User
) -> None:
    assert owner_client.post(row_of(shop, "order.nonsense"), {}).status_code == 404
    assert owner_client.get(row_of(shop, "x\ty"), headers=HTMX).status_code == 404
    client = Client()
    client.force_login(stranger)
    for address in (page_of(shop), row_of(shop, "note")):
        assert client.get(address).status_code == 404
    assert client.post(row_of(shop, "note"), {"is_on": "off"}).status_code == 404


def test_messages_are_found_by_name_code_and_polish_label(owner_client: Client, shop: Shop) -> None:
    def found(**query: str) -> list[str]:
        sections = owner_client.get(page_of(shop), query).context["sections"]
        return [row.type.code for section in sections for row in section.rows]

    assert found(q="CONFIRM") == ["order.placed", "booking.confirmed", "subscription.confirm"]
    assert found(q="potwierdzenie przyjecia") == ["order.placed"]
    assert found(q="zlozenie")[0] == "order.placed"
    assert found(q="order.sh") == ["order.shipped"]
    assert "order.paid" not in found(show="on")
    assert found(show="failures") == []
    answer = owner_client.get(page_of(shop), {"q": "<b>nothing"})
    assert "No message is found by “&lt;b&gt;nothing”." in answer.content.decode()


def log_one(account: SenderAccount, code: str, state: State, **moved: Any) -> MailMessage:
    message = queue(
        Draft(
            message_type=code,
            shop=account.shop,
            account=account,
            recipients=(Recipient("anna@klient.example"),),
            expires_in=timedelta(hours=1),
            subject="x",
            body=Body(html="", text="x"),
        )
    )
    assert message is not None
    MailMessage.objects.filter(pk=message.pk).update(state=state, **moved)
    return message


def test_it_shows_when_a_message_last_left_and_how_many_failed(
    owner_client: Client, shop: Shop
) -> None:
    account = factories.make_account(shop)
    left = timezone.now() - timedelta(days=400)
    log_one(account, "note", State.SENT, created_at=left)
    log_one(account, "note", State.FAILED)
    log_one(account, "note", State.HELD)
    old = log_one(account, "note", State.FAILED)
    MailMessage.objects.filter(pk=old.pk).delete()
    old.pk = lowest_at(timezone.now() - timedelta(days=9))
    old.state = State.FAILED
    old.save(force_insert=True)
    log_one(account, "order.placed", State.NOT_SENT)
    page = owner_client.get(page_of(shop))
    rows = {row.type.code: row for row in page.context["catalogue"].rows}
    assert (rows["note"].last_sent_at, rows["note"].failed) == (left, 2)
    assert (rows["order.placed"].last_sent_at, rows["order.placed"].failed) == (None, 0)
    link = f"{reverse('maillog:log', args=[shop.slug])}?type=note&amp;state=trouble&amp;since="
    assert link in page.content.decode()
    assert (
        owner_client.get(page_of(shop), {"show": "failures"}).context["catalogue"].count("failures")
        == 1
    )


def test_the_page_costs_the_same_however_much_there_is(owner_client: Client, shop: Shop) -> None:
    account = factories.make_account(shop)

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert owner_client.get(page_of(shop)).status_code == 200
        return len(queries)

    few = cost()
    for number in range(5):
        factories.make_account(shop, label=f"Konto {number}")
        log_one(account, "order.placed", State.SENT)
        log_one(account, "order.paid", State.FAILED)
    for code in ("order.placed", "order.paid", "note"):
        TemplateAssignment.objects.create(shop=shop, message_type=code, account=account)
    assert cost() == few
    assert few <= 14


def test_names_that_staff_typed_are_shown_as_text(owner_client: Client, shop: Shop) -> None:
    factories.make_account(shop, label="first")
    factories.make_account(shop, label="<script>alert(1)</script>")
    text = owner_client.get(page_of(shop)).content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_answers_to_one_message_may_go_elsewhere(owner_client, shop):
    save(owner_client, shop, "note", reply_to="biuro@rowerownia.example")
    assert stored(shop, "note").reply_to == "biuro@rowerownia.example"
    answer = save(owner_client, shop, "note", reply_to="nobody")
    assert answer.status_code == 422
    assert "Answers go to" in answer.content.decode()
    assert stored(shop, "note").reply_to == "biuro@rowerownia.example"
    save(owner_client, shop, "note", reply_to="")
    assert stored(shop, "note").reply_to == ""


@pytest.mark.parametrize("field", ["is_on", "copy_to_owner", "account"])
def test_a_choice_that_is_none_is_refused_without_repeating_it(
    owner_client: Client, shop: Shop, field: str
) -> None:
    answer = save(owner_client, shop, "order.placed", **{field: "x" * 1_000_000})
    assert answer.status_code == 422
    assert "err-x" in answer.content.decode()
    assert len(answer.content) < 50_000
