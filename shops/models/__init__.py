"""What mail is about: shops and their people, customers, orders."""

from shops.models.alarm import Alarm
from shops.models.announced import AnnouncedOrder
from shops.models.audit import AuditEntry
from shops.models.document import DocumentFile, SalesDocument
from shops.models.order import Customer, Order
from shops.models.order_line import OrderLine
from shops.models.people import Invitation, Membership, Role
from shops.models.reset import ResetMark
from shops.models.shop import Shop, ShopScopedQuerySet

__all__ = [
    "Alarm",
    "AnnouncedOrder",
    "AuditEntry",
    "Customer",
    "DocumentFile",
    "Invitation",
    "Membership",
    "Order",
    "OrderLine",
    "ResetMark",
    "Role",
    "SalesDocument",
    "Shop",
    "ShopScopedQuerySet",
]
