"""From what staff wrote (MJML or HTML, with Liquid) to finished Liquid HTML. Done once, at save.

MJML is compiled, the body is put into the layout, CSS is inlined, blanks and needless markup go.
All of these tools parse HTML, so Liquid is hidden from them: a parser would move `{% for %}` out of
a table, escape the quotes of `{{ x | date: "%d" }}` and drop what is not an attribute. Nothing is
fetched: no `mj-include`, no web fonts, no remote style sheets.
"""

from __future__ import annotations

import re
import secrets
from string import ascii_lowercase

import css_inline
import mjml

from .deep_stack import on_a_deep_stack
from .markup import TooDeep, check_shape, markups
from .rendering import TemplateError, parse

_RESET = '<style data-css-inline="ignore">'
"""MJML's rules for every `table`, `td` and `img`: they stay in the head, not on every cell."""

CONTENT = re.compile(r"\{\{-?\s*content\s*-?\}\}")
"""Where a layout wants the body."""

_LIQUID = re.compile(
    r"\{%-?\s*(?P<block>raw|comment)\b.*?\{%-?\s*end(?P=block)\s*-?%\}"
    r"|\{\{.*?\}\}|\{%.*?%\}",
    re.DOTALL,
)
_BLOCK_TAG = re.compile(
    r"</?(?:!doctype|html|head|meta|link|title|style|body|center|table|thead|tbody|tfoot|tr|t[dh]"
    r"|div|p|h[1-6]|ul|ol|li|hr|br)\b",
    re.IGNORECASE,
)


_WHOLE = re.compile(r"<(?:html|mjml|!doctype)\b", re.IGNORECASE)


def stands_alone(body_source: str) -> bool:
    """Whether the source is a whole page, which wants no frame around it."""
    return _WHOLE.search(body_source) is not None


def with_preheader(layout: str, preheader: str) -> str:
    """Put the line that mail programs show beside the subject first into the layout's body."""
    if not preheader.strip():
        return layout
    hidden = f'<div style="display:none;max-height:0;overflow:hidden">{preheader}</div>'
    return re.sub(r"<body\b[^>]*>", lambda body: body.group() + hidden, layout, count=1)


def compile_html(body_source: str, layout: str | None = None, preheader: str = "") -> str:
    """Return the Liquid HTML that is rendered for each message.

    `body_source` is MJML (sections, or a whole `<mjml>`) or HTML; a whole page, or one without a
    layout, stands alone.
    Raises TemplateError (part "html") with the line where the author can see it.
    """
    if stands_alone(body_source):
        layout = None
    if layout is not None:
        layout = with_preheader(layout, preheader)
    sources = [body_source] if layout is None else [body_source, layout]
    for source in sources:
        parse(source, part="html")
        _check_shape(source)
    shield = Shield("".join(sources))
    page = shield.hide(body_source)
    if layout is not None:
        page = _placed(page, shield.hide(CONTENT.sub("<!--content-->", layout, count=1)))
    page = _compiled(page)
    if not re.search(r"<body\b", page, re.IGNORECASE):
        page = f"<!doctype html><html><head></head><body>{page}</body></html>"
    page = lean(_inlined(page))
    compiled = shield.restore(page)
    parse(compiled, part="html")
    return compiled


def _check_shape(source: str) -> None:
    try:
        check_shape(source)
    except TooDeep as error:
        raise TemplateError(str(error), part="html") from error


def _unheard_of() -> str:
    """A word that HTML tools take for a name, and that no source has by accident."""
    return "lq" + "".join(secrets.choice(ascii_lowercase) for _letter in range(10)) + "q"


class Shield:
    """Replaces Liquid by words (and, between tags, comments) that every HTML tool leaves alone."""

    def __init__(self, source: str) -> None:
        # By chance, not by trying: a source may hold any word that follows from a rule.
        self.prefix = _unheard_of()
        while self.prefix in source:
            self.prefix = _unheard_of()
        self.hidden: list[str] = []
        self.blocks: list[list[int]] = []
        """Per source hidden: its `{% … %}` between tags, in the order of the source."""
        self.in_styles: set[int] = set()
        """Values in style sheets: those of rules that fit nothing go with the rule."""

    def hide(self, source: str) -> str:
        """Return the source with its Liquid hidden."""
        self.blocks.append([])
        words = _LIQUID.sub(self._word, source)
        pieces, end = [], 0
        for markup in markups(words):
            if markup.raw in ("style", "mj-style"):
                self.in_styles.update(self._indices(markup.text))
            pieces += [self._commented(words[end : markup.start]), markup.text]
            end = markup.end
        return "".join([*pieces, self._commented(words[end:])])

    def restore(self, html: str) -> str:
        """Put the Liquid back. Raises TemplateError when some of it got lost or was moved."""
        found = self._indices(html)
        for index, liquid in enumerate(self.hidden):
            if index not in found and index not in self.in_styles:
                raise TemplateError(f"“{liquid[:60]}” stands where no text can be", part="html")
        for blocks in self.blocks:
            if [index for index in found if index in set(blocks)] != blocks:
                raise TemplateError("a tag stands where none can be", part="html")
        word = rf"{self.prefix}(\d+)x"
        return re.sub(
            rf'<!--{word}-->|{word}=""|{word}',
            lambda match: self.hidden[int(match[1] or match[2] or match[3])],
            html,
        )

    def _indices(self, text: str) -> list[int]:
        return [int(number) for number in re.findall(rf"{self.prefix}(\d+)x", text)]

    def _word(self, match: re.Match[str]) -> str:
        if match["block"] == "comment":
            return ""
        self.hidden.append(match.group())
        return f"{self.prefix}{len(self.hidden) - 1}x"

    def _commented(self, text: str) -> str:
        """Turn `{% … %}` into comments: text between `<tr>`s would be moved before the table."""

        def comment(match: re.Match[str]) -> str:
            index = int(match[1])
            if self.hidden[index].startswith("{{"):
                return match.group()
            self.blocks[-1].append(index)
            return f"<!--{match.group()}-->"

        return re.sub(rf"{self.prefix}(\d+)x", comment, text)


def _placed(body: str, layout: str) -> str:
    """Put the body into the layout, each compiled on its own; its styles go into the head."""
    if "<!--content-->" not in layout:
        raise TemplateError("the layout has no {{ content }}", part="html")
    page = _compiled(layout)
    if not _is_mjml(body):
        return page.replace("<!--content-->", body, 1)
    compiled = _compiled(body)
    head, _, rest = compiled.partition("</head>")
    inner = re.sub(r"\A\s*<body[^>]*>|</body>\s*</html>\s*\Z", "", rest)
    head = re.sub(r"<!--.*?-->", "", head, flags=re.DOTALL)
    styles = re.findall(r"<style\b.*?</style>", head, re.DOTALL)
    own = "".join(style for style in styles if _RESET not in style)
    return page.replace("<!--content-->", inner, 1).replace("</head>", f"{own}</head>", 1)


def _is_mjml(source: str) -> bool:
    return re.search(r"<mj(?:-|ml\b)", source) is not None


def _compiled(source: str) -> str:
    if not _is_mjml(source):
        return source
    if "<mjml" not in source:
        source = f"<mjml><mj-body>{source}</mj-body></mjml>"
    try:
        html = on_a_deep_stack(lambda: mjml.mjml2html(source, fonts={}))
    except ValueError as error:
        raise TemplateError(f"MJML: {error}", part="html") from error
    if unknown := re.search(r"<(mj-[a-z-]+)", html):
        raise TemplateError(f"MJML: “{unknown[1]}” is not known here", part="html")
    return html.replace('<style type="text/css">\n#outlook', _RESET + "#outlook", 1)


_INLINER = css_inline.CSSInliner(
    load_remote_stylesheets=False, keep_at_rules=True, keep_style_tags=False, minify_css=True
)


def _inlined(html: str) -> str:
    try:
        return on_a_deep_stack(lambda: _INLINER.inline(html))
    except css_inline.InlineError as error:
        raise TemplateError(f"CSS: {error}", part="html") from error


def lean(html: str) -> str:
    """Return the page without what no mail program needs. Every byte is sent to every customer."""
    html = html.replace("<![endif]--><!--[if mso | IE]>", "")
    html = re.sub(r"<!--\[if lte mso 11\]>.*?<!\[endif\]-->", "", html, flags=re.DOTALL)
    html = html.replace(' data-css-inline="ignore"', "")
    html = re.sub(r"</?tbody>", "", html)  # parsers add it
    html = re.sub(r"(<style[^>]*>)(.*?)(</style>)", _lean_style, html, flags=re.DOTALL)
    return _without_blanks(_without_idle_classes(html))


def _lean_style(match: re.Match[str]) -> str:
    css = re.sub(r"/\*.*?\*/", "", match[2], flags=re.DOTALL)
    css = re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", css))
    css = re.sub(r"([\w-]): (?=[^{}]*[;}])", r"\1:", css)
    css = css.replace(";}", "}").replace(" !important", "!important")
    return f"{match[1]}{css.strip()}{match[3]}" if css.strip() else ""


def _without_idle_classes(html: str) -> str:
    """Drop the classes that only served inlining; those in `@media` rules stay."""
    styles = " ".join(re.findall(r"<style\b.*?</style>", html, re.DOTALL))
    used = set(re.findall(r"\.([A-Za-z_][\w-]*)", styles))

    def kept(match: re.Match[str]) -> str:
        names = [name for name in match[1].split() if name in used or not name.isascii()]
        return f' class="{" ".join(names)}"' if names else ""

    return re.sub(r'\sclass="([^"<>]*)"', kept, html)


def _without_blanks(html: str) -> str:
    """Collapse blanks, and drop them beside tags that start or end a block."""
    if re.search(r"<(?:pre|textarea)\b|white-space:\s*pre", html):
        return html
    pieces, end, drop_leading = [], 0, True
    for markup in markups(html):
        tag = markup.text
        is_block = _BLOCK_TAG.match(tag) is not None
        text = _collapsed(html[end : markup.start], drop_leading, is_block)
        pieces += [text, tag]
        if not tag.startswith("<!--"):
            drop_leading = is_block
        elif text:  # Liquid: what it stands beside decides
            drop_leading = text.endswith(" ")
        end = markup.end
    return "".join([*pieces, _collapsed(html[end:], drop_leading, True)])


def _collapsed(text: str, drop_leading: bool, drop_trailing: bool) -> str:
    text = re.sub(r"[ \t\r\n]+", " ", text)
    if drop_leading:
        text = text.lstrip(" ")
    return text.rstrip(" ") if drop_trailing else text
