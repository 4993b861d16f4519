"""Shops, their people and their orders in the Django admin."""

from shops.admin import alarms, announced, orders, people

__all__ = ["alarms", "announced", "orders", "people"]
