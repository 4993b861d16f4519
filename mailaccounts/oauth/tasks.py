"""Background tasks: load, call, return. All are safe to run twice."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from mailaccounts.models import SignInAttempt, SignInState, TokenToRevoke
from mailaccounts.oauth import exchange as exchanging
from mailaccounts.oauth import flow, giving_back, health

KEPT_FOR = timedelta(days=30)


def exchange(attempt_id: str) -> None:
    """Fetches the tokens of a sign-in that has come back."""
    attempts = SignInAttempt.objects.select_related("account__shop", "client", "user")
    attempt = attempts.filter(pk=attempt_id).first()
    if attempt is not None:
        exchanging.exchange(attempt)


def tell_provider(waiting_id: int) -> None:
    """Gives one permission back."""
    waiting = TokenToRevoke.objects.select_related("client").filter(pk=waiting_id).first()
    if waiting is not None:
        giving_back.tell_provider(waiting)


def look_after() -> None:
    """The hour's round: alarms, what could not be given back yet, sign-ins nobody finished."""
    health.check_all()
    for waiting in TokenToRevoke.objects.select_related("client"):
        giving_back.tell_provider(waiting)
    _forget(timezone.now() - 2 * flow.GOOD_FOR)
    SignInAttempt.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()


def _forget(before: object) -> None:
    """Codes and verifiers are worthless after ten minutes, and are emptied all the same."""
    SignInAttempt.objects.filter(created_at__lt=before).exclude(
        step__in=(SignInState.DONE, SignInState.FAILED)
    ).update(
        step=SignInState.FAILED,
        failure="expired",
        code="",
        verifier="",
        ended_at=timezone.now(),
    )
