"""Links that lead to a page of somebody else's, such as a parcel's."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

web_address = URLValidator(
    schemes=["http", "https"], message=_("Enter the whole link, beginning with https://")
)


def check_link(tracking_url: str) -> None:
    """Raises ``ValidationError`` for its field unless it is an http or https link."""
    try:
        web_address(tracking_url)
    except ValidationError as error:
        raise ValidationError({"tracking_url": error.messages}) from error
