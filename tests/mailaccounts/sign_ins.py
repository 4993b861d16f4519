"""What tests of the sign-in share: an account, and the way there and back."""

from __future__ import annotations

import re
from html import unescape

from django.urls import reverse

from mailaccounts.models import SenderAccount, SignInAttempt
from mailaccounts.oauth import tasks
from tests import factories
from tests.oauth_provider import MAILBOX

CALLBACK = "/accounts/oauth/callback/"


def draft(shop, kind="google", **values):
    """An account that nobody has signed in yet."""
    facts = {"kind": kind, "state": "draft", "from_address": MAILBOX, "host": "", **values}
    return factories.make_account(shop, **facts)


def url(name, account, **kwargs):
    where = {"shop": account.shop.slug, "pk": account.pk, **kwargs}
    return reverse(f"mailaccounts:{name}", kwargs=where)


def address_of(client, account):
    """Press "Sign in"; returns the provider's address that the page leads to."""
    page = client.post(url("account_sign_in", account))
    assert page.status_code == 200, page
    found = re.search(r'content="0;url=([^"]+)"', page.content.decode())
    assert found, page.content
    return unescape(found[1])


def come_back(client, provider, account, **query):
    back = provider.consent(address_of(client, account))
    return client.get(CALLBACK, {**back, **query})


def last_attempt(account):
    return SignInAttempt.objects.filter(account=account).first()


def exchange(account):
    """What the background worker does."""
    tasks.exchange(str(last_attempt(account).pk))
    return last_attempt(account)


def sign_in(client, provider, account):
    """All the way; returns the account as it is stored afterwards."""
    assert come_back(client, provider, account).status_code == 302
    exchange(account)
    return SenderAccount.objects.get(pk=account.pk)
