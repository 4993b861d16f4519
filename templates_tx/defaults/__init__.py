"""The templates every shop starts with, put together from small files to one source per language.

`layout.html` is the frame; `<code>/body.html` and `<code>/body.txt` are the structure of a type;
`<language>.toml` holds the words all types share, `<code>/<language>.toml` those of one type: its
`subject`, perhaps a `preheader` (the line that mail programs show beside the subject), the rest as
its body asks for. `{{ t.word }}` (`{{ t.word 26 }}`: padded to 26 characters) and `{{ part.name }}`
are replaced here, once: what staff see and copy is one finished source without any of them. The
words may themselves hold Liquid. A type may have its own for one that all share: `questions`, the
last line of the frame, is another one in mail to the shop's own people.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from templates_tx.compiling import compile_html
from templates_tx.rendering import Parts

FOLDER = Path(__file__).parent
CODES = tuple(sorted(folder.name for folder in FOLDER.iterdir() if (folder / "en.toml").exists()))

_PLACEHOLDER = re.compile(r"\{\{ (t|part)\.(\w+)(?: (\d+))? \}\}")


@dataclass(frozen=True)
class DefaultTemplate:
    """One type in one language: what staff may edit, and `html` compiled from `body`."""

    code: str
    language: str
    subject: str
    preheader: str
    body: str
    text: str
    html: str

    @property
    def parts(self) -> Parts:
        """What the worker renders."""
        return Parts(subject=self.subject, html=self.html, text=self.text)


@cache
def languages_of(code: str) -> tuple[str, ...]:
    """The languages that a type has words in; English always, none for an unknown type."""
    return tuple(sorted(words.stem for words in (FOLDER / code).glob("*.toml")))


def every() -> Iterator[tuple[str, str]]:
    """Code and language of every built-in template."""
    return ((code, language) for code in CODES for language in languages_of(code))


@cache
def load(code: str, language: str) -> DefaultTemplate:
    """Return a built-in template. Raises LookupError for a type or language there is none for."""
    if code not in CODES or language not in languages_of(code):
        raise LookupError(f"no built-in template for {code} in {language}")
    words = _words(code, language)
    body = _filled(_read(f"{code}/body.html"), "html", words)
    preheader = words.get("preheader", "")
    return DefaultTemplate(
        code=code,
        language=language,
        subject=words["subject"],
        preheader=preheader,
        body=body,
        text=_filled(_read(f"{code}/body.txt"), "txt", words),
        html=compile_html(body, _filled(_read("layout.html"), "html", words), preheader),
    )


@cache
def layout(language: str) -> str:
    """Return the frame around every body: `compile_html(body, layout(language))`."""
    return _filled(_read("layout.html"), "html", _words(None, language))


def _words(code: str | None, language: str) -> dict[str, str]:
    words: dict[str, str] = tomllib.loads(_read(f"{language}.toml"))
    if code is not None:
        words |= tomllib.loads(_read(f"{code}/{language}.toml"))
    return words


def _filled(source: str, kind: str, words: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        space, name, width = match.groups()
        if space == "t":
            return words[name].ljust(int(width or 0))
        return _filled(_read(f"parts/{name}.{kind}").removesuffix("\n"), kind, words)

    return _PLACEHOLDER.sub(value, source)


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
