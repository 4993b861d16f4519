"""How a program sends a message of a shop's own type: lines to copy, with the type's examples."""

from __future__ import annotations

import json

from templates_tx.message_types import To
from templates_tx.models import OwnMessageType
from templates_tx.own_types import PREFIX, as_type, own_sample


def python_for(row: OwnMessageType) -> str:
    """For code of the shop's own; about an order where the buyer gets it."""
    values, once = own_sample(row), row.code.removeprefix(PREFIX)
    if row.to == To.BUYER:
        return (
            "from templates_tx.composer import Cause, send_for_order\n\n"
            f'cause = Cause(f"{once}:{{order.number}}", {values!r})\n'
            f'send_for_order("{row.code}", order, cause)'
        )
    to = "" if row.to == To.OWNER else "    to=customer.email,\n    name=customer.name,\n"
    return (
        "from templates_tx.notify import notify\n\n"
        f'notify(\n    "{row.code}",\n    shop=shop,\n{to}    context={values!r},\n'
        f'    occurrence="{once}:417",\n)'
    )


def command_for(row: OwnMessageType) -> str:
    """For a script or a cron job, which puts the values of ``json_for`` into a file."""
    to = row.shop.contact_email if row.to == To.OWNER else "anna@klient.example"
    return (
        f"manage.py send_message {row.code} --shop {row.shop.slug} --to {to}"
        f" --context {row.code.removeprefix(PREFIX)}.json"
    )


def json_for(row: OwnMessageType) -> str:
    """What the command's file holds; with the order where there is no order to ask."""
    values = own_sample(row)
    if row.to == To.BUYER:
        values["order"] = as_type(row).contract.sample(row.shop.language)["order"]
    return json.dumps(values, ensure_ascii=False, indent=2)
