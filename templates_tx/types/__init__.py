"""The message types that every installation has, by section. Importing this registers them all."""

from templates_tx.types import contact, delivery, documents, orders, people

__all__ = ["contact", "delivery", "documents", "orders", "people"]
