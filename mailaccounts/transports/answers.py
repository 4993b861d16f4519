"""What an SMTP server's answer means for the queue: the one place that decides.

A 5xx is not always the recipient's fault. A refused log-in, a used-up daily limit or a relay that
does not know us is the *account's* trouble: the mail must wait, not fail. Pure functions, no I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailaccounts.transports.base import AnswerClass, Phase

STORED_REPLY_BYTES = 2048
LONGEST_WAIT = 24 * 3600  # seconds; a server that asks for more is asked again after a day

# Classes that concern the account and not one message.
ACCOUNT_CLASSES = frozenset({AnswerClass.NET, AnswerClass.AUTH, AnswerClass.QUOTA})

_ENHANCED = re.compile(rb"\A([245]\.\d{1,3}\.\d{1,3})(?![\d.])[ \t]?")


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply (RFC 5321 section 4.2). ``raw`` has its lines without code and separator.

    Text is decoded only when somebody asks: most replies of a session are a plain 250.
    """

    code: int
    raw: bytes = b""

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), or ""."""
        found = _ENHANCED.match(self.raw)
        return found[1].decode() if found else ""

    @property
    def text(self) -> str:
        """The server's words in one printable line of at most 2 KiB, without the status codes."""
        return one_line(b" ".join(_ENHANCED.sub(b"", line) for line in self.raw.split(b"\n")))


def one_line(raw: bytes) -> str:
    """Make what a server said fit to store and show: valid UTF-8, printable, at most 2 KiB."""
    text = raw[: 2 * STORED_REPLY_BYTES].decode("utf-8", "replace").strip()
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text.encode()[:STORED_REPLY_BYTES].decode("utf-8", "ignore")


# Details of enhanced codes ("x.7.8" is "7.8") that stand for a broken log-in or configuration.
_AUTH_DETAILS = frozenset(
    {
        "1.7",  # bad sender's address syntax
        "1.8",  # sender's domain unknown
        "2.252",  # Exchange: SendAsDenied
        "7.3",  # Exchange: authentication unsuccessful
        "7.8",  # credentials invalid (RFC 4954 section 6)
        "7.9",  # mechanism too weak; Gmail: application-specific password required
        "7.13",  # user account disabled (RFC 5248)
        "7.14",  # Gmail: log in with a web browser first
        "7.30",  # Exchange Online: basic authentication is switched off
        "7.54",  # Exchange: unable to relay
        "7.57",  # Exchange: client was not authenticated to send
        "7.60",  # Exchange: no permission to send as this sender
        "7.64",  # Exchange: tenant attribution, relay access denied
        "7.139",  # Exchange Online: basic authentication is disabled
    }
)
_QUOTA_DETAILS = frozenset(
    {
        "4.5",  # Gmail: daily user sending quota exceeded
        "1.90",  # Exchange Online: daily limit of recipients reached
        "7.705",  # Exchange Online: tenant has exceeded its threshold
    }
)
_SIZE_DETAILS = frozenset({"2.3", "3.4"})
_AUTH_CODES = frozenset({530, 534, 535, 538})

_RELAY = re.compile(
    r"(?i)\brelay(?:ing)?\b.{0,30}\b(?:denied|not permitted|prohibited|refused)|"
    r"unable to relay|not (?:allowed|permitted) to relay|we do not relay"
)
# Postfix asks about client and sender only at RCPT (smtpd_delay_reject), so these words count
# there too. Without them our own wrong set-up would suppress the customer's address.
_OUR_SETUP = re.compile(
    r"(?i)sender address rejected|not owned by|sendas|send as this sender|"
    r"client host (?:rejected|blocked)|client host \[.{0,60}\] blocked|helo command rejected|"
    r"authentication (?:is )?required|must authenticate|need (?:to )?auth"
)
# Shared hosters (cPanel, GoDaddy, IONOS, Exchange) say so in words under a bare 450 or 550.
_SENDING_LIMIT = re.compile(
    r"(?i)send(?:ing)? (?:limit|quota)|relay quota|"
    r"(?:daily|hourly|24-hour).{0,30}(?:limit|quota)|max (?:emails|defers).{0,30} per hour|"
    r"SubmissionQuotaExceeded|sent too many|too many (?:messages|mails|emails)"
)
_FULL = re.compile(
    r"(?i)mailbox.{0,12} full|over ?quota|quota (?:exceeded|full)|exceeded.{0,30}storage alloc"
)


def classify(reply: Reply, phase: Phase) -> AnswerClass:
    """Decide what ``reply`` at ``phase`` means. Greeting and EHLO count as ``Phase.CONNECT``.

    >>> classify(Reply(550, b"5.4.5 Daily user sending quota exceeded"), Phase.RCPT)
    <AnswerClass.QUOTA: 'quota'>
    """
    kind = reply.code // 100
    if kind == 2:
        return AnswerClass.SENT
    if kind not in (4, 5):
        # 354 to a dot, 1xx: no verdict. Before the dot nothing was promised.
        return AnswerClass.UNKNOWN if phase is Phase.DOT else AnswerClass.NET
    if phase is Phase.CONNECT:
        return AnswerClass.NET
    account = _account_class(reply, phase)
    if account is not None:
        return account
    return _temporary(reply) if kind == 4 else _permanent(reply, phase)


def wait_from_text(text: str) -> int | None:
    """Seconds that "try again in 30 seconds" asks for, plus ten (as Postal); None = not said."""
    found = _WAIT.search(text)
    if found is None:
        return None
    if found["clock"]:
        hours, minutes, seconds = (int(part) for part in found["clock"].split(":"))
        wait = hours * 3600.0 + minutes * 60 + seconds
    else:
        wait = float(found["count"]) * _UNIT_SECONDS[found["unit"][0].lower()]
    return min(int(wait) + 10, LONGEST_WAIT)


_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}
_WAIT = re.compile(
    r"(?i)\b(?:again|retry|wait|come back|reset|greylist\w*|delayed)\b[^\d]{0,30}"
    r"(?:(?P<clock>\d{1,2}:\d{2}:\d{2})"
    r"|(?P<count>\d{1,5}(?:\.\d{1,3})?) ?(?P<unit>seconds?|secs?|s|minutes?|mins?|m|hours?|h)\b)"
)


def _account_class(reply: Reply, phase: Phase) -> AnswerClass | None:
    """NET, AUTH or QUOTA where the account is to blame, else None."""
    code, detail, words = reply.code, reply.enhanced[2:], reply.text
    if code == 421:
        return AnswerClass.NET
    if code == 432 or _is_quota(code, detail) or _SENDING_LIMIT.search(words):
        return AnswerClass.QUOTA
    if phase is Phase.LOGIN:
        return AnswerClass.NET if code < 500 else AnswerClass.AUTH
    if code in _AUTH_CODES or (code >= 500 and detail in _AUTH_DETAILS) or _RELAY.search(words):
        return AnswerClass.AUTH
    if phase in (Phase.MAIL, Phase.RCPT) and code >= 500 and _OUR_SETUP.search(words):
        return AnswerClass.AUTH
    return None


def _is_quota(code: int, detail: str) -> bool:
    # 451 4.4.5 is congestion of a system, 452 4.4.5 and 452 4.5.3 are limits of one sender.
    return (code == 452 and detail in ("4.5", "5.3")) or (code >= 500 and detail in _QUOTA_DETAILS)


def _temporary(reply: Reply) -> AnswerClass:
    return AnswerClass.MAILBOX_FULL if _mailbox_full(reply) else AnswerClass.TEMPORARY


def _permanent(reply: Reply, phase: Phase) -> AnswerClass:
    code, detail = reply.code, reply.enhanced[2:]
    if detail in _SIZE_DETAILS:
        return AnswerClass.SIZE
    if _mailbox_full(reply):
        return AnswerClass.MAILBOX_FULL
    if code == 552:  # without details: at RCPT a mailbox's storage, later (RFC 1870) the size
        return AnswerClass.MAILBOX_FULL if phase is Phase.RCPT else AnswerClass.SIZE
    if phase is Phase.MAIL:
        return AnswerClass.AUTH  # only the sender was named: no recipient can be the cause
    if detail.startswith(("6.", "7.")):
        return AnswerClass.CONTENT
    if code in (551, 553) or detail.startswith(("1.", "2.")):
        return AnswerClass.RECIPIENT
    if phase is Phase.RCPT and code in (501, 550):
        return AnswerClass.RECIPIENT
    # A bare 554, or 550 after the text was seen: judged, and no reason to suppress the address.
    return AnswerClass.CONTENT


def _mailbox_full(reply: Reply) -> bool:
    detail = reply.enhanced[2:]
    return detail == "2.2" or (detail[:2] in ("", "2.") and bool(_FULL.search(reply.text)))
