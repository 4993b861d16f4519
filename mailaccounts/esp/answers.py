"""What a provider's HTTP answer means for the queue. Pure functions, no I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from mailaccounts.esp.guarded import Answer
from mailaccounts.transports.answers import LONGEST_WAIT, one_line, wait_from_text
from mailaccounts.transports.base import AnswerClass

SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """An HTTP answer understood. ``words`` are the provider's own, without our secrets."""

    status: int
    answer: AnswerClass
    words: str
    retry_after: int | None = None  # seconds


_BY_STATUS = {
    401: AnswerClass.AUTH,
    402: AnswerClass.QUOTA,  # payment required: no credit left
    403: AnswerClass.AUTH,
    404: AnswerClass.AUTH,  # not the address of the API, or no such domain at the provider
    405: AnswerClass.AUTH,
    407: AnswerClass.AUTH,
    408: AnswerClass.TEMPORARY,  # it did not get the whole request in time
    # A request with this idempotency key is, or was, at work: what became of it is not said.
    409: AnswerClass.UNKNOWN,
    410: AnswerClass.AUTH,
    413: AnswerClass.SIZE,
    425: AnswerClass.TEMPORARY,
    429: AnswerClass.QUOTA,
}
# Names and numbers of errors whose status alone would say too little.
_BY_CODE = {
    # Postmark: postmarkapp.com/developer/api/overview#error-codes
    "postmark:100": AnswerClass.TEMPORARY,  # maintenance
    "postmark:400": AnswerClass.AUTH,  # the sender is not known
    "postmark:401": AnswerClass.AUTH,  # the sender is not confirmed
    "postmark:405": AnswerClass.QUOTA,  # out of credits
    "postmark:406": AnswerClass.RECIPIENT,  # inactive recipient
    "postmark:412": AnswerClass.AUTH,  # the account waits for approval
    "postmark:413": AnswerClass.AUTH,  # the account may not send
    # Amazon SES (API v2), SendEmail
    "AccountSuspendedException": AnswerClass.AUTH,
    "SendingPausedException": AnswerClass.AUTH,
    "MailFromDomainNotVerifiedException": AnswerClass.AUTH,
    "LimitExceededException": AnswerClass.QUOTA,
    "ThrottlingException": AnswerClass.QUOTA,
    "TooManyRequestsException": AnswerClass.QUOTA,
    # Brevo
    "not_enough_credits": AnswerClass.QUOTA,
    "account_under_validation": AnswerClass.AUTH,
    "duplicate_request": AnswerClass.UNKNOWN,
    # Resend
    "daily_quota_exceeded": AnswerClass.QUOTA,
    "monthly_quota_exceeded": AnswerClass.QUOTA,
    "rate_limit_exceeded": AnswerClass.QUOTA,
    "invalid_from_address": AnswerClass.AUTH,
    "concurrent_idempotent_requests": AnswerClass.UNKNOWN,
    "invalid_idempotent_request": AnswerClass.CONTENT,
}
# Words under a bare 400 or 422. The order counts: the first that fits.
_BY_WORDS = (
    (
        AnswerClass.QUOTA,
        re.compile(
            r"(?i)\b(?:insufficient|not enough|no|out of|lack of) (?:funds|credits?)\b|"
            r"(?:quota|sending limit|daily limit).{0,40}exceeded|exceeded.{0,40}(?:quota|limit)"
        ),
    ),
    (
        AnswerClass.SIZE,
        re.compile(
            r"(?i)too (?:large|big)|(?:message|attachment|payload|request).{0,30}"
            r"exceeds?.{0,30}(?:size|limit|MB)|maximum.{0,20}size"
        ),
    ),
    (
        AnswerClass.AUTH,
        re.compile(
            r"(?i)(?:sender|from|domain|identit\w+|email address).{0,60}"
            r"(?:not|un)[ -]?(?:been )?(?:verified|confirmed|authori[sz]ed|validated|registered)|"
            r"invalid (?:api ?key|token)|(?:account|domain).{0,30}(?:suspended|disabled|blocked)|"
            r"\bsender\b.{0,40}(?:invalid|unknown|not valid|not allowed)"
        ),
    ),
    (
        AnswerClass.RECIPIENT,
        re.compile(
            r"(?i)\b(?:recipients?|to|addressee)\b(?!.{0,20}template).{0,60}"
            r"(?:invalid|not (?:a )?valid|inactive|malformed|suppress|blacklist|unsubscribed|"
            r"blocked)|(?:invalid|inactive|suppressed|malformed).{0,20}\b(?:recipients?|'?to'?)\b"
        ),
    ),
    (AnswerClass.TEMPORARY, re.compile(r"(?i)temporar|try again|maintenance")),
)


def read(answer: Answer, secrets: Collection[str] = (), *, slug: str = "") -> Reading:
    """Understand an answer that is no plain success."""
    found = _parsed(answer)
    words = _words_of(answer, found, secrets)
    kind = classify(answer.status, codes_of(answer, found, slug), words)
    return Reading(answer.status, kind, words, retry_after(answer, words))


def classify(status: int, codes: Collection[str], words: str) -> AnswerClass:
    """Only 4xx is a verdict: after anything else the message may have been taken.

    >>> classify(503, (), "")
    <AnswerClass.UNKNOWN: 'unknown'>
    """
    if status // 100 != 4:
        return AnswerClass.UNKNOWN
    for code in codes:
        if code in _BY_CODE:
            return _BY_CODE[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    for kind, pattern in _BY_WORDS:
        if pattern.search(words):
            return kind
    # Judged, and no reason to think ill of the recipient's address.
    return AnswerClass.CONTENT


def retry_after(answer: Answer, words: str = "") -> int | None:
    """Seconds that the provider asks us to wait (RFC 9110 section 10.2.3), at least one."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal() and len(value) < 10:
        return min(max(int(value), 1), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return wait_from_text(words)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = int((moment - datetime.now(UTC)).total_seconds())
    return min(max(seconds, 1), LONGEST_WAIT)


def codes_of(answer: Answer, found: Any, slug: str) -> list[str]:
    """The provider's own names for what went wrong."""
    aws = answer.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    codes = [aws] if aws else []
    for each in _objects(found):
        for name in ("code", "ErrorCode", "name", "type", "__type"):
            value = each.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                codes.append(f"{slug}:{value}")
            elif isinstance(value, str):
                codes.append(value.rpartition("#")[2])
    return codes


def _parsed(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _objects(found: Any) -> Iterator[dict[str, Any]]:
    """The object itself and those in its list of errors."""
    if isinstance(found, dict):
        yield found
        for name in ("error", "errors", "Errors"):
            inner = found.get(name)
            yield from (each for each in _list(inner) if isinstance(each, dict))
    elif isinstance(found, list):
        yield from (each for each in found if isinstance(each, dict))


def _words_of(answer: Answer, found: Any, secrets: Collection[str]) -> str:
    """What the provider says, in one line; secrets go before anything is cut off."""
    text = "; ".join(dict.fromkeys(_sentences(found)))
    if not text:
        body = answer.body.decode("utf-8", "replace").strip()
        title = re.search(r"(?is)<title[^>]*>(.{1,200}?)</title>", body)
        if title:
            text = title[1]
        elif found is None and body and not body.startswith("<"):
            text = body
    return one_line(_without(secrets, text or answer.reason).encode())


def _sentences(found: Any) -> Iterator[str]:
    for each in _objects(found):
        for name in (
            "message", "Message", "error_message", "ErrorMessage", "detail", "title", "description",
        ):  # fmt: skip
            if isinstance(each.get(name), str):
                yield each[name]
        for name in ("error", "errors", "Errors"):
            yield from (one for one in _list(each.get(name)) if isinstance(one, str))
        if isinstance(each.get("errors"), dict):
            # {"field": ["text", …]}
            for name, texts in each["errors"].items():
                yield from (f"{name}: {one}" for one in _list(texts) if isinstance(one, str))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _without(secrets: Collection[str], text: str) -> str:
    """Some providers repeat the key that they refuse: it must not reach the log."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text
