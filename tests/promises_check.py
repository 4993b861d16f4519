"""Holds ``docs/promises.md`` against the tests: what is called kept must be proved.

As a pytest plugin it notes which promises the passing tests carry and, after a run of the whole
suite, fails it for any that the page calls kept and no passing test proves. As a program
(``python -m tests.promises_check``) it does the part that needs no run: a test must exist.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "promises.md"
# | S0.1 | kept | words | tests |
ROW = re.compile(r"^\| (?P<id>S\d\.\d+) \| (?P<state>kept|partly|open|words) \|", re.MULTILINE)
EXPECTED = {"S0": 39, "S1": 27, "S2": 16, "S3": 20, "S4": 36, "S5": 22}
PROPERTY = "promise"


def listed() -> dict[str, str]:
    """Every promise of the page with its state."""
    return {row["id"]: row["state"] for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))}


def expected_ids() -> set[str]:
    return {f"{group}.{n}" for group, count in EXPECTED.items() for n in range(1, count + 1)}


def marked() -> set[str]:
    """Promises named by a ``@pytest.mark.promise`` anywhere in the tests."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.promise"):
                found |= {str(each.value) for each in node.args if isinstance(each, ast.Constant)}
    return found


def problems() -> list[str]:
    """What is wrong without running a test; empty if all is well."""
    states, tests = listed(), marked()
    kept = {number for number, state in states.items() if state == "kept"}
    found = [f"{each} is missing from docs/promises.md" for each in expected_ids() - set(states)]
    found += [f"{each} in docs/promises.md is no promise" for each in set(states) - expected_ids()]
    found += [f"{each} is called kept, but no test carries it" for each in kept - tests]
    found += [f"a test carries {each}, which is no promise" for each in tests - expected_ids()]
    return sorted(found)


# Gathered in the controller; xdist's workers report to it.
_passed: set[str] = set()
_unproved: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    ids = [str(each) for mark in item.iter_markers("promise") for each in mark.args]
    # User properties travel from xdist's workers to the controller.
    report.user_properties += [(PROPERTY, each) for each in ids]
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        _passed.update(str(value) for name, value in report.user_properties if name == PROPERTY)


def _is_whole_suite(config: pytest.Config) -> bool:
    chosen = config.option.keyword or config.option.markexpr or config.option.collectonly
    partial = chosen or "POSTROOM_ONLY_DATABASE" in os.environ
    return not partial and config.args_source.name != "ARGS"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput") or not _is_whole_suite(session.config):
        return
    kept = {number for number, state in listed().items() if state == "kept"}
    _unproved.extend(sorted(kept - _passed))
    if _unproved:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter) -> None:
    if _unproved:
        terminalreporter.section("promises called kept that no passing test proves", red=True)
        terminalreporter.line(", ".join(_unproved))


def main() -> int:
    found = problems()
    states = list(listed().values())
    without = sorted(
        each for each, state in listed().items() if state != "words" and each not in marked()
    )
    print(f"promises: {states.count('kept')} kept, {states.count('partly')} partly,", end=" ")
    print(f"{states.count('open')} open, {states.count('words')} in words; without a test:")
    print("  " + " ".join(without))
    for each in found:
        print(each)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
