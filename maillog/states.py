"""The states of a delivery and the moves between them, as data.

Nothing else decides what may follow what: ``maillog.moves`` builds its conditional UPDATEs from
``ALLOWED_FROM``, the database's CHECK from ``State``, and a property test walks the table.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    CLAIMED = "claimed", _("Sending")
    DEFERRED = "deferred", _("Trying again later")
    SENT = "sent", _("Accepted")
    UNKNOWN = "unknown", _("Perhaps sent")
    FAILED = "failed", _("Failed")
    HELD = "held", _("Held")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")
    SUPPRESSED = "suppressed", _("Suppressed")
    NOT_SENT = "not_sent", _("Not sent")
    BOUNCED = "bounced", _("Bounced")
    COMPLAINED = "complained", _("Marked as spam")


class Reason(models.TextChoices):
    """Why a delivery is held, was not sent, or was cancelled."""

    NONE = "", ""
    OFF = "off", _("This message is switched off")
    CONDITION = "condition", _("The order does not meet the conditions")
    NO_ADDRESS = "no_address", _("There is no e-mail address")
    BAD_ADDRESS = "bad_address", _("The e-mail address cannot be written to")
    NO_ACCOUNT = "no_account", _("The shop has no account to send from")
    RESET = "reset", _("Silenced by a reset")
    STAFF = "staff", _("Stopped by staff")
    TEMPLATE = "template", _("The text could not be made")
    DOCUMENT = "document", _("The document is missing")
    APPROVAL = "approval", _("Waits for approval (test mode)")
    POISON = "poison", _("Broke off several times while it was sent")
    RESTORE = "restore", _("Held after a restored backup")
    LIMIT = "limit", _("The account's limit is used up for longer than it is worth waiting")
    ACCOUNT = "account", _("Its account was switched off after a part had left")
    SECRET = "secret", _("It holds a personal link")
    REDIRECTED = "redirected", _("It went to the test address")
    TEXT_GONE = "text_gone", _("Its text is no longer kept")
    SAID = "said", _("Another message has said it meanwhile")


ALLOWED_FROM: dict[State, frozenset[State]] = {
    State.CLAIMED: frozenset({State.QUEUED, State.DEFERRED}),
    State.QUEUED: frozenset(
        {State.CLAIMED, State.UNKNOWN, State.FAILED, State.HELD, State.EXPIRED}
    ),
    State.DEFERRED: frozenset({State.CLAIMED}),
    State.SENT: frozenset({State.CLAIMED, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.CLAIMED}),
    State.FAILED: frozenset({State.CLAIMED, State.UNKNOWN}),
    State.HELD: frozenset({State.QUEUED, State.DEFERRED, State.CLAIMED}),
    State.EXPIRED: frozenset({State.QUEUED, State.DEFERRED, State.HELD}),
    State.CANCELLED: frozenset(
        {State.QUEUED, State.DEFERRED, State.HELD, State.UNKNOWN, State.CLAIMED}
    ),
    State.SUPPRESSED: frozenset({State.CLAIMED}),
    State.BOUNCED: frozenset({State.SENT}),
    State.COMPLAINED: frozenset({State.SENT, State.BOUNCED}),
}

DUE = (State.QUEUED, State.DEFERRED)
WAITING = (State.QUEUED, State.CLAIMED, State.DEFERRED)
# Ended: nothing more happens by itself.
ENDED = tuple(state for state in State if state not in WAITING)
RETRYABLE = (State.FAILED, State.HELD, State.EXPIRED)
STOPPABLE = (State.QUEUED, State.DEFERRED, State.HELD)
# The server has it, or may have.
LEFT = (State.SENT, State.UNKNOWN, State.BOUNCED, State.COMPLAINED)
# What counts in a message's "failed recipients".
FAILURES = (State.FAILED, State.BOUNCED, State.EXPIRED)
COUNTED_ROLES = ("main", "cc", "bcc")

# The worst state of the main deliveries is the message's: lower is worse.
SEVERITY: dict[State, int] = {
    state: rank
    for rank, state in enumerate(
        (
            State.FAILED,
            State.BOUNCED,
            State.COMPLAINED,
            State.UNKNOWN,
            State.HELD,
            State.EXPIRED,
            State.SUPPRESSED,
            State.CANCELLED,
            State.DEFERRED,
            State.QUEUED,
            State.CLAIMED,
            State.SENT,
            State.NOT_SENT,
        )
    )
}


class Role(models.TextChoices):
    MAIN = "main", _("To")
    CC = "cc", _("Cc")
    BCC = "bcc", _("Bcc")
    COPY = "copy", _("Copy")
    IMAP = "imap", _("Sent folder")


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")


class UnknownPolicy(models.TextChoices):
    """What is done when nobody can know whether a message was accepted."""

    REPEAT = "repeat", _("Repeat once after a while, marked “possibly twice”")
    REPEAT_NOW = "repeat_now", _("Repeat once, at once")
    ASK = "ask", _("Ask a person")
    LEAVE = "leave", _("Leave it")
