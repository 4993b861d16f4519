"""The form of a sender account; the panel and the Django admin share it with all its rules."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import AccountState, Kind, SenderAccount, TlsMode, add_account
from mailaccounts.signals import sender_changed
from shops.addresses import EmailAddressInvalid, domain_to_ascii, parse_address, parse_list
from shops.models import AuditEntry
from shops.secrets import UnreadableSecret

PORTS = (25, 465, 587, 2525)
FROM_FIELDS = {"from_address", "from_name"}
SERVER_FIELDS = ("host", "port", "tls_mode", "username", "ignore_certificate_errors")
_ONE_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# What would break a header line or hide in it; the name is cleaned of it and staff are told.
_NOT_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def one_address(text: str) -> str:
    """``text`` as one bare address with its domain in A-labels; raises ``ValidationError``."""
    try:
        parsed = parse_address(text)
    except EmailAddressInvalid as refusal:
        raise ValidationError(str(refusal)) from refusal
    if parsed.name:
        raise ValidationError(_("Please give the address alone, without a name."))
    return parsed.address


def host_name(text: str) -> str:
    """A server's name in A-labels, or an IP address; raises ``ValidationError``."""
    name = text.strip().rstrip(".").lower()
    try:
        return str(ip_address(name.strip("[]")))
    except ValueError:
        pass
    if _ONE_LABEL.fullmatch(name):
        return name
    try:
        return domain_to_ascii(name)
    except EmailAddressInvalid as refusal:
        raise ValidationError(
            _("Enter only the server's name, e.g. smtp.example.com, without http:// and port.")
        ) from refusal


class PortInput(forms.NumberInput):
    """A number with the usual ports offered; every other one may be typed."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        number = super().render(name, value, {**(attrs or {}), "list": "mail-ports"}, renderer)
        ports = format_html_join("", '<option value="{}">', ((port,) for port in PORTS))
        return format_html('{}<datalist id="mail-ports">{}</datalist>', number, ports)


class AccountForm(forms.ModelForm):
    """Rules that hold wherever an account is edited.

    The password is write-only. It belongs to the server, port, user name and encryption it was
    typed for: with any of them changed it must be typed again (else a test would hand it to
    somebody else's server).
    """

    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = SenderAccount
        fields: tuple[str, ...] = (
            *("kind", "from_address", "from_name", "label", "reply_to", "copy_to"),
            *("host", "port", "tls_mode", "username", "ignore_certificate_errors"),
            "concurrency",
        )
        # Never read into the form: ``initial`` would hold it in clear.
        exclude = ("password",)
        widgets = {
            "kind": forms.RadioSelect,
            "port": PortInput,
            "host": forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
            "username": forms.TextInput(
                attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
            ),
        }
        help_texts = {
            "from_name": _("Customers see it before the address."),
            "reply_to": _("Leave it empty if answers come to the sender's address."),
            "username": _("Usually the same as the sender's address."),
            "label": _("Only staff see it, e.g. “Orders”. Empty: the sender's name."),
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
        if self.instance.is_default:
            # The installation's own address and server: a shop only names and directs it.
            for name in ("kind", "from_address"):
                if name in self.fields:
                    self.fields[name].disabled = True

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
        name = " ".join(_NOT_IN_NAMES.sub(" ", typed).split())
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

    def clean_host(self) -> str:
        typed = self.cleaned_data["host"]
        return host_name(typed) if typed else ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("kind", self.instance.kind) == Kind.SERVER:
            self._forget_server(cleaned)
        else:
            if not cleaned.get("host") and "host" not in self.errors:
                self.add_error("host", _("Enter the server that sends the mail."))
            self._check_password(cleaned)
            self._refuse_clear_password(cleaned)
        if self.instance.is_main and cleaned.get("state", AccountState.ACTIVE) != "active":
            self.add_error("state", _("The main account must be active."))
        return cleaned

    def _forget_server(self, cleaned: dict[str, Any]) -> None:
        """The installation's own server needs none of it; wrong values in it do no harm."""
        for name in (*SERVER_FIELDS, "password"):
            self.errors.pop(name, None)
        blank = SenderAccount()
        cleaned |= {name: getattr(blank, name) for name in SERVER_FIELDS}
        cleaned["password"] = ""
        self._drops_password = True

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
        elif typed:
            return
        elif not self.has_password:
            self.add_error("password", _("Enter the password of this user name."))
        elif any(
            cleaned.get(name, getattr(self.instance, name)) != getattr(self.instance, name)
            for name in SenderAccount.BOUND["password"]
        ):
            self.add_error(
                "password",
                _(
                    "Enter the password again: it is kept only for the server, port, user name "
                    "and encryption it was entered for."
                ),
            )

    def save(self, commit: bool = True) -> SenderAccount:
        account: SenderAccount = self.instance
        if typed := self.cleaned_data.get("password"):
            account.set_password(typed)
        elif self._drops_password:
            account.password = ""
        return super().save(commit)  # type: ignore[no-any-return]

    def stored_fields(self) -> list[str]:
        """What this form decides; everything else in the row belongs to others (the workers)."""
        names = [name for name in self._meta.fields or () if name in self.fields]
        changes_password = self.cleaned_data.get("password") or self._drops_password
        return [*names, "password"] if changes_password else names


def store(form: AccountForm, user: Any) -> SenderAccount:
    """Saves a valid form, for the panel and the admin alike: adds the account or changes it.

    An account that was broken is tried at once: staff edit it to mend it, and mail that waits
    leaves under the sender they corrected. What was changed is written down by field name, never
    by value.
    """
    account = form.save(commit=False)
    with transaction.atomic():
        if account.pk is None:
            add_account(account)
            action = "account.added"
        else:
            account.save(update_fields=form.stored_fields())
            account.mend()
            if FROM_FIELDS & set(form.changed_data):
                sender_changed.send(SenderAccount, account=account)
            action = "account.changed"
        AuditEntry.note(
            action, shop=account.shop, user=user, target=account, fields=sorted(form.changed_data)
        )
    return account
