"""Words are checked before the transaction that stores them: SQLite has one writer at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from shops.models import Membership, Role, Shop
from templates_tx import saving
from templates_tx.models import MessageTemplate
from tests import factories
from tests.templates_tx.editor.desks import CODE, own, url, words

SLOW = ("check_template", "try_on_orders", "compiled")
NEW = "Nr {{ order.number }}"


def save(client: Client, shop: Shop, user: User) -> None:
    client.post(url(shop), words(own(shop, user), subject=NEW))


def begin(client: Client, shop: Shop, user: User) -> None:
    client.post(url(shop, "copy"))


def restore(client: Client, shop: Shop, user: User) -> None:
    save(client, shop, user)
    client.post(url(shop, "restore", number=1))


def take_a_file(client: Client, shop: Shop, user: User) -> None:
    html = "{% for item in order.items %}{{ item.name }}{% endfor %}{{ order.number }}"
    given = {"subject": NEW, "html": html, "text": html}
    file = {"postroom": 1, "code": CODE, "languages": {"pl": given, "en": given}}
    upload = SimpleUploadedFile("words.json", json.dumps(file).encode())
    place = reverse("templates_tx:import", kwargs={"shop": shop.slug, "code": CODE})
    client.post(place, {"file": upload})


def take_over(client: Client, shop: Shop, user: User) -> None:
    source = factories.make_shop(name="Outlet", domain="outlet.example")
    Membership.objects.create(user=user, shop=source, role=Role.EDITOR)
    saving.set_in_use(own(source, user), True, user)
    place = reverse("templates_tx:copy_setup", args=[shop.slug])
    client.post(place, {"from": source.slug, "take": ["templates"]})


@pytest.mark.parametrize("deed", [save, begin, restore, take_a_file, take_over])
def test_nothing_slow_is_done_while_others_wait_to_write(
    shop: Shop, owner: User, owner_client: Client, monkeypatch: pytest.MonkeyPatch, deed: Any
) -> None:
    factories.place_order(shop)
    outside = len(connection.savepoint_ids)
    seen: list[tuple[str, int]] = []

    def watched(name: str) -> Any:
        really = getattr(saving, name)

        def done(*given: Any) -> Any:
            seen.append((name, len(connection.savepoint_ids)))
            return really(*given)

        return done

    for name in SLOW:
        monkeypatch.setattr(saving, name, watched(name))
    deed(owner_client, shop, owner)
    assert MessageTemplate.objects.for_shop(shop).exclude(current=None).exists()
    assert "compiled" in {name for name, _depth in seen}
    assert {depth for _name, depth in seen} == {outside}
