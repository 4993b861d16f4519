"""Goes through a parsed template and compares what it uses with what its contract offers.

Names are followed through `assign`, `capture` and loops. Where a name may be one thing or another,
it may be anything, and nothing is said about it: what is reported is certainly wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from liquid import RenderContext, Token
from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.path import Path
from liquid.builtin.expressions.primitive import (
    FalseLiteral,
    FloatLiteral,
    IntegerLiteral,
    RangeLiteral,
    StringLiteral,
    TrueLiteral,
)
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.decrement_tag import DecrementNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.increment_tag import IncrementNode
from liquid.builtin.tags.tablerow_tag import TablerowNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression

from templates_tx.comparisons import COMPARISONS, complaint_about
from templates_tx.filter_shapes import judge
from templates_tx.liquid_nodes import BoundFilter, GuardedCycleNode, GuardedOutputNode
from templates_tx.printing import Printed, complaint_of
from templates_tx.problems import ERROR
from templates_tx.shapes import (
    ANYTHING,
    FLAG,
    FORLOOP,
    NUMBER,
    TABLEROWLOOP,
    TEXT,
    Shape,
    shapes_of_others,
)
from templates_tx.unknown import Names, Unknown, no_list, unknown_root, unknown_step

MOST = 100
"""Problems of one source: nobody reads on, and each costs a search for what was meant."""

_LITERALS: dict[type[Expression], Shape] = {
    StringLiteral: ANYTHING,
    **dict.fromkeys((IntegerLiteral, FloatLiteral), NUMBER),
    **dict.fromkeys((TrueLiteral, FalseLiteral), FLAG),
}
_WRITTEN = re.compile(r"(?:[\w-]|\.(?=[\w-])|\[[^\]\n]*\])+")


@dataclass(frozen=True, slots=True)
class Find:
    """A problem before anybody knows its line."""

    index: int
    length: int
    message: str
    suggestion: str = ""
    severity: str = ERROR


@dataclass(slots=True)
class Walk:
    """One pass through one source, for ``found`` and ``used``: the contract's paths that it shows.

    ``static``: for the library's own questions; ``is_html``: where links and line breaks matter.
    """

    source: str
    data: Mapping[str, Shape]
    static: RenderContext
    is_html: bool
    found: dict[tuple[int, str], Find] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    made: dict[str, Shape] = field(default_factory=dict)
    counters: set[str] = field(default_factory=set)
    loops: list[dict[str, Shape]] = field(default_factory=list)
    ended: dict[str, Shape] = field(default_factory=dict)
    in_condition: bool = False

    def nodes(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            self.node(node)

    def node(self, node: Node) -> None:
        VISITS.get(type(node), Walk.below)(self, node)

    def below(self, node: Node) -> None:
        """A tag that only holds others."""
        self.nodes(self._children(node))

    def _assign(self, node: AssignNode) -> None:
        self.made[str(node.name)] = self.value(node.expression)

    def _capture(self, node: CaptureNode) -> None:
        self.node(node.block)
        self.made[str(node.name)] = TEXT

    def _count(self, node: IncrementNode | DecrementNode) -> None:
        self.counters.add(str(node.name))

    def _cycle(self, node: CycleNode) -> None:
        self._each(node.expressions())

    def _way_out(self, node: BreakNode | ContinueNode) -> None:
        if not self.loops:
            words = _("“%(name)s” stands outside of a loop.") % {"name": node.token.value}
            self._find(node.token, words)

    def _branch(self, node: ConditionalBlockNode | MultiExpressionBlockNode) -> None:
        self._conditions(node)
        self.node(node.block)

    def _children(self, node: Node) -> Iterable[Node]:
        return node.children(self.static, include_partials=False)

    def _output(self, node: GuardedOutputNode) -> None:
        shape = self.value(node.expression)
        if shape.may_be_anything:
            return
        token = node.expression.token
        written = self._written(token)
        printed = Printed(shape, written, self.source, token.start_index, self.is_html)
        if complaint := complaint_of(printed):
            message, suggestion, severity = complaint
            # What stands before a filter is not what is printed, unless it is a single value.
            is_changed = shape.kind is None and isinstance(node.expression, FilteredExpression)
            self._find(token, message, "" if is_changed else suggestion, severity)

    def _loop(self, node: ForNode | TablerowNode) -> None:
        expression = node.expression
        iterable = self.value(expression.iterable)
        for more in (expression.limit, expression.offset, expression.cols):
            if more is not None:
                self.value(more)
        item = iterable.item or ANYTHING
        if iterable.item is None and not iterable.may_be_anything:
            self._find(expression.iterable.token, no_list(self._written(expression.iterable.token)))
        is_for = isinstance(node, ForNode)
        turn = {"forloop": FORLOOP} if is_for else {"tablerowloop": TABLEROWLOOP}
        name = str(expression.identifier)
        before = dict(self.made)
        # What a turn keeps is there in the next one.
        self.made |= dict.fromkeys(self._kept_by(node.block), ANYTHING)
        self.loops.append({**turn, name: item})
        self.node(node.block)
        self.ended[name] = self.loops.pop()[name]
        self._join([before, self.made])
        if isinstance(node, ForNode) and node.default is not None:
            self.node(node.default)

    def _kept_by(self, node: Node) -> Iterator[str]:
        if isinstance(node, AssignNode | CaptureNode):
            yield str(node.name)
        for child in self._children(node):
            yield from self._kept_by(child)

    def _branches(self, node: Node) -> None:
        """Only one of the branches runs, or none."""
        self._conditions(node)
        before, ways = dict(self.made), [self.made]
        for child in self._children(node):
            self.made = dict(before)
            self.node(child)
            ways.append(self.made)
        self._join(ways)

    def _join(self, ways: list[dict[str, Shape]]) -> None:
        """What is kept after it ran one of these ways."""
        first, *others = ways
        self.made = dict(first)
        for way in others:
            for name, shape in way.items():
                self.made[name] = shape if self.made.get(name, shape) == shape else ANYTHING

    def _conditions(self, node: Node) -> None:
        with self._asking():
            for expression in node.expressions():
                self.value(expression)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """What is only asked about is not shown to anybody."""
        before, self.in_condition = self.in_condition, True
        yield
        self.in_condition = before

    def value(self, expression: Expression) -> Shape:
        """What it is; complains about what it is made of."""
        if (literal := _LITERALS.get(type(expression))) is not None:
            return literal
        if isinstance(expression, Path):
            return self._path(expression)
        if isinstance(expression, FilteredExpression):
            return self._filtered(expression)
        shapes = self._each(expression.children())
        if isinstance(expression, RangeLiteral):
            return Shape(item=NUMBER)
        if isinstance(expression, COMPARISONS):
            left = expression.left
            complaint = complaint_about(expression, shapes[0], self._written(left.token))
            if complaint:
                self._find(left.token, *complaint)
        return ANYTHING

    def _each(self, expressions: Iterable[Expression]) -> list[Shape]:
        return [self.value(each) for each in expressions]

    def _filtered(self, expression: FilteredExpression) -> Shape:
        shape = self.value(expression.left)
        for used in expression.filters or ():
            assert isinstance(used, BoundFilter)
            arguments = self._each(used.children())
            verdict = judge(used, shape, arguments)
            shape = verdict.shape
            if verdict.index is not None:
                self._at(verdict.index, verdict.length, verdict.message, verdict.suggestion)
            elif verdict.message:
                self._find(used.token, verdict.message, verdict.suggestion)
        return shape

    def _path(self, path: Path) -> Shape:
        for inner in path.children():
            self.value(inner)
        root, *keys = path.path
        if isinstance(root, Path):
            return ANYTHING
        shape = self._look_up(str(root))
        if shape is None:
            self._unknown(path, unknown_root(self._names(), path, self.ended))
            return ANYTHING
        for place, key in enumerate(keys):
            if isinstance(key, Path):
                shape = shape.item or ANYTHING
                continue
            if key != "size":
                self._use(shape)
            found = shape.step(key)
            if found is None:
                self._unknown(path, unknown_step(self._names(), path, place, shape))
                return ANYTHING
            shape = found
        if not (keys and keys[-1] == "size"):
            self._use(shape)
        return shape

    def _use(self, shape: Shape) -> None:
        if shape.path and not self.in_condition:
            self.used.add(shape.path)

    def _look_up(self, name: str) -> Shape | None:
        for loop in reversed(self.loops):
            if name in loop:
                return loop[name]
        if name in self.made:
            return self.made[name]
        if name in self.data:
            return self.data[name]
        if name in self.counters:
            return NUMBER
        return shapes_of_others().get(name) if self.in_condition else None

    def _names(self) -> Names:
        shapes = dict(self.data) | self.made
        for loop in self.loops:
            shapes |= loop
        return Names(shapes)

    def _unknown(self, path: Path, unknown: Unknown) -> None:
        self._find(path.token, unknown.message, unknown.suggestion)

    def _written(self, token: Token) -> str:
        """A value as it stands in the source."""
        match = _WRITTEN.match(self.source, max(token.start_index, 0))
        return match.group() if match and token.start_index >= 0 else token.value

    def _find(
        self, token: Token, message: str, suggestion: str = "", severity: str = ERROR
    ) -> None:
        self._at(token.start_index, len(self._written(token)), message, suggestion, severity)

    def _at(
        self, index: int, length: int, message: str, suggestion: str = "", severity: str = ERROR
    ) -> None:
        if len(self.found) < MOST:
            self.found.setdefault(
                (index, message), Find(index, length, message, suggestion, severity)
            )


VISITS: dict[type[Node], Callable[[Walk, Any], None]] = {
    GuardedOutputNode: Walk._output,
    AssignNode: Walk._assign,
    CaptureNode: Walk._capture,
    ForNode: Walk._loop,
    TablerowNode: Walk._loop,
    **dict.fromkeys((IfNode, UnlessNode, CaseNode), Walk._branches),
    **dict.fromkeys((ConditionalBlockNode, MultiExpressionBlockNode), Walk._branch),
    **dict.fromkeys((IncrementNode, DecrementNode), Walk._count),
    **dict.fromkeys((BreakNode, ContinueNode), Walk._way_out),
    GuardedCycleNode: Walk._cycle,
}
