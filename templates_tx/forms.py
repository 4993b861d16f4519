"""The form of one row among a shop's messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mailaccounts.fields import one_address
from templates_tx.assignments import Decision, Edit
from templates_tx.message_types import MessageType
from templates_tx.shown import changed_since, shown_of

# A box that is not ticked is not posted, so it could not be told from one that is missing.
ON_OFF = [("on", _("On")), ("off", _("Off"))]
# Django's own words repeat what was posted, however long that is.
NEITHER = {"invalid_choice": _("This can only be on or off; nothing was saved.")}
OF_A_ROW = ("is_on", "account", "copy_to_owner", "reply_to")


class DecisionForm(forms.Form):
    """Needs every field: a post without one is refused and nothing of it is stored."""

    is_on = forms.ChoiceField(label=_("E-mail"), choices=ON_OFF, error_messages=NEITHER)
    account = forms.TypedChoiceField(
        label=_("Send from account"),
        required=False,
        coerce=int,
        empty_value=None,
        error_messages={
            "invalid_choice": _("This account is not one that this shop can send from.")
        },
    )
    copy_to_owner = forms.ChoiceField(
        label=_("Copy to the owner"), choices=ON_OFF, error_messages=NEITHER
    )
    reply_to = forms.CharField(label=_("Answers go to"), required=False, max_length=254)
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        message_type: MessageType,
        accounts: list[tuple[object, str]],
        initial: dict[str, object] | None = None,
        base: Decision | None = None,
    ) -> None:
        key = message_type.code.replace(".", "-")
        super().__init__(data, initial=initial, auto_id=f"{key}-%s")
        self.message_type, self.accounts = message_type, accounts
        self.base = base or Decision(is_on=True)
        account = self.fields["account"]
        assert isinstance(account, forms.TypedChoiceField)
        account.choices = accounts
        # The controls lie in cells of a table, outside of their <form>.
        account.widget.attrs = {
            "form": f"save-{key}",
            "aria-label": _("%(message)s: send from account") % {"message": message_type.name},
        }
        self.fields["shown"].initial = shown_of(self.base, OF_A_ROW)
        self.fields["shown"].widget.attrs = {"form": f"save-{key}"}
        if message_type.sensitive:
            del self.fields["copy_to_owner"]

    def with_data(self, data: Any) -> DecisionForm:
        """The same form, filled in."""
        return DecisionForm(
            data, message_type=self.message_type, accounts=self.accounts, base=self.base
        )

    def offers(self, account: int | None) -> bool:
        return (account or "") in dict(self.accounts)

    def account_words(self, account: int | None) -> str:
        return dict(self.accounts)[account or ""]

    def clean_reply_to(self) -> str:
        typed = str(self.cleaned_data["reply_to"])
        return one_address(typed) if typed else ""

    def clean(self) -> dict[str, Any]:
        missing = [name for name in self.fields if name not in self.data and name != "shown"]
        for name in missing:
            self.errors.pop(name, None)  # “This field is required” does not say which
            label = self.fields[name].label
            self.add_error(name, _("“%(field)s” is missing; nothing was saved.") % {"field": label})
        if self.message_type.is_withdrawn and self.cleaned_data.get("is_on") == "on":
            self.add_error("is_on", _("This message is being withdrawn: it cannot be sent."))
        return self.cleaned_data

    @property
    def edit(self) -> Edit:
        """What was changed since the row was shown; all that is posted if it does not say."""
        values = self.cleaned_data
        wanted = replace(
            self.base,
            is_on=values["is_on"] == "on",
            account=values["account"],
            copy_to_owner=values.get("copy_to_owner") == "on",
            reply_to=values["reply_to"],
        )
        return changed_since(values["shown"], self.base, wanted)
