"""Files that a shop sends along with every message of a type: terms of sale, a return form."""

from __future__ import annotations

from django.db.models import Q

from maillog.outbox import FileRef
from shops.models import Shop
from templates_tx.models import TypeAttachment


def files_for(shop: Shop | None, code: str, language: str) -> tuple[FileRef, ...]:
    """What goes along with a message of this type in this language, by reference."""
    if shop is None:
        return ()
    rows = TypeAttachment.objects.for_shop(shop).filter(
        Q(language="") | Q(language=language), message_type=code
    )
    return tuple(FileRef(each.file_id, each.name, each.content_type) for each in rows)
