"""What the editor's tests share: an account to send from, and words of the shop's own."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from mailaccounts.models import SenderAccount
from shops.models import Shop
from templates_tx.models import MessageTemplate
from tests import factories
from tests.templates_tx.editor.desks import own


@pytest.fixture
def account(shop: Shop) -> SenderAccount:
    return factories.make_account(shop)


@pytest.fixture
def template(shop: Shop, owner: User) -> MessageTemplate:
    """A copy of the Polish order confirmation, not in use."""
    return own(shop, owner)
