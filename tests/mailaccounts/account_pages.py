"""The account pages as a person uses them: open, type, save."""

from __future__ import annotations

from django.urls import reverse

from tests.pages import submit

CANARY = "kanarek-4711"


def url(name, shop, pk=None, **kwargs):
    at = {"shop": shop.slug} | ({"pk": pk} if pk else {}) | kwargs
    return reverse(f"mailaccounts:{name}", kwargs=at)


def typed(**values):
    return {
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


def add(client, shop, kind="smtp", **values):
    return submit(client, url("account_add", shop, kind=kind), **typed(**values))


def edit(client, account, **values):
    return submit(client, url("account_edit", account.shop, account.pk), **values)


def errors(response, field):
    assert response.status_code == 200
    return " ".join(response.context["form"].errors.get(field, []))
