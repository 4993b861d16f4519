"""Every address of the project, seen by those who have no business there.

``ROUTES`` holds one row for each route, by its name; a route without a row fails. A row is
``public()``, ``login()``, ``shop()``, or ``shop(kwargs)``, where ``kwargs`` gives the address's
values from the ``Belongings`` of a shop. A shop's page is tried by nobody, by an admin of another
shop, by a viewer, and by the shop's own admin with objects of the other shop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from mailaccounts import technician
from mailaccounts.models import (
    AccountTest,
    SenderAccount,
    SenderDomain,
    SignInAttempt,
    TechnicianLink,
)
from maillog.models import AttachmentFile, MailMessage, MessageAttachment, MessageBody
from shops.models import Invitation, Membership, Order, Role, SalesDocument, Shop
from templates_tx.files import Upload, attach
from templates_tx.models import OwnMessageType, TemplateVersion, TypeAttachment
from templates_tx.own_types import find
from templates_tx.saving import own_template
from tests import factories


@dataclass
class Belongings:
    """A shop with one of everything; made when a row asks for it. Add what a new route needs."""

    shop: Shop
    admin: User

    @cached_property
    def order(self) -> Order:
        return factories.place_order(self.shop)

    @cached_property
    def document(self) -> SalesDocument:
        return factories.make_document(self.order)

    @cached_property
    def account(self) -> SenderAccount:
        return factories.make_account(self.shop)

    @cached_property
    def google_account(self) -> SenderAccount:
        return factories.make_account(self.shop, kind="google", state="draft")

    @cached_property
    def sign_in(self) -> SignInAttempt:
        return SignInAttempt.objects.create(
            account=self.google_account,
            user=self.admin,
            provider="google",
            state_digest=f"{self.shop.pk:064d}",
        )

    @cached_property
    def member(self) -> Membership:
        user = factories.make_user(self.shop, Role.SENDER)
        return Membership.objects.get(user=user)

    @cached_property
    def invitation(self) -> Invitation:
        return Invitation.issue(self.shop, "ola@staff.example", Role.SENDER, self.admin)[0]

    @cached_property
    def domain(self) -> SenderDomain:
        return SenderDomain.objects.create(shop=self.shop, domain=self.shop.domain)

    @cached_property
    def technician_link(self) -> TechnicianLink:
        return technician.issue(technician.Matter(self.shop, domain=self.domain), self.admin)[0]

    @cached_property
    def message(self) -> MailMessage:
        found = MailMessage.objects.filter(shop=self.shop, order_number=self.order.number).get()
        MessageBody.objects.create(message=found, html="<p>x</p>", text="x")
        return found

    @cached_property
    def file(self) -> MessageAttachment:
        content, _made = AttachmentFile.objects.get_or_create(
            sha256="0" * 64, defaults={"content": b"x", "size": 1}
        )
        return MessageAttachment.objects.create(message=self.message, file=content, name="a.pdf")

    @cached_property
    def type_file(self) -> TypeAttachment:
        return attach(self.shop, "order.placed", Upload("a.txt", b"x"), self.admin)

    @cached_property
    def own_type(self) -> OwnMessageType:
        return OwnMessageType.objects.create(
            shop=self.shop,
            code=f"own.points_{self.shop.pk}",
            name="Points",
            section="account",
            to="given",
        )

    @cached_property
    def version(self) -> TemplateVersion:
        message_type = find(self.own_type.code, self.shop)
        made = own_template(self.shop, message_type, "pl", self.admin).current
        assert made is not None
        return made


type Kwargs = Callable[[Belongings], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """``fixed`` values belong to no shop, ``kwargs`` to the one whose page it is."""

    kind: str
    kwargs: Kwargs | None = None
    fixed: dict[str, Any] = field(default_factory=dict)


def public(**fixed: Any) -> Row:
    """Open to everybody; shows nothing of a shop."""
    return Row("public", fixed=fixed)


def login(**fixed: Any) -> Row:
    """For anybody who is signed in."""
    return Row("login", fixed=fixed)


def shop(kwargs: Kwargs | None = None, **fixed: Any) -> Row:
    """A page of one shop, for its members."""
    return Row("shop", kwargs, fixed)


def order(own: Belongings) -> dict[str, Any]:
    return {"pk": own.order.pk}


def document(own: Belongings) -> dict[str, Any]:
    return {"pk": own.order.pk, "document": own.document.pk}


def member(own: Belongings) -> dict[str, Any]:
    return {"pk": own.member.pk}


def invitation(own: Belongings) -> dict[str, Any]:
    return {"pk": own.invitation.pk}


def account(own: Belongings) -> dict[str, Any]:
    return {"pk": own.account.pk}


def domain(own: Belongings) -> dict[str, Any]:
    return {"pk": own.domain.pk}


def technician_link(own: Belongings) -> dict[str, Any]:
    return {"pk": own.technician_link.pk}


def account_with_test(own: Belongings) -> dict[str, Any]:
    AccountTest.objects.get_or_create(account=own.account, defaults={"to_address": "a@b.example"})
    return account(own)


def google_account(own: Belongings) -> dict[str, Any]:
    return {"pk": own.google_account.pk}


def sign_in(own: Belongings) -> dict[str, Any]:
    return {"pk": own.google_account.pk, "attempt": own.sign_in.pk}


def sent_folder(own: Belongings) -> dict[str, Any]:
    return {"account": own.account.pk}


def message(own: Belongings) -> dict[str, Any]:
    return {"message": own.message.pk}


def message_file(own: Belongings) -> dict[str, Any]:
    return {"message": own.message.pk, "file": own.file.pk}


def type_file(own: Belongings) -> dict[str, Any]:
    return {"code": "order.placed", "pk": own.type_file.pk}


def own_type(own: Belongings) -> dict[str, Any]:
    return {"code": own.own_type.code}


def version(own: Belongings) -> dict[str, Any]:
    """Of words that ``own`` has and the other shop has not."""
    return {"code": own.own_type.code, "language": "pl", "number": own.version.number}


ROUTES: dict[str, Row] = {
    "home": login(),
    "healthz": public(),
    "logo": public(name="nobody-20260101.png"),
    "set_language": public(),
    "invitation:accept": public(token="made-up"),
    "document:page": public(token="made-up"),
    "document:file": public(token="made-up"),
    "technician:page": public(token="made-up"),
    "account_login": public(),
    "account_logout": public(),
    "account_inactive": public(),
    "account_signup": public(),
    "account_confirm_login_code": public(),
    "account_email_verification_sent": public(),
    "account_confirm_email": public(key="made-up"),
    "account_reset_password": public(),
    "account_reset_password_done": public(),
    "account_reset_password_from_key": public(uidb36="1", key="made-up"),
    "account_reset_password_from_key_done": public(),
    "account_reauthenticate": login(),
    "account_email": login(),
    "no_email_page": login(),
    "account_change_password": login(),
    "account_set_password": login(),
    "mfa_authenticate": public(),
    "mfa_index": login(),
    "mfa_reauthenticate": login(),
    "mfa_activate_totp": login(),
    "mfa_deactivate_totp": login(),
    "mfa_view_recovery_codes": login(),
    "mfa_generate_recovery_codes": login(),
    "mfa_download_recovery_codes": login(),
    "panel:overview": shop(),
    "panel:help": shop(),
    "shops:orders": shop(),
    "shops:order": shop(order),
    "shops:order_mail": shop(order),
    "shops:order_preview": shop(order),
    "shops:order_ship": shop(order),
    "shops:order_paid": shop(order),
    "shops:order_note": shop(order),
    "shops:document_add": shop(order),
    "shops:document_file": shop(document),
    "shops:document_revoke": shop(document),
    "shops:document_allow": shop(document),
    "shops:settings": shop(),
    "shops:audit": shop(),
    "shops:members": shop(),
    "shops:invite": shop(),
    "shops:member_role": shop(member),
    "shops:member_remove": shop(member),
    "shops:invitation_withdraw": shop(invitation),
    "shops:invitation_again": shop(invitation),
    "mailaccounts:accounts": shop(),
    "mailaccounts:account_pick": shop(),
    "mailaccounts:account_suggest": shop(),
    "mailaccounts:account_add": shop(kind="smtp"),
    "mailaccounts:account_edit": shop(account),
    "mailaccounts:account_make_main": shop(account),
    "mailaccounts:account_switch_off": shop(account),
    "mailaccounts:account_switch_on": shop(account),
    "mailaccounts:account_retry": shop(account),
    "mailaccounts:account_switch_on_anyway": shop(account),
    "mailaccounts:account_duplicate": shop(account),
    "mailaccounts:account_remove": shop(account),
    "mailaccounts:domains": shop(),
    "mailaccounts:domains_check": shop(),
    "mailaccounts:domain": shop(domain),
    "mailaccounts:domain_state": shop(domain),
    "mailaccounts:domain_check": shop(domain),
    "mailaccounts:domain_key": shop(domain),
    "mailaccounts:domain_key_drop": shop(domain),
    "mailaccounts:domain_plan": shop(domain),
    "mailaccounts:domain_publish": shop(domain),
    "mailaccounts:domain_technician": shop(domain),
    "mailaccounts:account_technician": shop(account),
    "mailaccounts:technician_revoke": shop(technician_link),
    "mailaccounts:account_test": shop(account),
    "mailaccounts:account_test_live": shop(account_with_test),
    "mailaccounts:account_test_start": shop(account),
    "mailaccounts:account_test_cancel": shop(account),
    "mailaccounts:account_ignore_certificate": shop(account),
    "mailaccounts:account_sign_in": shop(google_account),
    "mailaccounts:account_sign_in_progress": shop(sign_in),
    "mailaccounts:account_sign_out": shop(google_account),
    "mailaccounts:oauth_client": shop(provider="google"),
    "oauth_callback": login(),
    "mailaccounts:imap_folders": shop(account),
    "templates_tx:messages": shop(),
    "templates_tx:message": shop(code="order.placed"),
    "templates_tx:bulk": shop(),
    "templates_tx:copy_setup": shop(),
    "templates_tx:try": shop(),
    "templates_tx:undo": shop(token="made-up"),
    "templates_tx:type_settings": shop(code="order.placed"),
    "templates_tx:type_file_add": shop(code="order.placed"),
    "templates_tx:type_file": shop(type_file),
    "templates_tx:type_file_remove": shop(type_file),
    "templates_tx:own_type_new": shop(),
    "templates_tx:own_type": shop(own_type),
    "templates_tx:own_type_withdraw": shop(own_type),
    "templates_tx:own_type_delete": shop(own_type),
    "templates_tx:template": shop(code="order.placed", language="pl"),
    "templates_tx:check": shop(code="order.placed", language="pl"),
    "templates_tx:preview": shop(code="order.placed", language="pl"),
    "templates_tx:preview_orders": shop(code="order.placed", language="pl"),
    "templates_tx:copy": shop(code="order.placed", language="pl"),
    "templates_tx:discard": shop(code="order.placed", language="pl"),
    "templates_tx:use_own": shop(code="order.placed", language="pl"),
    "templates_tx:use_built_in": shop(code="order.placed", language="pl"),
    "templates_tx:send_me": shop(code="order.placed", language="pl"),
    "templates_tx:versions": shop(code="order.placed", language="pl"),
    "templates_tx:version": shop(version),
    "templates_tx:restore": shop(version),
    "templates_tx:export": shop(code="order.placed"),
    "templates_tx:import": shop(code="order.placed"),
    "maillog:log": shop(),
    "maillog:send_mended": shop(),
    "maillog:message": shop(message),
    "maillog:message_html": shop(message),
    "maillog:message_pictures": shop(message),
    "maillog:message_eml": shop(message),
    "maillog:message_file": shop(message_file),
    "maillog:send_again": shop(message),
    "maillog:try_again": shop(message),
    "maillog:stop": shop(message),
    "maillog:sent_folder": shop(sent_folder),
    "maillog:sync_sent_folder": shop(sent_folder),
}
OF_SHOPS = [name for name, row in ROUTES.items() if row.kind == "shop"]
WITH_OBJECTS = [name for name in OF_SHOPS if ROUTES[name].kwargs]

BELOW_A_SHOP = "s/<slug:shop>/"
# The Django admin's pages are all alike: for staff only, but for its sign-in page.
ADMIN_OPEN = {"admin:login", "admin:logout"}


def walk(resolver: URLResolver, space: str = "", above: str = "") -> Iterator[tuple[str, str]]:
    """Name and route of every address."""
    for pattern in resolver.url_patterns:
        route = above + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from walk(pattern, inner, route)
        else:
            yield f"{space}{pattern.name}", route


ALL = list(walk(get_resolver()))
ADMIN = [(name, route) for name, route in ALL if name.startswith("admin:")]


def url(name: str, of: Belongings, objects_of: Belongings | None = None) -> str:
    row = ROUTES[name]
    made = row.kwargs(objects_of or of) if row.kwargs else {}
    inside = {"shop": of.shop.slug} if row.kind == "shop" else {}
    return reverse(name, kwargs={**inside, **row.fixed, **made})


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def asked(client: Client, address: str) -> list[int]:
    return [client.get(address).status_code, client.post(address).status_code]


@pytest.fixture
def ours(shop: Shop, owner: User) -> Belongings:
    return Belongings(shop, owner)


@pytest.fixture
def theirs(other_shop: Shop, stranger: User) -> Belongings:
    return Belongings(other_shop, stranger)


def test_every_route_has_a_row_and_every_row_a_route():
    routes = {name for name, _route in ALL} - {name for name, _route in ADMIN}
    assert routes - ROUTES.keys() == set(), "give each a row in ROUTES of tests/test_strangers.py"
    assert ROUTES.keys() - routes == set(), "these rows have no route any more"


def test_what_lies_below_a_shop_is_tried_as_a_shops_page():
    below = {name for name, route in ALL if route.startswith(BELOW_A_SHOP)}
    assert below == set(OF_SHOPS)


@pytest.mark.parametrize("name", [name for name, row in ROUTES.items() if row.kind == "public"])
def test_what_is_public_answers_everybody_without_an_error(ours, name):
    assert max(asked(Client(), url(name, ours))) < 500


@pytest.mark.parametrize("name", [name for name, row in ROUTES.items() if row.kind != "public"])
def test_everything_else_leads_nobody_anywhere_but_to_sign_in(ours, name):
    address = url(name, ours)
    for answer in (Client().get(address), Client().post(address)):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", OF_SHOPS)
def test_the_shops_own_admin_finds_what_the_row_describes(ours, name):
    """Without this, a row with wrong values would prove nothing."""
    answer = signed_in(ours.admin).get(url(name, ours))
    assert answer.status_code in (200, 204, 302, 405), answer.status_code


@pytest.mark.promise("S0.1")
@pytest.mark.parametrize("name", OF_SHOPS)
def test_an_admin_of_another_shop_finds_nothing(ours, theirs, name):
    assert asked(signed_in(theirs.admin), url(name, ours)) == [404, 404]


@pytest.mark.parametrize("name", WITH_OBJECTS)
def test_objects_of_another_shop_are_not_found_under_ones_own(ours, theirs, name):
    answers = asked(signed_in(ours.admin), url(name, ours, objects_of=theirs))
    assert set(answers) <= {404, 405} and 404 in answers


@pytest.mark.parametrize("name", OF_SHOPS)
def test_a_viewer_can_change_nothing(ours, colleague, name):
    assert signed_in(colleague).post(url(name, ours)).status_code in (403, 405)


@pytest.mark.parametrize("name", OF_SHOPS)
def test_a_shop_that_does_not_exist_is_like_a_foreign_one(ours, name):
    address = url(name, ours).replace(ours.shop.slug, "no-such-shop")
    assert asked(signed_in(ours.admin), address) == [404, 404]


def admin_url(name: str, route: str) -> str:
    if "(?P<url>" in route:
        return reverse("admin:index") + "made-up"
    if route.endswith("$"):
        return reverse(name, kwargs={"app_label": "shops"})
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", "1", route)


def test_the_django_admin_is_closed_to_shop_staff_and_to_nobody(ours):
    clients = {"nobody": Client(), "shop staff": signed_in(ours.admin)}
    let_in = []
    for name, route in ADMIN:
        address = admin_url(name, route)
        for who, client in clients.items():
            for answer in (client.get(address), client.post(address)):
                led_to = answer.headers.get("Location", "")
                if name not in ADMIN_OPEN and not led_to.startswith(reverse("admin:login")):
                    let_in.append((who, address, answer.status_code))
                assert answer.status_code < 500
    assert let_in == []
    assert len(ADMIN) > 20
