"""“Send me exactly this”: what leaves, to whom, and when it does not."""

from __future__ import annotations

import pytest
from django.test import Client

from mailaccounts.models import SenderAccount
from maillog.models import MailMessage
from maillog.states import State
from shops.models import Role
from templates_tx.editor import sending
from templates_tx.models import TemplateDraft
from tests import factories
from tests.templates_tx.editor.desks import own, url, words, wrong


def sent(shop):
    return MailMessage.objects.for_shop(shop).filter(is_test=True)


@pytest.mark.promise("S5.6")
def test_what_is_typed_leaves_to_the_one_who_typed_it_as_it_is(
    shop, owner, owner_client, template, account
):
    order = factories.place_order(shop)
    html = words(template)["html"] + "<p>Only typed</p>"
    typed = words(template, subject="Mam {{ order.number }}", html=html, order=order.number)
    page = owner_client.post(url(shop, "send_me"), typed, follow=True)
    message = sent(shop).get()
    assert message.subject == f"Mam {order.number}"
    assert "Only typed" in message.body.html
    assert order.number in message.body.text
    assert message.account == account
    assert [each.address for each in message.deliveries.all()] == [owner.email]
    assert message.state == State.QUEUED
    assert f"Sent to {owner.email}." in page.text
    assert f'/log/{message.pk}/">See it in the log' in page.text
    assert page.redirect_chain[-1][0].endswith(f"?order={order.number}")
    assert TemplateDraft.objects.get().subject == "Mam {{ order.number }}"


def test_the_built_in_words_can_be_sent_too(shop, owner_client, account):
    owner_client.post(url(shop, "send_me"))
    assert sent(shop).get().subject == "Zamówienie 10482 przyjęte, dziękujemy"


def test_it_makes_no_copies_and_says_nothing_to_the_customer(shop, owner_client, template):
    factories.make_account(shop, copy_to="archive@rowerownia.example")
    order = factories.place_order(shop)
    owner_client.post(url(shop, "send_me"), words(template, order=order.number))
    [delivery] = sent(shop).get().deliveries.all()
    assert delivery.address != order.email


def test_a_message_with_a_personal_link_is_sent_with_sample_values_and_hidden_in_the_log(
    shop, owner, owner_client, account
):
    order = factories.place_order(shop)
    reset = own(shop, owner, code="customer.password_reset")
    typed = words(reset, subject="{{ customer.email }}", order=order.number)
    owner_client.post(url(shop, "send_me", code=reset.message_type), typed)
    message = sent(shop).get()
    assert message.sensitive
    assert message.subject == "anna.wisniewska@wp.pl"


NOT_SENT = {
    "a fault": ({"html": "{{ order.totl }}"}, {}, "there is an error in the words"),
    "no address": ({}, {"email": ""}, "Your user has no e-mail address"),
}


@pytest.mark.parametrize(("typed", "person", "sentence"), NOT_SENT.values(), ids=NOT_SENT)
def test_it_says_why_nothing_was_sent(shop, template, account, typed, person, sentence):
    client = Client()
    client.force_login(factories.make_user(shop, Role.EDITOR, **person))
    page = client.post(url(shop, "send_me"), words(template, **typed))
    assert page.status_code == 422
    assert sentence in page.text
    assert not sent(shop).exists()


def test_without_an_account_nothing_is_sent(shop, owner_client, template):
    SenderAccount.objects.filter(shop=shop).delete()
    page = owner_client.post(url(shop, "send_me"), words(template))
    assert page.status_code == 422
    assert "no account to send from" in page.text


def test_nobody_sends_themselves_mail_without_end(
    shop, owner_client, template, account, monkeypatch
):
    monkeypatch.setattr(sending, "MOST", 2)
    answers = [owner_client.post(url(shop, "send_me"), words(template)) for _ in range(3)]
    assert [each.status_code for each in answers] == [302, 302, 422]
    assert "Wait ten minutes" in answers[-1].text
    assert sent(shop).count() == 2


def test_a_fault_sends_nothing_and_keeps_what_was_typed(shop, owner_client, template, account):
    html = wrong(template)
    owner_client.post(url(shop, "send_me"), words(template, html=html))
    assert TemplateDraft.objects.get().html_source == html
