"""What it means when the server let us in and did not take the test message."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mailaccounts.account_test.failures import Deed, Explanation, Failure
from mailaccounts.transports.base import AnswerClass, Phase


def sender(failure: Failure) -> Explanation | None:
    """We ourselves are the trouble: this log-in may not send as this sender, or not at all."""
    if failure.answer != AnswerClass.AUTH:
        return None
    named = {"sender": failure.sender, "user": failure.user, "host": failure.host}
    if failure.enhanced == "5.1.8" or failure.says("domain not found", "domain of sender"):
        return Explanation(
            _("The domain of %(sender)s is not known") % named,
            _("The server looked it up in the DNS and found nothing there."),
            _("Check how the sender's address is written."),
            Deed.SETTINGS,
        )
    if failure.says("relay", "authentication required", "authentication is required", "must auth"):
        return Explanation(
            _("%(host)s sends nothing for us without a log-in") % named,
            _("The server was reached, but it does not know who we are."),
            _("Enter the user name and the password of the mailbox, and port 465 or 587."),
            Deed.SETTINGS,
        )
    if failure.says("client host", "helo command"):
        return Explanation(
            _("%(host)s takes no mail from this computer") % named,
            _("The log-in worked; the computer's Internet address or its name was refused."),
            _("Ask whoever keeps the server, or whoever runs this computer."),
        )
    return Explanation(
        _("The server does not let %(user)s send as %(sender)s")
        % {**named, "user": failure.user or _("this log-in")},
        _("The log-in worked, but the sender's address belongs to another mailbox."),
        _("Use the mailbox's own address as the sender, or allow it at your hoster."),
        Deed.SETTINGS,
    )


def recipient(failure: Failure) -> Explanation | None:
    """The address that the test was sent to is the cause; the account may be sound."""
    named = {"to": failure.to}
    if failure.answer == AnswerClass.RECIPIENT:
        return Explanation(
            _("%(to)s does not exist, says the server") % named,
            _("The account let us in and works; the address was refused."),
            _("Test with another address, for instance your own."),
            Deed.ADDRESS,
        )
    if failure.answer == AnswerClass.MAILBOX_FULL:
        return Explanation(
            _("The mailbox %(to)s is full") % named,
            _("The account works; the recipient's mailbox takes nothing more."),
            _("Empty it, or test with another address."),
            Deed.ADDRESS,
        )
    return None


def pace(failure: Failure) -> Explanation | None:
    """Not now. Without a phase nothing was asked of the server: the limit is our own."""
    if failure.answer == AnswerClass.QUOTA and failure.phase is None:
        return Explanation(
            failure.words,
            _("This limit is set at the account. Nothing was sent."),
            _("Test again later, or raise the limit if the provider allows it."),
            Deed.SETTINGS,
        )
    if failure.answer == AnswerClass.QUOTA:
        return Explanation(
            _("The account has sent as much as its server allows"),
            _("The log-in worked, and the server asks for a pause."),
            _("Mail that waits leaves later by itself. Enter the hoster's limit at the account."),
            Deed.SETTINGS,
        )
    if failure.answer == AnswerClass.TEMPORARY:
        if failure.says("greylist", "grey list", "graylist"):
            return Explanation(
                _("The recipient's server wants to see the message a second time"),
                _("This is “greylisting”, and normal. The account works."),
                _("Real mail is tried again by itself. Test again in five minutes."),
            )
        return Explanation(
            _("The server does not take the message just now"),
            _("The log-in worked; the server says that it is a passing trouble."),
            _("Real mail is tried again by itself. Test again in a few minutes."),
        )
    if failure.answer == AnswerClass.NET:
        return Explanation(
            _("The connection broke off before the message was handed over"),
            _("The log-in worked. Nothing was sent."),
            _("Test again in a few minutes."),
        )
    return None


def content(failure: Failure) -> Explanation | None:
    """The message was judged: most often our domain or our Internet address, not its words."""
    if failure.answer == AnswerClass.SIZE:
        return Explanation(
            _("The server takes no message of this size"),
            _("Even the small test message is too large for it."),
            _("Ask whoever keeps the server about its limit."),
        )
    if failure.answer == AnswerClass.CAPABILITY:
        return Explanation(
            _("The server cannot carry this message"),
            failure.words,
            _("It does not know a part of today's mail. Ask whoever keeps the server."),
        )
    if failure.answer != AnswerClass.CONTENT:
        return None
    if failure.enhanced in ("5.7.26", "5.7.23", "5.7.25", "5.7.27", "5.7.20") or failure.says(
        "dmarc", "spf", "dkim", "unauthenticated"
    ):
        return Explanation(
            _("The recipient's server does not believe that the mail is yours"),
            _("The DNS of %(domain)s does not say that this server may send for it.")
            % {"domain": failure.domain},
            _("Mend SPF and DKIM of the domain, then test again."),
            Deed.DOMAIN,
        )
    if failure.says("spamhaus", "blacklist", "blocked", "reputation", "block list", "rbl"):
        return Explanation(
            _("The sending server is on a list of senders of unwanted mail"),
            _("The log-in worked; the message was refused because of the server's address."),
            _("Tell whoever keeps the server; until then send from another account."),
        )
    if failure.phase == Phase.RCPT:
        return Explanation(
            _("%(to)s takes no mail from us") % {"to": failure.to},
            _("The log-in worked; the recipient's server refused."),
            _("Test with another address, for instance your own."),
            Deed.ADDRESS,
        )
    return Explanation(
        _("The server took the message for unwanted mail"),
        _("The log-in worked; the message was refused when it had been seen."),
        _("Look at SPF, DKIM and DMARC of the domain, and test with another address."),
        Deed.DOMAIN,
    )


def uncertain(failure: Failure) -> Explanation | None:
    """Nobody can know."""
    if failure.answer != AnswerClass.UNKNOWN:
        return None
    return Explanation(
        _("The message was handed over, and the server did not say what became of it"),
        _("Everything up to there worked."),
        _("Look into the mailbox %(to)s. If nothing came, test again.") % {"to": failure.to},
    )
