"""From templates that assignments named to templates that say themselves what is in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from shops.models import Shop
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = [("templates_tx", "0002_reply_to")]


@pytest.fixture
def old(transactional_db: None) -> Iterator[Any]:
    """The models as they were; afterwards the tables are what they are now."""
    shop = factories.make_shop()
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    apps = executor.loader.project_state(BEFORE).apps
    yield apps, shop
    newest()


def newest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def make(apps: Any, shop: Shop, code: str, name: str) -> Any:
    template = apps.get_model("templates_tx", "MessageTemplate").objects.create(
        shop_id=shop.pk, message_type=code, language="pl", name=name
    )
    template.current = template.versions.create(
        number=1, subject=name, html_source="", html="", text="x", digest=""
    )
    template.save()
    return template


def test_what_was_assigned_is_in_use_and_no_version_is_lost(old: Any) -> None:
    apps, shop = old
    first, assigned, third = (
        make(apps, shop, "order.placed", name) for name in ("first", "assigned", "third")
    )
    forgotten = make(apps, shop, "order.paid", "forgotten")
    assignments = apps.get_model("templates_tx", "TemplateAssignment").objects
    assignments.create(shop_id=shop.pk, message_type="order.placed", template=assigned)
    newest()

    from templates_tx.models import MessageTemplate, TemplateVersion

    [kept] = MessageTemplate.objects.filter(shop=shop, message_type="order.placed")
    assert kept.pk == assigned.pk and kept.in_use
    assert kept.current is not None and kept.current.subject == "assigned"
    waiting = TemplateVersion.objects.filter(pk__in=[first.current_id, third.current_id])
    assert {each.template_id for each in waiting} == {kept.pk}
    assert sorted(kept.versions.values_list("number", flat=True)) == [1, 2, 3]
    assert MessageTemplate.objects.get(pk=forgotten.pk).in_use is False
