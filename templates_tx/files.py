"""Files that a shop sends along with every message of a type: terms of sale, a return form."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from maillog import sizes
from maillog.kept_files import FileRef
from maillog.models import AttachmentFile
from shops.conf import conf
from shops.file_size import in_words
from shops.models import AuditEntry, Shop
from shops.models.shop import Language
from templates_tx.models import TypeAttachment

MOST_FILES = 10  # with one type of message
LONGEST_NAME = 100  # characters, before the dot
# What the text of a message may take of the room that files have.
ROOM_FOR_WORDS = 256 * 1024

_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
# What may go along, by the end of its name: the type that it is sent as, and how such a file
# begins. Programs, web pages, archives and documents with macros are none of these: mailboxes
# turn them away, or worse, open them.
KINDS: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "pdf": ("application/pdf", (b"%PDF-",)),
    "png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    "jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "gif": ("image/gif", (b"GIF87a", b"GIF89a")),
    "webp": ("image/webp", (b"RIFF",)),
    "docx": (f"{_OFFICE}wordprocessingml.document", (b"PK\x03\x04",)),
    "xlsx": (f"{_OFFICE}spreadsheetml.sheet", (b"PK\x03\x04",)),
    "pptx": (f"{_OFFICE}presentationml.presentation", (b"PK\x03\x04",)),
    "odt": (f"{_OPEN}text", (b"PK\x03\x04",)),
    "ods": (f"{_OPEN}spreadsheet", (b"PK\x03\x04",)),
    "txt": ("text/plain", ()),
    "csv": ("text/csv", ()),
    "ics": ("text/calendar", (b"BEGIN:VCALENDAR",)),
}
_NOT_IN_NAMES = frozenset('/\\<>:"|?*')


class FileRefused(ValueError):
    """A file cannot go along. ``str()`` is fit to show to staff."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came. ``language`` empty: for messages in every language."""

    name: str
    content: bytes
    language: str = ""


def files_for(shop: Shop | None, code: str, language: str) -> tuple[FileRef, ...]:
    """What goes along with a message of this type in this language, by reference."""
    if shop is None:
        return ()
    rows = TypeAttachment.objects.for_shop(shop).filter(
        Q(language="") | Q(language=language), message_type=code
    )
    return tuple(FileRef(each.file_id, each.name, each.content_type) for each in rows)


def files_of(shop: Shop, code: str) -> list[TypeAttachment]:
    """All files of a type with their sizes, without their bytes."""
    rows = TypeAttachment.objects.for_shop(shop).filter(message_type=code)
    return list(rows.select_related("file").defer("file__content"))


class Together:
    """How much of a message the files of one type take, in the language that has most of them."""

    def __init__(self, files: Iterable[TypeAttachment]) -> None:
        taken = dict.fromkeys(Language.values, 0)
        for each in files:
            for language in [each.language] if each.language else taken:
                taken[language] += sizes.encoded(each.file.size)
        self.most = max(conf.MAX_MESSAGE_BYTES - ROOM_FOR_WORDS, 0)
        self.taken = max(taken.values())

    @property
    def is_too_much(self) -> bool:
        return self.taken > self.most

    @property
    def in_words(self) -> str:
        return _("%(taken)s of %(most)s") % {
            "taken": in_words(self.taken),
            "most": in_words(self.most),
        }


def attach(shop: Shop, code: str, upload: Upload, user: Any) -> TypeAttachment:
    """Keeps a file for all messages of a type from now on.

    Raises ``FileRefused``, and ``FileTooLarge`` of ``maillog.sizes``.
    """
    name = clean_name(upload.name)
    sizes.check_file(name, len(upload.content))
    content_type = content_type_of(name, upload.content)
    with transaction.atomic():
        # One after the other: each has to know what the others have taken of the room.
        # Orders, which only refer to the shop, are placed meanwhile.
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        made = TypeAttachment(
            shop=shop,
            message_type=code,
            language=upload.language,
            name=name,
            content_type=content_type,
            file=AttachmentFile(size=len(upload.content)),
            created_by=user,
        )
        _check_room(made, files_of(shop, code))
        made.file_id = AttachmentFile.keep(upload.content)
        made.save()
        AuditEntry.note("type_file.added", shop=shop, user=user, target=code, name=name)
    return made


def _check_room(new: TypeAttachment, files: list[TypeAttachment]) -> None:
    same = {(each.name.lower(), each.language) for each in files}
    if (new.name.lower(), new.language) in same:
        raise FileRefused(
            _("“%(name)s” goes along already. Remove it first to replace it.") % {"name": new.name}
        )
    if len(files) >= MOST_FILES:
        raise FileRefused(_("At most %(most)d files go along.") % {"most": MOST_FILES})
    together = Together([*files, new])
    if together.is_too_much:
        raise FileRefused(
            _("With “%(name)s” the files would take %(words)s that a message has for them.")
            % {"name": new.name, "words": together.in_words}
        )


def detach(row: TypeAttachment, user: Any) -> None:
    """The file goes along no more. Messages that are made already keep it."""
    with transaction.atomic():
        AuditEntry.note(
            "type_file.removed", shop=row.shop, user=user, target=row.message_type, name=row.name
        )
        row.delete()


def clean_name(typed: str) -> str:
    """The bare name, without folders, characters that hide or turn text, and dots at its ends."""
    bare = typed.replace("\\", "/").rpartition("/")[2]
    shown = "".join(
        each
        for each in unicodedata.normalize("NFC", bare)
        if each.isprintable() and each not in _NOT_IN_NAMES
    )
    stem, _dot, ending = " ".join(shown.split()).strip(" .").rpartition(".")
    return f"{stem.strip(' .')[:LONGEST_NAME] or 'file'}.{ending.strip().lower()}"


def content_type_of(name: str, content: bytes) -> str:
    """By the end of its name, whatever the browser says. Raises ``FileRefused``."""
    ending = name.rpartition(".")[2]
    content_type, beginnings = KINDS.get(ending, ("", ()))
    if not content_type:
        raise FileRefused(
            _("“%(name)s” cannot go along: mailboxes refuse such files. These can: %(kinds)s.")
            % {"name": name, "kinds": ", ".join(KINDS)}
        )
    if not content:
        raise FileRefused(_("“%(name)s” is empty.") % {"name": name})
    if beginnings and not content.startswith(beginnings):
        raise FileRefused(
            _("“%(name)s” is not what its name says: no program could open it as .%(ending)s.")
            % {"name": name, "ending": ending}
        )
    return content_type
