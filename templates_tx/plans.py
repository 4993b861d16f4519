"""What a shop decided about a message type: whether, from which account, in which words.

Asked for each message in the shop's own transaction, hence in as few statements as can be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from mailaccounts.models import AccountState, SenderAccount
from maillog.states import Channel
from shops import quick_sql
from shops.models import Shop
from templates_tx.conditions import Rule, read
from templates_tx.contract import FALLBACK_LANGUAGE
from templates_tx.message_types import MessageType

# What a message takes over from its account. Everything else is looked up if somebody asks for it.
_ACCOUNT = (
    *("id", "shop_id", "kind", "state", "label"),
    *("from_name", "from_address", "reply_to", "copy_to"),
)
# With the words in each language, the shop's own before the built-in ones.
_PLAN = f"""
SELECT t.is_on, t.copy_to_owner, t.delay_minutes, t.reply_to, t.notes, t.conditions,
       EXISTS (SELECT 1 FROM templates_tx_typeattachment
               WHERE shop_id = s.id AND message_type = %s),
       EXISTS (SELECT 1 FROM templates_tx_templateassignment
               WHERE shop_id = s.id AND message_type = %s
                   AND channel = '{Channel.EMAIL.value}' AND is_on),
       v.id, w.language, v.subject,
       {", ".join(f"a.{column}" for column in _ACCOUNT)}
FROM shops_shop s
LEFT JOIN templates_tx_templateassignment t
    ON t.shop_id = s.id AND t.message_type = %s AND t.channel = '{Channel.EMAIL.value}'
LEFT JOIN mailaccounts_senderaccount a ON a.id = COALESCE(
    (SELECT id FROM mailaccounts_senderaccount
     WHERE id = t.account_id AND state = '{AccountState.ACTIVE.value}'),
    (SELECT id FROM mailaccounts_senderaccount WHERE shop_id = s.id AND is_main))
LEFT JOIN templates_tx_messagetemplate w ON w.id =
    (SELECT id FROM templates_tx_messagetemplate
     WHERE message_type = %s AND language IN (%s, %s, '{FALLBACK_LANGUAGE}')
         AND (shop_id IS NULL OR (shop_id = s.id AND in_use)) AND current_id IS NOT NULL
     ORDER BY CASE language WHEN %s THEN 0 WHEN %s THEN 1 ELSE 2 END,
         CASE WHEN shop_id IS NULL THEN 1 ELSE 0 END
     LIMIT 1)
LEFT JOIN templates_tx_templateversion v ON v.id = w.current_id
WHERE s.id = %s
"""


@dataclass(frozen=True, slots=True)
class Words:
    """The version to render, in the best language there is."""

    version: int
    language: str
    subject: str


class NoTemplate(LookupError):
    """No template has words for this message type."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a shop decided for one message type on one channel, and the words for one language.

    ``goes_along``: the message for staff that leaves beside this one is switched on.
    """

    code: str
    is_on: bool
    account: SenderAccount | None
    copy_to_owner: bool = False
    delay: timedelta = timedelta(0)
    found: Words | None = None
    reply_to: str = ""  # where answers to this type go; empty: where the account's go
    notes: dict[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    has_files: bool = False
    goes_along: bool = False

    def words(self) -> Words:
        """Raises ``NoTemplate``."""
        if self.found is None:
            raise NoTemplate(self.code)
        return self.found

    def note_in(self, language: str) -> str:
        """What the shop adds to the built-in words: in the message's language, or in none."""
        return self.notes.get(language, "")


def plan_for(shop: Shop, message_type: MessageType, language: str, beside: str = "") -> Plan:
    """The shop's assignment, or the type's default where the shop has decided nothing.

    The chosen account if it may send, else the shop's main one; None if it has neither. The
    customer's language decides, then the shop's, then English; in each the shop's own template
    goes before the built-in one. ``beside``: the code of a message that goes along with this one.
    """
    code = message_type.code
    wanted = [language, shop.language]
    [row] = quick_sql.rows(_PLAN, [code, beside, code, code, *wanted, *wanted, shop.pk])
    settled, has_files, goes_along, version, spoken, subject = row[:6], *row[6:11]
    columns = row[11:]
    account = SenderAccount.from_db("default", _ACCOUNT, columns) if columns[0] else None
    words = Words(version, spoken, subject) if version else None
    more: dict[str, Any] = {
        "found": words,
        "has_files": bool(has_files),
        "goes_along": bool(goes_along),
    }
    is_on, copy_to_owner, delay_minutes, reply_to, notes, conditions = settled
    if is_on is None:
        return Plan(code, message_type.on_in_new_shop, account, **more)
    return Plan(
        code,
        bool(is_on),
        account,
        bool(copy_to_owner),
        timedelta(minutes=delay_minutes),
        reply_to=reply_to,
        notes=json.loads(notes),
        rules=tuple(read(json.loads(conditions))) if conditions != "[]" else (),
        **more,
    )
