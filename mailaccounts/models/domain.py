"""The domains that a shop sends from: what their DNS says, and our keys for their signatures."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from shops.models import Shop, ShopScopedQuerySet
from shops.secrets import EncryptedTextField


class DomainStatus(models.TextChoices):
    """What came of one check. ``ERROR`` means that nobody answered: nothing is known."""

    UNCHECKED = "", _("Not checked yet")
    PASS = "pass", _("In order")
    ATTENTION = "attention", _("Works, could be stricter")
    MISSING = "missing", _("Missing")
    WRONG = "wrong", _("Wrong")
    ERROR = "error", _("Could not be read")


class SenderDomain(models.Model):
    """One shop × one domain (in A-labels), with the latest findings.

    ``spf``, ``dkim``, ``dmarc`` and ``mx`` are the reports of ``mailaccounts.dns`` as data; the
    columns beside them are their verdicts. ``verified_at`` is the last moment at which DNS proved
    that the shop may send from it; proof lapses seven days later.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="sender_domains")
    domain = models.CharField(_("domain"), max_length=253)
    spf_status = models.CharField(max_length=10, choices=DomainStatus, blank=True)
    dkim_status = models.CharField(max_length=10, choices=DomainStatus, blank=True)
    dmarc_status = models.CharField(max_length=10, choices=DomainStatus, blank=True)
    spf = models.JSONField(default=dict)
    dkim = models.JSONField(default=dict)
    dmarc = models.JSONField(default=dict)
    mx = models.JSONField(default=dict)
    # Who runs the domain's DNS, by its name servers: a slug of ``mailaccounts.dns.operators``.
    dns_operator = models.CharField(max_length=40, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShopScopedQuerySet["SenderDomain"].as_manager()

    class Meta:
        ordering = ["domain"]
        verbose_name = _("sender domain")
        verbose_name_plural = _("sender domains")
        constraints = [
            models.UniqueConstraint(fields=["shop", "domain"], name="sender_domain_once_a_shop")
        ]

    def __str__(self) -> str:
        return self.domain


class KeyState(models.TextChoices):
    NEW = "new", _("Waits for its DNS record")
    ACTIVE = "active", _("In use")
    RETIRING = "retiring", _("Kept in DNS until mail signed with it has arrived")
    RETIRED = "retired", _("Retired")


class DkimKey(models.Model):
    """A key pair for DKIM (RFC 6376). The private half never leaves the database in clear.

    A rotation makes a ``NEW`` key beside the ``ACTIVE`` one; once its record is found in DNS it
    takes over, and the old one stays in DNS as ``RETIRING`` for a week.
    """

    domain = models.ForeignKey(SenderDomain, on_delete=models.CASCADE, related_name="keys")
    selector = models.CharField(max_length=63)
    private_key = EncryptedTextField(editable=False)
    public_key = models.TextField()  # base64 of the DER, as in the record's p=
    state = models.CharField(max_length=10, choices=KeyState, default=KeyState.NEW)
    created_at = models.DateTimeField(auto_now_add=True)
    found_at = models.DateTimeField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("DKIM key")
        verbose_name_plural = _("DKIM keys")
        constraints = [
            models.UniqueConstraint(fields=["domain", "selector"], name="dkim_selector_once"),
            models.UniqueConstraint(
                fields=["domain"], condition=models.Q(state="active"), name="dkim_one_active"
            ),
            models.UniqueConstraint(
                fields=["domain"], condition=models.Q(state="new"), name="dkim_one_new"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"


class TechnicianLink(models.Model):
    """A page without a sign-in that tells a technician which DNS records or server data are wanted.

    Only the token's hash is kept. ``account`` and ``domain`` say what the page is about; it holds
    no secret, lives a fortnight and can be revoked.
    """

    token_hash = models.CharField(max_length=64, unique=True)
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(
        "mailaccounts.SenderAccount",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    domain = models.ForeignKey(
        SenderDomain, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    language = models.CharField(max_length=5, blank=True)
    created_by = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("link for a technician")
        verbose_name_plural = _("links for technicians")

    def __str__(self) -> str:
        return f"{self.shop} {self.domain or self.account}"
