"""A shop: whose name, language, colours and rules a message carries."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shops.conf import conf
from shops.logo import validate_logo

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser


class Language(models.TextChoices):
    """Languages that default templates are written for; codes as in Django's ``LANGUAGES``."""

    ENGLISH = "en", _("English")
    POLISH = "pl", _("Polish")
    NORWEGIAN = "nb", _("Norwegian")
    FRENCH = "fr", _("French")
    CZECH = "cs", _("Czech")
    GERMAN = "de", _("German")


class Currency(models.TextChoices):
    PLN = "PLN", "PLN"
    NOK = "NOK", "NOK"
    EUR = "EUR", "EUR"
    CZK = "CZK", "CZK"
    GBP = "GBP", "GBP"
    USD = "USD", "USD"
    SEK = "SEK", "SEK"
    DKK = "DKK", "DKK"


class TestMode(models.TextChoices):
    OFF = "off", _("Off: messages go to customers")
    REDIRECT = "redirect", _("Redirect: everything goes to the test address")
    HOLD = "hold", _("Hold: every message waits for approval")


class ImportMode(models.TextChoices):
    NONE = "", _("None")
    RESERVATION = "RO", _("Reservation (RO)")
    PRO_FORMA = "PF", _("Pro forma (PF)")


def validate_time_zone(value: str) -> None:
    """Raises ``ValidationError`` unless ``value`` is an IANA time zone name."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError(
            _("“%(zone)s” is not a time zone. Example: Europe/Warsaw."), params={"zone": value}
        ) from error


validate_colour = RegexValidator(
    r"^#[0-9a-fA-F]{6}\Z", _("A colour is written as # and six digits or letters, e.g. #1f3d36.")
)
validate_domain = RegexValidator(
    r"^(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z",
    _("Enter only the shop's domain, e.g. rowerownia.pl, without http:// and without a path."),
)


def logo_path(shop: Shop, filename: str) -> str:
    """Where a logo lies under the media folder; a new file never takes an old one's address."""
    return f"logos/{shop.slug}-{timezone.now():%Y%m%d%H%M%S}{Path(filename).suffix.lower()}"


class ShopScopedQuerySet[M: models.Model](models.QuerySet[M]):
    """Querysets of everything that belongs to one shop through a ``shop`` column."""

    def for_shop(self, shop: Shop) -> Self:
        return self.filter(shop=shop)

    def for_user(self, user: AbstractUser | AnonymousUser) -> Self:
        """Rows of the shops that ``user`` may see; a superuser (operator) sees every row."""
        if user.is_superuser:
            return self.all()
        return self.filter(shop__in=Shop.objects.for_user(user))


class ShopQuerySet(models.QuerySet["Shop"]):
    def for_user(self, user: AbstractUser | AnonymousUser) -> Self:
        """Shops that ``user`` is a member of; all of them for a superuser (operator)."""
        if user.is_superuser:
            return self.all()
        return self.filter(memberships__user_id=user.pk) if user.pk else self.none()


class Shop(models.Model):
    """One online shop. Its mail is kept apart from every other shop's."""

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("short name in addresses"), max_length=40, unique=True)
    domain = models.CharField(_("domain"), max_length=253, validators=[validate_domain])
    language = models.CharField(
        _("language"), max_length=5, choices=Language, default=Language.ENGLISH
    )
    currency = models.CharField(_("currency"), max_length=3, choices=Currency, default=Currency.EUR)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Warsaw", validators=[validate_time_zone]
    )
    contact_email = models.EmailField(_("contact e-mail"))
    contact_phone = models.CharField(_("contact phone"), max_length=40, blank=True)
    address = models.TextField(_("postal address"), max_length=400, blank=True)
    logo = models.ImageField(
        _("logo"),
        upload_to=logo_path,
        blank=True,
        validators=[FileExtensionValidator(["png", "jpg", "jpeg", "gif", "webp"]), validate_logo],
    )
    accent = models.CharField(
        _("colour of buttons"), max_length=7, default="#1f3d36", validators=[validate_colour]
    )
    accent_text = models.CharField(
        _("colour of text on buttons"),
        max_length=7,
        default="#ffffff",
        validators=[validate_colour],
    )
    import_mode = models.CharField(
        _("import mode"), max_length=2, choices=ImportMode, blank=True, default=ImportMode.NONE
    )
    test_mode = models.CharField(
        _("test mode"), max_length=8, choices=TestMode, default=TestMode.OFF
    )
    test_address = models.EmailField(_("test address"), blank=True)
    test_mode_since = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShopQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("shop")
        verbose_name_plural = _("shops")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(test_mode="redirect") | ~models.Q(test_address=""),
                name="shop_redirect_needs_address",
                violation_error_message=_("Test mode needs the address that all mail goes to."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def local(self, moment: datetime) -> datetime:
        """``moment`` on the shop's clock."""
        return moment.astimezone(self.zone)

    @property
    def url(self) -> str:
        return f"https://{self.domain}"

    @property
    def logo_url(self) -> str:
        """Absolute address of the logo for mail; empty if there is none."""
        return f"{conf.PUBLIC_URL}{settings.MEDIA_URL}{self.logo.name}" if self.logo else ""

    def clean(self) -> None:
        self.domain = self.domain.strip().lower()
        super().clean()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.test_mode == TestMode.OFF:
            self.test_mode_since = None
        elif self.test_mode_since is None:
            self.test_mode_since = timezone.now()
        super().save(*args, **kwargs)
