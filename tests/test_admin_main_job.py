"""The Django admin alone does the main job, keeps to shops, and holds nothing that runs code."""

from __future__ import annotations

import threading

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from mailaccounts.models import SenderAccount
from maillog.models import MailMessage
from maillog.session import Session
from shops.models import AuditEntry, Customer, Membership, Order, Role
from templates_tx.built_in import sync
from templates_tx.models import TemplateAssignment
from tests import factories
from tests.pages import form_values, submit
from tests.smtp import sink

APPS = ("shops", "mailaccounts", "maillog", "sms", "templates_tx")
ASSIGNMENTS = "admin:templates_tx_templateassignment_changelist"


@pytest.fixture
def admin_client(operator):
    client = Client()
    client.force_login(operator)
    return client


def limited_client(shop, role=Role.ADMIN):
    user = factories.make_user(shop, role, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=APPS))
    client = Client()
    client.force_login(user)
    return client


def add(client, model, **values):
    response = submit(
        client, reverse(f"admin:{model}_add"), f"{model.split('_')[-1]}_form", **values
    )
    assert response.status_code == 302, response.context["errors"]


def send_due(account):
    account.refresh_from_db()
    return Session(account, "tests:1", threading.Event()).run()


def order_values(customer, **values):
    return {
        "shop": str(customer.shop_id),
        "number": "10482",
        "customer": str(customer.pk),
        "currency": "PLN",
        "lines-0-name": "Kask Giro Register MIPS",
        "lines-0-quantity": "1",
        "lines-0-unit_price": "269.00",
        "lines-0-tax_rate": "23",
        "lines-1-name": "Bidon Elite Fly",
        "lines-1-quantity": "2",
        "lines-1-unit_price": "25.00",
        "lines-1-tax_rate": "23",
        **values,
    }


@pytest.mark.django_db(transaction=True)
def test_the_admin_alone_does_the_main_job(operator, shop):
    sync()
    client = Client()
    client.force_login(operator)
    with sink() as server:
        for label in ("Sklep", "Zamówienia"):
            add(
                client,
                "mailaccounts_senderaccount",
                shop=str(shop.pk),
                from_address="sklep@rowerownia.example",
                from_name="Rowerownia",
                label=label,
                kind="smtp",
                host="127.0.0.1",
                port=str(server.port),
                tls_mode="none",
            )
        account = SenderAccount.objects.get(label="Zamówienia")
        client.post(
            reverse("admin:mailaccounts_senderaccount_changelist"),
            {"action": "make_main", "_selected_action": [account.pk]},
        )
        account.refresh_from_db()
        assert account.is_main
        add(
            client,
            "templates_tx_templateassignment",
            shop=str(shop.pk),
            message_type="order.placed",
            channel="email",
            is_on="on",
            account=str(account.pk),
        )
        customer = factories.make_customer(shop, email="anna@klient.example")
        add(client, "shops_order", **order_values(customer))
        assert send_due(account) == 1

        log = reverse("admin:maillog_mailmessage_changelist")
        [message] = client.get(log, {"q": "ANNA@klient"}).context["cl"].result_list
        assert (message.state, message.account_id) == ("sent", account.pk)
        page = client.get(log, {"q": "10482"})
        token = form_values(page, "changelist-form")["token"][0]
        again = {"action": "send_again", "token": token, "_selected_action": [str(message.pk)]}
        client.post(log, again)
        client.post(log, again)
        assert send_due(account) == 1
        arrived = server.store.received
    assert [each.rcpt_to for each in arrived] == [("anna@klient.example",)] * 2
    assert len({each.message_id for each in arrived}) == 2


@pytest.mark.django_db
def test_an_order_added_in_the_admin_is_placed_with_its_lines_and_totals(admin_client, shop):
    sync()
    customer = factories.make_customer(shop)
    add(admin_client, "shops_order", **order_values(customer, payment_state="paid"))
    order = Order.objects.get(shop=shop)
    assert [line.name for line in order.lines.all()] == [
        "Kask Giro Register MIPS",
        "Bidon Elite Fly",
    ]
    assert str(order.total) == "319.00"
    assert set(MailMessage.objects.values_list("message_type", "state")) == {
        ("order.placed", "queued"),
        ("order.paid", "not_sent"),
    }


@pytest.mark.django_db
def test_changes_saved_in_the_admin_are_announced_once(admin_client, shop):
    sync()
    order = factories.place_order(shop)
    there = reverse("admin:shops_order_change", args=[order.pk])
    values = {
        "tracking_url": "https://track.example/7",
        "tracking_number": "7",
        "note": "Tylne koło",
    }
    for _ in range(2):
        assert submit(admin_client, there, "order_form", **values).status_code == 302
    order.refresh_from_db()
    assert (order.delivery_state, order.note) == ("shipped", "Tylne koło")
    assert MailMessage.objects.filter(message_type="order.shipped", state="queued").count() == 1
    submit(admin_client, there, "order_form", payment_state="paid", delivery_state="delivered")
    order.refresh_from_db()
    assert (order.payment_state, order.delivery_state) == ("paid", "delivered")
    assert MailMessage.objects.filter(message_type="order.paid").count() == 1
    assert MailMessage.objects.filter(message_type="order.placed").count() == 1


@pytest.mark.django_db
def test_an_order_takes_no_other_shops_customer(admin_client, shop, other_shop):
    values = order_values(factories.make_customer(other_shop), shop=str(shop.pk))
    response = submit(admin_client, reverse("admin:shops_order_add"), "order_form", **values)
    assert "belongs to another shop" in response.content.decode()
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_switches_and_accounts_are_set_in_the_list_itself(admin_client, operator, shop, other_shop):
    account, theirs = factories.make_account(shop), factories.make_account(other_shop)
    row = TemplateAssignment.objects.create(shop=shop, message_type="order.paid")
    there = reverse(ASSIGNMENTS)
    assert f'value="{theirs.pk}"' not in admin_client.get(there).content.decode()
    values = form_values(admin_client.get(there), "changelist-form")
    values |= {"form-0-is_on": "", "form-0-account": str(account.pk), "_save": "Save"}
    values["form-0-copy_to_owner"] = "on"
    assert admin_client.post(there, values).status_code == 302
    row.refresh_from_db()
    assert (row.is_on, row.account, row.copy_to_owner) == (False, account, True)
    entry = AuditEntry.objects.get(action="assignment.changed")
    assert (entry.user, entry.details["fields"]) == (
        operator,
        ["account", "copy_to_owner", "is_on"],
    )
    values["form-0-account"] = str(theirs.pk)
    assert "Select a valid choice" in admin_client.post(there, values).content.decode()


@pytest.mark.django_db
def test_a_forged_list_of_limited_staff_changes_nothing_elsewhere(shop, other_shop):
    ours = TemplateAssignment.objects.create(shop=shop, message_type="order.paid")
    theirs = TemplateAssignment.objects.create(shop=other_shop, message_type="order.paid")
    client, there = limited_client(shop), reverse(ASSIGNMENTS)
    values = form_values(client.get(there), "changelist-form")
    forged = {**values, "form-0-id": str(theirs.pk), "form-0-copy_to_owner": "on", "_save": "Save"}
    client.post(there, forged)
    grown = {
        **values,
        "form-TOTAL_FORMS": "2",
        "form-1-id": str(theirs.pk),
        "form-1-copy_to_owner": "on",
        "_save": "Save",
    }
    client.post(there, grown)
    assert not TemplateAssignment.objects.filter(copy_to_owner=True).exists()
    assert TemplateAssignment.objects.count() == 2
    assert ours.shop == shop


@pytest.mark.django_db
def test_a_forged_list_of_a_viewer_changes_nothing_in_their_own_shop(shop):
    row = TemplateAssignment.objects.create(shop=shop, message_type="order.paid")
    client, there = limited_client(shop, Role.VIEWER), reverse(ASSIGNMENTS)
    values = form_values(client.get(there), "changelist-form")
    forged = {**values, "form-0-copy_to_owner": "on", "_save": "Save"}
    client.post(there, forged)
    row.refresh_from_db()
    assert not row.copy_to_owner


@pytest.mark.django_db
def test_forged_inline_rows_of_limited_staff_are_not_stored(shop, other_shop):
    theirs, ours = factories.place_order(other_shop), factories.place_order(shop)
    client = limited_client(shop)
    line = theirs.lines.get(position=1)
    for order in (theirs, ours):
        there = reverse("admin:shops_order_change", args=[order.pk])
        page = form_values(
            client.get(reverse("admin:shops_order_change", args=[ours.pk])), "order_form"
        )
        forged = {
            "lines-TOTAL_FORMS": "2",
            "lines-INITIAL_FORMS": "1",
            "lines-0-id": str(line.pk),
            "lines-0-order": str(order.pk),
            "lines-0-name": "forged",
            "lines-0-quantity": "1",
            "lines-0-unit_price": "1",
            "lines-1-name": "forged",
            "lines-1-quantity": "1",
            "lines-1-unit_price": "1",
            "lines-1-order": str(theirs.pk),
        }
        client.post(there, {**page, **forged})
    names = [each.name for order in (ours, theirs) for each in order.lines.all()]
    assert len(names) == 4
    assert "forged" not in names


@pytest.mark.django_db
def test_limited_staff_choose_only_what_is_theirs(shop, other_shop):
    theirs = factories.make_customer(other_shop, email="ola@ull.example")
    client = limited_client(shop)
    page = client.get(reverse("admin:shops_customer_add")).content.decode()
    assert f'<option value="{shop.pk}">' in page
    assert "Ullhuset" not in page
    values = order_values(theirs, shop=str(shop.pk))
    response = submit(client, reverse("admin:shops_order_add"), "order_form", **values)
    assert "Select a valid choice" in response.content.decode()
    assert client.get(reverse("admin:shops_shop_change", args=[other_shop.pk])).status_code == 302
    assert client.post(reverse("admin:shops_shop_add"), {}).status_code == 403


@pytest.mark.django_db
def test_nobody_lifts_themselves_up_through_the_admin(shop):
    client = limited_client(shop, Role.SENDER)
    mine = Membership.objects.get(shop=shop)
    there = reverse("admin:shops_membership_change", args=[mine.pk])
    assert client.post(there, {"role": "admin"}).status_code == 403
    mine.refresh_from_db()
    assert mine.role == Role.SENDER


@pytest.mark.django_db
def test_the_last_admin_of_a_shop_stays_one(admin_client, shop, owner):
    member = Membership.objects.get(user=owner)
    there = reverse("admin:shops_membership_change", args=[member.pk])
    response = submit(admin_client, there, "membership_form", role="viewer")
    assert "at least one admin" in admin_client.get(response.url).content.decode()
    delete = reverse("admin:shops_membership_delete", args=[member.pk])
    admin_client.post(delete, {"post": "yes"})
    assert Membership.objects.get(pk=member.pk).role == Role.ADMIN


def test_every_model_of_the_five_apps_is_registered():
    models = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    assert len(models) > 15
    assert [model for model in models if not admin.site.is_registered(model)] == []


def test_nothing_that_runs_code_or_holds_keys_is_registered():
    registered = {model._meta.app_label for model in admin.site._registry}
    assert "django_q" not in registered
    assert "mfa" not in registered
    assert registered >= {"shops", "mailaccounts", "maillog", "templates_tx", "auth"}


@pytest.mark.django_db
def test_every_page_of_the_admin_opens(admin_client, shop):
    sync()
    factories.make_account(shop, copy_to="copy@shop.example")
    order = factories.place_order(shop)
    TemplateAssignment.objects.create(shop=shop, message_type="order.paid")
    assert order.lines.count() == 2
    for model, model_admin in admin.site._registry.items():
        opts = model._meta
        pages = [reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")]
        if opts.app_label in APPS and model_admin.has_add_permission(
            type("Request", (), {"user": factories.make_operator()})()
        ):
            pages.append(reverse(f"admin:{opts.app_label}_{opts.model_name}_add"))
        if first := model._default_manager.first():
            pages.append(
                reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[first.pk])
            )
        for page in pages:
            assert admin_client.get(page).status_code == 200, page
            assert admin_client.get(page, {"q": "a"}).status_code == 200, page


@pytest.mark.django_db
def test_pages_link_to_their_twins_in_the_panel(admin_client, shop):
    sync()
    account, order = factories.make_account(shop), factories.place_order(shop)
    message = MailMessage.objects.get(order_number=order.number)
    member = Membership.objects.get(user=factories.make_user(shop).pk)
    twins = {
        account: f"/accounts/{account.pk}/",
        order: f"/orders/{order.pk}/",
        message: f"/log/{message.pk}/",
        message.deliveries.get(): f"/log/{message.pk}/",
        member: "/members/",
        shop: "/settings/",
    }
    for row, path in twins.items():
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        page = admin_client.get(reverse(f"{name}_change", args=[row.pk])).content.decode()
        assert f'<a href="/s/{shop.slug}{path}" class="viewsitelink">' in page, row
    log = admin_client.get(reverse("admin:maillog_mailmessage_changelist")).content.decode()
    assert f'<a href="/s/{shop.slug}/log/" class="viewsitelink">' in log


@pytest.mark.django_db
def test_log_in_to_the_admin_is_the_panels_with_its_limits_and_second_factor(owner, operator):
    client = Client()
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
    posted = client.post("/admin/login/", {"username": operator.username, "password": "secret"})
    assert posted.status_code == 302
    assert client.get("/admin/").status_code == 302
    client.force_login(owner)
    assert client.get("/admin/", follow=True).status_code == 403
    client.force_login(operator)
    assert client.get("/admin/").status_code == 200


@pytest.mark.django_db
def test_customers_of_two_shops_may_share_an_address(admin_client, shop, other_shop):
    for each in (shop, other_shop):
        add(admin_client, "shops_customer", shop=str(each.pk), email="anna@klient.example")
    assert Customer.objects.filter(email="anna@klient.example").count() == 2
