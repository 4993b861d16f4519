"""Who works in which shop, and how somebody new is asked in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shops.models.shop import Shop, ShopScopedQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

INVITATION_LASTS = timedelta(days=7)


class Role(models.TextChoices):
    """What a member may do; each role may do all that those above it may."""

    VIEWER = "viewer", _("Viewer: reads the log and orders")
    SENDER = "sender", _("Sender: also sends, sends again, works on orders")
    EDITOR = "editor", _("Editor: also messages and templates")
    ACCOUNTS = "accounts", _("Accounts: also e-mail accounts and shop settings")
    ADMIN = "admin", _("Admin: everything in this shop, people too")

    def covers(self, needed: str) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(Role(needed))


def role_in(user: AbstractUser | AnonymousUser, shop: Shop) -> Role | None:
    """The role of ``user`` in ``shop``: ADMIN for a superuser (operator), None for a stranger."""
    if user.is_superuser:
        return Role.ADMIN
    if user.pk is None:
        return None
    found = Membership.objects.filter(user_id=user.pk, shop=shop).values_list("role", flat=True)
    return Role(role) if (role := found.first()) else None


class Membership(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.SENDER)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShopScopedQuerySet["Membership"].as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["shop", "user"], name="membership_one_per_user"),
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in Role]),
                name="membership_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.shop} · {self.role}"


def token_digest(token: str) -> str:
    """How an invitation's token is stored: it can be checked, not read."""
    return hashlib.sha256(token.encode()).hexdigest()


class Invitation(models.Model):
    """Asks one address into one shop. The link is mailed once and works once, for seven days."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.SENDER)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    objects = ShopScopedQuerySet["Invitation"].as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.email} → {self.shop}"

    @classmethod
    def issue(cls, shop: Shop, email: str, role: str, invited_by: Any) -> tuple[Invitation, str]:
        """A new invitation and its token, which is not kept. An older open one is withdrawn."""
        cls.objects.filter(shop=shop, email__iexact=email, accepted_at=None).delete()
        token = secrets.token_urlsafe(24)
        invitation = cls.objects.create(
            shop=shop,
            email=email,
            role=role,
            invited_by=invited_by,
            digest=token_digest(token),
            expires_at=timezone.now() + INVITATION_LASTS,
        )
        return invitation, token

    @classmethod
    def open_for(cls, token: str, now: datetime | None = None) -> Invitation | None:
        """The invitation that ``token`` opens, unless it was used or has ended."""
        return (
            cls.objects.select_related("shop")
            .filter(
                digest=token_digest(token), accepted_at=None, expires_at__gt=now or timezone.now()
            )
            .first()
        )
