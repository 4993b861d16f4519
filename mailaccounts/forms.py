"""The form of a sender account; the panel and the Django admin share it with all its rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mailaccounts.domains import refusal_to_activate
from mailaccounts.fields import PortInput, clean_name, host_name, one_address, secret_field
from mailaccounts.imap.form import IMAP_FIELDS, ImapFieldset
from mailaccounts.models import AccountState, Kind, SenderAccount, TlsMode
from shops.addresses import EmailAddressInvalid, parse_list
from shops.secrets import UnreadableSecret

SERVER_FIELDS = ("host", "port", "tls_mode", "username", "ignore_certificate_errors")
API_FIELDS = ("esp", "esp_domain", "esp_region")
PRICE_FIELDS = ("price_per_message", "price_currency")
SENDER_FIELDS = ("from_address", "from_name", "label", "reply_to", "copy_to")
PACE_FIELDS = ("per_minute", "per_day", "concurrency", "fallback", "tagged_envelope")
# What a type has beside sender and pace. Everything else is blank for it.
OWN_FIELDS: dict[str, tuple[str, ...]] = {
    Kind.SERVER: (),
    Kind.SMTP: ("preset", *SERVER_FIELDS, "password"),
    Kind.GOOGLE: (),
    Kind.MICROSOFT: (),
    Kind.FRESHMAIL: ("password", *PRICE_FIELDS),
    Kind.ESP: (*API_FIELDS, "username", "password", *PRICE_FIELDS),
}
OF_SOME_TYPE = ("preset", *SERVER_FIELDS, *API_FIELDS, *PRICE_FIELDS, "password")


class AccountForm(ImapFieldset):
    """Rules that hold wherever an account is edited.

    The password is write-only. It belongs to the server, port, user name and encryption it was
    typed for: with any of them changed it must be typed again (else a test would hand it to
    somebody else's server). For a provider's account it is the API key.
    """

    password = secret_field(_("Password"))

    class Meta(ImapFieldset.Meta):
        fields: tuple[str, ...] = (
            *("kind", *SENDER_FIELDS, "preset", *SERVER_FIELDS),
            *(*API_FIELDS, *PRICE_FIELDS, *PACE_FIELDS, *IMAP_FIELDS),
        )
        # Never read into the form: ``initial`` would hold it in clear.
        exclude = ("password", "imap_password")
        widgets = {
            **ImapFieldset.Meta.widgets,
            "kind": forms.RadioSelect,
            "port": PortInput,
            "host": forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
            "username": forms.TextInput(
                attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
            ),
        }
        help_texts = {
            **ImapFieldset.Meta.help_texts,
            "from_name": _("Customers see it before the address."),
            "reply_to": _("Leave it empty if answers come to the sender's address."),
            "username": _("Usually the same as the sender's address."),
            "label": _("Only staff see it, e.g. “Orders”. Empty: the sender's name."),
            "per_minute": _("Empty: as fast as the server takes it."),
            "per_day": _("Counted over the last 24 hours, copies included. Empty: no limit."),
            "fallback": _(
                "Takes over what would come too late here: the limit is used up, or the server "
                "is away for long. Customers then see that account's address."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name_was_cleaned = False
        self._drops_password = False
        if "kind" in self.fields:
            # Radio buttons: the empty choice of a select has no place among them.
            self.fields["kind"].choices = Kind.choices  # type: ignore[attr-defined]
        if "label" in self.fields:
            self.fields["label"].required = False
        if "password" in self.fields and self.has_password:
            self.fields["password"].widget.attrs["placeholder"] = gettext("unchanged")
        if "fallback" in self.fields:
            self.fields["fallback"].queryset = self._other_accounts()  # type: ignore[attr-defined]
        if self.instance.is_default:
            # The installation's own address and server: a shop only names and directs it.
            for name in ("kind", "from_address"):
                if name in self.fields:
                    self.fields[name].disabled = True

    def _other_accounts(self) -> Any:
        """What this one may fall back on: accounts of the same shop that may send."""
        shop, chosen = self.instance.shop_id, self.instance.fallback_id
        # One that was switched off meanwhile stays chosen: saving something else drops nothing.
        known = Q(state=AccountState.ACTIVE) | Q(pk=chosen)
        mine = SenderAccount.objects.present().filter(known, shop=shop).exclude(shop=None)
        return mine.exclude(pk=self.instance.pk).defer("password")

    @property
    def kind(self) -> Kind:
        chosen = getattr(self, "cleaned_data", {}).get("kind") or self.instance.kind
        return Kind(chosen)

    @property
    def has_password(self) -> bool:
        """True if a password is stored that can still be read."""
        stored = self.instance.password
        return (
            self.instance.pk is not None
            and bool(stored)
            and not isinstance(stored, UnreadableSecret)
        )

    def clean_from_name(self) -> str:
        typed = self.cleaned_data["from_name"]
        name = clean_name(typed)
        if not name:
            raise ValidationError(_("Enter a name with letters or digits."))
        self.name_was_cleaned = name != typed
        return name

    def clean_label(self) -> str:
        return str(self.cleaned_data["label"] or self.cleaned_data.get("from_name", ""))

    def clean_from_address(self) -> str:
        return one_address(self.cleaned_data["from_address"])

    def clean_reply_to(self) -> str:
        typed = self.cleaned_data["reply_to"]
        return one_address(typed) if typed else ""

    def clean_copy_to(self) -> str:
        try:
            copies = parse_list(self.cleaned_data["copy_to"])
        except EmailAddressInvalid as refusal:
            raise ValidationError(str(refusal)) from refusal
        return ", ".join(each.address for each in copies)

    def clean_fallback(self) -> SenderAccount | None:
        chosen: SenderAccount | None = self.cleaned_data["fallback"]
        if chosen is not None and self.instance.pk and chosen.fallback_id == self.instance.pk:
            raise ValidationError(_("That account falls back on this one: choose another one."))
        return chosen

    def clean_password(self) -> str:
        typed = str(self.cleaned_data["password"])
        if any(character in typed for character in "\r\n\0"):
            raise ValidationError(_("A password has no line breaks."))
        return typed

    def clean_username(self) -> str:
        typed = str(self.cleaned_data["username"])
        if any(character in typed for character in "\r\n\0"):
            raise ValidationError(_("A user name has no line breaks."))
        return typed

    def clean_host(self) -> str:
        typed = self.cleaned_data["host"]
        return host_name(typed) if typed else ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = self.kind
        self._forget(cleaned, [name for name in OF_SOME_TYPE if name not in OWN_FIELDS[kind]])
        if kind == Kind.SMTP:
            self._check_server(cleaned)
        elif "password" in OWN_FIELDS[kind]:
            self._check_key(cleaned)
        if kind == Kind.SERVER and self._is_another_sender(cleaned):
            self.add_error(
                "from_address",
                _(
                    "This domain's SPF record does not name this server yet. Add the address as an "
                    "account of its own: it is switched on once SPF is in order."
                ),
            )
        return cleaned

    def _is_another_sender(self, cleaned: dict[str, Any]) -> bool:
        """True if an account that is switched on would begin to send from this server for a domain
        that does not name it."""
        account, address = self.instance, cleaned.get("from_address")
        if account.pk is None or account.state != AccountState.ACTIVE or not address:
            return False
        then = SenderAccount(shop_id=account.shop_id, kind=Kind.SERVER, from_address=address)
        was_so = account.kind == Kind.SERVER and account.from_domain == then.from_domain
        return not (was_so or account.is_default) and refusal_to_activate(then) is not None

    def _check_server(self, cleaned: dict[str, Any]) -> None:
        if not cleaned.get("host") and "host" not in self.errors:
            self.add_error("host", _("Enter the server that sends the mail."))
        self._check_password(cleaned)
        self._refuse_clear_password(cleaned)

    def _forget(self, cleaned: dict[str, Any], names: list[str]) -> None:
        """This type needs none of it; wrong values in it do no harm."""
        blank = SenderAccount()
        for name in names:
            self.errors.pop(name, None)
            if name not in self.fields:
                continue
            if name == "username" and self.kind.logs_in_elsewhere:
                cleaned[name] = self.instance.username  # the mailbox that was signed in to
            else:
                cleaned[name] = getattr(blank, name)
        self._drops_password = "password" in names

    def _refuse_clear_password(self, cleaned: dict[str, Any]) -> None:
        """The transport would not send it; better said here than in the log."""
        is_clear = cleaned.get("tls_mode") == TlsMode.NONE and cleaned.get("username")
        if is_clear and cleaned.get("host") not in ("localhost", "127.0.0.1", "::1"):
            self.add_error(
                "tls_mode",
                _("A password must not travel unencrypted. Choose one of the two kinds of TLS."),
            )

    def _check_password(self, cleaned: dict[str, Any]) -> None:
        typed, username = cleaned.get("password"), cleaned.get("username")
        if not username:
            self._drops_password = True
            if typed:
                self.add_error("username", _("Enter the user name that the password belongs to."))
        elif not typed:
            self._check_stored(
                cleaned,
                missing=_("Enter the password of this user name."),
                moved=_(
                    "Enter the password again: it is kept only for the server, port, user name "
                    "and encryption it was entered for."
                ),
            )

    def _check_key(self, cleaned: dict[str, Any]) -> None:
        if not cleaned.get("password"):
            self._check_stored(
                cleaned,
                missing=_("Enter the key that you copied from the provider's panel."),
                moved=_("Enter the key again: it is kept only for the provider it belongs to."),
            )

    def _check_stored(self, cleaned: dict[str, Any], *, missing: Any, moved: Any) -> None:
        """Nothing was typed: the stored secret must exist, and still belong to what is set."""
        if not self.has_password:
            self.add_error("password", missing)
        elif any(
            cleaned.get(name, getattr(self.instance, name)) != getattr(self.instance, name)
            for name in SenderAccount.BOUND["password"]
        ):
            self.add_error("password", moved)

    def full_clean(self) -> None:
        """A secret cannot be shown again: where something else is to be mended, it must be typed
        once more, and staff must not believe that the new one was kept."""
        super().full_clean()
        if not self.is_bound or not self.errors:
            return
        for name in ("password", "imap_password"):
            if name in self.fields and self.data.get(self.add_prefix(name)):
                self.fields[name].widget.attrs.pop("placeholder", None)
                if name not in self.errors:
                    text = _("Type it again: it is not kept while something else is to be mended.")
                    self.add_error(name, text)

    def _post_clean(self) -> None:
        """The model's rules want to see the secret that was typed."""
        if typed := self.cleaned_data.get("password"):
            self.instance.set_password(typed)
        elif self._drops_password:
            self.instance.password = ""
        super()._post_clean()  # type: ignore[misc]

    def _update_errors(self, errors: ValidationError) -> None:
        """What the model says of fields that are not shown stands above the form; what the form
        has said of a field already is enough."""
        found: dict[str, Any] = {}
        for name, said in errors.update_error_dict({}).items():
            if name not in self.errors:
                shown = name if name in self.fields else NON_FIELD_ERRORS
                found.setdefault(shown, []).extend(said)
        if found:
            super()._update_errors(ValidationError(found))  # type: ignore[misc]

    def stored_fields(self) -> list[str]:
        """What this form decides; everything else in the row belongs to others (the workers)."""
        names = [name for name in self._meta.fields or () if name in self.fields]
        changes_password = self.cleaned_data.get("password") or self._drops_password
        return [*names, "password"] if changes_password else names
