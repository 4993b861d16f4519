"""How large a file and a whole message may be: what is larger, many mailboxes turn away."""

from __future__ import annotations

import math

from django.utils.translation import gettext as _

from shops.conf import conf
from shops.file_size import in_words

# What a file's own headers and boundary take.
_AROUND_A_FILE = 400
_IN_A_LINE = 57  # bytes of a file in one line of base64, which then has 76 letters and its end
_LINE = 78


class FileTooLarge(ValueError):
    """A file has more bytes than may go along. ``str()`` is fit to show to staff."""


class MessageTooLarge(ValueError):
    """A message has more bytes than may leave. ``str()`` is fit to show to staff."""


def check_file(name: str, size: int) -> None:
    """``size``: bytes of the file as it is, before it is encoded. Raises ``FileTooLarge``."""
    if size > conf.MAX_ATTACHMENT_BYTES:
        raise FileTooLarge(
            _("“%(name)s” has %(size)s. A file that goes along may have at most %(most)s.")
            % {"name": name, "size": in_words(size), "most": in_words(conf.MAX_ATTACHMENT_BYTES)}
        )


def check_message(size: int) -> None:
    """``size``: bytes of the message as it travels. Raises ``MessageTooLarge``."""
    if size > conf.MAX_MESSAGE_BYTES:
        raise MessageTooLarge(
            _(
                "With its files the message has %(size)s; at most %(most)s may leave. Files grow "
                "by a good third on their way."
            )
            % {"size": in_words(size), "most": in_words(conf.MAX_MESSAGE_BYTES)}
        )


def encoded(size: int) -> int:
    """How many bytes a file of ``size`` bytes takes in a message, its headers included."""
    return math.ceil(size / _IN_A_LINE) * _LINE + _AROUND_A_FILE
