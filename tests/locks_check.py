"""Check the lock files: no address in them, and everything that ``pyproject.toml`` asks for.

Run as ``python -m tests.locks_check``; prints what is wrong and returns 1, or prints one line.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
# An index or mirror that one machine used would be asked by every machine that installs.
ADDRESS = re.compile(r"\w+://|^\s*(-i|-f|--[a-z-]*index[a-z-]*|--find-links|--trusted-host)\b")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^]]*\])?==(?P<version>[^\s;\\]+)")


def pins(lock: str) -> dict[str, str]:
    """Version by package name."""
    found = (PIN.match(line) for line in lock.splitlines())
    return {canonicalize_name(m["name"]): m["version"] for m in found if m}


def addresses(lock: str) -> list[str]:
    """A complaint for each line that names a place to download from."""
    lines = enumerate(lock.splitlines(), start=1)
    return [f"line {n} has an address: {line.strip()}" for n, line in lines if ADDRESS.search(line)]


def without_hash(lock: str) -> list[str]:
    """A complaint for each pin that has no hash."""
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    bare = [block for block in blocks if PIN.match(block) and "--hash=sha256:" not in block]
    return [f"{block.split()[0]} has no hash" for block in bare]


def unmet(wanted: list[str], pinned: dict[str, str]) -> list[str]:
    """A complaint for each requirement whose package is not pinned, or pinned outside its range."""
    complaints = []
    for requirement in map(Requirement, wanted):
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None:
            complaints.append(f"{requirement.name} is missing")
        elif not requirement.specifier.contains(version, prereleases=True):
            complaints.append(f"{requirement.name} {version} does not satisfy {requirement}")
    return complaints


def differing(run: dict[str, str], dev: dict[str, str]) -> list[str]:
    """A complaint for each package that is tested in another version than the one that runs."""
    return [
        f"{name} is {dev.get(name, 'missing')}, but {version} in requirements.lock"
        for name, version in run.items()
        if dev.get(name) != version
    ]


def complaints(root: Path) -> list[str]:
    """Everything wrong with the two lock files in ``root``, each named by its file."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"]
    run = (root / "requirements.lock").read_text()
    dev = (root / "requirements-dev.lock").read_text()
    in_run = addresses(run) + without_hash(run) + unmet(wanted, pins(run))
    in_dev = addresses(dev) + without_hash(dev) + differing(pins(run), pins(dev))
    in_dev += unmet(wanted + project["dependency-groups"]["dev"], pins(dev))
    return [f"requirements.lock: {text}" for text in in_run] + [
        f"requirements-dev.lock: {text}" for text in in_dev
    ]


def main() -> int:
    found = complaints(ROOT)
    print("\n".join(found) or "Both lock files are in step with pyproject.toml.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
