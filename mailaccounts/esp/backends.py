"""The one place where a provider's backend is made for an account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from mailaccounts.esp.guarded import Patience, Wires, place_of
from mailaccounts.esp.providers import provider_of
from mailaccounts.esp.schema import Provider
from mailaccounts.esp.session import ApiSession, aws_client
from mailaccounts.transports.base import AccountTrouble, AnswerClass
from shops.secrets import UnreadableSecret

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount


# What a project's own ``ANYMAIL`` setting says is not for our accounts: nothing is left out in
# silence, and nothing is printed.
_STRICT = {
    "ignore_unsupported_features": False,
    "ignore_recipient_status": False,
    "debug_api_requests": False,
}


@dataclass(slots=True)
class Office:
    """An account at its provider: the backend, and the wires it speaks over."""

    provider: Provider
    account: SenderAccount
    api_url: str
    wires: Wires
    session: ApiSession
    backend: Any = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def close(self) -> None:
        self.session.close()


def open_office(
    account: SenderAccount, *, patience: Patience | None = None, api_url: str = ""
) -> Office:
    """Make the backend of ``account``; nothing is connected yet.

    ``api_url`` stands in for the address in the table. Raises ``AccountTrouble`` where what the
    account says cannot be right.
    """
    provider = provider_of(account)
    if provider is None:
        raise AccountTrouble(AnswerClass.AUTH, _("Choose the provider of this account."))
    refuse_incomplete(provider, account)
    wires = Wires(patience or Patience())
    url = api_url or provider.api_url(account)
    place_of(url)
    office = Office(
        provider,
        account,
        url,
        wires,
        ApiSession(wires),
        secrets=tuple(
            value
            for each in provider.fields
            if each.secret and (value := provider.value(account, each.column))
        ),
    )
    office.backend = _backend(office)
    return office


def refuse_incomplete(provider: Provider, account: SenderAccount) -> None:
    """Raises ``AccountTrouble`` unless all that the provider wants is there and readable."""
    if isinstance(account.password, UnreadableSecret):
        text = _("The stored API key can no longer be read. Enter it again.")
        raise AccountTrouble(AnswerClass.AUTH, text)
    for column, words in provider.problems(account).items():
        known = provider.field_of(column)
        label = known.label if known else column
        raise AccountTrouble(AnswerClass.AUTH, f"{label}: {words}")


def _backend(office: Office) -> Any:
    provider, account = office.provider, office.account
    backend_class = import_string(provider.backend)
    options: dict[str, Any] = {**provider.keywords(account), **_STRICT}
    if provider.aws:
        options |= {"configuration_set_name": None, "message_tag_name": None}
    else:
        options["api_url"] = office.api_url
    backend = backend_class(alias=f"account:{account.pk}", **options)
    backend.send_defaults = {}
    # Both kinds of backend open only what they do not have already.
    if provider.aws:
        backend.client = aws_client(
            office.wires,
            endpoint=office.api_url,
            region=provider.region(account),
            keys=(account.username, account.password),
        )
    else:
        backend.session = office.session
    return backend
