"""Forms of the e-mail log: the filter, and where a message is sent again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import connection
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import SenderAccount
from maillog.generation_failure import GENERATION_FAILURE, LABEL
from maillog.registry import names_of
from maillog.states import State
from shops.addresses import EmailAddressInvalid, parse_address
from shops.models import Shop

# Groups of states that staff ask for; the words behind them are in ``maillog.filters``.
ON_ITS_WAY = "waiting"
TROUBLE = "trouble"
GIVEN_UP = "given_up"
CAME_BACK = "came_back"
STATE_CHOICES = [
    ("", _("Any")),
    (TROUBLE, _("Did not arrive")),
    (ON_ITS_WAY, _("On its way")),
    (GIVEN_UP, _("Failed or expired")),
    (CAME_BACK, _("Bounced or marked as spam")),
    (GENERATION_FAILURE, LABEL),
    *((state.value, state.label) for state in State),
]


def used_types(shop: Shop | None) -> list[str]:
    """Codes of the message types in this log: one index look-up each, however long the log is."""
    where = "shop_id IS NULL" if shop is None else "shop_id = %s"
    least = f"SELECT min(message_type) FROM maillog_mailmessage WHERE {where}"
    values = [] if shop is None else [shop.pk, shop.pk]
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE used(code) AS ({least} UNION ALL"
            f" SELECT ({least} AND message_type > used.code) FROM used"
            " WHERE used.code IS NOT NULL) SELECT code FROM used WHERE code IS NOT NULL",
            values,
        )
        return [code for (code,) in cursor.fetchall()]


class LogFilterForm(forms.Form):
    """What the log can be narrowed down by. Always bound: the address holds the whole filter."""

    q = forms.CharField(label=_("Search"), required=False, max_length=200)
    subject = forms.CharField(label=_("Subject"), required=False, max_length=200)
    sender = forms.TypedChoiceField(label=_("Sender"), required=False, coerce=int, empty_value=None)
    recipient = forms.CharField(label=_("Recipient"), required=False, max_length=254)
    type = forms.ChoiceField(label=_("Type"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATE_CHOICES)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )

    BAR = ("subject", "sender", "recipient", "type", "state", "since", "until")

    def __init__(self, *args: Any, shop: Shop | None, **kwargs: Any) -> None:
        """``shop`` None: the installation's own mail."""
        super().__init__(*args, **kwargs)
        # PostgreSQL refuses NUL in text; without it what was asked for is no choice.
        asked = str(self.data.get("type", "")).replace("\0", "")[:80]
        codes = dict.fromkeys([*used_types(shop), *([asked] if asked else [])])
        names = sorted(names_of(codes, shop).items(), key=lambda each: each[1])
        # A deleted account still sent what it sent.
        accounts = SenderAccount.objects.filter(shop=shop).only("label", "from_address", "shop")
        self._choose("type", [("", _("All types")), *names])
        self._choose("sender", [("", _("Any")), *((each.pk, str(each)) for each in accounts)])

    def _choose(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            self.add_error("until", _("This day is before the first one."))
        return values

    def bar(self) -> list[forms.BoundField]:
        return [self[name] for name in self.BAR]


class SendAgainForm(forms.Form):
    """Empty address: the same recipients. ``token`` makes a double click send once."""

    to = forms.CharField(label=_("Send to"), required=False, max_length=254)
    token = forms.RegexField(r"^[0-9a-f]{32}\Z", widget=forms.HiddenInput)

    def clean_to(self) -> str:
        to: str = self.cleaned_data["to"]
        if not to:
            return ""
        try:
            return parse_address(to, allow_utf8_local=True).address
        except EmailAddressInvalid as error:
            raise forms.ValidationError(str(error)) from error
