"""``./postroom demo``: prepares the settings before Django is loaded, then runs."""

from __future__ import annotations

import sys

from demo.options import CannotRun, parse


def main() -> int:
    options = parse()
    try:
        if options.once:
            from demo import once

            return once.run(options)
        from demo import live

        return live.run(options)
    except CannotRun as error:
        print(f"postroom: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
