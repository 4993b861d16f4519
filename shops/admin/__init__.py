"""Shops, their people and their orders in the Django admin."""

from shops.admin import announced, orders, people

__all__ = ["announced", "orders", "people"]
