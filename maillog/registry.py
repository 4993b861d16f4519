"""What the outbox needs from apps to its right; they fill it in ``AppConfig.ready()``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from mailaccounts.models import SenderAccount
    from mailaccounts.transports.base import Outgoing, Transport
    from maillog.kept_files import FileRef
    from maillog.models import Delivery, MailMessage
    from maillog.states import Reason
    from shops.models import Shop


@dataclass(frozen=True, slots=True)
class Body:
    """The rendered text of a message."""

    html: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What a message says whose text could not be made before: words, and the facts for them.

    ``files``, ``copies`` (addresses), ``delay`` (it leaves so long after it was stored) and
    ``notes`` only where the message was composed anew. ``imported_at`` is the order's, for reset
    marks.
    """

    template_version: int
    language: str
    subject: str
    context: dict[str, Any]
    reply_to: str
    files: tuple[FileRef, ...] = ()
    copies: tuple[str, ...] = ()
    delay: timedelta = timedelta(0)
    notes: tuple[str, ...] = ()
    imported_at: datetime | None = None


class CannotMend(Exception):
    """No template can help this message. ``str()`` tells staff why, and who can."""


class RenderFailed(Exception):
    """The text could not be made. ``str()`` tells staff why, with the line where it is known."""


class NotWanted(Exception):
    """The message has waited and is not to be sent any more. ``str()`` tells staff why."""

    def __init__(self, told: str, reason: Reason) -> None:
        super().__init__(told)
        self.reason = reason


class Channel(Protocol):
    """One way of sending: e-mail, SMS."""

    def build(self, delivery: Delivery) -> Outgoing:
        """The bytes for the wire. Raises ``maillog.pipeline.Stop`` if they cannot be made."""
        ...

    def transport(self, account: SenderAccount) -> Transport:
        """A new session for this account."""
        ...


# By channel. A renderer gets a message without a body and raises RenderFailed or NotWanted.
renderers: dict[str, Callable[[MailMessage], Body]] = {}
channels: dict[str, Channel] = {}
# By channel. Gives a message whose text could not be made the words that its shop uses now, and
# raises RenderFailed where they cannot be made either, or CannotMend.
menders: dict[str, Callable[[MailMessage], Mended]] = {}
# By channel: the page on which a message's template is mended; empty where there is none.
editors: dict[str, Callable[[MailMessage], str]] = {}
# Names of message types for people of a shop, by code, of those that are known; filled by
# ``templates_tx``.
type_names: list[Callable[[set[str], Shop | None], dict[str, str]]] = []


def type_name(code: str, shop: Shop | None = None) -> str:
    """What staff call this message type; the code itself where nobody knows it any more."""
    return names_of([code], shop)[code]


def names_of(codes: Iterable[str], shop: Shop | None) -> dict[str, str]:
    """The same for many types, by code: one query at most, so a list asks once for all its rows."""
    names = {code: code for code in codes}
    for look_up in type_names:
        names |= look_up(set(names), shop)
    return names
