"""Shops, their people and their orders in the Django admin."""

from shops.admin import alarms, announced, documents, orders, people

__all__ = ["alarms", "announced", "documents", "orders", "people"]
