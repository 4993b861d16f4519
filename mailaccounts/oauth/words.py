"""What to tell staff when a sign-in has failed: what happened, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Failure:
    title: StrOrPromise
    text: StrOrPromise


FAILURES: dict[str, Failure] = {
    "denied": Failure(
        _("The permission was not given"),
        _("At %(provider)s somebody pressed “Cancel”, or an administrator has to allow it first."),
    ),
    "scope": Failure(
        _("The box for sending was not ticked"),
        _(
            "You signed in, but we may not send. Try again, and on %(provider)s’s page tick the "
            "box that lets Postroom read, compose and send e-mail on your behalf."
        ),
    ),
    "offline": Failure(
        _("The permission would end within the hour"),
        _(
            "%(provider)s gave no lasting permission. Remove Postroom among the connected apps of "
            "the mailbox at %(provider)s, then try again."
        ),
    ),
    "client": Failure(
        _("The client id or its secret is wrong"),
        _(
            "%(provider)s does not know our application by these data. Check client id, secret "
            "and redirect address, and whether the secret has expired."
        ),
    ),
    "grant": Failure(
        _("%(provider)s refused the sign-in"),
        _("Try again. If it goes on, compare the redirect address with the one entered there."),
    ),
    "net": Failure(
        _("%(provider)s could not be reached"),
        _("Try again in a few minutes."),
    ),
    "guard": Failure(
        _("This server may not connect to %(provider)s"),
        _("Whoever runs this server has to allow it."),
    ),
    "expired": Failure(
        _("That took more than ten minutes"),
        _("For safety a sign-in has to be finished within ten minutes. Try again."),
    ),
    "gone": Failure(
        _("The account was changed meanwhile"),
        _("It was deleted, or is of another type now. Nothing was stored."),
    ),
    "stuck": Failure(
        _("Nobody has fetched the permission"),
        _("The background worker does not seem to run. Try again, or ask whoever runs the server."),
    ),
}


def failure(code: str, provider: str) -> Failure:
    """The words for ``code``, with the provider's name filled in."""
    words, names = FAILURES.get(code, FAILURES["grant"]), {"provider": provider}
    return Failure(str(words.title) % names, str(words.text) % names)
