"""Mails as bytes: a small writer for what we send, a forgiving reader for what we show."""

from __future__ import annotations

from maillog.mime.headers import clean_sender_name, prefix_headers, wire_address
from maillog.mime.parts import Attachment, BadBody, BadHeader, Built, Mailbox, MailParts
from maillog.mime.reader import ParsedAttachment, ParsedMail, headers_of, parse_parts
from maillog.mime.writer import build, make_message_id

__all__ = [
    "Attachment",
    "BadBody",
    "BadHeader",
    "Built",
    "MailParts",
    "Mailbox",
    "ParsedAttachment",
    "ParsedMail",
    "build",
    "clean_sender_name",
    "headers_of",
    "make_message_id",
    "parse_parts",
    "prefix_headers",
    "wire_address",
]
