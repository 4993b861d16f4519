"""Records written by dynamic update (RFC 2136), signed with TSIG (RFC 8945).

For domains whose DNS the operator runs ("full delegation"). What will change is read and shown
first; the update says as its prerequisite what was seen, so that a change made by somebody else
meanwhile stops it. The server and its key are the operator's settings, so the guard lets it
through; the key is never logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from mailaccounts.dns.update_settings import Where, where
from shops import outbound

SECONDS = 10.0
DEFAULT_TTL = 3600
CHANGED_MEANWHILE = (
    *(dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.YXDOMAIN, dns.rcode.NXDOMAIN),
)
NOT_OURS = (dns.rcode.NOTAUTH, dns.rcode.NOTZONE, dns.rcode.REFUSED)


class UpdateFailed(Exception):
    """Nothing was changed; ``str()`` says to staff why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One record that a name should have. ``kind`` is ``spf``, ``dkim`` or ``dmarc``; an empty
    ``text`` means that there should be none."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One name's TXT records: all that were seen, and which of them go and come.

    Records are in a zone file's form, strings in quotes: only so they can be named exactly.
    """

    kind: str
    name: str
    seen: tuple[str, ...]
    remove: tuple[str, ...]
    add: tuple[str, ...]
    ttl: int

    @property
    def before(self) -> list[str]:
        return [plain(each) for each in self.remove]

    @property
    def after(self) -> list[str]:
        return [plain(each) for each in self.add]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Change:
        lists = {name: tuple(data[name]) for name in ("seen", "remove", "add")}
        return cls(kind=data["kind"], name=data["name"], ttl=data["ttl"], **lists)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def plan(zone: str, wanted: Iterable[Wanted]) -> list[Change]:
    """What would have to change at the server; raises ``UpdateFailed``."""
    with _session(zone) as ask:
        return [change for each in wanted if (change := _change(ask, each)) is not None]


def publish(zone: str, changes: Iterable[Change]) -> None:
    """Makes the changes, all or none, and reads them back. Raises ``UpdateFailed``."""
    changes = list(changes)
    with _session(zone) as ask:
        message = dns.update.UpdateMessage(zone)
        for change in changes:
            _add_to(message, change)
        ask(message)
    with _session(zone) as ask:
        for change in changes:
            now, _ttl = _records(ask, change.name)
            if not set(change.add) <= set(now) or set(change.remove) & set(now):
                raise UpdateFailed(
                    _("The name server took the change of %s, but still answers the old record.")
                    % change.name
                )


def plain(record: str) -> str:
    """The text of a record: its strings joined, as receivers read them (RFC 7208, 3.3)."""
    return b"".join(_rdata(record).strings).decode("utf-8", "replace")


def _change(ask: Any, wanted: Wanted) -> Change | None:
    seen, ttl = _records(ask, wanted.name)
    old = [record for record in seen if _is_of_kind(plain(record), wanted.kind)]
    if [plain(record) for record in old] == ([wanted.text] if wanted.text else []):
        return None
    new = (_quoted(wanted.text),) if wanted.text else ()
    return Change(wanted.kind, wanted.name, seen, tuple(old), new, ttl)


def _is_of_kind(text: str, kind: str) -> bool:
    """Under a selector everything counts as a key; elsewhere other people's records stay."""
    mark = {"spf": "v=spf1", "dmarc": "v=dmarc1"}.get(kind)
    first = text.replace(";", " ").split(" ", 1)[0].lower()
    return mark is None or first == mark


def _add_to(message: dns.update.UpdateMessage, change: Change) -> None:
    name = dns.name.from_text(change.name)
    if change.seen:
        message.present(name, *map(_rdata, change.seen))  # the whole set, section 2.4.2
    else:
        message.absent(name, dns.rdatatype.TXT)
    for record in change.remove:
        message.delete(name, _rdata(record))
    for record in change.add:
        message.add(name, change.ttl, _rdata(record))


def _records(ask: Any, name: str) -> tuple[tuple[str, ...], int]:
    """All TXT records of a name and their time to live in seconds."""
    asked = dns.name.from_text(name)
    answer = ask(dns.message.make_query(asked, dns.rdatatype.TXT))
    if any(rrset.rdtype == dns.rdatatype.CNAME for rrset in answer.answer):
        # RFC 2136 section 3.4.2.2: the server would leave our record out without a word.
        raise UpdateFailed(_("%s is an alias (CNAME): its record is kept elsewhere.") % name)
    found = answer.get_rrset(
        answer.answer, asked, dns.rdataclass.IN, dns.rdatatype.TXT, create=False
    )
    if found is None:
        return (), DEFAULT_TTL
    return tuple(sorted(row.to_text() for row in found)), found.ttl


def _quoted(text: str) -> str:
    parts = [text[at : at + 255] for at in range(0, len(text), 255)]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)


def _rdata(record: str) -> Any:
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, record)


@contextmanager
def _session(zone: str) -> Iterator[Any]:
    """A connection to the server; gives a function that asks one thing and checks the answer."""
    at = where()
    if at is None or zone not in at.zones:
        raise UpdateFailed(_("%s is not among the zones that may be changed.") % zone)
    try:
        sock = outbound.connect(at.host, at.port, timeout=SECONDS, allow=(f"{at.host}:{at.port}",))
    except (outbound.OutboundRefused, OSError) as error:
        raise UpdateFailed(_("The name server cannot be reached: %s") % error) from error
    with sock:
        sock.setblocking(False)  # as dnspython wants it
        yield lambda message: _ask(at, sock, message)


def _ask(at: Where, sock: Any, message: dns.message.Message) -> dns.message.Message:
    message.use_tsig(at.key)
    try:
        answer = dns.query.tcp(message, at.host, timeout=SECONDS, sock=sock)
    except (dns.tsig.PeerError, dns.message.UnknownTSIGKey) as error:
        raise UpdateFailed(_("The name server does not accept our key.")) from error
    except (dns.exception.FormError, dns.tsig.BadSignature) as error:
        # Unsigned, or signed by somebody else: it may be anybody's (RFC 8945, 5.3).
        raise UpdateFailed(
            _("The answer of the name server is not signed with our key; it is not believed.")
        ) from error
    except (dns.exception.DNSException, OSError, EOFError) as error:
        raise UpdateFailed(
            _("The name server did not answer: %s") % type(error).__name__
        ) from error
    code = answer.rcode()
    if code in NOT_OURS:
        raise UpdateFailed(
            _("The name server refuses: it does not let our key change this zone (%s).")
            % dns.rcode.to_text(code)
        )
    is_update = isinstance(message, dns.update.UpdateMessage)
    if is_update and code in CHANGED_MEANWHILE:
        raise UpdateFailed(
            _("Somebody changed the records meanwhile, so nothing was touched. Look again.")
        )
    if code != dns.rcode.NOERROR and (is_update or code != dns.rcode.NXDOMAIN):
        raise UpdateFailed(_("The name server answered: %s") % dns.rcode.to_text(code))
    return answer


def zone_of(domain: str) -> str | None:
    """The configured zone that holds the domain, the longest; None if there is none."""
    try:
        at = where()
    except ImproperlyConfigured:
        return None  # a system check names it
    fits = [zone for zone in (at.zones if at else ()) if f".{domain}".endswith(f".{zone}")]
    return max(fits, key=len, default=None)
