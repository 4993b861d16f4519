"""Files of messages: the bytes once, and under which name each message carries them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from maillog.mime import Attachment
from maillog.models import AttachmentFile, MailMessage, MessageAttachment
from shops.storable import storable


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file that is kept already (``AttachmentFile``), under the name that this message gives."""

    sha256: str
    name: str
    content_type: str


def keep_files(message: MailMessage, files: Iterable[tuple[FileRef, str]]) -> None:
    """Attaches ``files``, each with its content id, or none."""
    MessageAttachment.objects.bulk_create(
        MessageAttachment(
            message=message,
            file_id=file.sha256,
            name=storable(file.name)[:200],
            content_type=storable(file.content_type),
            content_id=storable(content_id),
        )
        for file, content_id in files
    )


def kept(attachment: Attachment) -> tuple[FileRef, str]:
    """Stores the bytes unless they are there; returns where they are, and the content id."""
    digest = AttachmentFile.keep(attachment.content)
    return FileRef(digest, attachment.name, attachment.content_type), attachment.content_id
