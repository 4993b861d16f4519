"""The form of all that a shop decides about one message type, and its lines of conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from mailaccounts.fields import one_address
from shops.models import Shop
from shops.models.shop import Language
from templates_tx.assignments import BESIDES, INSTEAD, Decision, Edit
from templates_tx.catalogue import MessageRow
from templates_tx.condition_words import FIELD_NAMES
from templates_tx.conditions import STATES, BadRule, Rule, Then, read
from templates_tx.message_types import MessageType, To
from templates_tx.shown import changed_since, shown_of

LONGEST_NOTE = 2000  # characters
MOST_RULES = 20
LONGEST_DELAY = 30 * 24 * 60  # minutes
AT_ONCE = "now"
UNITS = {"minutes": 1, "hours": 60, "days": 24 * 60}
UNIT_CHOICES = [
    (AT_ONCE, _("at once")),
    ("minutes", _("after … minutes")),
    ("hours", _("after … hours")),
    ("days", _("after … days")),
]


class NoteField(forms.CharField):
    """A few lines of plain text; a line's end counts as one character, as in the browser."""

    def to_python(self, value: Any) -> str:
        text: str = super().to_python(value) or ""
        return text.replace("\r\n", "\n").replace("\r", "\n")


class SettingsForm(forms.Form):
    """Bound to ``row.decision``; what it does not show stays as it is there."""

    is_on = forms.BooleanField(label=_("Send this message by e-mail"), required=False)
    account = forms.TypedChoiceField(
        label=_("Send from account"),
        required=False,
        coerce=int,
        empty_value=None,
        error_messages={
            "invalid_choice": _("This account is not one that this shop can send from.")
        },
    )
    reply_to = forms.CharField(
        label=_("Answers go to"),
        required=False,
        max_length=254,
        widget=forms.TextInput(
            attrs={"inputmode": "email", "spellcheck": "false", "autocomplete": "off"}
        ),
        help_text=_("Empty: where the account's answers go."),
    )
    copy_to_owner = forms.BooleanField(label=_("Copy to the owner"), required=False)
    answer = forms.ChoiceField(
        required=False,
        widget=forms.RadioSelect,
        choices=[(INSTEAD, _("Switch the other one off")), (BESIDES, _("Send both"))],
    )
    unit = forms.ChoiceField(label=_("When it leaves"), choices=UNIT_CHOICES)
    delay = forms.IntegerField(
        label=_("How many minutes, hours or days"),
        required=False,
        min_value=1,
        max_value=LONGEST_DELAY,
    )
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, row: MessageRow, shop: Shop, rival: MessageType | None = None
    ) -> None:
        super().__init__(data, initial=_initial(row.decision))
        self.row, self.shop, self.rival = row, shop, rival
        account = self.fields["account"]
        assert isinstance(account, forms.TypedChoiceField)
        account.choices = row.form.accounts
        if row.type.sensitive or row.type.to == To.OWNER:
            del self.fields["copy_to_owner"]
        if rival is None:
            del self.fields["answer"]
        else:
            self.fields["answer"].label = _("“%(name)s” is on and says much the same") % {
                "name": rival.name
            }
        if not row.type.is_handed_in:
            self.fields |= _note_fields(shop, row.decision)

    def note_fields(self) -> Iterator[tuple[str, str, forms.BoundField]]:
        """Language, its name, the field: the shop's own language first."""
        for name in self.fields:
            if name.startswith("note_"):
                language = name.removeprefix("note_")
                yield language, str(Language(language).label), self[name]

    def clean_reply_to(self) -> str:
        typed = str(self.cleaned_data["reply_to"])
        return one_address(typed) if typed else ""

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if self.delay_minutes > LONGEST_DELAY:
            self.add_error("delay", _("It may wait for 30 days at most."))
        waits = values.get("unit", AT_ONCE) != AT_ONCE
        if waits and values.get("delay") is None and "delay" not in self.errors:
            self.add_error("delay", _("Say how many, or choose “at once”."))
        if self.rival and self._switches_on and not values.get("answer"):
            self.add_error("answer", _("Instead of it, or in addition to it?"))
        return values

    @property
    def delay_minutes(self) -> int:
        unit = UNITS.get(self.cleaned_data.get("unit", ""), 0)
        return unit * (self.cleaned_data.get("delay") or 0)

    @property
    def _switches_on(self) -> bool:
        """Not where the switch was on when the page was opened and is off since."""
        is_on, before = self.cleaned_data.get("is_on", False), self.row.decision
        shown = self.cleaned_data.get("shown", "")
        edit = changed_since(shown, before, replace(before, is_on=is_on))
        return edit.of(before).is_on

    def edit(self, conditions: list[dict[str, str]] | None) -> Edit:
        """What was changed since the page was opened; all that is posted if it does not say.

        ``conditions`` have a form of their own; None where the message cannot have any.
        """
        before, wanted = self.row.decision, self._decision
        if conditions is not None:
            wanted = replace(wanted, conditions=conditions)
        return changed_since(self.cleaned_data["shown"], before, wanted)

    @property
    def _decision(self) -> Decision:
        values, before = self.cleaned_data, self.row.decision
        return replace(
            before,
            is_on=values["is_on"],
            account=values["account"],
            copy_to_owner=values.get("copy_to_owner", before.copy_to_owner),
            reply_to=values["reply_to"],
            delay_minutes=self.delay_minutes,
            notes={
                language: values[f"note_{language}"]
                for language, _name, _field in self.note_fields()
                if values[f"note_{language}"]
            },
        )


def _initial(decision: Decision) -> dict[str, object]:
    minutes = decision.delay_minutes
    fits = [unit for unit, size in UNITS.items() if minutes % size == 0]
    unit = fits[-1] if minutes else AT_ONCE
    return {
        "shown": shown_of(decision),
        "is_on": decision.is_on,
        "account": decision.account or "",
        "reply_to": decision.reply_to,
        "copy_to_owner": decision.copy_to_owner,
        "unit": unit,
        "delay": minutes // UNITS[unit] if minutes else None,
    }


def _note_fields(shop: Shop, decision: Decision) -> dict[str, forms.Field]:
    languages = sorted(Language.values, key=lambda each: each != shop.language)
    return {
        f"note_{language}": NoteField(
            label=_("Your note in %(language)s") % {"language": Language(language).label},
            required=False,
            max_length=LONGEST_NOTE,
            initial=decision.notes.get(language, ""),
            widget=forms.Textarea(attrs={"rows": 5, "lang": language}),
            error_messages={
                "max_length": _(
                    "Your note in %(language)s has %%(show_value)d characters; "
                    "%%(limit_value)d is the most."
                )
                % {"language": Language(language).label}
            },
        )
        for language in languages
    }


def state_choices(fields: Iterable[str], nothing: object) -> list[tuple[object, object]]:
    """Every state as “field:state”, under the name of what it is a state of."""
    groups: list[tuple[object, object]] = [
        (
            FIELD_NAMES[field],
            [(f"{field}:{value}", label) for value, label in STATES[field].choices],
        )
        for field in fields
    ]
    return [("", nothing), *groups]


class RuleForm(forms.Form):
    """One line: only when, or never when, a state is this, or has just changed from that."""

    then = forms.ChoiceField(
        label=_("Rule"),
        choices=[(Then.SEND.value, _("Only when")), (Then.NOTHING.value, _("Never when"))],
        initial=Then.SEND.value,
    )
    after = forms.ChoiceField(
        label=_("What is so now"),
        required=False,
        choices=lambda: state_choices(STATES, _("choose")),
    )
    before = forms.ChoiceField(label=_("What it was before"), required=False)

    def __init__(self, *args: Any, changes: str = "", **kwargs: Any) -> None:
        """``changes``: the state whose change this message is about, if there is one."""
        super().__init__(*args, **kwargs)
        fields = [changes] if changes else []
        stored = str(self.initial.get("before", "")).partition(":")[0]
        before = self.fields["before"]
        assert isinstance(before, forms.ChoiceField)
        before.choices = state_choices(
            dict.fromkeys([*fields, *([stored] if stored else [])]), _("whatever it was before")
        )

    @property
    def can_tell_before(self) -> bool:
        """Only a message about a change knows what it was before."""
        return len(list(self["before"].subwidgets)) > 1

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if self.errors or values.get("DELETE"):
            return values
        (field, _colon, before), (also, _colon, after) = (
            values[name].partition(":") for name in ("before", "after")
        )
        if not before and not after:
            self.add_error("after", _("Choose a state, or remove this line."))
        elif before and after and field != also:
            self.add_error("before", _("Both must be states of the same thing."))
        else:
            values["rule"] = Rule(Then(values["then"]), also or field, before, after)
        return values


class BaseRules(forms.BaseFormSet):  # type: ignore[type-arg]
    """All lines. ``rules()`` once it is valid."""

    def clean(self) -> None:
        if len(self.rules()) > MOST_RULES:
            raise ValidationError(_("At most %(most)d conditions.") % {"most": MOST_RULES})

    def rules(self) -> list[Rule]:
        """Each once, in their order."""
        kept = [
            form.cleaned_data["rule"]
            for form in self.forms
            if "rule" in getattr(form, "cleaned_data", {}) and not form.cleaned_data.get("DELETE")
        ]
        return list(dict.fromkeys(kept))


RulesFormSet = forms.formset_factory(
    RuleForm, formset=BaseRules, extra=0, can_delete=True, max_num=100, absolute_max=200
)


def rules_initial(stored: Iterable[Any]) -> list[dict[str, str]]:
    """The lines for what is stored; what cannot be read is left out."""
    found = []
    for each in stored:
        try:
            [rule] = read([each])
        except BadRule:
            continue
        values = {
            name: f"{rule.field}:{value}" if value else ""
            for name, value in (("before", rule.before), ("after", rule.after))
        }
        found.append({"then": rule.then.value, **values})
    return found
