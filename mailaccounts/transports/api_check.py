"""Test of an account at a provider: name, connection, encryption, key, told one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urljoin, urlsplit

import requests
from django.utils.translation import gettext as _

from mailaccounts.esp.answers import Reading, read
from mailaccounts.esp.backends import Office
from mailaccounts.esp.guarded import Lost, NotWritten
from mailaccounts.esp.schema import Probe
from mailaccounts.transports.base import AccountTrouble, AnswerClass, CheckResult, Endpoint, Phase
from mailaccounts.transports.smtp_check import facts_of
from mailaccounts.transports.smtp_opening import refused_by_guard, trouble_of
from shops import outbound

STEPS = ("server", "connection", "encryption", "key")


def run(office: Office) -> Iterator[CheckResult]:
    """Go as far as we are let; the first step that fails is the last. Sends no message."""
    names = (_("Server name"), _("Connection"), _("Encryption"), _("API key"))
    work = (_resolve, _connect, _encryption, _show_key)
    for code, name, step in zip(STEPS, names, work, strict=True):
        result = _tell(CheckResult(name, ok=True, code=code), partial(step, office), office)
        yield result
        if not result.ok:
            return


def _tell(result: CheckResult, step: Callable[[], str], office: Office) -> CheckResult:
    started = time.monotonic()
    try:
        result.found = step()
    except AccountTrouble as trouble:
        result.ok, result.found, result.hint = False, trouble.text, _hint(trouble)
        if trouble.code is not None:
            result.detail = f"{trouble.code} {trouble.text}"
        parts = urlsplit(office.api_url)
        where = Endpoint(parts.hostname or "", parts.port or 443)
        result.extra |= facts_of(trouble, where)
    result.milliseconds = int((time.monotonic() - started) * 1000)
    return result


def _resolve(office: Office) -> str:
    parts = urlsplit(office.api_url)
    host, port = parts.hostname or "", parts.port or 443
    try:
        found = outbound.resolve(host, port, ports=outbound.WEB_PORTS)
    except outbound.OutboundRefused as error:
        raise AccountTrouble(AnswerClass.AUTH, refused_by_guard(error)) from error
    except OSError as error:
        raise trouble_of(error, Endpoint(host, port), Phase.CONNECT) from error
    return ", ".join(target.address for target in found)


def _connect(office: Office) -> str:
    office.wires.connect(office.api_url)
    return _("The provider's server answers.")


def _encryption(office: Office) -> str:
    return office.wires.connect(office.api_url).tls or _(
        "None: allowed for a server on this computer only."
    )


def _show_key(office: Office) -> str:
    """A call that needs the key and changes nothing."""
    office.wires.gate = None
    if office.provider.aws:
        return _ask_amazon(office)
    probe = office.provider.probe
    if probe is None:
        return _("Cannot be checked without a message: send one to yourself.")
    _get(office, probe)
    return _accepted(office, probe)


def _get(office: Office, probe: Probe) -> None:
    account = office.account
    key = office.secrets[0] if office.secrets else ""
    path = probe.path.replace("{esp_domain}", account.esp_domain)
    session: requests.Session = office.session
    if probe.basic_user:
        user = probe.basic_user.replace("{username}", account.username)
        options = {"auth": (user, key)}
    else:
        options = {"headers": {probe.header: probe.scheme + key}}  # type: ignore[dict-item]
    try:
        session.get(urljoin(office.api_url, path), **options)  # type: ignore[arg-type]
    except (NotWritten, Lost, requests.RequestException) as error:
        words = _("The provider's server broke off.")
        raise AccountTrouble(AnswerClass.NET, words) from error


def _accepted(office: Office, probe: Probe) -> str:
    answer = office.wires.answer
    assert answer is not None
    if answer.status // 100 == 2:
        return _("The provider accepted the key.")
    reading = read(answer, office.secrets, slug=office.provider.slug)
    body = answer.body.decode("utf-8", "replace")
    if answer.status in (401, 403) and any(word in body for word in probe.but):
        return _("The provider knows the key; it may send, and look at nothing else.")
    raise _refusal(reading)


def _ask_amazon(office: Office) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = office.backend.client.get_account()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "AccessDeniedException":
            return _("Amazon knows the key; it may send, and look at nothing else.")
        assert office.wires.answer is not None
        raise _refusal(read(office.wires.answer, office.secrets, slug="ses")) from None
    except (NotWritten, Lost, BotoCoreError) as error:
        words = _("The provider's server broke off.")
        raise AccountTrouble(AnswerClass.NET, words) from error
    if not found.get("SendingEnabled", True):
        words = _("Amazon has paused sending for this account.")
        raise AccountTrouble(AnswerClass.AUTH, words)
    if not found.get("ProductionAccessEnabled", True):
        return _("Amazon accepted the key; it sends to verified addresses only (sandbox).")
    return _("The provider accepted the key.")


def _refusal(reading: Reading) -> AccountTrouble:
    answer = reading.answer
    if answer not in (AnswerClass.AUTH, AnswerClass.QUOTA):
        answer = AnswerClass.NET if reading.status >= 500 else AnswerClass.AUTH
    return AccountTrouble(answer, reading.words, code=reading.status)


def _hint(trouble: AccountTrouble) -> str:
    """What staff can do about it, by what most often is the cause."""
    if trouble.code in (401, 403):
        return _("Copy the key once more from the provider's panel, without blanks around it.")
    if trouble.code == 404:
        return _("Check the domain and the region: they must be those of your account there.")
    if trouble.answer is AnswerClass.QUOTA:
        return _("The provider wants you to wait, or to pay: look into its panel.")
    return _("Try again in a few minutes.")
