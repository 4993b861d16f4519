"""Builds the icon sprite: ``icons.py LIST FOLDER`` prints the SVG, one symbol a name in LIST.

For maintainers, called by ``update.sh``. FOLDER holds one SVG file an icon, as Tabler ships them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Tabler's icons begin with an invisible square that only design programs need.
FRAME = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>')
DRAWING = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
# Stroke and colour are inherited from the page: ``.ti`` in components.css says them once.
SYMBOL = '<symbol id="{name}" viewBox="0 0 24 24">{drawing}</symbol>'


def symbol(name: str, folder: Path) -> str:
    """One icon as a ``<symbol>``; raises ``FileNotFoundError`` for a name Tabler does not have."""
    found = DRAWING.search((folder / f"{name}.svg").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{name}.svg is not an SVG drawing")
    drawing = re.sub(r"\s+", " ", FRAME.sub("", found[1])).replace("> <", "><").strip()
    return SYMBOL.format(name=name, drawing=drawing)


def main(names: str, folder: str) -> None:
    icons = sorted(set(Path(names).read_text(encoding="utf-8").split()))
    print('<svg xmlns="http://www.w3.org/2000/svg">')
    for name in icons:
        print(symbol(name, Path(folder)))
    print("</svg>")


if __name__ == "__main__":
    main(*sys.argv[1:3])
