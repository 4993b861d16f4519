"""The application by which Postroom signs in at Google or Microsoft."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from shops.models import Shop
from shops.secrets import EncryptedTextField


class OAuthProvider(models.TextChoices):
    GOOGLE = "google", "Google"
    MICROSOFT = "microsoft", "Microsoft"


class OAuthClient(models.Model):
    """Client id and secret of a shop, or with an empty ``shop`` of the installation."""

    shop = models.ForeignKey(
        Shop, null=True, blank=True, on_delete=models.CASCADE, related_name="oauth_clients"
    )
    provider = models.CharField(_("provider"), max_length=10, choices=OAuthProvider)
    client_id = models.CharField(_("client id"), max_length=255)
    client_secret = EncryptedTextField(_("client secret"), blank=True)
    # Microsoft: the directory; "common" takes accounts of any.
    tenant = models.CharField(_("directory (tenant)"), max_length=80, blank=True)
    secret_expires_on = models.DateField(_("secret expires on"), null=True, blank=True)
    # Google: refresh tokens of an app in "Testing" die after seven days.
    in_testing = models.BooleanField(_("the app is in “Testing” at Google"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("OAuth client")
        verbose_name_plural = _("OAuth clients")
        constraints = [
            models.UniqueConstraint(fields=["shop", "provider"], name="oauth_client_once_a_shop"),
            models.UniqueConstraint(
                fields=["provider"], condition=models.Q(shop=None), name="oauth_client_installation"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_provider_display()} {self.client_id[:20]}"
