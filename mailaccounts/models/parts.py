"""Groups of a sender account's columns: the copy in the mailbox, the sign-in elsewhere."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from mailaccounts.models.kinds import ImapTls
from shops.secrets import EncryptedTextField


class SentFolder(models.Model):
    """IMAP synchronisation: what was sent is also filed in a folder of the mailbox.

    ``imap_folder`` is a name from the server's own list, never typed; empty means the one that
    the server marks as ``\\Sent`` (RFC 6154). Its troubles never touch the sending.
    """

    imap_enabled = models.BooleanField(_("IMAP synchronisation"), default=False)
    imap_host = models.CharField(_("IMAP server"), max_length=253, blank=True)
    imap_port = models.PositiveIntegerField(
        _("IMAP port"), default=993, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    imap_tls = models.CharField(
        _("IMAP encryption"), max_length=10, choices=ImapTls, default=ImapTls.IMPLICIT
    )
    imap_username = models.CharField(_("IMAP user name"), max_length=254, blank=True)
    imap_password = EncryptedTextField(_("IMAP password"), blank=True)
    imap_folder = models.CharField(_("folder for sent mail"), max_length=255, blank=True)
    # The folders that the server listed last, as [[name, is_sent], …], for the picker.
    imap_folders = models.JSONField(default=list, editable=False)
    imap_since = models.DateTimeField(null=True, blank=True, editable=False)
    imap_failures = models.PositiveIntegerField(default=0, editable=False)
    imap_error = models.TextField(blank=True, editable=False)
    imap_next_try_at = models.DateTimeField(null=True, blank=True, editable=False)
    imap_seen_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class SignIn(models.Model):
    """Tokens of Google or Microsoft. All of them belong to one mailbox at one OAuth client."""

    oauth_client = models.ForeignKey(
        "mailaccounts.OAuthClient",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="accounts",
        editable=False,
    )
    oauth_refresh_token = EncryptedTextField(blank=True, editable=False)
    oauth_access_token = EncryptedTextField(blank=True, editable=False)
    oauth_access_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    oauth_signed_in_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When the refresh token dies, where that is known: an app in "Testing", a set lifetime.
    oauth_ends_at = models.DateTimeField(null=True, blank=True, editable=False)
    oauth_scope = models.TextField(blank=True, editable=False)

    class Meta:
        abstract = True
