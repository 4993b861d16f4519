"""Secrets appear nowhere: pages, audit, logs, errors, exports and dumps hold their ciphertext only.

Every encrypted column of every model gets a canary, found through the models as ``rotate_keys``
finds them. A model with a new encrypted column needs a row in ``cage``.
"""

from __future__ import annotations

import io
import logging
import re
import traceback
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from demo.sink_faults import Fault, Stage
from mailaccounts.models import (
    AccountTest,
    DkimKey,
    OAuthClient,
    SenderAccount,
    TokenToRevoke,
)
from maillog.models import Attempt
from maillog.outbox import queue
from shops.alarms import raise_alarm
from shops.key_rotation import encrypted_columns
from shops.models import AuditEntry, Role
from tests import factories
from tests.maillog.test_session import make_draft, send_all
from tests.pages import submit
from tests.smtp import sink
from tests.test_strangers import ROUTES, Belongings, url

pytestmark = pytest.mark.django_db(transaction=True)
OURS = ("shops", "mailaccounts", "maillog", "sms", "templates_tx")
TYPED = "Canary-typed-Zq7"


def canary(model, column):
    return f"Canary-{model._meta.model_name}-{column}-Xw9"


CANARIES = [canary(model, column) for model, column in encrypted_columns()] + [TYPED]


def forms_of(secret: str) -> list[str]:
    """The secret as it stands, in an address, and in base64 wherever it begins."""
    encoded = [b64encode(b"x" * shift + secret.encode()).decode() for shift in range(3)]
    return [secret, quote(secret, safe=""), *(each[4:-4] for each in encoded)]


NEEDLES = {form for secret in CANARIES for form in forms_of(secret)}
ANY = re.compile("|".join(map(re.escape, sorted(NEEDLES))))


def leaks(text: str | bytes) -> list[str]:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return ANY.findall(plain)


@pytest.fixture
def cage(shop, owner) -> Belongings:
    """A shop whose every secret is a canary, with one of everything that has pages."""
    own = Belongings(shop, owner)
    assert own.account and own.sign_in and own.domain and own.message and own.document
    DkimKey.objects.create(domain=own.domain, selector="pr1", public_key="MIIB", state="active")
    OAuthClient.objects.create(shop=shop, provider="google", client_id="id.example")
    TokenToRevoke.objects.create(provider="google")
    AccountTest.objects.create(account=own.account, to_address="a@b.example", state="passed")
    SenderAccount.objects.update(
        username="sklep", imap_username="sklep", imap_host="127.0.0.1", imap_enabled=True
    )
    raise_alarm("account.broken", shop=shop, title="Paused", text="535")
    for model, column in encrypted_columns():
        assert model._base_manager.update(**{column: canary(model, column)}), (model, column)
    for name in ("account", "google_account", "sign_in"):
        getattr(own, name).refresh_from_db()
    return own


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff_of(shop):
    """Somebody of the shop who may use the Django admin too."""
    user = factories.make_user(shop, Role.ADMIN, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=OURS))
    return user


def test_the_search_finds_what_it_looks_for():
    secret = CANARIES[0]
    wrapped = b64encode(f"\0sklep\0{secret}".encode()).decode()
    assert leaks(f"x{secret}x") and leaks(f"AUTH PLAIN {wrapped}") and leaks(secret.encode())
    assert leaks("gAAAAAB-ciphertext Canary-typed") == []


@pytest.mark.promise("S1.13")
def test_no_page_of_the_panel_shows_a_secret(cage, operator):
    found, seen = {}, 0
    for client in (signed_in(operator), signed_in(cage.admin)):
        for name, row in ROUTES.items():
            if row.kind == "public" or name == "account_logout":
                continue
            address = url(name, cage)
            answer = client.get(address)
            seen += answer.status_code == 200
            if hits := leaks(b"".join(answer) + str(answer.headers).encode()):
                found[address] = hits
    assert found == {}
    assert seen > 40


def test_a_form_that_is_refused_does_not_give_back_what_was_typed(cage, owner_client):
    there = reverse("mailaccounts:account_edit", args=[cage.shop.slug, cage.account.pk])
    values = {"password": TYPED, "imap_password": TYPED, "host": "not a host"}
    answer = submit(owner_client, there, "", **values)
    assert answer.status_code in (200, 422)
    assert leaks(answer.content) == []


def test_no_page_of_the_django_admin_shows_a_secret(cage, operator):
    found, seen = {}, 0
    people = {signed_in(operator): OURS, signed_in(staff_of(cage.shop)): ("mailaccounts",)}
    for client, labels in people.items():
        for model in admin.site._registry:
            opts, first = model._meta, model._default_manager.first()
            if opts.app_label not in labels:
                continue
            name = f"admin:{opts.app_label}_{opts.model_name}"
            pages = [reverse(f"{name}_changelist")]
            if first is not None:
                pages += [
                    reverse(f"{name}_{page}", args=[first.pk]) for page in ("change", "history")
                ]
            for address in pages:
                answer = client.get(address)
                seen += answer.status_code == 200
                if hits := leaks(answer.content):
                    found[address] = hits
    assert found == {}
    assert seen > 50


def test_the_audit_keeps_names_of_fields_and_no_values(cage, owner_client):
    there = reverse("mailaccounts:account_edit", args=[cage.shop.slug, cage.account.pk])
    answer = submit(owner_client, there, "", password=TYPED, username="inny", host="127.0.0.1")
    assert answer.status_code == 302, answer.context["form"].errors
    cage.account.refresh_from_db()
    assert cage.account.password == TYPED
    entry = AuditEntry.objects.filter(action="account.changed").latest("pk")
    assert "password" in entry.details["fields"]
    assert leaks(repr(list(AuditEntry.objects.values()))) == []


def test_neither_logs_at_debug_nor_errors_nor_attempts_hold_a_secret(cage, caplog):
    """The server repeats the password in its refusal, in clear and as it came."""
    secret = canary(SenderAccount, "password")
    echo = b64encode(f"\0sklep\0{secret}".encode()).decode()
    fault = Fault(Stage.AUTH, reply=f"535 5.7.8 wrong password {secret} AUTH PLAIN {echo}")
    caplog.set_level(logging.DEBUG)
    with sink(users={"sklep": "x"}, faults=[fault]) as server:
        SenderAccount.objects.filter(pk=cage.account.pk).update(port=server.port)
        cage.account.refresh_from_db()
        cage.account.set_secret("password", secret)
        cage.account.save()
        queue(make_draft(cage.account))
        send_all(cage.account)
        send_all(cage.account)
    cage.account.refresh_from_db()
    assert cage.account.auth_failures and "***" in cage.account.breaker_reason
    kept = [repr(list(rows.values())) for rows in (Attempt.objects, AuditEntry.objects)]
    assert leaks(caplog.text + cage.account.breaker_reason + "".join(kept)) == []


def test_a_crash_report_and_a_repr_hold_no_secret(cage):
    account = cage.account
    assert leaks(repr([account, account.endpoint(), cage.sign_in, DkimKey.objects.get()])) == []
    try:
        SenderAccount.objects.filter(password=canary(SenderAccount, "password"))
    except Exception as error:
        report = "".join(traceback.format_exception(error, capture_locals=False))
    assert "cannot be searched" in report and leaks(report) == []


def test_an_export_holds_ciphertext_and_is_read_back(cage, settings):
    out = io.StringIO()
    call_command("dumpdata", *OURS, stdout=out)
    assert leaks(out.getvalue()) == []
    assert out.getvalue().count('"gAAAAA') > len(CANARIES)
    SenderAccount.objects.filter(pk=cage.account.pk).update(password="")
    dump = settings.MEDIA_ROOT.parent / "dump.json"
    only = io.StringIO()
    call_command("dumpdata", "mailaccounts.dkimkey", stdout=only)
    dump.write_text(only.getvalue())
    DkimKey.objects.all().delete()
    call_command("loaddata", str(dump), verbosity=0)
    assert DkimKey.objects.get().private_key == canary(DkimKey, "private_key")


def test_the_bytes_of_the_database_hold_no_secret(cage):
    dumped = database_bytes()
    assert b"gAAAAA" in dumped and b"sklep@rowerownia.example" in dumped
    assert leaks(dumped) == []


def database_bytes() -> bytes:
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        log = path.with_name(f"{path.name}-wal")
        return path.read_bytes() + (log.read_bytes() if log.exists() else b"")
    with connection.cursor() as cursor:
        parts = []
        for table in connection.introspection.table_names():
            with cursor.copy(f'COPY "{table}" TO STDOUT') as copy:
                parts += [bytes(part) for part in copy]
    return b"".join(parts)
