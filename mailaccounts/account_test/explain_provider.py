"""What it means when a server that nobody typed in cannot be used: a provider's, or our own."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mailaccounts.account_test.failures import Deed, Explanation, Failure
from mailaccounts.models import Kind
from mailaccounts.transports.base import AnswerClass
from mailaccounts.transports.certificates import Cause

UNREACHABLE = (Cause.NO_NAME, Cause.NAME_UNREADABLE, Cause.TIMEOUT, Cause.REFUSED)
UNENCRYPTED = (Cause.NO_TLS, Cause.NO_STARTTLS, Cause.CLEAR_PASSWORD)


def fixed_server(failure: Failure) -> Explanation | None:
    """The form has no field for name, port or encryption: nothing in the account can be wrong."""
    if failure.kind == Kind.SMTP:
        return None
    keeper = _("If it goes on, tell whoever runs this computer.")
    unchanged = _("There is nothing to change in the account.")
    if failure.cause in UNREACHABLE:
        return Explanation(
            _("%(host)s could not be reached from here") % failure.place,
            _unreached(failure),
            " ".join([unchanged, _("Test again in a few minutes."), keeper]),
        )
    if failure.cause == Cause.GUARDED:
        return Explanation(
            _("Connections to %(host)s are not allowed") % failure.place,
            failure.words,
            " ".join([unchanged, _("Whoever runs this computer can allow it.")]),
        )
    if failure.cause.is_certificate or failure.cause in UNENCRYPTED:
        return Explanation(
            _("No safe connection came about with %(host)s") % failure.place,
            _(
                "Something may stand between, for instance a firewall that reads along, or the "
                "clock of this computer is wrong. Nothing was sent."
            ),
            " ".join([unchanged, _("Tell whoever runs this computer.")]),
        )
    return None


def _unreached(failure: Failure) -> str:
    if failure.kind == Kind.SERVER:
        return _("It is the mail server of this installation.")
    if failure.cause in (Cause.NO_NAME, Cause.NAME_UNREADABLE):
        return _("This computer has no way to the internet, or its name servers do not answer.")
    return _("This computer has no way to the internet, or a firewall stands between.")


def key(failure: Failure) -> Explanation | None:
    """A provider was reached and does not take our key."""
    if failure.step != "key":
        return None
    if failure.code in (401, 403):
        return Explanation(
            _("The provider did not accept the API key"),
            _("Its server was found and answers; it does not know the key, or took it back."),
            _("Make a new key in the provider's panel and enter it here, without blanks."),
            Deed.PASSWORD,
        )
    if failure.code == 404:
        return Explanation(
            _("The provider does not know this domain or region"),
            _("The key was not refused, but there is nothing at the address that belongs to it."),
            _("Check the domain and the region: they must be those of your account there."),
            Deed.SETTINGS,
        )
    if failure.answer == AnswerClass.QUOTA:
        return Explanation(
            _("The provider wants a pause, or to be paid"),
            _("The key is known; the account at the provider has used up what it may send."),
            _("Look into the provider's panel."),
        )
    if failure.answer == AnswerClass.NET:
        return Explanation(
            _("The provider's server broke off"),
            _("It was found and answers, but did not finish."),
            _("Test again in a few minutes."),
        )
    return Explanation(
        _("The provider does not let this account send"),
        failure.words,
        _("Look into the provider's panel."),
        Deed.SETTINGS,
    )


def signed_out(failure: Failure) -> Explanation:
    provider = "Google" if failure.kind == "google" else "Microsoft"
    if not failure.is_signed_in:
        return Explanation(
            _("Nobody has signed in yet"),
            _("%(provider)s lets an account send once its owner has allowed it.")
            % {"provider": provider},
            _("Sign in at %(provider)s as %(sender)s, then test again.")
            % {"provider": provider, "sender": failure.sender},
            Deed.SIGN_IN,
        )
    if failure.answer == AnswerClass.NET:
        return Explanation(
            _("%(provider)s could not be asked for permission just now") % {"provider": provider},
            failure.words,
            _("Test again in a few minutes."),
        )
    if failure.enhanced in ("5.7.30", "5.7.139") or failure.says("smtpclientauthentication"):
        return switched_off()
    return Explanation(
        _("%(provider)s does not let us in any more") % {"provider": provider},
        _("The permission was taken back or has ended, or it is for another mailbox."),
        _("Sign in at %(provider)s again as %(sender)s.")
        % {"provider": provider, "sender": failure.sender},
        Deed.SIGN_IN,
    )


def switched_off() -> Explanation:
    return Explanation(
        _("Sending by programs is switched off for this Microsoft mailbox"),
        _("Name, port and encryption are right."),
        _("Your administrator switches on “Authenticated SMTP” for it at Microsoft 365."),
    )
