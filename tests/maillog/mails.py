"""Mails to build in tests: one plain maker and Hypothesis strategies for hostile ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import strategies as st

from maillog.mime import Attachment, Mailbox, MailParts, build


def make_parts(**values) -> MailParts:
    fields = {
        "from_address": "sklep@czarnybut.example",
        "from_name": "Czarny But",
        "to": (Mailbox("lucja@poczta.example", "Łucja Żółć"),),
        "subject": "Zamówienie 1042",
        "text": "Dzień dobry\n",
        "html": "<p>Dzień dobry</p>\n",
        "message_id": "<mzxw6ytboi@czarnybut.example>",
        "date": datetime(2026, 3, 14, 9, 26, tzinfo=UTC),
    }
    return MailParts(**fields | values)


def wire(**values) -> bytes:
    return build(make_parts(**values)).content


def with_line_ends(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if not text or text.endswith("\n") else text + "\n"


header_text = st.text(
    st.one_of(
        st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")),
        st.sampled_from(" ,;:@\"'\\<>()=?_żł📦é"),
    ),
    max_size=120,
)
plain_names = st.text(st.sampled_from("abc ,;:@\"'\\<>()[].=?_-żł📦"), max_size=90)
addresses = st.builds(
    "{}@{}.{}".format,
    st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\.[A-Z0-9+]{1,9})?", fullmatch=True),
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True),
    st.sampled_from(["example", "test", "com", "co.uk"]),
).filter(lambda address: "--" not in address)
boxes = st.lists(st.builds(Mailbox, addresses, st.one_of(header_text, plain_names)), max_size=4)
bodies = st.one_of(
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=300),
    st.lists(
        st.sampled_from(
            [
                "\r\n.\r\n",
                "\n.\n",
                "\r.\r\n",
                ".",
                "\r",
                "\n",
                "--=_",
                "From ",
                "=",
                "=\n",
                "ż",
                "📦",
            ]
            + [" ", "\t", "a" * 75, "a" * 76, "a" * 77, "x" * 999, "\x0b", "\x0c", "\x85", "\u2028"]
        ),
        max_size=30,
    ).map("".join),
)
files = st.lists(
    st.builds(
        Attachment,
        header_text.filter(lambda name: name.strip() and not re.search(r"[/\\]", name)),
        st.sampled_from(["application/pdf", "image/png", "text/csv"]),
        st.binary(max_size=300),
    ),
    max_size=3,
)


@st.composite
def mails(draw) -> MailParts:
    return make_parts(
        from_name=draw(header_text),
        to=tuple(draw(boxes.filter(bool))),
        cc=tuple(draw(boxes)),
        reply_to=tuple(draw(boxes)),
        subject=draw(header_text),
        text=draw(bodies),
        html=draw(bodies),
        headers=(("X-Postroom-Delivery", draw(header_text)),),
        attachments=tuple(draw(files)),
    )
