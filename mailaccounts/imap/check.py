"""Test of an account's mailbox, told to shop staff step by step; it also fills the picker."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from django.utils.translation import gettext as _

from mailaccounts.imap.session import (
    FolderMissing,
    LogInRefused,
    Mailbox,
    MailboxTrouble,
    Timeouts,
    place_of,
    remember_folders,
)
from mailaccounts.models import ImapTls, SenderAccount
from mailaccounts.transports.base import CheckResult

CHECK_TIMEOUTS = Timeouts(command=10.0)


def check(
    account: SenderAccount, tell: Callable[[CheckResult], None] = lambda result: None
) -> list[CheckResult]:
    """Goes as far as the server lets us; the first step that fails is the last.

    Files nothing. ``tell`` hears each step as it ends. The folders are kept on the account.
    """
    try:
        mailbox = Mailbox(place_of(account), CHECK_TIMEOUTS)
    except LogInRefused as trouble:
        results = [CheckResult(name=_("IMAP log-in"), ok=False, found=str(trouble))]
        tell(results[0])
        return results
    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        (_("IMAP server name"), lambda: ", ".join(mailbox.resolve())),
        (_("IMAP connection"), partial(_connect, mailbox)),
        (_("IMAP encryption"), partial(_secure, mailbox)),
        (_("IMAP log-in"), partial(_log_in, mailbox)),
        (_("Folder for sent mail"), partial(_find_folder, mailbox, account)),
    )
    results = []
    try:
        for name, step in steps:
            results.append(_result(name, step, account))
            tell(results[-1])
            if not results[-1].ok:
                break
    finally:
        mailbox.close()
    return results


def _result(name: str, step: Callable[[], str], account: SenderAccount) -> CheckResult:
    started = time.monotonic()
    try:
        result = CheckResult(name=name, ok=True, found=step())
    except MailboxTrouble as trouble:
        result = CheckResult(
            name=name, ok=False, found=str(trouble), hint=_hint(trouble, name, account)
        )
    result.milliseconds = int((time.monotonic() - started) * 1000)
    return result


def _connect(mailbox: Mailbox) -> str:
    mailbox.connect()
    return _("The mailbox's server answers.")


def _secure(mailbox: Mailbox) -> str:
    mailbox.secure()
    return mailbox.tls


def _log_in(mailbox: Mailbox) -> str:
    mailbox.log_in()
    return _("The server accepted the user name and password.")


def _find_folder(mailbox: Mailbox, account: SenderAccount) -> str:
    folders = mailbox.folders()
    remember_folders(account, folders)
    return _("Sent mail is filed in “%s”.") % mailbox.choose(account.imap_folder, folders).name


def _hint(trouble: MailboxTrouble, step: str, account: SenderAccount) -> str:
    """What staff can do about it, by what most often is the cause."""
    if isinstance(trouble, FolderMissing):
        return _("Choose a folder in the account's form; the list there is up to date now.")
    if step == _("IMAP log-in"):
        return _("Check user name and password; the user name is often the whole address.")
    if isinstance(trouble, LogInRefused):
        return _("Check the server's name, the port and the kind of encryption.")
    if account.imap_tls == ImapTls.IMPLICIT and account.imap_port == 143:
        return _("Port 143 usually wants STARTTLS.")
    if account.imap_tls == ImapTls.STARTTLS and account.imap_port == 993:
        return _("Port 993 wants TLS from the first byte.")
    return _("Check server and port, or try again in a few minutes.")
