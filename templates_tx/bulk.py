"""One change for many messages of a shop: what is asked, what comes of it, and in which words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from templates_tx.assignments import TAKES_PLACE_OF, Edit
from templates_tx.catalogue import Catalogue, MessageRow
from templates_tx.message_types import To


class Deed(StrEnum):
    ON = "on"
    OFF = "off"
    FROM = "from"
    COPY_ON = "copy_on"
    COPY_OFF = "copy_off"


class BulkForm(forms.Form):
    """Which messages, and what becomes of them."""

    codes = forms.MultipleChoiceField(
        error_messages={
            "required": gettext_lazy("Choose at least one message."),
            "invalid_choice": gettext_lazy("“%(value)s” is no message of this shop."),
        }
    )
    do = forms.ChoiceField(
        choices=[(each.value, each.value) for each in Deed],
        error_messages={
            "required": gettext_lazy("Say what is to become of them."),
            "invalid_choice": gettext_lazy("“%(value)s” is nothing that can be done here."),
        },
    )
    account = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        error_messages={
            "invalid_choice": gettext_lazy("This account is not one that this shop can send from.")
        },
    )

    def __init__(self, data: Any, *, catalogue: Catalogue) -> None:
        super().__init__(data, auto_id="bulk-%s")
        codes, account = self.fields["codes"], self.fields["account"]
        assert isinstance(codes, forms.MultipleChoiceField)
        assert isinstance(account, forms.TypedChoiceField)
        codes.choices = [(row.type.code, row.type.name) for row in catalogue.rows]
        account.choices = catalogue.accounts

    @property
    def picked(self) -> set[str]:
        """What was ticked, whether it makes sense or not."""
        return set(self.data.getlist("codes")) if hasattr(self.data, "getlist") else set()

    @property
    def problem(self) -> str:
        """The first thing that is wrong, in a sentence."""
        return next((str(errors[0]) for errors in self.errors.values()), "")


@dataclass(frozen=True, slots=True)
class Change:
    """What the ticked messages become. ``skipped``: the reason → names of those it leaves out."""

    deed: Deed
    rows: tuple[MessageRow, ...]
    edits: dict[str, Edit]
    skipped: dict[str, list[str]]
    account: str = ""

    @property
    def rival(self) -> str | None:
        """The code of the message that says much the same as one that is being switched on."""
        if self.deed == Deed.ON:
            for row in self.rows:
                if not row.is_on and row.type.code in TAKES_PLACE_OF:
                    return TAKES_PLACE_OF[row.type.code]
        return None


def change_of(catalogue: Catalogue, form: BulkForm) -> Change:
    """What a valid form asks for."""
    values = form.cleaned_data
    deed, account = Deed(values["do"]), values["account"]
    chosen = [catalogue.row(code) for code in values["codes"]]
    skipped: dict[str, list[str]] = defaultdict(list)
    rows = []
    for row in chosen:
        if reason := _why_not(row, deed):
            skipped[str(reason)].append(str(row.type.name))
        else:
            rows.append(row)
    edits = {row.type.code: _BECOMES[deed](account) for row in rows}
    words = dict(catalogue.accounts)[account or ""]
    return Change(deed, tuple(rows), edits, dict(skipped), words)


_BECOMES: dict[Deed, Callable[[int | None], Edit]] = {
    Deed.ON: lambda _account: Edit({"is_on": True}),
    Deed.OFF: lambda _account: Edit({"is_on": False}),
    Deed.FROM: lambda account: Edit({"account": account}),
    Deed.COPY_ON: lambda _account: Edit({"copy_to_owner": True}),
    Deed.COPY_OFF: lambda _account: Edit({"copy_to_owner": False}),
}


def _why_not(row: MessageRow, deed: Deed) -> Promise | None:
    if row.type.is_withdrawn:
        return gettext_lazy("being withdrawn")
    if deed == Deed.COPY_ON and row.type.sensitive:
        return gettext_lazy("with a link that only the customer may have")
    if deed == Deed.COPY_ON and row.type.to == To.OWNER:
        return gettext_lazy("goes to the owner anyway")
    return None


def told(change: Change, changed: int, owner: str) -> Iterator[str]:
    """What was done to ``changed`` messages, and what was left out, in sentences."""
    if changed:
        yield _done(change, changed, owner)
    else:
        yield _("Nothing was changed.")
    for reason, names in change.skipped.items():
        yield _("Left out (%(reason)s): %(names)s.") % {
            "reason": reason,
            "names": ", ".join(names),
        }


def _done(change: Change, changed: int, owner: str) -> str:
    match change.deed:
        case Deed.ON:
            text = ngettext(
                "%(n)s message leaves from now on.", "%(n)s messages leave from now on.", changed
            )
        case Deed.OFF:
            text = ngettext("%(n)s message is off.", "%(n)s messages are off.", changed)
        case Deed.FROM:
            text = ngettext(
                "%(n)s message leaves from %(account)s.",
                "%(n)s messages leave from %(account)s.",
                changed,
            )
        case Deed.COPY_ON:
            text = ngettext(
                "%(owner)s gets a copy of %(n)s message.",
                "%(owner)s gets a copy of %(n)s messages.",
                changed,
            )
        case Deed.COPY_OFF:
            text = ngettext(
                "The owner gets no copy of %(n)s message any more.",
                "The owner gets no copy of %(n)s messages any more.",
                changed,
            )
    return text % {"n": changed, "account": change.account, "owner": owner}
