"""The Liquid environment that staff templates run in: nothing escapes it and nothing runs away.

python-liquid already keeps templates away from attributes and methods. On top of it: only the
filters of `liquid_filters`, no tag that loads anything, unknown names are errors, loops and ranges
have at most 10,000 turns, locals are weighed, and each render has a budget of CPU time, looked at
in filter calls, loop turns and now and then while names are looked up.
"""

from __future__ import annotations

from collections.abc import Mapping

from liquid import Environment, Mode, RenderContext, Token
from liquid.exceptions import LiquidError, LiquidInterrupt, LiquidSyntaxError, StopRender
from liquid.template import BoundTemplate

from .liquid_context import MAX_LOCALS, MAX_OUTPUT, GuardedContext, Missing
from .liquid_filters import allowed_filters
from .liquid_guard import MAX_ITEMS, check_source
from .liquid_nodes import PlainEchoTag, secure
from .liquid_steps import Step, compiled

CPU_BUDGET = 0.15
"""Seconds of this thread's CPU time for one message: a normal one takes under a thousandth."""


class GuardedTemplate(BoundTemplate):
    """A parsed template with the steps that render it."""

    steps: list[tuple[Step, Token]]


class GuardedEnvironment(Environment):
    """Parses and renders what staff wrote. `html` decides whether values are escaped."""

    template_class = GuardedTemplate
    block_nesting_limit = 20
    context_depth_limit = 20
    loop_iteration_limit = MAX_ITEMS
    local_namespace_limit = MAX_LOCALS
    output_stream_limit = MAX_OUTPUT

    def __init__(self, *, html: bool) -> None:
        super().__init__(undefined=Missing, autoescape=html, tolerance=Mode.STRICT)

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Replace what the library registers by what is allowed here."""
        super().setup_tags_and_filters()
        self.filters = allowed_filters(self)
        for name in ("include", "render", "doc"):
            del self.tags[name]
        self.add_tag(PlainEchoTag)

    def error(
        self,
        exc: type[LiquidError] | LiquidError,
        msg: str | None = None,
        token: Token | None = None,
    ) -> None:
        """Raise it. What ends too early has no place of its own: it is given its tag's."""
        if isinstance(exc, LiquidError) and exc.token is not None and exc.token.start_index < 0:
            exc.token = None
        super().error(exc, msg, token)

    def from_source(self, source: str) -> GuardedTemplate:
        """Parse a source; raises a LiquidError for anything that could not be rendered."""
        template = self.parsed(source)
        template.steps = compiled(template.nodes, RenderContext(template))
        return template

    def parsed(self, source: str) -> GuardedTemplate:
        """As `from_source`, to be looked at and not to be rendered: without its steps."""
        check_source(source)
        template = self.from_string(source)
        assert isinstance(template, GuardedTemplate)
        static = RenderContext(template)
        for node in template.nodes:
            secure(node, static)
        return template

    def render_template(
        self, template: GuardedTemplate, data: Mapping[str, object], deadline: float
    ) -> str:
        """Render until `deadline` (by `time.thread_time()`); `data` must be plain."""
        context = GuardedContext(template, data, deadline)
        buffer = context.get_buffer()
        for step, token in template.steps:
            try:
                step(context, buffer)
            except StopRender:
                break
            except LiquidInterrupt as stray:
                raise LiquidSyntaxError(f"unexpected “{stray}”", token=token) from None
            except LiquidError as error:
                error.token = error.token or token
                raise
        return buffer.getvalue()
