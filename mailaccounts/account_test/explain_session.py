"""What it means when a session with the server does not come about: network, TLS, log-in."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mailaccounts.account_test.explain_provider import signed_out, switched_off
from mailaccounts.account_test.failures import Deed, Explanation, Failure
from mailaccounts.account_test.password_places import SWITCHED_ON_FIRST, place_of_password
from mailaccounts.transports.base import AnswerClass, Phase
from mailaccounts.transports.certificates import Cause

BLOCKED_AT_HOSTERS = 25  # the port that most networks let nobody use


def certificate(failure: Failure) -> Explanation | None:
    """The server is there and would speak TLS, but does not prove who it is."""
    if not failure.cause.is_certificate:
        return None
    host = {"host": failure.host}
    titles = {
        Cause.SELF_SIGNED: _("%(host)s has a certificate that it made itself"),
        Cause.UNKNOWN_ISSUER: _("Nobody we know vouches for the certificate of %(host)s"),
        Cause.EXPIRED: _("The certificate of %(host)s has expired"),
        Cause.NOT_YET_VALID: _("The certificate of %(host)s is not valid yet"),
        Cause.WRONG_NAME: _("The certificate names another server than %(host)s"),
    }
    advice = {
        Cause.EXPIRED: _("Ask whoever keeps the server to renew it; this takes minutes."),
        Cause.NOT_YET_VALID: _("Check the clock of this computer, then ask the server's keeper."),
        Cause.WRONG_NAME: _(
            "Enter the name that your hoster gives for outgoing mail: often it is the hoster's "
            "own and not mail.%(domain)s."
        )
        % {"domain": failure.domain},
    }
    ask = _("Ask whoever keeps the server for the right name, or for a proper certificate.")
    own = _("Only if the server is your own, you may ignore the error.")
    return Explanation(
        titles.get(failure.cause, _("The certificate of %(host)s is not accepted")) % host,
        _(
            "The server was found and answers. Nothing was sent to it, because somebody else "
            "could have answered in its place and read the password."
        ),
        f"{advice.get(failure.cause, ask)} {own}",
        Deed.IGNORE_CERTIFICATE,
    )


def encryption(failure: Failure) -> Explanation | None:
    """Both sides speak, but not the same kind of encryption."""
    if failure.cause == Cause.NO_STARTTLS:
        return Explanation(
            _("%(host)s does not encrypt on port %(port)s") % failure.place,
            _("The server was found, but offers no STARTTLS. Nothing was sent in clear."),
            _("Choose “TLS from the first byte” and port 465."),
            Deed.SETTINGS,
        )
    if failure.cause == Cause.CLEAR_PASSWORD:
        return Explanation(
            _("The password was not sent, because the connection is not encrypted"),
            _("The server was found and answers; everybody on the way could read along."),
            _("Choose STARTTLS with port 587, or TLS from the first byte with port 465."),
            Deed.SETTINGS,
        )
    if failure.code == 538 or failure.says("must issue a starttls"):
        return Explanation(
            _("The server wants an encrypted connection before the log-in"),
            _("The account is set to “No encryption”."),
            _("Choose STARTTLS with port 587, or TLS from the first byte with port 465."),
            Deed.SETTINGS,
        )
    no_greeting = failure.cause in (Cause.TIMEOUT, Cause.NO_TLS)
    if failure.tls != "implicit" and failure.port == 465 and no_greeting:
        return Explanation(
            _("Port 465 wants TLS from the first byte"),
            _("%(host)s answers on port 465, but waits for an encrypted greeting.") % failure.place,
            _("Choose “TLS from the first byte” for port 465, or port 587 with STARTTLS."),
            Deed.SETTINGS,
        )
    is_mute = failure.cause == Cause.TIMEOUT and failure.step == "encryption"
    if failure.tls == "implicit" and (failure.cause == Cause.NO_TLS or is_mute):
        return _begins_in_clear(failure)
    if failure.cause == Cause.NO_TLS:
        return Explanation(
            _("No encrypted connection came about with %(host)s") % failure.place,
            _("The server was found, but both sides could not agree on a way to encrypt."),
            _("Ask whoever keeps the server whether it offers TLS 1.2 or newer."),
            Deed.SETTINGS,
        )
    return None


def _begins_in_clear(failure: Failure) -> Explanation:
    return Explanation(
        _("Port %(port)s does not begin with TLS") % failure.place,
        _("%(host)s answers on this port, but not encrypted from the first byte.") % failure.place,
        _("Choose STARTTLS for port %(port)s, or keep the encryption and take port 465.")
        % failure.place,
        Deed.SETTINGS,
    )


def network(failure: Failure) -> Explanation | None:
    """The server could not be found or reached, or turned us away at the door."""
    place = failure.place
    if failure.cause == Cause.NO_NAME:
        return Explanation(
            _("There is no server named %(host)s") % place,
            _("The name is not in the DNS, so it is most likely mistyped."),
            _("Copy the name of the server for outgoing mail (SMTP) from your hoster's page."),
            Deed.SETTINGS,
        )
    if failure.cause == Cause.NAME_UNREADABLE:
        return Explanation(
            _("The name %(host)s could not be looked up just now") % place,
            _("The name server did not answer. This says nothing about the account."),
            _("Test again in a few minutes."),
        )
    if failure.cause == Cause.TIMEOUT:
        return _silent(failure)
    if failure.cause == Cause.REFUSED:
        return Explanation(
            _("%(host)s takes no connections on port %(port)s") % place,
            _("The server was found, but nothing listens there."),
            _("For outgoing mail it is usually port 465 (TLS) or 587 (STARTTLS)."),
            Deed.SETTINGS,
        )
    if failure.cause == Cause.GUARDED:
        return Explanation(
            _("Connections to %(host)s are not allowed") % place,
            failure.words,
            _(
                "Postroom does not connect to computers of its own network or to ports that are "
                "not for mail. If the server is right, the operator can allow it."
            ),
            Deed.SETTINGS,
        )
    if failure.answer == AnswerClass.NET and failure.phase == Phase.CONNECT and failure.code:
        return _turned_away(failure)
    if failure.answer == AnswerClass.NET and failure.step in ("connection", "encryption"):
        return Explanation(
            _("%(host)s hung up") % place,
            _("The connection came about and was closed again."),
            _("Check port and encryption; if they are right, test again in a few minutes."),
            Deed.SETTINGS,
        )
    return None


def _silent(failure: Failure) -> Explanation:
    if failure.port == BLOCKED_AT_HOSTERS:
        advice = _("Most networks block port 25. Take port 587 with STARTTLS, or 465 with TLS.")
    elif failure.port == 465:
        advice = _("Try port 587 with STARTTLS: a firewall may block port 465.")
    else:
        advice = _("Try port 465 with TLS, or ask whoever runs this computer about its firewall.")
    return Explanation(
        _("%(host)s does not answer on port %(port)s") % failure.place,
        _("The name is right, but a firewall may stand between, or the port is wrong."),
        advice,
        Deed.SETTINGS,
    )


def _turned_away(failure: Failure) -> Explanation:
    if failure.says("too many", "connections", "concurrent"):
        return Explanation(
            _("%(host)s takes no more connections from us at present") % failure.place,
            _("It has as many as it allows at once."),
            _("Lower “connections at once” of this account, and test again in a few minutes."),
            Deed.SETTINGS,
        )
    if failure.says("block", "spamhaus", "blacklist", "reputation", "rbl", "dnsbl"):
        return Explanation(
            _("%(host)s does not talk to this computer") % failure.place,
            _("Its Internet address is on a list of senders of unwanted mail."),
            _("The operator must have it taken off that list; another account works meanwhile."),
        )
    return Explanation(
        _("%(host)s turned us away at the door") % failure.place,
        _("The server was found and answers, but has no time for us now."),
        _("Test again in a few minutes. If it goes on, ask whoever keeps the server."),
    )


def login(failure: Failure) -> Explanation | None:
    """The server was reached and does not let us in."""
    if failure.step not in ("login", "sign_in") and failure.phase != Phase.LOGIN:
        return None
    if failure.kind in ("google", "microsoft"):
        return signed_out(failure)
    if failure.says("smtpclientauthentication", "smtp_auth_disabled"):
        return switched_off()
    if failure.enhanced in ("5.7.30", "5.7.139") or failure.says("basic authentication"):
        return Explanation(
            _("Microsoft no longer accepts passwords for this mailbox"),
            _("Name, port and encryption are right; it is Microsoft's rule, not your password."),
            _("Add the account anew with the type “Microsoft”: you then sign in at Microsoft."),
            Deed.SETTINGS,
        )
    if _wants_app_password(failure):
        return _app_password(failure)
    if 400 <= failure.code < 500:
        return Explanation(
            _("%(host)s cannot check the password just now") % failure.place,
            _("The server was found and the connection stands; it has a problem of its own."),
            _("Test again in a few minutes."),
        )
    if failure.code == 0:
        return Explanation(
            _("There is no way to log in at %(host)s on port %(port)s") % failure.place,
            failure.words,
            _("Take the port that your hoster names for outgoing mail: mostly 465 or 587."),
            Deed.SETTINGS,
        )
    return _wrong_password(failure)


def _wants_app_password(failure: Failure) -> bool:
    hoster = place_of_password(failure.host)
    at_google = hoster is not None and hoster.name == "Google"
    return (
        failure.enhanced in ("5.7.9", "5.7.14")
        or failure.says("application-specific password", "app password", "app-specific password")
        or (at_google and failure.code in (534, 535))
    )


def _app_password(failure: Failure) -> Explanation:
    hoster = place_of_password(failure.host)
    name = hoster.name if hoster else failure.host
    if name == "Google":
        return Explanation(
            _("Google wants an app password here"),
            _("Name, port and encryption are right; the ordinary password is not accepted."),
            _(
                "Switch on 2-Step Verification in the Google account, make an app password under "
                "myaccount.google.com/apppasswords and enter its 16 letters here. Or add the "
                "account anew with the type “Google”."
            ),
            Deed.PASSWORD,
        )
    return Explanation(
        _("%(name)s wants an app password here") % {"name": name},
        _("Name, port and encryption are right; the ordinary password is not accepted."),
        _("Make a password for programs in the account's security settings and enter it here."),
        Deed.PASSWORD,
    )


def _wrong_password(failure: Failure) -> Explanation:
    hoster = place_of_password(failure.host)
    name = hoster.name if hoster else failure.host
    found = _("The server was found and the connection stands, so name and port are right.")
    advice = _("Enter the present password of the mailbox %(user)s.") % {
        "user": failure.user or failure.sender
    }
    if "@" not in failure.user:
        advice = _(
            "Enter the whole address as the user name, and the present password of the mailbox."
        )
    if hoster is not None and hoster.name in SWITCHED_ON_FIRST:
        advice += " " + _("Sending by programs must be switched on in %(place)s first.") % {
            "place": hoster.place
        }
    elif hoster is not None and hoster.place:
        advice += " " + _("If it was changed by someone else, set a new one in %(place)s.") % {
            "place": hoster.place
        }
    return Explanation(
        _("%(name)s did not accept the password") % {"name": name}, found, advice, Deed.PASSWORD
    )
