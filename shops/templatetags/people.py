"""How people are called on pages."""

from __future__ import annotations

from django import template
from django.contrib.auth.models import AbstractUser

from shops.membership import name_of

register = template.Library()


@register.filter
def person(user: AbstractUser | None) -> str:
    """The name somebody gave; their user name where they gave none."""
    return name_of(user) if user is not None else ""
