"""Sender accounts: the addresses and servers that mail leaves from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from mailaccounts import account_alarms, kind_rules
from mailaccounts.bound_secrets import BoundSecrets
from mailaccounts.models.kinds import AccountRefusal, AccountState, Breaker, Kind, TlsMode
from mailaccounts.models.parts import SentFolder, SignIn
from mailaccounts.oauth.providers import provider
from mailaccounts.server_url import endpoint_at
from mailaccounts.signals import say_left
from mailaccounts.transports.base import Endpoint
from shops.addresses import validate_email_list
from shops.conf import conf
from shops.models import Shop, ShopScopedQuerySet
from shops.secrets import EncryptedTextField, SecretUnreadable, UnreadableSecret


def server_endpoint() -> Endpoint:
    """The server behind ``SYSTEM_SENDER_URL``: smtp://, smtps:// or smtp+starttls://.

    Raises ``ImproperlyConfigured`` for anything else.
    """
    # The installation's own server is named by the operator, not by shop staff.
    return replace(endpoint_at(conf.SYSTEM_SENDER_URL, "SYSTEM_SENDER_URL"), trusted=True)


class SenderAccountQuerySet(ShopScopedQuerySet["SenderAccount"]):
    def present(self) -> Self:
        """Accounts that were not deleted."""
        return self.exclude(state=AccountState.DELETED)

    def usable(self) -> Self:
        return self.filter(state=AccountState.ACTIVE)

    def main_of(self, shop: Shop) -> SenderAccount | None:
        return self.filter(shop=shop, is_main=True).first()


class SenderAccount(BoundSecrets, SentFolder, SignIn):
    """Where mail leaves from. ``shop`` is empty for the installation's system account.

    Rows are never removed, because the log names them: a deleted account keeps its row in state
    ``deleted`` without its secrets.
    """

    shop = models.ForeignKey(
        Shop, null=True, blank=True, on_delete=models.CASCADE, related_name="sender_accounts"
    )
    kind = models.CharField(_("type"), max_length=12, choices=Kind)
    state = models.CharField(
        _("state"), max_length=10, choices=AccountState, default=AccountState.ACTIVE
    )
    label = models.CharField(
        _("name in lists"), max_length=80, help_text=_("Only staff see it, e.g. “Orders”.")
    )
    from_name = models.CharField(_("sender's name"), max_length=78)
    from_address = models.EmailField(_("sender's address"))
    reply_to = models.EmailField(_("answers go to"), blank=True)
    is_main = models.BooleanField(_("main account"), default=False)
    is_default = models.BooleanField(
        _("default account"), default=False, editable=False, help_text=_("A new shop starts with.")
    )
    copy_to = models.CharField(
        _("Direct a copy of every sent message to e-mail"),
        max_length=1000,
        blank=True,
        validators=[validate_email_list],
        help_text=_(
            "Several addresses are separated by commas. Messages with passwords or sign-in links "
            "are not copied."
        ),
    )

    host = models.CharField(_("server"), max_length=253, blank=True)
    port = models.PositiveIntegerField(
        _("port"), default=465, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    username = models.CharField(_("user name"), max_length=254, blank=True)
    password = EncryptedTextField(_("password"), blank=True)
    tls_mode = models.CharField(
        _("encryption"), max_length=10, choices=TlsMode, default=TlsMode.IMPLICIT
    )
    ignore_certificate_errors = models.BooleanField(
        _("ignore certificate errors"),
        default=False,
        help_text=_("Only for a server of your own whose certificate names another domain."),
    )

    # The hoster whose data were filled in, a key of ``mailaccounts.presets``.
    preset = models.CharField(max_length=40, blank=True)
    # "Another provider": a key of ``mailaccounts.esp.PROVIDERS``. Its API key is ``password``.
    esp = models.CharField(_("provider"), max_length=20, blank=True)
    esp_domain = models.CharField(_("domain at the provider"), max_length=253, blank=True)
    esp_region = models.CharField(_("region"), max_length=40, blank=True)
    price_per_message = models.DecimalField(
        _("price of a message"),
        max_digits=8,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    price_currency = models.CharField(_("currency"), max_length=3, blank=True)
    tagged_envelope = models.BooleanField(
        _("mark the return address"),
        default=False,
        help_text=_(
            "Bounces come back to an address like shop+b…@example.com, which tells us the message. "
            "Only for mailboxes that take such addresses."
        ),
    )

    per_minute = models.PositiveIntegerField(
        _("at most a minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
    )
    per_day = models.PositiveIntegerField(
        _("at most in 24 hours"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_000_000)],
    )
    concurrency = models.PositiveSmallIntegerField(
        _("connections at once"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(16)],
    )
    fallback = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("fallback account"),
    )

    breaker = models.CharField(max_length=10, choices=Breaker, default=Breaker.CLOSED)
    breaker_reason = models.TextField(blank=True)
    net_failures = models.PositiveIntegerField(default=0)
    auth_failures = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    wake = models.BooleanField(default=False, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_test_at = models.DateTimeField(null=True, blank=True)
    last_test_ok = models.BooleanField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SenderAccountQuerySet.as_manager()

    BOUND = {
        "password": ("kind", "esp", "host", "port", "username", "tls_mode"),
        "imap_password": ("imap_host", "imap_port", "imap_tls", "imap_username"),
        "oauth_refresh_token": ("kind", "username"),
        "oauth_access_token": ("kind", "username"),
    }

    _stored: dict[str, Any] | None = None

    class Meta:
        ordering = ["-is_main", "id"]
        verbose_name = _("sender account")
        verbose_name_plural = _("sender accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["shop"], condition=models.Q(is_main=True), name="account_one_main_a_shop"
            ),
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(shop=None), name="account_one_system"
            ),
            models.CheckConstraint(
                # A draft may wait for what a technician is to tell.
                condition=~models.Q(kind="smtp")
                | ~models.Q(host="")
                | models.Q(state__in=["draft", "deleted"]),
                name="account_smtp_needs_server",
                violation_error_message=_("Enter the server that sends the mail."),
            ),
            models.CheckConstraint(
                condition=(models.Q(per_day=None) | models.Q(per_day__gte=1))
                & (models.Q(per_minute=None) | models.Q(per_minute__gte=1)),
                name="account_limits_let_something_leave",
                violation_error_message=_("A limit of 0 would let nothing leave."),
            ),
            models.CheckConstraint(
                condition=models.Q(is_main=False) | models.Q(state="active"),
                name="account_main_is_active",
                violation_error_message=_("The main account must be active."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} <{self.from_address}>"

    def clean(self) -> None:
        """The rules of the account's type; raises ``ValidationError`` naming the fields."""
        super().clean()
        found = kind_rules.problems(self)
        if found:
            raise ValidationError(found)

    def endpoint(self) -> Endpoint:
        """Where and how to connect. Holds the password in clear: never log it.

        Raises ``ImproperlyConfigured`` or ``SecretUnreadable``.
        """
        if self.kind == Kind.SERVER:
            return server_endpoint()
        if Kind(self.kind).logs_in_elsewhere:
            # The token comes later, when the session logs in.
            where = provider(self.kind).endpoint()
            return replace(where, username=self.username or self.from_address)
        if isinstance(self.password, UnreadableSecret):
            raise SecretUnreadable(_("The stored password can no longer be read. Enter it again."))
        return Endpoint(
            host=self.host,
            port=self.port,
            tls=self.tls_mode,
            username=self.username,
            password=self.password,
            verify=not self.ignore_certificate_errors,
        )

    @property
    def from_domain(self) -> str:
        return self.from_address.rpartition("@")[2]

    @property
    def is_troubled(self) -> bool:
        """True if mail through this account waits, or has just failed, because of the account."""
        return bool(self.net_failures or self.auth_failures) or self.breaker != Breaker.CLOSED

    def mend(self) -> None:
        """The account works again, or staff say so: everything that waits may leave."""
        healthy: dict[str, Any] = {
            "breaker": Breaker.CLOSED,
            "breaker_reason": "",
            "next_try_at": None,
        }
        healthy |= {"net_failures": 0, "auth_failures": 0}
        SenderAccount.objects.filter(pk=self.pk).update(**healthy)
        for name, value in healthy.items():
            setattr(self, name, value)
        account_alarms.account_mended(self)

    def make_main(self) -> None:
        """Takes the main flag from whichever account of the shop has it.

        Raises ``AccountRefusal`` unless the account is active.
        """
        with self.locked():
            if self.state != AccountState.ACTIVE:
                raise AccountRefusal(_("Switch the account on before you make it the main one."))
            SenderAccount.objects.filter(shop=self.shop_id, is_main=True).exclude(
                pk=self.pk
            ).update(is_main=False)
            self.is_main = True
            self.save(update_fields=["is_main"])

    def switch_off(self) -> dict[str, int]:
        """Nothing leaves from it any more. Raises ``AccountRefusal`` for the main account.

        Returns how many "messages" that waited at it went to the main account.
        """
        with self.locked():
            if self.is_main:
                raise AccountRefusal(
                    _("The main account stays on: make another account the main one first.")
                )
            self._set_state(AccountState.DISABLED)
            account_alarms.account_switched_off(self)
            return say_left(self)

    def switch_on(self) -> None:
        """It may send. A shop's first own account becomes the main one with it."""
        with self.locked():
            self._set_state(AccountState.ACTIVE)
            if self.is_first_own():
                self.make_main()

    def is_first_own(self) -> bool:
        """True if no other account of the shop, but the one it started with, may send."""
        own = SenderAccount.objects.usable().filter(shop=self.shop_id, is_default=False)
        return not self.is_default and not own.exclude(pk=self.pk).exists()

    def _set_state(self, state: AccountState) -> None:
        if self.shop_id is None or self.state == AccountState.DELETED:
            raise AccountRefusal(_("This account cannot be changed here."))
        self.state = state
        self.save(update_fields=["state"])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the shop's row: two clicks at once must not meet in the constraint."""
        with transaction.atomic():
            if self.shop_id is not None:
                Shop.objects.select_for_update().get(pk=self.shop_id)
            self.refresh_from_db(fields=["state", "is_main"])
            yield
