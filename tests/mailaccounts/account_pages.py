"""The account pages as a person uses them: open, type, save."""

from __future__ import annotations

from django.urls import reverse

from tests.pages import submit

CANARY = "kanarek-4711"


def url(name, shop, pk=None):
    return reverse(f"mailaccounts:{name}", kwargs={"shop": shop.slug} | ({"pk": pk} if pk else {}))


def typed(**values):
    return {
        "kind": "smtp",
        "from_address": "sklep@rowerownia.example",
        "from_name": "Rowerownia",
        "label": "Sklep",
        "host": "smtp.ovh.example",
        "port": "465",
        "tls_mode": "implicit",
        "username": "sklep@rowerownia.example",
        "password": CANARY,
        **values,
    }


def add(client, shop, **values):
    return submit(client, url("account_add", shop), **typed(**values))


def edit(client, account, **values):
    return submit(client, url("account_edit", account.shop, account.pk), **values)


def errors(response, field):
    assert response.status_code == 200
    return " ".join(response.context["form"].errors.get(field, []))
