"""What building one order mail costs: our writer against the standard library's two.

`python -m bench.mime [--json] [--rounds N]`: medians of one build in µs, and sizes in bytes.
All three carry the same headers, text and HTML (5 kB together); they take turns in batches, in
one process, so that a busy machine slows them alike.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP, compat32
from email.utils import format_datetime, formataddr
from statistics import median

from maillog.mime import Mailbox, MailParts, build

BATCH = 50  # as a worker does: one mail after the other, each with another subject
DATE = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
MESSAGE_ID = "<mzxw6ytboi4dsnzqgezdgnbvgy@czarnybut.example>"
DELIVERY = "0195a3c1-7d1e-7c4b-8f5e-2f6d1c9b7a11"
SENDER = ("Czarny But", "sklep@czarnybut.example")
BUYER = ("Łucja Żółkiewska", "lucja@poczta.example")
COPY_HEADERS = (("X-Postroom-Delivery", DELIVERY),)


def order_mail(number: int) -> MailParts:
    """Return an order confirmation as a Polish shop sends it, 5 kB of text and HTML."""
    lines = [f"{place}. Półbuty skórzane, rozmiar {36 + place}, 289,00 zł" for place in range(1, 9)]
    rows = "\n".join(
        f'<tr><td class="item" style="padding:8px 0">{line}</td></tr>' for line in lines
    )
    body = f"Dzień dobry,\ndziękujemy za zamówienie {number}.\n\n" + "\n".join(lines)
    html = (
        '<!doctype html>\n<html lang="pl"><body style="margin:0;font-family:sans-serif">\n'
        f'<h1>Dziękujemy za zamówienie {number}</h1>\n<table width="600">\n{rows}\n</table>\n'
    )
    return MailParts(
        from_name=SENDER[0],
        from_address=SENDER[1],
        to=(Mailbox(BUYER[1], BUYER[0]),),
        subject=f"Potwierdzenie zamówienia {number} – dziękujemy!",
        text=body + "\n\n" + "Towar można zwrócić w ciągu 30 dni od odbioru paczki.\n" * 18,
        html=html + f"<p>{'Zwroty przyjmujemy przez 30 dni. ' * 64}</p>\n</body></html>\n",
        message_id=MESSAGE_ID,
        date=DATE,
        headers=COPY_HEADERS,
    )


def ours(mail: MailParts) -> bytes:
    """Build with `maillog.mime`."""
    return build(mail).content


def email_message(mail: MailParts) -> bytes:
    """Build with `EmailMessage` and the SMTP policy."""
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = Address(mail.from_name, addr_spec=mail.from_address)
    message["To"] = Address(mail.to[0].name, addr_spec=mail.to[0].address)
    message["Subject"] = mail.subject
    message["Date"] = mail.date
    message["Message-ID"] = mail.message_id
    for name, value in mail.headers:
        message[name] = value
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message.as_bytes()


def compat(mail: MailParts) -> bytes:
    """Build with the old API (`MIMEText`, base64 bodies), CRLF line ends."""
    message = MIMEMultipart("alternative", policy=compat32)
    message["From"] = formataddr((mail.from_name, mail.from_address))
    message["To"] = formataddr((mail.to[0].name, mail.to[0].address))
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.date)
    message["Message-ID"] = mail.message_id
    for name, value in mail.headers:
        message[name] = value
    message.attach(MIMEText(mail.text, "plain", "utf-8"))
    message.attach(MIMEText(mail.html, "html", "utf-8"))
    return message.as_bytes(policy=compat32.clone(linesep="\r\n"))


WRITERS: dict[str, Callable[[MailParts], bytes]] = {
    "ours": ours,
    "email_message": email_message,
    "compat32": compat,
}


def measure(rounds: int) -> dict[str, object]:
    """Return medians per writer in µs and the size of what it made in bytes."""
    times: dict[str, list[int]] = {name: [] for name in WRITERS}
    sizes = {name: len(write(order_mail(1))) for name, write in WRITERS.items()}
    for first in range(0, rounds, BATCH):
        mails = [order_mail(100_000 + number) for number in range(first, first + BATCH)]
        for name, write in WRITERS.items():
            for mail in mails:
                start = time.perf_counter_ns()
                write(mail)
                times[name].append(time.perf_counter_ns() - start)
    sample = order_mail(1)
    return {
        "python": platform.python_version(),
        "rounds": rounds,
        "text_bytes": len(sample.text.encode()),
        "html_bytes": len(sample.html.encode()),
        "median_us": {name: round(median(spans) / 1000, 1) for name, spans in times.items()},
        "size_bytes": sizes,
    }


def main() -> None:
    """Print the figures as a table or, with --json, as one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=500)
    options = parser.parse_args()
    result = measure(options.rounds)
    if options.json:
        print(json.dumps(result))
        return
    for key, value in result.items():
        print(f"{key:12} {value}")


if __name__ == "__main__":
    main()
