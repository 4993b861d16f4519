"""The environment of a test run, set before the settings are read.

pytest loads this module as a plugin (``-p tests.environment`` in ``pyproject.toml``): pytest-django
imports the settings before any ``conftest.py``, so a value set there would come too late. A data
folder of its own keeps the run away from the keys, files and database of the installation that
lies in the same clone.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_MADE_BY = "POSTROOM_TESTS_MADE_DATA"

# xdist's workers inherit what their controller has made.
if _MADE_BY not in os.environ:
    os.environ[_MADE_BY] = str(os.getpid())
    os.environ["POSTROOM_DATA"] = tempfile.mkdtemp(prefix="postroom-tests.")

DATA = Path(os.environ["POSTROOM_DATA"])
os.environ.setdefault("DATABASE_URL", f"sqlite:///{DATA / 'tests.sqlite3'}")

# For processes that are killed or stopped: production waits 60, 30 and 900 seconds.
LEASE = 1  # seconds
QUICK = {"LEASE_SECONDS": str(LEASE), "REAP_GRACE_SECONDS": "1", "REPEAT_AFTER_SECONDS": "1"}

os.environ.setdefault("SECRET_KEY", "a-key-for-tests-only-" + "x" * 40)
# Mail servers of tests listen on loopback, which the outbound guard refuses by default.
os.environ["OUTBOUND_ALLOW"] = "127.0.0.1:*"
# Playwright's synchronous API runs an event loop in the thread that calls the ORM.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@atexit.register
def _remove_data() -> None:
    """In the process that made it only: children that fork inherit this function too."""
    if os.environ[_MADE_BY] == str(os.getpid()):
        shutil.rmtree(DATA, ignore_errors=True)
