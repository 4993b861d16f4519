"""The pages say what the code does: settings, states, promises, commands, files, links."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands

from maillog.states import ALLOWED_FROM, State, UnknownPolicy
from shops.conf import Conf
from tests.promises_check import marked

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"^\| `(?P<name>[A-Z][A-Z_0-9]+)` \| (?P<default>.*?) \|", re.MULTILINE)
COMMAND = re.compile(r"(?P<by>\./postroom|manage\.py) (?P<name>[a-z][a-z_]+)")
MACHINE = re.compile(r"/(?:root|home|work|Users)/|/tmp/\w")
CODE = re.compile(r"`(?P<code>[^`\n]+)`")
PROMISE = re.compile(r"^\| (?P<id>S\d\.\d+) \| (?P<state>kept|partly) \|.*\| (?P<tests>[^|]+) \|$")
# What paths in the pages may be relative to.
FOLDERS = ("", "tests", "templates", "tests/foreign_shop")
# Of ./postroom itself; the rest is manage.py's.
OF_THE_SCRIPT = {"setup", "demo", "test", "check", "bench"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(page: str, section: str) -> list[list[str]]:
    """The cells of the table under one heading of a page."""
    part = text_of(page).split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


# Settings


def read_variables() -> dict[str, Any]:
    """Each variable that ``config/settings.py`` reads, with its default where that is a literal."""
    found: dict[str, Any] = {}
    for node in ast.walk(ast.parse(text_of("config/settings.py"))):
        if not (isinstance(node, ast.Call) and re.fullmatch(r"env\.\w+", ast.unparse(node.func))):
            continue
        if not isinstance(node.args[0], ast.Constant):
            continue
        defaults = [each.value for each in node.keywords if each.arg == "default"]
        default = defaults[0] if defaults else None
        found[str(node.args[0].value)] = default.value if isinstance(default, ast.Constant) else ...
    return found


def conf_defaults() -> dict[str, Any]:
    return {name: value for name, value in vars(Conf).items() if name.isupper()}


def documented() -> dict[str, str]:
    return {each["name"]: each["default"] for each in SETTING.finditer(text_of("docs/settings.md"))}


def of_the_script() -> set[str]:
    return set(re.findall(r"\$\{(POSTROOM_[A-Z_]+):-", text_of("postroom")))


def test_every_setting_is_documented_and_nothing_else() -> None:
    known = set(read_variables()) | set(conf_defaults()) | of_the_script()
    assert set(documented()) == known


def test_documented_defaults_are_the_real_ones() -> None:
    page, wrong = documented(), {}
    for name, default in (conf_defaults() | read_variables()).items():
        if default is ... or isinstance(default, list | tuple) or name.endswith("_KEY"):
            continue
        expected = f"`{default}`" if default != "" else "–"
        if page[name] != expected:
            wrong[name] = (page[name], expected)
    assert wrong == {}


def test_the_example_file_names_documented_variables_only() -> None:
    example = set(re.findall(r"^#?([A-Z][A-Z_]+)=", text_of(".env.example"), re.MULTILINE))
    assert example
    assert example <= set(read_variables())


# States and policies


def test_the_states_are_those_of_the_code_in_the_words_of_the_log() -> None:
    labels: dict[str, str] = {}
    for code, words, *_rest in rows("docs/reliability.md", "States of a delivery"):
        for name, word in zip(CODE.findall(code), words.split(", "), strict=True):
            labels[name] = word
    assert labels == {state.value: str(state.label) for state in State}


def test_the_moves_between_states_are_those_of_the_code() -> None:
    told: dict[str, set[str]] = {}
    for code, _words, _means, then in rows("docs/reliability.md", "States of a delivery"):
        for name in CODE.findall(code):
            told[name] = set(CODE.findall(then))
    real = {
        state.value: {to.value for to, froms in ALLOWED_FROM.items() if state in froms}
        for state in State
    }
    assert told == real


def test_the_policies_for_uncertain_outcomes_are_those_of_the_code() -> None:
    table = rows("docs/reliability.md", "Uncertain outcomes")
    assert [CODE.findall(row[0])[0] for row in table] == UnknownPolicy.values


# Promises


def test_promises_name_tests_that_carry_them() -> None:
    wrong = []
    for line in text_of("docs/promises.md").splitlines():
        if row := PROMISE.match(line):
            for name in CODE.findall(row["tests"]):
                path = ROOT / "tests" / name
                if not path.is_file() or f'"{row["id"]}"' not in path.read_text(encoding="utf-8"):
                    wrong.append((row["id"], name))
            if row["state"] == "kept" and not CODE.search(row["tests"]):
                wrong.append((row["id"], "no test is named"))
    assert wrong == []


def test_no_promise_that_a_test_carries_is_called_open() -> None:
    states = dict(re.findall(r"^\| (S\d\.\d+) \| (\w+) \|", text_of("docs/promises.md"), re.M))
    assert {each for each in marked() if states[each] == "open"} == set()


# Commands and links


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_that_a_page_names_exist(page: Path) -> None:
    found = {(each["by"], each["name"]) for each in COMMAND.finditer(page.read_text("utf-8"))}
    of_django = set(get_commands())
    wrong = {
        (by, name)
        for by, name in found
        if name not in (of_django | OF_THE_SCRIPT if by == "./postroom" else of_django)
    }
    assert wrong == set()


def test_what_the_script_does_itself_is_what_its_help_says() -> None:
    helped = subprocess.run(
        [ROOT / "postroom", "help"], capture_output=True, text=True, check=True, timeout=10
    ).stdout
    assert set(re.findall(r"^  ([a-z]+) ", helped, re.MULTILINE)) == OF_THE_SCRIPT


def anchors(page: Path) -> set[str]:
    """What a page's headings are linked by, as GitHub makes them."""
    headings = HEADING.finditer(FENCE.sub("", page.read_text(encoding="utf-8")))
    plain = (re.sub(r"[^\w\- ]", "", each["text"].lower()) for each in headings)
    return {each.replace(" ", "-") for each in plain}


def links(page: Path) -> Iterator[str]:
    text = CODE.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))
    yield from (each["target"] for each in LINK.finditer(text))
    yield from re.findall(r'src="([^"]+)"', text)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    wrong = []
    for target in links(page):
        if target.startswith(("http://", "https://")):
            continue
        name, _sign, anchor = target.partition("#")
        to = (page.parent / name).resolve() if name else page
        if not to.is_file() or (anchor and anchor not in anchors(to)):
            wrong.append(target)
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_that_a_page_names_exist(page: Path) -> None:
    """Paths in code style, such as ``maillog/states.py`` or a template's name."""
    wrong = []
    for code in CODE.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.fullmatch(r"(?:[a-z_]+/)+[a-z_.]+\.(?:py|md|toml|html|txt|sh)", code) and not any(
            (ROOT / folder / code).is_file() for folder in FOLDERS
        ):
            wrong.append(code)
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_tells_of_somebodys_machine(page: Path) -> None:
    assert MACHINE.findall(page.read_text(encoding="utf-8")) == []


# The README


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 120


def test_the_readme_leads_to_every_page() -> None:
    linked = {(ROOT / each.partition("#")[0]).resolve() for each in links(README)}
    assert {page for page in PAGES if page != README} <= linked


def test_the_demo_needs_two_commands() -> None:
    block = README.read_text(encoding="utf-8").split("```sh\n", 1)[1].split("```", 1)[0]
    first, second = block.splitlines()
    assert first.startswith("git clone ") and second == "cd postroom && ./postroom demo"


def test_the_hook_in_the_readme_is_python_that_connects_an_order() -> None:
    code = README.read_text(encoding="utf-8").split("```python\n", 1)[1].split("```", 1)[0]
    calls = [ast.unparse(node) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    assert calls == ["hooks.connect(Order, StoreOrder)"]
    assert len([line for line in code.splitlines() if line]) <= 10
