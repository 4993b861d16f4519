"""The command line of the demo."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass


class CannotRun(Exception):
    """The demo cannot go on; ``str()`` says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """``port`` None: 8000 or, if that is taken, any free one. Delays in milliseconds as MIN-MAX."""

    port: int | None
    fresh: bool
    once: bool
    orders: int
    workers: int
    database_url: str
    smtp: str | None
    sink_delay: str | None
    policy: str
    timeout: float


def parse(arguments: list[str] | None = None) -> Options:
    """Reads the arguments; ends the process with code 2 and a sentence if they make no sense."""
    parser = _parser()
    options = Options(**vars(parser.parse_args(arguments)))
    wrong = _contradiction(options)
    if wrong:
        parser.error(wrong)
    return options


def _contradiction(options: Options) -> str:
    needs_once: dict[str, str | None] = {
        "--database-url": options.database_url,
        "--smtp": options.smtp,
    }
    for name, value in needs_once.items():
        if value and not options.once:
            return f"{name} needs --once"
    if options.once and (options.port is not None or options.fresh):
        return "--once has no web page: leave out --port and --fresh"
    return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./postroom demo",
        description="Two shops with orders, a mailbox and one sign-in link. Nothing leaves this "
        "computer. Stop it with Ctrl-C.",
    )
    parser.add_argument("--port", type=_port, help="of the web page (default 8000; 0: any free)")
    parser.add_argument("--fresh", action="store_true", help="throw an earlier demo's data away")
    parser.add_argument(
        "--policy",
        choices=("repeat", "ask"),
        default="",
        help="what is done with mail that was perhaps sent (default: as its type says)",
    )
    parser.add_argument("--workers", type=_positive, default=2, help="sending processes (2)")
    parser.add_argument("--sink-delay", type=_delay, metavar="MIN-MAX", help="of the server, in ms")
    once = parser.add_argument_group("without a browser")
    once.add_argument(
        "--once", action="store_true", help="place orders, wait, print one line of JSON"
    )
    once.add_argument("--orders", type=_positive, default=20, help="how many (20)")
    once.add_argument(
        "--database-url",
        default="",
        metavar="URL",
        help="an SQLite file or PostgreSQL database called postroom_demo; it is emptied first",
    )
    once.add_argument(
        "--smtp", type=_host_and_port, metavar="HOST:PORT", help="another mail server"
    )
    once.add_argument("--timeout", type=float, default=300.0, metavar="S", help="seconds (300)")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"not a number from 1: {text!r}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"not a port: {text!r}")
    return int(text)


def _delay(text: str) -> str:
    shortest, _dash, longest = text.partition("-")
    if not re.fullmatch(r"\d{1,6}(-\d{1,6})?", text) or int(longest or shortest) < int(shortest):
        raise argparse.ArgumentTypeError(f"not MIN-MAX in milliseconds: {text!r}")
    return text


def _host_and_port(text: str) -> str:
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 65535:
        raise argparse.ArgumentTypeError(f"not HOST:PORT: {text!r}")
    return text
