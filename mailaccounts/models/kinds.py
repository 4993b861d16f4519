"""The words of a sender account: its type, its encryption, its state."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    SERVER = "server", _("From this server")
    SMTP = "smtp", _("Another server over SMTP")
    GOOGLE = "google", _("Google")
    MICROSOFT = "microsoft", _("Microsoft")
    FRESHMAIL = "freshmail", _("FreshMail")
    ESP = "esp", _("Another provider")

    @property
    def speaks_smtp(self) -> bool:
        """True if its mail leaves over SMTP; the others are asked by HTTP."""
        return self in (Kind.SERVER, Kind.SMTP, Kind.GOOGLE, Kind.MICROSOFT)

    @property
    def logs_in_elsewhere(self) -> bool:
        """True if people sign in at the provider (OAuth) instead of typing a password here."""
        return self in (Kind.GOOGLE, Kind.MICROSOFT)

    @property
    def takes_copies(self) -> bool:
        """FreshMail has no field for copies, and each would be one more paid message."""
        return self is not Kind.FRESHMAIL

    @property
    def asks_before_repeating(self) -> bool:
        """Paid by message, and no key of ours keeps a repeat from being sent: a person decides."""
        return self is Kind.FRESHMAIL

    @property
    def takes_imap(self) -> bool:
        """Google and Microsoft file what they send by themselves; FreshMail has no mailbox."""
        return self in (Kind.SERVER, Kind.SMTP, Kind.ESP)

    @property
    def signs_here(self) -> bool:
        """True if we put the DKIM signature; a provider puts its own."""
        return self in (Kind.SERVER, Kind.SMTP)


class TlsMode(models.TextChoices):
    IMPLICIT = "implicit", _("TLS from the first byte (port 465)")
    STARTTLS = "starttls", _("STARTTLS (port 587)")
    NONE = "none", _("No encryption")


class ImapTls(models.TextChoices):
    IMPLICIT = "implicit", _("TLS from the first byte (port 993)")
    STARTTLS = "starttls", _("STARTTLS (port 143)")


class AccountState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Active")
    DISABLED = "disabled", _("Disabled")
    DELETED = "deleted", _("Deleted")


class Breaker(models.TextChoices):
    CLOSED = "closed", _("In order")
    OPEN = "open", _("Sending is paused")
    HALF_OPEN = "half_open", _("Trying one message")


class AccountRefusal(Exception):
    """What was asked of an account cannot be done; ``str()`` says to staff why not."""
