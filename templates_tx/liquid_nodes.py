"""Nodes and expressions of the parse tree that replace the library's: guarded.

The parser's functions offer no hook for expressions, so `secure()` walks a finished tree and turns
each one into its counterpart here, which has the same fields (`__slots__ = ()`) and other methods.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TextIO

from liquid import RenderContext, escape
from liquid.ast import Node
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, LoopExpression
from liquid.builtin.expressions.arguments import KeywordArgument
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.logical import LogicalAndExpression, LogicalOrExpression
from liquid.builtin.expressions.path import Path
from liquid.builtin.expressions.primitive import Literal, RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.echo_tag import EchoTag
from liquid.exceptions import FilterArgumentError, LiquidError, LiquidTypeError, UnknownFilterError
from liquid.expression import Expression

from .liquid_context import GuardedContext, Missing
from .liquid_filters import GuardedFilter
from .liquid_guard import MAX_ITEMS, MAX_WEIGHT, TooLarge, spell, weigh


def secure(node: Node, static: RenderContext) -> None:
    """Replace a node, its expressions and all below it. Raises LiquidError for unknown filters."""
    for expression in node.expressions():
        _secure_expression(expression, static)
    for child in node.children(static, include_partials=False):
        secure(child, static)
    if replacement := NODES.get(type(node)):
        object.__setattr__(node, "__class__", replacement)
    if isinstance(node, GuardedOutputNode) and isinstance(node.expression, FilteredExpression):
        # `{{ name }}` needs no pass through an empty list of filters.
        node.expression = node.expression if node.expression.filters else node.expression.left


def _secure_expression(expression: Expression, static: RenderContext) -> None:
    for child in expression.children():
        _secure_expression(child, static)
    if replacement := EXPRESSIONS.get(type(expression)):
        object.__setattr__(expression, "__class__", replacement)
    elif type(expression) is Path and not expression.children():
        object.__setattr__(expression, "__class__", FixedPath)
    elif isinstance(expression, FilteredExpression) and expression.filters:
        expression.filters = [BoundFilter(used, static) for used in expression.filters]


class BoundFilter(Filter):
    """A filter with its function looked up and its literal arguments worked out, once.

    Weighs what goes in and what comes out, and takes its time from the render's budget.
    """

    __slots__ = ("constants", "function", "keywords", "limit", "positional", "takes_context")

    def __init__(self, used: Filter, static: RenderContext) -> None:
        super().__init__(used.token, used.name, used.args)
        guarded = static.env.filters.get(used.name)
        if not isinstance(guarded, GuardedFilter):
            raise UnknownFilterError(f"unknown filter “{used.name}”", token=used.token)
        self.function, self.limit = guarded.function, guarded.limit
        self.takes_context = guarded.takes_context
        self.positional = [a.value for a in used.args if not isinstance(a, KeywordArgument)]
        self.keywords = [a for a in used.args if isinstance(a, KeywordArgument)]
        self.constants: list[object] | None = None
        if all(isinstance(value, Literal) for value in self.positional):
            self.constants = [value.evaluate(static) for value in self.positional]
            weigh(self.constants, self.limit)

    def evaluate(self, left: object, context: RenderContext) -> object:
        """Call the filter; what goes wrong is reported at the filter's place."""
        assert isinstance(context, GuardedContext)
        try:
            weight = weigh(left, self.limit)
            arguments = self.constants
            if arguments is None:
                arguments = [value.evaluate(context) for value in self.positional]
                weight += weigh(arguments, self.limit)
            context.spend(weight)
            return self.checked(self._called(left, arguments, context))
        except (TypeError, LiquidError) as error:
            raise self.explained(error) from error

    def checked(self, result: object) -> object:
        """Return what came out, if it is not too large."""
        if type(result) is not str or len(result) > MAX_WEIGHT:
            weigh(result)
        return result

    def explained(self, error: TypeError | LiquidError) -> LiquidError:
        """Return the error as it is reported: with the filter's name and place."""
        if isinstance(error, TypeError):
            return LiquidTypeError(f"{self.name}: {error}", token=self.token)
        error.token = error.token or self.token
        return error

    def _called(self, left: object, arguments: list[object], context: GuardedContext) -> object:
        # The library's arithmetic takes a Decimal for 0; it reads numbers from text correctly.
        value = str(left) if isinstance(left, Decimal) else left
        keywords: dict[str, object] = {}
        for keyword in self.keywords:
            if keyword.name in ("context", "environment"):
                raise FilterArgumentError(f"{self.name}: unknown argument", token=self.token)
            keywords[keyword.name] = keyword.value.evaluate(context)
        if self.takes_context:
            return self.function(value, *arguments, context=context, **keywords)
        return self.function(value, *arguments, **keywords)


class BoundedRange(RangeLiteral):
    """`(1..n)`: `for`, filters and `contains` all walk it, so its length is checked where made."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if max(abs(made.start), abs(made.stop)) > 2**62 or len(made) > MAX_ITEMS:
            raise TooLarge(f"a range has at most {MAX_ITEMS} numbers", token=self.token)
        return made


class MeteredLoop(LoopExpression):
    """The `x in list` of `for` and `tablerow`, looking at the clock in each turn."""

    __slots__ = ()

    def _to_iter(self, obj: object, context: RenderContext) -> tuple[Iterator[Any], int]:
        iterator, length = super()._to_iter(obj, context)
        if length > MAX_ITEMS:
            raise TooLarge(f"a loop has at most {MAX_ITEMS} turns", token=self.token)
        return iterator, length

    def evaluate(self, context: RenderContext) -> tuple[Iterator[object], int]:
        iterator, length = super().evaluate(context)
        assert isinstance(context, GuardedContext)
        return _metered(iterator, context), length

    def whole(self, items: object, context: GuardedContext) -> tuple[Iterator[object], int]:
        """All turns over `items`, where no limit, offset or order was asked for."""
        iterator, length = self._to_iter(items, context)
        return _metered(iterator, context), length


def _metered(iterator: Iterator[object], context: GuardedContext) -> Iterator[object]:
    for item in iterator:
        context.spend(0)
        yield item


class FixedPath(Path):
    """A path without brackets around names: nothing to work out before it is looked up."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Look the path up; the usual `order.total` without the general way's calls."""
        path = self.path
        if len(path) == 2:
            root, key = path
            for namespace in context.scope._maps:
                if root in namespace:
                    value = namespace[root]  # type: ignore[index]
                    if type(value) is dict and key in value:
                        context.steps += 1  # type: ignore[attr-defined]
                        return value[key]
                    break
        return context.get(path, token=self.token)  # type: ignore[arg-type]


class Condition(BooleanExpression):
    """What stands in `if`, `elsif` and `unless`: an empty text or list counts as false.

    In Liquid everything but `nil` and `false` is true. Whoever writes `{% if order.note %}` means
    "if there is one", and data comes with empty texts.
    """

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> bool:
        return _holds(self.expression, context)


class Both(LogicalAndExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return _holds(self.left, context) and _holds(self.right, context)


class Either(LogicalOrExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return _holds(self.left, context) or _holds(self.right, context)


def _holds(expression: Expression, context: RenderContext) -> bool:
    return is_something(expression.evaluate(context))


def is_something(value: object) -> bool:
    """Return whether a value counts as true; see `Condition`."""
    if isinstance(value, str | list):
        return bool(value)
    return value is not None and value is not False and not isinstance(value, Missing)


class GuardedOutputNode(OutputNode):
    """`{{ … }}`: prints text and numbers; a group of values is an error, not its Python form."""

    __slots__ = ()

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the value, escaped where the part is HTML."""
        try:
            value = self.expression.evaluate(context)
            text = value if isinstance(value, str) else spell(value)
            return buffer.write(escape(text) if context.autoescape else text)
        except LiquidError as error:
            error.token = error.token or self.token
            raise


class PlainEchoTag(EchoTag):
    """`{% echo … %}` makes the same node as `{{ … }}`, which is then guarded."""

    node_class = OutputNode  # type: ignore[assignment]


class GuardedCycleNode(CycleNode):
    """`cycle`, told apart by what is written in the template.

    The library takes the values as the key and keeps each one: a text that grows in a loop would
    be kept ten thousand times.
    """

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        key = str(self.group or "") or ", ".join(map(str, self.args))
        index = context.cycle(key, len(self.args))
        if index >= len(self.args):
            return 0
        value = self.args[index].evaluate(context)
        text = value if isinstance(value, str) else spell(value)
        return buffer.write(escape(text) if context.autoescape else text)


EXPRESSIONS: dict[type[Expression], type[Expression]] = {
    RangeLiteral: BoundedRange,
    LoopExpression: MeteredLoop,
    BooleanExpression: Condition,
    LogicalAndExpression: Both,
    LogicalOrExpression: Either,
}

NODES: dict[type[Node], type[Node]] = {
    CycleNode: GuardedCycleNode,
    OutputNode: GuardedOutputNode,
}
