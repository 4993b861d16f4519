"""Shops, their people and their orders in the Django admin."""

from shops.admin import orders, people

__all__ = ["orders", "people"]
