"""What the words of one message cost: rendered and made a mail, against stock Liquid and `email`.

`python -m bench.render [--json] [--rounds N]`: subject, HTML and text of an order confirmation,
then MIME. The reference renders the same sources with the same data in python-liquid's own
environment, its templates parsed beforehand and its amounts written by the same cached functions
as ours, and builds the mail with `EmailMessage`. Both must say the same. They take turns in
batches, as a worker does, in one process, so that a busy machine slows them alike. `ratio` is the
median of ours by theirs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from statistics import median
from typing import Any

ROUNDS = 1000
BATCH = 50  # as a worker does: one mail after the other
PLACED_AT = datetime(2026, 11, 30, 10, 2, 11, tzinfo=UTC)


def contexts(rounds: int) -> list[dict[str, Any]]:
    """Orders that differ in number, buyer, amounts and count of lines, as a day's orders do."""
    from templates_tx.samples import sample_of

    made = []
    for number in range(rounds):
        context: dict[str, Any] = sample_of("order.placed", "pl")
        order = context["order"]
        order["number"] = str(10_000 + number)
        order["items"] = order["items"][: 1 + number % 3]
        for place, item in enumerate(order["items"]):
            item["total"] = f"{25 + number * 7 + place * 3}.{number % 100:02}"
        # Nothing is empty: in stock Liquid an empty text counts as something that is there.
        order["pickup_point"] = "KRA01M, ul. Zabłocie 20, Kraków"
        order["note"] = "Proszę zapakować na prezent."
        order["invoice_url"] = f"https://rowerownia.example/f/{number}"
        order["total"] = order["subtotal"] = f"{100 + number * 11}.{number % 100:02}"
        context["customer"]["name"] = f"Anna Wiśniewska {number}"
        made.append(context)
    return made


def ours(context: dict[str, Any]) -> bytes:
    """As the composer and the worker do: the subject, then both bodies, then the mail."""
    from maillog.mime import build
    from templates_tx import defaults
    from templates_tx.proof import mail_of
    from templates_tx.rendering import render_all

    return build(mail_of(render_all(defaults.load("order.placed", "pl").parts, context))).content


class Reference:
    """Stock python-liquid with the filters that the template uses, and the standard library."""

    def __init__(self) -> None:
        from liquid import Environment
        from liquid.filter import with_context

        from templates_tx import defaults, liquid_filters

        def filters(environment: Environment) -> None:
            @with_context
            def money(value: object, *, context: Any) -> str:
                currency, language = context.resolve("currency"), context.resolve("locale")
                return liquid_filters._money(str(value), str(currency), str(language))

            @with_context
            def format_date(value: object, *, context: Any) -> str:
                zone = liquid_filters._zone(str(context.resolve("time_zone")))
                moment = datetime.fromisoformat(str(value)).astimezone(zone)
                return liquid_filters._day(moment.date(), "long", str(context.resolve("locale")))

            environment.add_filter("money", money)
            environment.add_filter("format_date", format_date)
            for name in ("ljust", "rjust", "safe_color", "safe_url", "with_links"):
                if hasattr(liquid_filters, name):
                    environment.add_filter(name, getattr(liquid_filters, name))

        parts = defaults.load("order.placed", "pl").parts
        html, plain = Environment(autoescape=True), Environment()
        filters(html)
        filters(plain)
        self.subject = plain.from_string(parts.subject)
        self.html = html.from_string(parts.html)
        self.text = plain.from_string(parts.text)

    def __call__(self, context: dict[str, Any]) -> bytes:
        message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        message["From"] = Address("Rowerownia", addr_spec="sklep@rowerownia.example")
        message["To"] = Address("Anna Wiśniewska", addr_spec="anna@klient.example")
        message["Subject"] = self.subject.render(**context)
        message["Date"] = PLACED_AT
        message["Message-ID"] = "<1@rowerownia.example>"
        message.set_content(self.text.render(**context))
        message.add_alternative(self.html.render(**context), subtype="html")
        return message.as_bytes()


def say_the_same(one: bytes, other: bytes) -> bool:
    """Whether two mails have the same subject, text and HTML."""
    from templates_tx.proof import _by_email

    return _by_email(one) == _by_email(other)


def measure(rounds: int) -> dict[str, object]:
    """Medians of one message in µs, and the ratio of the two."""
    reference = Reference()
    mails = contexts(rounds)
    ways: dict[str, Callable[[dict[str, Any]], bytes]] = {"ours": ours, "reference": reference}
    times: dict[str, list[int]] = {name: [] for name in ways}
    for context in mails[:20]:
        if not say_the_same(ours(context), reference(context)):
            raise SystemExit("ours and the reference say different things")
    for first in range(0, rounds, BATCH):
        for name, way in ways.items():
            for context in mails[first : first + BATCH]:
                start = time.perf_counter_ns()
                way(context)
                times[name].append(time.perf_counter_ns() - start)
    spans = {name: median(span) / 1000 for name, span in times.items()}
    return {
        "python": platform.python_version(),
        "rounds": rounds,
        "bytes": len(ours(mails[0])),
        "ours_us": round(spans["ours"], 1),
        "reference_us": round(spans["reference"], 1),
        "ratio": round(spans["ours"] / spans["reference"], 3),
    }


def _in_django(rounds: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="postroom-bench.") as data:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "POSTROOM_DATA": data,
            "SECRET_KEY": "for-benches-only-" + "x" * 40,
            "PUBLIC_URL": "https://postroom.example",
        }
        import django

        django.setup()
        return measure(rounds)


def main() -> None:
    """Print the figures as a table or, with --json, as one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    result = _in_django(options.rounds)
    if options.json:
        print(json.dumps(result))
        return
    for key, value in result.items():
        print(f"{key:12} {value}")


if __name__ == "__main__":
    main()
