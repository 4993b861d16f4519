"""What a sign-in at Google or Microsoft leaves behind while it is going on."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from mailaccounts.models.account import SenderAccount
from mailaccounts.models.oauth_client import OAuthClient, OAuthProvider
from shops.secrets import EncryptedTextField
from shops.uuid7 import uuid7


class SignInState(models.TextChoices):
    STARTED = "started", _("Waiting for the sign-in")
    RETURNED = "returned", _("Came back")
    EXCHANGING = "exchanging", _("Fetching the permission")
    DONE = "done", _("Signed in")
    FAILED = "failed", _("Failed")


class SignInAttempt(models.Model):
    """One way to the provider and back. Every state is left once, by a conditional UPDATE.

    Of ``state`` (RFC 6749 section 10.12) and of the browser's session only digests are kept.
    ``verifier`` (RFC 7636) and ``code`` are emptied as soon as they were used.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(SenderAccount, on_delete=models.CASCADE, related_name="sign_ins")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    # Empty: the client of the settings.
    client = models.ForeignKey(
        OAuthClient, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    provider = models.CharField(_("provider"), max_length=10, choices=OAuthProvider)
    state_digest = models.CharField(max_length=64, unique=True, editable=False)
    browser_digest = models.CharField(max_length=64, editable=False)
    verifier = EncryptedTextField(blank=True, editable=False)
    code = EncryptedTextField(blank=True, editable=False)
    step = models.CharField(
        _("state"), max_length=10, choices=SignInState, default=SignInState.STARTED
    )
    # A key of ``mailaccounts.oauth.words.FAILURES``, and the provider's own words.
    failure = models.CharField(_("failure"), max_length=20, blank=True)
    detail = models.TextField(_("answer"), blank=True)
    mailbox = models.CharField(_("mailbox"), max_length=254, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")

    def __str__(self) -> str:
        return f"{self.get_provider_display()} {self.step}"


class TokenToRevoke(models.Model):
    """A token that we gave up and that the provider is still to be told of; then the row goes."""

    provider = models.CharField(_("provider"), max_length=10, choices=OAuthProvider)
    client = models.ForeignKey(
        OAuthClient, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    token = EncryptedTextField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("permission to give back")
        verbose_name_plural = _("permissions to give back")

    def __str__(self) -> str:
        return f"{self.get_provider_display()} {self.created_at:%Y-%m-%d}"
