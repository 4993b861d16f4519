from __future__ import annotations

import email
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.policy import compat32, default
from email.utils import getaddresses, parsedate_to_datetime

import pytest
from hypothesis import example, given, settings

from maillog.mime import (
    Attachment,
    BadBody,
    BadHeader,
    Mailbox,
    build,
    clean_sender_name,
    make_message_id,
    parse_parts,
    strict,
)
from tests.maillog.mails import bodies, mails, make_parts, wire, with_line_ends

ALLOWED = {
    "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version",
    "Content-Type", "Content-Transfer-Encoding", "X-Postroom-Delivery",
}  # fmt: skip


def shown(boxes: tuple[Mailbox, ...]) -> list[tuple[str, str]]:
    return [(" ".join(box.name.split()), box.address) for box in boxes]


@given(mails())
@settings(max_examples=150, deadline=None)
def test_a_strict_reads_back_exactly_what_went_in(parts):
    built = build(parts)
    assert built.content.isascii() and not built.needs_smtputf8
    mail = strict.parse(built.content)
    assert {name for name, _ in mail.headers} <= ALLOWED
    assert len({name for name, _ in mail.headers}) == len(mail.headers)
    assert strict.decode_words(mail.get("Subject")).strip(" ") == parts.subject.strip(" ")
    sender = ((clean_sender_name(parts.from_name)), parts.from_address)
    assert strict.mailboxes(mail.get("From")) == [sender]
    assert strict.mailboxes(mail.get("To")) == shown(parts.to)
    assert strict.mailboxes(mail.get("Cc")) == shown(parts.cc)
    assert strict.mailboxes(mail.get("Reply-To")) == shown(parts.reply_to)
    leaves = mail.leaves()
    texts = [(leaf.kind, leaf.payload.decode()) for leaf in leaves if not leaf.filename]
    wanted = [("text/plain", parts.text)] if parts.text or not parts.html else []
    wanted += [("text/html", parts.html)] if parts.html else []
    assert texts == [(kind, with_line_ends(body).replace("\n", "\r\n")) for kind, body in wanted]
    assert [(leaf.filename, leaf.kind, leaf.payload) for leaf in leaves if leaf.filename] == [
        (file.name.strip(), file.content_type, file.content) for file in parts.attachments
    ]


@given(mails())
@settings(max_examples=150, deadline=None)
def test_the_standard_librarys_parser_reads_back_exactly_what_went_in(parts):
    mail = email.message_from_bytes(build(parts).content, policy=default)
    assert not mail.defects and set(mail.keys()) <= ALLOWED
    assert [box.addr_spec for box in mail["To"].addresses] == [box.address for box in parts.to]
    assert len(mail["From"].addresses) == 1 and len(mail.get_all("From")) == 1
    for kind, body in (("plain", parts.text), ("html", parts.html)):
        part = mail.get_body((kind,))
        assert with_line_ends(part.get_content()) == with_line_ends(body) if body else True
    found = [(part.get_filename(), part.get_content_type()) for part in mail.iter_attachments()]
    assert found == [(file.name.strip(), file.content_type) for file in parts.attachments]


@given(mails())
@settings(max_examples=150, deadline=None)
def test_the_old_parser_reads_the_same_names_and_addresses(parts):
    mail = email.message_from_bytes(build(parts).content, policy=compat32)
    for name, boxes in (("To", parts.to), ("Cc", parts.cc)):
        pairs = getaddresses([re.sub(r"\r\n(?=[ \t])", "", mail.get(name, ""))] if boxes else [])
        decoded = [(str(make_header(decode_header(text))), address) for text, address in pairs]
        assert decoded == shown(boxes)
    subject = str(make_header(decode_header(mail["Subject"])))
    assert subject.strip(" ") == parts.subject.strip(" ")


@given(mails())
@settings(max_examples=30, deadline=None)
def test_a_retry_gives_the_same_bytes(parts):
    assert build(parts) == build(replace(parts))


@pytest.mark.parametrize("field", ["text", "html"])
@pytest.mark.parametrize("body", ["a\0b", "a\ud800b"])
def test_it_refuses_bodies_with_nul_or_half_characters(field, body):
    with pytest.raises(BadBody) as refused:
        wire(**{field: body})
    assert refused.value.field == field


@pytest.mark.parametrize(
    "values",
    [
        {"to": ()},
        {"date": datetime(2026, 1, 1)},
        {"message_id": "x@y.example"},
        {"subject": "a" * 2001},
    ],
)
def test_it_refuses_what_makes_no_mail(values):
    with pytest.raises(BadHeader):
        wire(**values)


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed", "pdf", 'a/b; name="x"'])
def test_it_refuses_attachment_types_that_are_no_plain_file(kind):
    with pytest.raises(BadHeader, match="attachment type"):
        wire(attachments=(Attachment("a", kind, b""),))


@example("\r\n.\r\n")
@example("\n.\n")
@example("a\rb")
@example("a" * 1_000_000)
@example("ż" * 500_000)
@example("a" * 75 + ".")
@example("a" * 74 + " \nb\n" + "a" * 74 + "\t\n")
@example("From the start\n.\n..\n")
@example("trailing \nblank\t\n ")
@given(bodies)
@settings(max_examples=100, deadline=None)
def test_no_body_breaks_a_line_rule(body):
    content = wire(text=body, html="")
    assert content.isascii() and content.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
    assert b"\r\n.\r\n" not in content
    assert max(map(len, content.split(b"\r\n"))) <= 76
    assert parse_parts(content).text == with_line_ends(body)


def test_text_parts_take_the_shorter_encoding():
    assert b"quoted-printable" in wire(
        text="Dziękujemy za zamówienie w naszym sklepie. " * 9, html=""
    )
    assert b"base64" in wire(text="お買い上げありがとうございます" * 9, html="")


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        ({"html": ""}, ["text/plain"]),
        ({"text": ""}, ["text/html"]),
        ({"text": "", "html": ""}, ["text/plain"]),
        ({}, ["multipart/alternative", "text/plain", "text/html"]),
        (
            {"attachments": (Attachment("a.pdf", "application/pdf", b"1"),)},
            ["multipart/mixed", "multipart/alternative", "text/plain", "text/html"]
            + ["application/pdf"],
        ),
        (
            {"attachments": (Attachment("l.png", "image/png", b"1", "logo"),)},
            ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"],
        ),
        (
            {"html": "", "attachments": (Attachment("l.png", "image/png", b"1", "logo"),)},
            ["multipart/mixed", "text/plain", "image/png"],
        ),
    ],
)
def test_the_parts_are_nested_as_mail_programs_expect(values, shape):
    mail = email.message_from_bytes(wire(**values), policy=default)
    assert [part.get_content_type() for part in mail.walk()] == shape


def test_a_slash_in_a_file_name_becomes_a_dash():
    content = wire(attachments=(Attachment("FV/12/2026.pdf", "application/pdf", b"1"),))
    assert parse_parts(content).attachments[0].name == "FV-12-2026.pdf"


def test_the_date_keeps_its_zone():
    date = datetime(2026, 3, 14, 9, 26, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
    sent = email.message_from_bytes(wire(date=date))["Date"]
    assert parsedate_to_datetime(sent) == date and sent.endswith("-0330")


def test_message_ids_are_unique_and_carry_the_senders_domain():
    ids = {make_message_id("Bücher.example") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"<[a-z2-7]{26}@xn--bcher-kva\.example>", item) for item in ids)
    build(make_parts(message_id=ids.pop()))
