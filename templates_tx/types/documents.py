"""Papers that the shop's software made and Postroom carries: invoices and the like."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from templates_tx.contract import Contract, Field, Group, Kind
from templates_tx.message_types import MessageType, Section, register
from templates_tx.types.orders import DAYS
from templates_tx.types.shared import BASE


def _document(name: dict[str, str], number: str, *more: Field) -> Group:
    return Group(
        "document",
        _("Document"),
        (
            Field("name", _("Name of the document"), name),
            Field("number", _("Number of the document"), number, may_be_empty=True),
            Field("issued_on", _("Date of issue"), "2026-11-20", Kind.DATE, may_be_empty=True),
            Field("due_on", _("Payable until"), "2026-12-04", Kind.DATE, may_be_empty=True),
            Field(
                "total",
                _("Total of the document"),
                {"en": "962.40", "pl": "4218.00", "nb": "10918.00", "cs": "24467.00"},
                Kind.MONEY,
                may_be_empty=True,
            ),
            Field("order_number", _("Number of its order"), "10482", may_be_empty=True),
            Field(
                "url",
                _("Link to the document"),
                "https://rowerownia.pl/f/10482/4mP7sLwX",
                Kind.LINK,
                may_be_empty=True,
            ),
            *more,
        ),
    )


_INVOICE = {
    "en": "Invoice",
    "pl": "Faktura",
    "nb": "Faktura",
    "fr": "Facture",
    "cs": "Faktura",
    "de": "Rechnung",
}
INVOICE = register(
    MessageType(
        "document.invoice",
        _("Invoice"),
        Section.DOCUMENTS,
        _("To the customer, with the invoice that the shop's software made."),
        expires=DAYS,
        polish_name="Faktura",
        takes_documents=True,
        contract=Contract((*BASE, _document(_INVOICE, "FV/2026/11/0482")), ("document.number",)),
    )
)
CREDIT_NOTE = register(
    MessageType(
        "document.credit_note",
        _("Credit note"),
        Section.DOCUMENTS,
        _("To the customer, with the document that corrects an invoice."),
        expires=DAYS,
        polish_name="Faktura korygująca",
        takes_documents=True,
        contract=Contract(
            (
                *BASE,
                _document(
                    {"en": "Credit note", "pl": "Faktura korygująca"},
                    "FK/2026/11/0017",
                    Field(
                        "corrects",
                        _("Number of what it corrects"),
                        "FV/2026/11/0482",
                        may_be_empty=True,
                    ),
                ),
            ),
            ("document.number",),
        ),
    )
)
DOCUMENT = register(
    MessageType(
        "document.sent",
        _("Another document"),
        Section.DOCUMENTS,
        _("To the customer, with a document of any other kind."),
        expires=DAYS,
        polish_name="Inny dokument",
        takes_documents=True,
        repeatable=True,
        contract=Contract(
            (
                *BASE,
                _document({"en": "Warranty card", "pl": "Karta gwarancyjna"}, "G-10482"),
                Field(
                    "text",
                    _("What the shop writes about it"),
                    {
                        "en": "Please keep it together with the receipt.",
                        "pl": "Prosimy przechowywać ją razem z paragonem.",
                    },
                    Kind.MULTILINE,
                    may_be_empty=True,
                ),
            ),
            ("document.name",),
        ),
    )
)
