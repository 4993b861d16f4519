"""The test of an account against real servers on loopback: each step, its limits, its end."""

from __future__ import annotations

import pytest

from mailaccounts import diagnostics
from mailaccounts.test_steps import Limits
from maillog.models import MailMessage
from tests import factories
from tests.mailaccounts.account_pages import CANARY
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = Limits(connect=1.0, command=0.4, total=2.0, look=0.05, grace=0.2)
TO = "anna@mail.example"


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:*"]


def account_at(shop, port, **values):
    return factories.make_account(shop, port=port, **values)


def probed(account, to=TO, limits=SHORT, tell=None):
    test, is_new = diagnostics.new_test(account, to, None)
    assert is_new
    return diagnostics.run(test.pk, limits, tell)


def states(test):
    return {row["code"]: row["state"] for row in test.steps}


def step(test, code):
    return next(row for row in test.steps if row["code"] == code)


@pytest.mark.promise("S0.7")
def test_a_sound_account_passes_and_a_real_message_arrives(shop, trusted):
    with sink(tls=trusted, implicit_tls=True, users={"anna": CANARY}) as server:
        account = account_at(
            shop, server.port, tls_mode="implicit", username="anna", password=CANARY
        )
        test = probed(account)
        arrived = server.store.received
    assert test.state == "passed", test.steps
    assert set(states(test).values()) == {"ok"}
    assert step(test, "encryption")["found"].startswith("TLS 1.3, certificate valid to ")
    assert step(test, "message")["found"].startswith("250 ")
    assert [each.rcpt_to for each in arrived] == [(TO,)]
    message = MailMessage.objects.for_shop(shop).get(pk=test.message_uuid)
    assert (message.state, message.message_type, message.is_test) == (
        "sent",
        "system.account_test",
        True,
    )
    account.refresh_from_db()
    assert account.last_test_ok is True and account.last_test_at is not None
