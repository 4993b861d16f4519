"""Keeps a number of ``deliver`` processes alive, forked from a parent that has imported all.

``python -m tests.warm_parent NUMBER``: a killed child is replaced within milliseconds, which is
what makes hundreds of kills possible. Ends, with its children, when standard input is closed.
"""

from __future__ import annotations

import os
import select
import signal
import sys

import django


def main(number: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import connections

    import mailaccounts.transports.smtp  # noqa: F401
    import maillog.deliver

    connections.close_all()
    children: set[int] = set()
    print("ready", flush=True)
    try:
        while not select.select([sys.stdin], [], [], 0.01)[0]:
            while children and (gone := os.waitpid(-1, os.WNOHANG)[0]):
                children.discard(gone)
            while len(children) < number:
                pid = os.fork()
                if not pid:
                    maillog.deliver.Deliverer().run()
                    os._exit(0)
                children.add(pid)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
