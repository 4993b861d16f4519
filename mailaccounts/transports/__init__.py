"""Transports by kind of account: a literal table, each class imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

from mailaccounts.transports.base import Transport

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount

TRANSPORTS: dict[str, str] = {
    "server": "mailaccounts.transports.smtp.Smtp",
    "smtp": "mailaccounts.transports.smtp.Smtp",
    "freshmail": "mailaccounts.transports.api.Api",
    "esp": "mailaccounts.transports.api.Api",
    "google": "mailaccounts.transports.xoauth2.XOAuth2",
    "microsoft": "mailaccounts.transports.xoauth2.XOAuth2",
}


def transport_for(account: SenderAccount) -> Transport:
    """The transport that carries this account's mail."""
    transport: Transport = import_string(TRANSPORTS[account.kind])(account)
    return transport
