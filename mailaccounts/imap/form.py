"""The part of an account's form that is about the copy in its mailbox (IMAP synchronisation)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mailaccounts.fields import host_name, secret_field
from mailaccounts.models import Kind, SenderAccount
from shops.secrets import UnreadableSecret

IMAP_PORTS = (993, 143)
IMAP_FIELDS: tuple[str, ...] = (
    *("imap_enabled", "imap_host", "imap_port", "imap_tls"),
    *("imap_username", "imap_folder"),
)
# Servers that file what they send by themselves: our copy would be a second one.
FILE_THEIR_OWN = frozenset({"smtp.gmail.com", "smtp-mail.outlook.com", "smtp.office365.com"})
MAILBOX = ("imap_host", "imap_username")
# What a change of the mailbox makes worthless.
PROGRESS: dict[str, Any] = {"imap_failures": 0, "imap_error": "", "imap_next_try_at": None}


def files_its_own(smtp_host: str) -> bool:
    """True if this server puts what it sends into the Sent folder without being asked."""
    return smtp_host.strip().rstrip(".").lower() in FILE_THEIR_OWN


class ImapPortInput(forms.NumberInput):
    """A number with the two usual ports offered; every other one may be typed."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        number = super().render(name, value, {**(attrs or {}), "list": "imap-ports"}, renderer)
        ports = format_html_join("", '<option value="{}">', ((port,) for port in IMAP_PORTS))
        return format_html('{}<datalist id="imap-ports">{}</datalist>', number, ports)


class ImapFieldset(forms.ModelForm):  # type: ignore[type-arg]
    """Base of a form that has these fields in ``Meta.fields``; without them it does nothing.

    The password is write-only, and belongs to the server, port, encryption and user name it was
    typed for. The folder is one of those that the server listed, or empty: the one it marks.
    """

    imap_password = secret_field(_("IMAP password"))
    imap_folder = forms.ChoiceField(label=_("Folder for sent mail"), required=False)

    class Meta:
        model = SenderAccount
        fields: tuple[str, ...] = IMAP_FIELDS
        exclude: tuple[str, ...] = ("imap_password",)
        widgets = {
            "imap_port": ImapPortInput,
            "imap_host": forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
            "imap_username": forms.TextInput(
                attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
            ),
        }
        help_texts = {
            "imap_enabled": _("What is sent is also filed in the Sent folder of your mailbox."),
            "imap_host": _("It comes from whoever keeps your mailbox, e.g. imap.example.com."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "imap_enabled" not in self.fields:
            for name in ("imap_password", "imap_folder"):
                self.fields.pop(name, None)
            return
        self.fields["imap_folder"].choices = folder_choices(self.instance)  # type: ignore[attr-defined]
        for name in ("imap_port", "imap_tls"):
            self.fields[name].required = False
        if not self.initial.get("imap_username"):
            self.initial["imap_username"] = self._likely_user
        if self.has_imap_password:
            self.fields["imap_password"].widget.attrs["placeholder"] = gettext("unchanged")

    @property
    def has_imap_password(self) -> bool:
        """True if a password is stored that can still be read."""
        stored = self.instance.imap_password
        is_readable = bool(stored) and not isinstance(stored, UnreadableSecret)
        return self.instance.pk is not None and is_readable

    @property
    def _likely_user(self) -> str:
        account: SenderAccount = self.instance
        return account.username or account.from_address

    @property
    def imap_warning(self) -> str:
        """Why staff had better leave it off; empty where nothing speaks against it."""
        host = str(self["host"].value() or "") if "host" in self.fields else self.instance.host
        if not files_its_own(host):
            return ""
        return gettext(
            "%(host)s files what it sends in the Sent folder by itself. With IMAP synchronisation "
            "you would find each message there twice."
        ) % {"host": host}

    def clean_imap_host(self) -> str:
        typed = self.cleaned_data["imap_host"]
        return host_name(typed) if typed else ""

    def clean_imap_port(self) -> int:
        typed = self.cleaned_data["imap_port"]
        return 993 if typed is None else int(typed)

    def clean_imap_tls(self) -> str:
        chosen = self.cleaned_data["imap_tls"]
        return str(chosen or SenderAccount._meta.get_field("imap_tls").default)

    def clean_imap_password(self) -> str:
        typed = str(self.cleaned_data["imap_password"])
        if any(character in typed for character in "\r\n\0"):
            raise ValidationError(_("A password has no line breaks."))
        return typed

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "imap_enabled" not in self.fields:
            return cleaned
        kind = Kind(cleaned.get("kind") or self.instance.kind)
        if not kind.takes_imap:
            self._forget_mailbox(cleaned)
        elif cleaned.get("imap_enabled"):
            self._check_mailbox(cleaned)
        elif cleaned.get("imap_username") == self._likely_user:
            # Offered, and nobody wanted it yet: it is not to outlive a change of the user name.
            cleaned["imap_username"] = self.instance.imap_username
        return cleaned

    def _forget_mailbox(self, cleaned: dict[str, Any]) -> None:
        """No IMAP copy for these; what was typed before the type was changed does no harm."""
        for name in (*IMAP_FIELDS, "imap_password"):
            if name != "imap_enabled":
                self.errors.pop(name, None)
        blank = SenderAccount()
        # Whether it may be on says the model, by ``kind_rules``.
        emptied = {each: getattr(blank, each) for each in IMAP_FIELDS if each != "imap_enabled"}
        cleaned |= {**emptied, "imap_password": ""}

    def _check_mailbox(self, cleaned: dict[str, Any]) -> None:
        wanted = {
            "imap_host": _("Enter the server that keeps your mailbox."),
            "imap_username": _("Enter the mailbox's user name."),
        }
        for name, words in wanted.items():
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, words)
        if cleaned.get("imap_password") or "imap_password" in self.errors:
            return
        if not self.has_imap_password:
            self.add_error("imap_password", _("Enter the mailbox's password."))
        elif self._is_moved(cleaned):
            self.add_error(
                "imap_password",
                _(
                    "Enter the password again: it is kept only for the server, port, encryption "
                    "and user name it was entered for."
                ),
            )

    def _is_moved(self, cleaned: dict[str, Any]) -> bool:
        return any(
            cleaned.get(name, getattr(self.instance, name)) != self._before(name)
            for name in SenderAccount.BOUND["imap_password"]
        )

    def _before(self, name: str) -> Any:
        """The stored value, whether or not the instance has been given the new one already."""
        stored = self.instance.__dict__.get("_stored", {})
        return stored.get(name, getattr(self.instance, name))

    def save(self, commit: bool = True) -> SenderAccount:
        if "imap_enabled" in self.fields:
            self._take_over()
        return super().save(commit)  # type: ignore[no-any-return]

    def _take_over(self) -> None:
        account: SenderAccount = self.instance
        if typed := self.cleaned_data.get("imap_password"):
            account.set_secret("imap_password", typed)
        elif not Kind(account.kind).takes_imap:
            account.imap_password = ""
        if any(getattr(account, each) != self._before(each) for each in MAILBOX):
            account.imap_folders, account.imap_folder = [], ""  # those of another mailbox
        if not self.imap_was_touched:
            return
        for name, value in PROGRESS.items():
            setattr(account, name, value)
        if account.imap_enabled and "imap_enabled" in self.changed_data:
            # What was sent before somebody wanted copies stays as it is.
            account.imap_since, account.imap_seen_at = timezone.now(), None

    @property
    def imap_was_touched(self) -> bool:
        return bool({*IMAP_FIELDS, "imap_password"} & set(self.changed_data))

    def imap_columns(self) -> list[str]:
        """The columns that ``save()`` has set, for ``update_fields``."""
        if "imap_enabled" not in self.fields or not self.imap_was_touched:
            return []
        own = ["imap_password", "imap_folders", *PROGRESS, "imap_since", "imap_seen_at"]
        return [*IMAP_FIELDS, *own]


def folder_choices(account: SenderAccount) -> list[tuple[str, str]]:
    """What the picker offers: the server's own folder for sent mail, all that it listed, and the
    one that was chosen earlier even if the server has it no longer."""
    found = next((name for name, is_sent in account.imap_folders if is_sent), "")
    itself = gettext("The folder for sent mail, found by itself")
    listed = [name for name, _is_sent in account.imap_folders]
    choices = [("", f"{itself} ({found})" if found else itself), *((each, each) for each in listed)]
    if account.imap_folder and account.imap_folder not in listed:
        gone = gettext("%(folder)s (not in the mailbox's list)") % {"folder": account.imap_folder}
        choices.append((account.imap_folder, gone))
    return choices
