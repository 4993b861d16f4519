"""A secured parse tree as plain functions: what can be known of a template is worked out once.

A node asks in each render what its tag is made of. Text, output, filters, `if` and `for`, which are
nearly all of a template, become closures that know; every other tag stays the node that it is.
Limits and errors are the nodes' own (`liquid_nodes`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from liquid import RenderContext, Token, escape
from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.logical import EqExpression, NeExpression
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.builtin.tags.for_tag import ForLoop, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.exceptions import BreakLoop, ContinueLoop, LiquidError
from liquid.expression import Expression
from liquid.output import NullIO

from .liquid_context import GuardedContext
from .liquid_guard import MAX_WEIGHT, spell
from .liquid_nodes import (
    Both,
    BoundFilter,
    Condition,
    Either,
    FixedPath,
    GuardedOutputNode,
    MeteredLoop,
    is_something,
)

type Step = Callable[[GuardedContext, TextIO], object]
type Value = Callable[[GuardedContext], object]

_SPECIAL = re.compile("[&<>\"']")


def compiled(nodes: Sequence[Node], static: RenderContext) -> list[tuple[Step, Token]]:
    """The steps of a template, each with the place to name when it fails."""
    compiler = Compiler(_bound_names(nodes, static), escapes=static.env.autoescape)
    return [(compiler.step(node), node.token) for node in nodes]


def _bound_names(nodes: Iterable[Node], static: RenderContext) -> frozenset[str]:
    """Every name that some tag of the template may give another value."""
    found: set[str] = set()
    for node in nodes:
        found |= {str(name) for name in (*node.template_scope(), *node.block_scope())}
        found |= _bound_names(node.children(static, include_partials=False), static)
    return frozenset(found)


class Compiler:
    """Makes the steps of one template. `bound` are the names that it sets itself."""

    def __init__(self, bound: frozenset[str], *, escapes: bool) -> None:
        self.bound = bound
        self.escapes = escapes

    def step(self, node: Node) -> Step:
        if isinstance(node, ContentNode):
            return _text(node.text)
        if isinstance(node, GuardedOutputNode):
            return self._output(node)
        if isinstance(node, IfNode):
            return self._choice(node)
        if isinstance(node, ForNode):
            return self._loop(node)
        return node.render

    def block(self, block: BlockNode | None) -> Step:
        """What is inside a tag; a block of nothing but blanks is left out, though its tags run."""
        if block is None:
            return _nothing
        steps = [self.step(node) for node in block.nodes]
        if block.blank:
            steps = [step for step in steps if not isinstance(step, _Text)]
            return _unseen(steps) if steps else _nothing

        def run(context: GuardedContext, buffer: TextIO) -> None:
            for step in steps:
                step(context, buffer)

        return run

    def value(self, expression: Expression) -> Value:
        if isinstance(expression, FilteredExpression):
            value = self.value(expression.left)
            for used in expression.filters or ():
                assert isinstance(used, BoundFilter)
                value = _filtered(value, used)
            return value
        if isinstance(expression, FixedPath):
            return self._path(expression)
        return expression.evaluate

    def test(self, expression: Expression) -> Value:
        """Whether what stands in `if` holds."""
        if isinstance(expression, Condition):
            return self.test(expression.expression)
        if isinstance(expression, Both | Either):
            left, right = self.test(expression.left), self.test(expression.right)
            if isinstance(expression, Both):
                return lambda context: left(context) and right(context)
            return lambda context: left(context) or right(context)
        if isinstance(expression, EqExpression | NeExpression):
            return self._comparison(expression)
        value = self.value(expression)

        def holds(context: GuardedContext) -> bool:
            found = value(context)
            return found != "" if type(found) is str else is_something(found)

        return holds

    def _comparison(self, expression: EqExpression | NeExpression) -> Value:
        """`x == "text"` and its contrary, where `x` is a text too."""
        value, right = self.value(expression.left), expression.right
        if not isinstance(right, StringLiteral):
            return expression.evaluate
        wanted, is_equal = str(right.value), isinstance(expression, EqExpression)

        def compare(context: GuardedContext) -> object:
            found = value(context)
            if type(found) is not str:
                return expression.evaluate(context)
            return (found == wanted) is is_equal

        return compare

    def _path(self, expression: FixedPath) -> Value:
        """A name that only the data can give, as `order.total`, is looked up there at once."""
        names = expression.path
        if len(names) != 2 or not isinstance(names[0], str) or names[0] in self.bound:
            return expression.evaluate
        root, key = names[0], names[1]

        def look_up(context: GuardedContext) -> object:
            group = context.globals.get(root)
            if type(group) is dict and key in group:
                context.steps += 1
                return group[key]
            return expression.evaluate(context)

        return look_up

    def _output(self, node: GuardedOutputNode) -> Step:
        value, escapes = self.value(node.expression), self.escapes

        def output(context: GuardedContext, buffer: TextIO) -> None:
            try:
                found = value(context)
                text = found if isinstance(found, str) else spell(found)
                if escapes and (type(text) is not str or _SPECIAL.search(text)):
                    text = escape(text)
                buffer.write(text)
            except LiquidError as error:
                error.token = error.token or node.token
                raise

        return output

    def _choice(self, node: IfNode) -> Step:
        branches = [(self.test(node.condition), self.block(node.consequence))]
        for other in node.alternatives:
            branches.append((self.test(other.expression), self.block(other.block)))
        default = self.block(node.default)

        def choose(context: GuardedContext, buffer: TextIO) -> None:
            for holds, branch in branches:
                if holds(context):
                    branch(context, buffer)
                    return
            default(context, buffer)

        return choose

    def _loop(self, node: ForNode) -> Step:
        expression = node.expression
        assert isinstance(expression, MeteredLoop)
        # A plain text: the library's own kind of name compares itself in Python, at each look-up.
        name = "".join((expression.identifier, ""))
        full_name = f"{name}-{expression.iterable}"
        body, default = self.block(node.block), self.block(node.default)

        iterable = self.value(expression.iterable)
        is_whole = not (expression.limit or expression.offset or expression.reversed)

        def loop(context: GuardedContext, buffer: TextIO) -> None:
            if is_whole:
                items, length = expression.whole(iterable(context), context)
                context.stopindex(full_name, length)  # for a later `offset: continue`
            else:
                items, length = expression.evaluate(context)
            if not length:
                default(context, buffer)
                return
            turns = ForLoop(full_name, items, length, context.parentloop())
            namespace: dict[str, object] = {"forloop": turns, name: None}
            context.enter_loop(namespace, turns)
            try:
                for item in turns:
                    namespace[name] = item
                    try:
                        body(context, buffer)
                    except ContinueLoop:
                        continue
                    except BreakLoop:
                        break
            finally:
                context.leave_loop()

        return loop


class _Text:
    """Text between the tags."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, context: GuardedContext, buffer: TextIO) -> None:
        buffer.write(self.text)


_text = _Text


def _nothing(context: GuardedContext, buffer: TextIO) -> None:
    """A branch that is not there, or is blank."""


def _unseen(steps: list[Step]) -> Step:
    def run(context: GuardedContext, buffer: TextIO) -> None:
        nowhere = NullIO()
        for step in steps:
            step(context, nowhere)

    return run


def _filtered(value: Value, used: BoundFilter) -> Value:
    """A filter on a short text with fixed arguments, which nearly all are, without a detour."""
    function, limit, constants = used.function, used.limit, used.constants
    if constants is None or used.keywords:
        return lambda context: used.evaluate(value(context), context)
    arguments, takes_context = tuple(constants), used.takes_context

    def apply(context: GuardedContext) -> object:
        left = value(context)
        if type(left) is not str or len(left) > limit:
            return used.evaluate(left, context)
        try:
            context.spend(len(left))
            if takes_context:
                result = function(left, *arguments, context=context)
            else:
                result = function(left, *arguments)
            if type(result) is str and len(result) <= MAX_WEIGHT:
                return result
            return used.checked(result)
        except (TypeError, LiquidError) as error:
            raise used.explained(error) from error

    return apply
