"""What a shop decided about a message type: whether, from which account, in which words.

Asked for each message in the shop's own transaction, hence in as few statements as can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mailaccounts.models import AccountState, SenderAccount
from maillog.states import Channel
from shops import quick_sql
from shops.models import Shop
from templates_tx.message_types import MessageType

FALLBACK_LANGUAGE = "en"

# What a message takes over from its account. Everything else is looked up if somebody asks for it.
_ACCOUNT = (
    *("id", "shop_id", "kind", "state", "label"),
    *("from_name", "from_address", "reply_to", "copy_to"),
)
_PLAN = f"""
SELECT t.is_on, t.copy_to_owner, t.delay_minutes, t.reply_to, v.id, w.language, v.subject,
       {", ".join(f"a.{column}" for column in _ACCOUNT)}
FROM shops_shop s
LEFT JOIN templates_tx_templateassignment t
    ON t.shop_id = s.id AND t.message_type = %s AND t.channel = '{Channel.EMAIL.value}'
LEFT JOIN mailaccounts_senderaccount a ON a.id = COALESCE(
    (SELECT id FROM mailaccounts_senderaccount
     WHERE id = t.account_id AND state = '{AccountState.ACTIVE.value}'),
    (SELECT id FROM mailaccounts_senderaccount WHERE shop_id = s.id AND is_main))
LEFT JOIN templates_tx_messagetemplate w ON w.id = COALESCE(
    t.template_id,
    (SELECT id FROM templates_tx_messagetemplate
     WHERE shop_id IS NULL AND message_type = %s AND current_id IS NOT NULL
         AND language IN (%s, %s, '{FALLBACK_LANGUAGE}')
     ORDER BY CASE language WHEN %s THEN 0 WHEN %s THEN 1 ELSE 2 END LIMIT 1))
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
    """What a shop decided for one message type on one channel, and the words for one language."""

    code: str
    is_on: bool
    account: SenderAccount | None
    copy_to_owner: bool = False
    delay: timedelta = timedelta(0)
    found: Words | None = None
    reply_to: str = ""  # where answers to this type go; empty: where the account's go

    def words(self) -> Words:
        """Raises ``NoTemplate``."""
        if self.found is None:
            raise NoTemplate(self.code)
        return self.found


def plan_for(shop: Shop, message_type: MessageType, language: str) -> Plan:
    """The shop's assignment, or the type's default where the shop has decided nothing.

    The chosen account if it may send, else the shop's main one; None if it has neither. The shop's
    own template, or the built-in one: the customer's language decides, then the shop's, then
    English.
    """
    code = message_type.code
    wanted = [language, shop.language]
    [row] = quick_sql.rows(_PLAN, [code, code, *wanted, *wanted, shop.pk])
    is_on, copy_to_owner, delay_minutes, reply_to, version, spoken, subject, *columns = row
    account = SenderAccount.from_db("default", _ACCOUNT, columns) if columns[0] else None
    words = Words(version, spoken, subject) if version else None
    if is_on is None:
        return Plan(code, message_type.on_in_new_shop, account, found=words)
    delay = timedelta(minutes=delay_minutes)
    return Plan(code, bool(is_on), account, bool(copy_to_owner), delay, words, reply_to)
