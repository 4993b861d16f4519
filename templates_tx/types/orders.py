"""What is said about an order and its money: placed, changed, paid, booked."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from templates_tx.contract import Contract, Field, Group, Kind
from templates_tx.message_types import MessageType, Section, To, register
from templates_tx.types.shared import ABOUT_ORDER, BASE

# Documents and confirmations are worth trying for as long as mail servers do (RFC 5321 §4.5.4.1).
DAYS = timedelta(days=5)

REASON = Field(
    "reason",
    _("Reason"),
    {
        "en": "The olive frame is out of stock at the maker's.",
        "pl": "Oliwkowej ramy zabrakło u producenta.",
        "nb": "Den olivengrønne rammen er utsolgt hos produsenten.",
        "fr": "Le cadre olive est en rupture chez le fabricant.",
        "cs": "Olivový rám výrobci došel.",
        "de": "Der olivfarbene Rahmen ist beim Hersteller vergriffen.",
    },
    Kind.MULTILINE,
    may_be_empty=True,
)

ORDER_PLACED = register(
    MessageType(
        "order.placed",
        _("Order confirmation"),
        Section.ORDERS,
        _("To the buyer, as soon as the order has arrived."),
        expires=DAYS,
        polish_name="Potwierdzenie przyjęcia zamówienia",
        to=To.BUYER,
        contract=Contract(ABOUT_ORDER, ("order.number", "order.items")),
        takes_documents=True,
    )
)
ORDER_CHANGED = register(
    MessageType(
        "order.changed",
        _("Order changed by the shop"),
        Section.ORDERS,
        _("To the buyer, when the shop has changed the order."),
        polish_name="Zmiana zamówienia",
        to=To.BUYER,
        repeatable=True,
        contract=Contract(
            (
                *ABOUT_ORDER,
                Field(
                    "changes",
                    _("What was changed"),
                    {
                        "en": "Bottle: two instead of one.\nDelivery on Thursday.",
                        "pl": "Bidon: dwa zamiast jednego.\nDostawa w czwartek.",
                    },
                    Kind.MULTILINE,
                    may_be_empty=True,
                ),
            ),
            ("order.number",),
        ),
    )
)
ORDER_ON_HOLD = register(
    MessageType(
        "order.on_hold",
        _("Order on hold"),
        Section.ORDERS,
        _("To the buyer, when the order is put on hold."),
        on_in_new_shop=False,
        polish_name="Zamówienie wstrzymane",
        to=To.BUYER,
        contract=Contract((*ABOUT_ORDER, REASON), ("order.number",)),
    )
)
ORDER_PREPARING = register(
    MessageType(
        "order.preparing",
        _("Order in preparation"),
        Section.ORDERS,
        _("To the buyer, when the shop begins to pack."),
        on_in_new_shop=False,
        polish_name="Zamówienie w przygotowaniu",
        to=To.BUYER,
        contract=Contract(ABOUT_ORDER, ("order.number",)),
    )
)
ORDER_CANCELLED = register(
    MessageType(
        "order.cancelled",
        _("Order cancelled"),
        Section.ORDERS,
        _("To the buyer, when the order is cancelled."),
        on_in_new_shop=False,
        polish_name="Zamówienie anulowane",
        to=To.BUYER,
        contract=Contract((*ABOUT_ORDER, REASON), ("order.number",)),
    )
)
BOOKING_CONFIRMED = register(
    MessageType(
        "booking.confirmed",
        _("Booking confirmed"),
        Section.ORDERS,
        _("To the customer, when a date, a room or a service is booked."),
        expires=DAYS,
        polish_name="Potwierdzenie rezerwacji",
        takes_documents=True,
        contract=Contract(
            (
                *BASE,
                Group(
                    "booking",
                    _("Booking"),
                    (
                        Field("number", _("Number of the booking"), "R-2041"),
                        Field(
                            "name",
                            _("What is booked"),
                            {
                                "en": "Bike fitting with Piotr",
                                "pl": "Bike fitting z Piotrem",
                                "nb": "Sykkeltilpasning med Piotr",
                                "fr": "Réglage de vélo avec Piotr",
                                "cs": "Bikefitting s Piotrem",
                                "de": "Bikefitting mit Piotr",
                            },
                        ),
                        Field("starts_at", _("Begin"), "2026-12-03T17:30:00+01:00", Kind.MOMENT),
                        Field(
                            "ends_at",
                            _("End"),
                            "2026-12-03T19:00:00+01:00",
                            Kind.MOMENT,
                            may_be_empty=True,
                        ),
                        Field("place", _("Place"), "ul. Zabłocie 23, Kraków", may_be_empty=True),
                        Field("people", _("How many people"), "1", Kind.NUMBER, True),
                        Field("total", _("Price"), "350.00", Kind.MONEY, may_be_empty=True),
                        Field(
                            "url",
                            _("Page of the booking"),
                            "https://rowerownia.pl/r/2041/4mP7sLwX",
                            Kind.LINK,
                            may_be_empty=True,
                        ),
                        Field(
                            "cancel_url",
                            _("Link to cancel it"),
                            "https://rowerownia.pl/r/2041/anuluj",
                            Kind.LINK,
                            may_be_empty=True,
                        ),
                        Field(
                            "note",
                            _("Note on the booking"),
                            {
                                "en": "Please bring your cycling shoes.",
                                "pl": "Prosimy zabrać buty rowerowe.",
                                "nb": "Ta med sykkelskoene dine.",
                                "fr": "Merci d'apporter vos chaussures de vélo.",
                                "cs": "Vezměte si prosím cyklistické tretry.",
                                "de": "Bitte bringen Sie Ihre Radschuhe mit.",
                            },
                            Kind.MULTILINE,
                            may_be_empty=True,
                        ),
                    ),
                ),
            ),
            ("booking.name", "booking.starts_at"),
        ),
    )
)

ORDER_PAID = register(
    MessageType(
        "order.paid",
        _("Payment received"),
        Section.PAYMENTS,
        _("To the buyer, when the order is paid."),
        expires=DAYS,
        on_in_new_shop=False,
        polish_name="Potwierdzenie płatności",
        to=To.BUYER,
        contract=Contract(ABOUT_ORDER, ("order.number",)),
        takes_documents=True,
    )
)
PAYMENT_URL = Field(
    "payment_url",
    _("Link to pay"),
    "https://rowerownia.pl/p/10482/8Kq2ZrTn",
    Kind.LINK,
    may_be_empty=True,
)
PAYMENT_FAILED = register(
    MessageType(
        "payment.failed",
        _("Payment failed"),
        Section.PAYMENTS,
        _("To the buyer, when the payment did not go through."),
        on_in_new_shop=False,
        polish_name="Nieudana płatność",
        to=To.BUYER,
        repeatable=True,
        contract=Contract((*ABOUT_ORDER, PAYMENT_URL), ("order.number",)),
    )
)
PAYMENT_REMINDER = register(
    MessageType(
        "payment.reminder",
        _("Payment reminder"),
        Section.PAYMENTS,
        _("To the buyer, when the shop asks for a payment that is due."),
        polish_name="Przypomnienie o płatności",
        to=To.BUYER,
        repeatable=True,
        takes_documents=True,
        contract=Contract(
            (
                *ABOUT_ORDER,
                PAYMENT_URL,
                Field(
                    "amount_due",
                    _("Amount that is due"),
                    {"en": "962.40", "pl": "4218.00"},
                    Kind.MONEY,
                ),
                Field("due_on", _("Until when"), "2026-12-04", Kind.DATE, may_be_empty=True),
                Field(
                    "bank_account",
                    _("Bank account"),
                    "PL61 1090 1014 0000 0712 1981 2874",
                    may_be_empty=True,
                ),
            ),
            ("order.number", "amount_due"),
        ),
    )
)
