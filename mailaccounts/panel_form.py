"""The account's form in the panel: the fields of one type, in that type's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from mailaccounts import presets
from mailaccounts.account_test.failures import Deed
from mailaccounts.account_test.report import latest_report
from mailaccounts.costs import FRESHMAIL_CURRENCY
from mailaccounts.esp import Provider, provider_of
from mailaccounts.fields import PriceField
from mailaccounts.forms import API_FIELDS, OWN_FIELDS, PACE_FIELDS, SENDER_FIELDS, AccountForm
from mailaccounts.imap.form import IMAP_FIELDS
from mailaccounts.models import AccountState, Kind, TlsMode
from shops.models.shop import Currency

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Where another word fits better than the column's own.
LABELS: dict[str, dict[str, tuple[StrOrPromise, StrOrPromise]]] = {
    Kind.FRESHMAIL: {
        "price_per_message": (
            _("Price of a message"),
            _("3 grosze for 10 messages is 0.003. For the monthly cost on the accounts page."),
        ),
    },
    Kind.ESP: {
        "price_per_message": (
            _("Price of a message"),
            _("If your plan charges for each. For the monthly cost on the accounts page."),
        ),
    },
}
OWN_TEMPLATES = {
    Kind.SMTP: "smtp",
    Kind.SERVER: "server",
    Kind.GOOGLE: "sign_in",
    Kind.MICROSOFT: "sign_in",
    Kind.FRESHMAIL: "api",
    Kind.ESP: "api",
}
NEW_BUTTONS: dict[str, StrOrPromise] = {
    Kind.SERVER: _("Save and check the domain"),
    Kind.GOOGLE: _("Sign in at Google"),
    Kind.MICROSOFT: _("Sign in at Microsoft"),
}


def limits_of_kind(kind: Kind, address: str) -> dict[str, int]:
    """What the provider allows, as a cautious start (Google and Microsoft, 2026-11)."""
    if kind == Kind.GOOGLE:
        return {"per_day": 100 if presets.is_freemail(address) else 2000}
    if kind == Kind.MICROSOFT:
        return {"per_day": 10000, "per_minute": 30}
    return {}


class PanelAccountForm(AccountForm):
    """``instance`` has its type; the form cannot change it (another type is another account)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = Kind(self.instance.kind)
        self.fields["preset"] = forms.ChoiceField(
            label=_("Who keeps your mailbox?"),
            required=False,
            choices=[("", _("Choose to have the server filled in")), *presets.choices()],
        )
        shown = {*SENDER_FIELDS, *OWN_FIELDS[kind], *PACE_FIELDS}
        if not kind.takes_copies:
            shown.discard("copy_to")
        if kind.takes_imap and not self.instance.is_default:
            shown |= {*IMAP_FIELDS, "imap_password"}
        if not self.offers_unchecked_certificates:
            shown.discard("ignore_certificate_errors")
        for name in set(self.fields) - shown:
            del self.fields[name]
        if self.provider is not None:
            self._ask_as(self.provider)
            self._offer_currencies()
        for name, (label, help_text) in LABELS.get(kind, {}).items():
            self.fields[name].label = label
            self.fields[name].help_text = help_text

    @cached_property
    def provider(self) -> Provider | None:
        """Whose API carries the mail; None for accounts that leave over SMTP."""
        return provider_of(self.instance)

    def _ask_as(self, provider: Provider) -> None:
        """The fields that this provider needs, in the words of its own panel."""
        wanted = {each.column: each for each in provider.fields}
        for name in ("esp", "username", "esp_domain", "esp_region"):
            if name not in wanted:
                self.fields.pop(name, None)
        for column, each in wanted.items():
            if each.choices:
                self.fields[column] = forms.ChoiceField(choices=each.choices)
            own = self.fields[column]
            own.label, own.help_text = capfirst(each.label), each.help
            own.required = each.required and not each.secret

    def _offer_currencies(self) -> None:
        shop = self.instance.shop
        self.fields["price_currency"] = forms.ChoiceField(
            label=_("Currency"), required=False, choices=[("", "–"), *Currency.choices]
        )
        self.fields["price_per_message"] = PriceField(
            required=False, min_value=0, max_digits=8, decimal_places=4
        )
        if not self.instance.price_currency and shop is not None:
            is_polish = self.instance.kind == Kind.FRESHMAIL
            self.initial["price_currency"] = FRESHMAIL_CURRENCY if is_polish else shop.currency

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.kind == Kind.SMTP:
            cleaned["password"] = presets.clean_app_password(
                cleaned.get("host", ""), cleaned.get("password", "")
            )
        if self.instance.pk is None:
            self._fill_in_limits(cleaned)
        return cleaned

    @property
    def asks_technician(self) -> bool:
        """Staff do not know the server's data: the account is kept as a draft without them."""
        may = self.instance.state == AccountState.DRAFT or self.instance.pk is None
        return may and self.kind == Kind.SMTP and "ask" in self.data

    def _check_server(self, cleaned: dict[str, Any]) -> None:
        if not self.asks_technician:
            return super()._check_server(cleaned)
        for name in ("host", "port", "tls_mode", "username", "password"):
            self.errors.pop(name, None)
        cleaned["host"] = cleaned.get("host") or ""
        cleaned["port"] = cleaned.get("port") or 465
        cleaned["tls_mode"] = cleaned.get("tls_mode") or TlsMode.IMPLICIT
        cleaned["username"] = cleaned.get("username") or ""
        self.instance.state = AccountState.DRAFT
        return None

    def clean_preset(self) -> str:
        """Without a script in the browser the hoster's server is filled in here."""
        slug = str(self.cleaned_data["preset"])
        hoster = presets.by_slug(slug)
        if hoster and hoster.host and not self.data.get(self.add_prefix("host")):
            filled = presets.fields_of(hoster, self.cleaned_data.get("from_address", ""))
            names = ("host", "port", "tls_mode", "username", "per_minute", "per_day")
            given = QueryDict(mutable=True)
            given.update(self.data)
            for name in names:
                given[name] = str(filled[name] or "")
            self.data = given
        return slug

    def _fill_in_limits(self, cleaned: dict[str, Any]) -> None:
        """A new Google or Microsoft account starts with what the provider allows."""
        for name, value in limits_of_kind(self.kind, cleaned.get("from_address", "")).items():
            if name in self.fields and name not in self.changed_data:
                cleaned[name] = value

    @property
    def warnings(self) -> list[str]:
        """What to say about a saved account that nothing forbids."""
        account = self.instance
        found = [presets.freemail_warning(account.from_address)]
        if "per_day" in self.fields:
            found.append(presets.limit_warning(account.preset, account.per_day))
        return [text for text in found if text]

    @property
    def other_hint(self) -> StrOrPromise:
        return presets.OTHER_HINT

    @property
    def hosters(self) -> list[presets.Preset]:
        return list(presets.PRESETS)

    @property
    def hoster_data(self) -> dict[str, dict[str, Any]]:
        """What the page's script fills in, by hoster."""
        return {
            each.slug: {
                "host": each.host,
                "port": each.port,
                "tls_mode": each.tls,
                "login": each.login.value,
                "per_minute": each.per_minute,
                "per_day": each.per_day,
                "concurrency": each.concurrency,
                "imap_host": each.imap_host,
                "imap_port": each.imap_port,
            }
            for each in presets.PRESETS
        }

    def those(self, *names: str) -> list[BoundField]:
        """The fields of these names that this type has."""
        return [self[name] for name in names if name in self.fields]

    @property
    def own_template(self) -> str:
        """The part of the page that this type has alone."""
        return f"mailaccounts/types/{OWN_TEMPLATES[Kind(self.instance.kind)]}.html"

    @property
    def button(self) -> StrOrPromise:
        """What saving does, in the words of its button."""
        if self.instance.pk:
            return _("Save")
        return NEW_BUTTONS.get(self.instance.kind, _("Add account"))

    @property
    def pace_has_errors(self) -> bool:
        return any(name in self.errors for name in PACE_FIELDS)

    @property
    def service(self) -> list[BoundField]:
        return self.those(*API_FIELDS, "username", "password")

    @property
    def prices(self) -> list[BoundField]:
        return self.those("price_per_message", "price_currency")

    @property
    def offers_unchecked_certificates(self) -> bool:
        """Only where a test has failed over the certificate, or it is ignored already."""
        return self.instance.ignore_certificate_errors or self._failed_over_certificate()

    def _failed_over_certificate(self) -> bool:
        report = latest_report(self.instance) if self.instance.pk else None
        return report is not None and report.offers == Deed.IGNORE_CERTIFICATE
