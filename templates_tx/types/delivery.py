"""What is said about parcels and about what comes back: delivery, returns, refunds."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from templates_tx.contract import Contract, Field, Group, Kind, Rows
from templates_tx.message_types import MessageType, Section, To, register
from templates_tx.types.orders import DAYS, REASON
from templates_tx.types.shared import ABOUT_ORDER, ITEM_FIELDS, ITEMS

ORDER_SHIPPED = register(
    MessageType(
        "order.shipped",
        _("Parcel sent, with tracking link"),
        Section.DELIVERY,
        _("To the buyer, as soon as the tracking link is entered."),
        polish_name="Przesyłka wysłana",
        to=To.BUYER,
        contract=Contract(ABOUT_ORDER, ("order.number", "order.tracking_url")),
        takes_documents=True,
    )
)
_SENT_NOW = {
    language: [row for row in ITEMS.sample_in(language) if row["sku"] == "GKR-M"]
    for language in ITEMS.samples
}
_STILL_TO_COME = {
    language: [row for row in ITEMS.sample_in(language) if row["sku"] != "GKR-M"]
    for language in ITEMS.samples
}
ORDER_PARTLY_SHIPPED = register(
    MessageType(
        "order.partly_shipped",
        _("Part of the order sent"),
        Section.DELIVERY,
        _("To the buyer, when only a part of the order has left."),
        on_in_new_shop=False,
        polish_name="Wysłano część zamówienia",
        to=To.BUYER,
        contract=Contract(
            (
                *ABOUT_ORDER,
                Rows("sent_items", _("What has left"), "item", ITEM_FIELDS, _SENT_NOW, True),
                Rows(
                    "items_to_come", _("What is to come"), "item", ITEM_FIELDS, _STILL_TO_COME, True
                ),
            ),
            ("order.number",),
        ),
    )
)
TRACKING_CHANGED = register(
    MessageType(
        "order.tracking_changed",
        _("Tracking link changed"),
        Section.DELIVERY,
        _("To the buyer, when the link that was sent is replaced by another."),
        polish_name="Zmiana numeru przesyłki",
        to=To.BUYER,
        contract=Contract(ABOUT_ORDER, ("order.number", "order.tracking_url")),
    )
)
OUT_FOR_DELIVERY = register(
    MessageType(
        "delivery.out_for_delivery",
        _("Out for delivery"),
        Section.DELIVERY,
        _("To the buyer, when the carrier brings the parcel today."),
        on_in_new_shop=False,
        polish_name="Przesyłka w doręczeniu",
        to=To.BUYER,
        contract=Contract(
            (
                *ABOUT_ORDER,
                Field(
                    "expected",
                    _("When it is expected"),
                    {"en": "between 10 and 12", "pl": "między 10:00 a 12:00"},
                    may_be_empty=True,
                ),
            ),
            ("order.number",),
        ),
    )
)
DELIVERED = register(
    MessageType(
        "delivery.delivered",
        _("Parcel delivered"),
        Section.DELIVERY,
        _("To the buyer, when the parcel has arrived."),
        on_in_new_shop=False,
        polish_name="Przesyłka doręczona",
        to=To.BUYER,
        contract=Contract(ABOUT_ORDER, ("order.number",)),
    )
)
READY_FOR_PICKUP = register(
    MessageType(
        "delivery.ready_for_pickup",
        _("Ready for pick-up in the shop"),
        Section.DELIVERY,
        _("To the buyer, when the order waits at the pick-up point."),
        on_in_new_shop=False,
        polish_name="Gotowe do odbioru",
        to=To.BUYER,
        contract=Contract(
            (
                *ABOUT_ORDER,
                Field("pickup_code", _("Code for the pick-up"), "4471", may_be_empty=True),
                Field("pickup_until", _("Kept until"), "2026-12-05", Kind.DATE, may_be_empty=True),
                Field(
                    "opening_hours",
                    _("Opening hours"),
                    {"en": "Mon–Fri 9–17", "pl": "pn.–pt. 9–17"},
                    may_be_empty=True,
                ),
            ),
            ("order.number",),
        ),
    )
)

RETURN = Group(
    "return",
    _("Return"),
    (
        Field("number", _("Number of the return"), "Z-318"),
        Field(
            "state",
            _("State of the return"),
            {"en": "being checked", "pl": "sprawdzany"},
            may_be_empty=True,
        ),
        Rows("items", _("What comes back"), "item", ITEM_FIELDS, _SENT_NOW, True),
        Field(
            "url",
            _("Page of the return"),
            "https://rowerownia.pl/zwrot/318/4mP7sLwX",
            Kind.LINK,
            may_be_empty=True,
        ),
    ),
)
RETURN_RECEIVED = register(
    MessageType(
        "return.received",
        _("Return received"),
        Section.RETURNS,
        _("To the buyer, when what was sent back has arrived."),
        on_in_new_shop=False,
        polish_name="Zwrot przyjęty",
        to=To.BUYER,
        contract=Contract((*ABOUT_ORDER, RETURN), ("order.number",)),
    )
)
RETURN_STATE = register(
    MessageType(
        "return.state_changed",
        _("State of the return"),
        Section.RETURNS,
        _("To the buyer, when the return or complaint has come further."),
        polish_name="Zmiana statusu zwrotu",
        to=To.BUYER,
        repeatable=True,
        contract=Contract((*ABOUT_ORDER, RETURN, REASON), ("order.number", "return.state")),
    )
)
# Directive (EU) 2023/2673, article 11a (4): "an acknowledgement of receipt of the withdrawal on a
# durable medium, including its content and the date and time of its submission".
WITHDRAWAL_RECEIVED = register(
    MessageType(
        "withdrawal.received",
        _("Withdrawal received"),
        Section.RETURNS,
        _("To the buyer, at once, when a withdrawal has come in. The law asks for it."),
        expires=DAYS,
        critical=True,
        polish_name="Potwierdzenie odstąpienia od umowy",
        to=To.BUYER,
        contract=Contract(
            (
                *ABOUT_ORDER,
                Group(
                    "withdrawal",
                    _("Withdrawal"),
                    (
                        Field(
                            "received_at",
                            _("When it arrived"),
                            "2026-11-28T21:14:05+01:00",
                            Kind.MOMENT,
                        ),
                        Field(
                            "statement",
                            _("What the customer declared"),
                            {
                                "en": "I withdraw from the contract: Helmet Giro Register MIPS.",
                                "pl": "Odstępuję od umowy: Kask Giro Register MIPS.",
                            },
                            Kind.MULTILINE,
                        ),
                        Field("number", _("Number of the withdrawal"), "O-77", may_be_empty=True),
                        Rows("items", _("What it is about"), "item", ITEM_FIELDS, _SENT_NOW, True),
                    ),
                ),
            ),
            ("order.number", "withdrawal.received_at", "withdrawal.statement"),
        ),
    )
)
REFUND = Group(
    "refund",
    _("Refund"),
    (
        Field("amount", _("Amount"), {"en": "62.00", "pl": "269.00"}, Kind.MONEY),
        Field("method", _("Where it goes"), {"en": "Card", "pl": "BLIK"}, may_be_empty=True),
        Field("expected_on", _("Expected on"), "2026-12-02", Kind.DATE, may_be_empty=True),
    ),
)
REFUNDED = register(
    MessageType(
        "refund.paid",
        _("Refund"),
        Section.RETURNS,
        _("To the buyer, when the whole amount is paid back."),
        on_in_new_shop=False,
        expires=DAYS,
        polish_name="Zwrot pieniędzy",
        to=To.BUYER,
        contract=Contract((*ABOUT_ORDER, REFUND, REASON), ("order.number", "refund.amount")),
        takes_documents=True,
    )
)
PARTLY_REFUNDED = register(
    MessageType(
        "refund.partial",
        _("Partial refund"),
        Section.RETURNS,
        _("To the buyer, when a part of the amount is paid back."),
        expires=DAYS,
        polish_name="Częściowy zwrot pieniędzy",
        to=To.BUYER,
        repeatable=True,
        contract=Contract((*ABOUT_ORDER, REFUND, REASON), ("order.number", "refund.amount")),
        takes_documents=True,
    )
)
