"""``docs/install.md``, done: its commands, in its order, on a new database, until mail arrives.

Nothing here runs inside the test's process but the mail server: every command is a process of its
own, and the account is added with a browser's means. The database is SQLite or PostgreSQL, as
``DATABASE_URL`` says.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import psycopg
import pytest

from demo.sink_store import Received
from tests import smtp

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "install.md"
BLOCK = re.compile(
    r"<!-- runs in tests/test_install\.py: (?P<way>\w+) -->\n```sh\n(?P<commands>.*?)```", re.DOTALL
)
SERVICES = {"serve", "runserver", "worker", "qcluster"}
DOCUMENTED_PORT = "8000"
PASSWORD = "Correct-horse-17"
SENDER = "sklep@rowerownia.example"
MAIL_PASSWORD = "zażółć-gęślą"
SECONDS = 60.0  # from the order to the mail, a minute's sweep included


def commands(way: str) -> list[list[str]]:
    """The documented command lines of one way, as words."""
    blocks = BLOCK.finditer(PAGE.read_text(encoding="utf-8"))
    lines = [line for each in blocks if each["way"] == way for line in each["commands"].split("\n")]
    return [shlex.split(line) for line in lines if line]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_for[T](what: str, look: Callable[[], T | None], seconds: float = 30.0) -> T:
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.1)
    return found


@contextmanager
def fresh_database(folder: Path) -> Iterator[str]:
    """The address of an empty database of the kind that this run of the suite is on."""
    given = os.environ["DATABASE_URL"]
    if not given.startswith("postgres"):
        yield f"sqlite:///{folder / 'install.sqlite3'}"
        return
    name = f"postroom_install_{secrets.token_hex(4)}"
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass
class Installation:
    """The clone, as somebody runs it who has just read the page."""

    folder: Path
    env: dict[str, str]
    port: int
    services: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(self, words: list[str]) -> None:
        """One documented command; services go on in the background."""
        name, args = self._arguments(words)
        if name in SERVICES:
            self.start(name, args)
            return
        done = subprocess.run(
            [sys.executable, "manage.py", *args],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
        )
        told = f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
        assert done.returncode == 0 or (name == "doctor" and only_hurried(done.stdout)), told

    def _arguments(self, words: list[str]) -> tuple[str, list[str]]:
        """``./postroom`` only sees to ``.venv``, which this Python is from, and passes on."""
        assert words[0] == "./postroom" or words[:2] == ["python", "manage.py"], words
        args = words[1:] if words[0] == "./postroom" else words[2:]
        args = [arg.replace(DOCUMENTED_PORT, str(self.port)) for arg in args]
        # Nobody is there to type a password, and a reloader would watch files that tests change.
        extra = {"createsuperuser": ["--noinput"], "runserver": ["--noreload"]}
        return args[0], [*args, *extra.get(args[0], [])]

    def start(self, name: str, args: list[str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.services[name] = subprocess.Popen(
                [sys.executable, "manage.py", *args],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        for service in self.services.values():
            # The main process alone: django-q2 hangs when its whole group gets a SIGTERM.
            service.send_signal(signal.SIGTERM)
        for service in self.services.values():
            try:
                service.wait(40)
            finally:
                kill_group(service.pid)

    @property
    def logs(self) -> str:
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}"
            for path in sorted(self.folder.glob("*.log"))
        )


def only_hurried(findings: str) -> bool:
    """True if all that ``doctor`` finds wrong is that the suite's own PostgreSQL saves on fsync."""
    errors = [line for line in findings.splitlines() if line.startswith("error")]
    return all("durability" in line for line in errors)


def kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


class Browser:
    """Cookies and forms, no more."""

    TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        ).open

    def get(self, path: str) -> str:
        with self._open(f"{self.base}{path}", timeout=30) as response:
            text: str = response.read().decode()
            return text

    def submit(self, path: str, **values: Any) -> str:
        """Fills the form of a page in and sends it; returns the page that follows."""
        token = self.TOKEN.search(self.get(path))
        assert token, f"{path} has no form"
        body = urlencode({"csrfmiddlewaretoken": token[1], **values}).encode()
        with self._open(f"{self.base}{path}", body, timeout=30) as response:
            text: str = response.read().decode()
            return text

    def is_answered(self) -> bool:
        try:
            return '"ok"' in self.get("/healthz")
        except OSError:
            return False


@contextmanager
def installation(folder: Path, mail_port: int) -> Iterator[Installation]:
    with fresh_database(folder) as database:
        env = {
            **os.environ,
            "POSTROOM_DATA": str(folder / "data"),
            "DATABASE_URL": database,
            "OUTBOUND_ALLOW": f"127.0.0.1:{mail_port}",
            "SSL_CERT_FILE": str(folder / "cert.pem"),
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }
        # What the suite sets for itself: an installation makes its own keys.
        for name in ("SECRET_KEY", "DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE"):
            env.pop(name, None)
        made = Installation(folder, env, free_port())
        try:
            yield made
        finally:
            made.stop()


def add_account(browser: Browser, port: int) -> None:
    """Signs in and adds the shop's account, as the page says."""
    page = browser.submit("/accounts/login/", login="boss", password=PASSWORD)
    assert "Rowerownia" in page, "signing in does not lead to the shop"
    page = browser.submit(
        "/s/rowerownia/accounts/add/smtp/",
        from_address=SENDER,
        from_name="Rowerownia",
        host="127.0.0.1",
        port=port,
        tls_mode="implicit",
        username=SENDER,
        password=MAIL_PASSWORD,
        concurrency=2,
    )
    assert SENDER in page and MAIL_PASSWORD not in page


def mail_to(address: str, sink: Any) -> Received | None:
    return next((each for each in sink.store.received if address in each.rcpt_to), None)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["stock", "postroom"])
def test_who_follows_the_page_gets_the_first_mail(way: str, tmp_path: Path) -> None:
    options = {
        "tls": smtp.make_certificate(tmp_path),
        "implicit_tls": True,
        "users": {SENDER: MAIL_PASSWORD},
    }
    with ExitStack() as stack:
        sink = stack.enter_context(smtp.sink(**options))
        made = stack.enter_context(installation(tmp_path, sink.port))
        browser = Browser(made.port)
        for words in commands(way):
            if "place_order" in words:
                wait_for("the web server", browser.is_answered)
                add_account(browser, sink.port)
            made.run(words)
        try:
            mail = wait_for("the mail", lambda: mail_to("you@example.com", sink), SECONDS)
            shop = "/s/rowerownia/"
            wait_for("the log to say so", lambda: "Accepted" in browser.get(f"{shop}log/"))
            wait_for(
                "a sign of life on the overview",
                lambda: "No worker runs" not in browser.get(shop),
                SECONDS,
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\n{made.logs}") from None
    parsed = message_from_bytes(mail.content, policy=default)
    assert mail.mail_from == SENDER
    assert parsed["From"].addresses[0].addr_spec == SENDER
    assert parsed["To"].addresses[0].addr_spec == "you@example.com"
    assert sink.store.duplicates == 0


def test_both_ways_begin_with_a_new_database_and_end_with_an_order() -> None:
    for way in ("stock", "postroom"):
        names = [words[1] if words[0] == "./postroom" else words[2] for words in commands(way)]
        assert names[:3] == ["migrate", "createsuperuser", "create_shop"]
        assert names[-2:] == ["place_order", "doctor"]
        assert len(SERVICES & set(names)) == 2
