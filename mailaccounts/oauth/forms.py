"""The form of an OAuth client; the panel and the Django admin share it."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import OAuthClient, OAuthProvider
from mailaccounts.oauth import health
from shops.models import AuditEntry
from shops.secrets import UnreadableSecret

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,79}")
_TOKEN = re.compile(r"[\x21-\x7e]+")
# What the secret belongs to: with any of them changed it must be typed again.
_BOUND = ("client_id", "tenant", "provider")


class ClientForm(forms.ModelForm):
    """Client id and secret. The secret is write-only."""

    client_secret = forms.CharField(
        label=_("Client secret"),
        required=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = OAuthClient
        fields: tuple[str, ...] = ("client_id", "tenant", "secret_expires_on", "in_testing")
        # Never read into the form: ``initial`` would hold it in clear.
        exclude = ("client_secret",)
        widgets = {
            "client_id": forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
            "tenant": forms.TextInput(attrs={"spellcheck": "false", "placeholder": "common"}),
            "secret_expires_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }
        help_texts = {
            "tenant": _("“Directory (tenant) ID” at Microsoft. Empty: accounts of any company."),
            "secret_expires_on": _("We remind you two weeks before."),
            "in_testing": _("Google then ends every permission after seven days."),
        }

    field_order: tuple[str, ...] = (
        *("client_id", "client_secret", "tenant", "secret_expires_on", "in_testing"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changes_identity = False
        secret = self.fields["client_secret"]
        secret.required = not self._has_secret
        if self._has_secret:
            secret.widget.attrs["placeholder"] = gettext("unchanged")

    @property
    def _has_secret(self) -> bool:
        stored = self.instance.client_secret
        readable = bool(stored) and not isinstance(stored, UnreadableSecret)
        return self.instance.pk is not None and readable

    def clean_client_id(self) -> str:
        return _word(self.cleaned_data["client_id"])

    def clean_client_secret(self) -> str:
        typed = self.cleaned_data["client_secret"]
        return _word(typed) if typed else ""

    def clean_tenant(self) -> str:
        typed = str(self.cleaned_data["tenant"] or "").strip()
        if typed and not _TENANT.fullmatch(typed):
            raise ValidationError(_("Enter the id or the domain of the directory."))
        return typed

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        moved = bool(set(_BOUND) & set(self.changed_data)) and self.instance.pk is not None
        if moved and not cleaned.get("client_secret") and "client_secret" not in self.errors:
            text = _("Enter the secret again: it belongs to the client id it was made for.")
            self.add_error("client_secret", text)
        self.changes_identity = moved and "client_id" in self.changed_data
        return cleaned

    def save(self, commit: bool = True) -> OAuthClient:
        if typed := self.cleaned_data.get("client_secret"):
            self.instance.client_secret = typed
        return super().save(commit)  # type: ignore[no-any-return]


class ShopClientForm(ClientForm):
    """The panel's, which knows the provider: each has its own fields."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_google = self.instance.provider == OAuthProvider.GOOGLE
        foreign = ("tenant", "secret_expires_on") if is_google else ("in_testing",)
        for name in foreign:
            del self.fields[name]


def store_client(form: ClientForm, user: Any) -> OAuthClient:
    """Saves a valid form. Accounts that were refused because of the old secret are tried again.

    What was changed is written down by field name, never by value.
    """
    with transaction.atomic():
        row = form.save()
        AuditEntry.note(
            "oauth_client.saved",
            shop=row.shop,
            user=user,
            target=row.get_provider_display(),
            fields=sorted(form.changed_data),
        )
        accounts = list(row.accounts.present().select_related("shop", "oauth_client"))
        for account in accounts:
            if account.is_troubled:
                account.mend()
    for account in accounts:
        health.check(account)
    return row


def _word(typed: str) -> str:
    text = typed.strip()
    if not _TOKEN.fullmatch(text):
        raise ValidationError(_("Copy it without spaces, exactly as the provider shows it."))
    return text
