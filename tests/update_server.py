"""A name server on loopback that takes dynamic updates (RFC 2136) signed with TSIG."""

from __future__ import annotations

import dns.exception
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update

from tests.name_server import NameServer

SECRET = "c2VjcmV0IG9mIHRoZSB1cGRhdGUga2V5ISEhISEhISE="
KEY = f"postroom:hmac-sha256:{SECRET}"


class UpdateServer(NameServer):
    """Answers questions as ``NameServer`` does, and changes its records when asked properly.

    ``unsigned`` lets it answer without a signature, as an impostor would; ``deaf`` lets it say
    yes and change nothing.
    """

    def __init__(self, zone: str, secret: str = SECRET) -> None:
        super().__init__()
        self.zone = dns.name.from_text(zone)
        self.updates: list[dns.update.UpdateMessage] = []
        self.unsigned = self.deaf = False
        self._key = dns.tsig.Key(dns.name.from_text("postroom"), secret, "hmac-sha256")

    def reply(self, wire: bytes, way: str) -> bytes | None:
        try:
            query = dns.message.from_wire(wire, keyring=self._key)
        except (dns.tsig.BadSignature, dns.message.UnknownTSIGKey):
            # RFC 8945 section 5.2: NOTAUTH, and what follows the header left out.
            return wire[:2] + bytes([wire[2] | 0x80, dns.rcode.NOTAUTH]) + bytes(8)
        if query.opcode() != dns.opcode.UPDATE and not query.had_tsig:
            return super().reply(wire, way)
        answer = dns.message.make_response(query)
        if self.unsigned:
            answer.tsig = None
        if isinstance(query, dns.update.UpdateMessage):
            answer.set_rcode(self._update(query))
        else:
            self._fill(answer, query.question[0].name, dns.rdatatype.to_text(dns.rdatatype.TXT))
        return answer.to_wire()

    def texts(self, name: str) -> list[str]:
        return [_row(each) for each in self._records.get(name, {}).get("TXT", [])]

    def _update(self, query: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        if not query.had_tsig or query.zone[0].name != self.zone:
            return dns.rcode.NOTAUTH
        self.updates.append(query)
        if refusal := self._prerequisites(query):
            return refusal
        for rrset in [] if self.deaf else query.update:
            for row in rrset:
                self._change(rrset, row.to_text())
        return dns.rcode.NOERROR

    def _prerequisites(self, query: dns.update.UpdateMessage) -> dns.rcode.Rcode | None:
        """RFC 2136 section 3.2: whole sets of records, which come as one entry a record."""
        wanted: dict[str, list[str]] = {}
        for rrset in query.prerequisite:
            rows = wanted.setdefault(rrset.name.to_text(omit_final_dot=True), [])
            rows += [] if rrset.deleting else [row.to_text() for row in rrset]
        for name, rows in wanted.items():
            if sorted(rows) != sorted(self.texts(name)):
                return dns.rcode.NXRRSET if rows else dns.rcode.YXRRSET
        return None

    def _change(self, rrset, row: str) -> None:
        """Section 3.4.2: a class of NONE takes one record away, IN adds one."""
        rows = self._records.setdefault(rrset.name.to_text(omit_final_dot=True), {})
        texts = rows.setdefault("TXT", [])
        if rrset.deleting == dns.rdataclass.NONE:
            rows["TXT"] = [each for each in texts if _row(each) != row]
        elif row not in texts:
            texts.append(row)


def _row(text: str) -> str:
    """One way of writing it, of several."""
    return dns.rdata.from_text("IN", "TXT", text).to_text()
