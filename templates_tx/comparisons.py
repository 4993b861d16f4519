"""Comparisons that can never be true, or fail: amounts are text, lists are no numbers."""

from __future__ import annotations

from django.utils.translation import gettext as _
from liquid.builtin.expressions.logical import (
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import FloatLiteral, IntegerLiteral
from liquid.expression import Expression

from templates_tx.contract import Kind
from templates_tx.problems import ERROR, WARNING
from templates_tx.shapes import Shape

COMPARISONS = (
    EqExpression,
    NeExpression,
    LtExpression,
    LeExpression,
    GtExpression,
    GeExpression,
)


def complaint_about(
    expression: Expression, left: Shape, written: str
) -> tuple[str, str, str] | None:
    """Sentence, suggestion and severity; None where nothing is certainly wrong.

    ``written``: what stands on the left, as it is written.
    """
    if not isinstance(getattr(expression, "right", None), IntegerLiteral | FloatLiteral):
        return None
    if left.item is not None:
        words = _("“%(name)s” is a list: compare how many there are.") % {"name": written}
        return words, f"{written}.size", ERROR
    if not left.is_text:
        return None
    words = _(
        '“%(name)s” is text such as "1234.50" and equals no number: write '
        "{%% assign amount = %(name)s | plus: 0 %%} before it and compare “amount”."
    )
    # An app may hand in another number as one; amounts are always text.
    severity = ERROR if left.kind == Kind.MONEY else WARNING
    return words % {"name": written}, "", severity
