"""What shop and customer write to each other, and what the shop's own people are told."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from templates_tx.contract import Contract, Field, Group, Kind
from templates_tx.message_types import MessageType, Section, To, register
from templates_tx.types.orders import DAYS
from templates_tx.types.shared import ABOUT_ORDER, LOCALE, SHOP

CONTACT_FORM = register(
    MessageType(
        "contact.form",
        _("Contact form"),
        Section.CONTACT,
        _("To the shop. Answers go to the shopper who wrote."),
        expires=DAYS,
        repeatable=True,
        polish_name="Formularz kontaktowy",
        to=To.OWNER,
        answers_to="sender.email",
        contract=Contract(
            (
                *LOCALE,
                SHOP,
                Group(
                    "sender",
                    _("Who wrote"),
                    (
                        Field("name", _("Name"), "Anna Wiśniewska", may_be_empty=True),
                        Field("email", _("E-mail"), "anna.wisniewska@wp.pl", Kind.EMAIL),
                        Field("phone", _("Phone"), "+48 601 334 218", may_be_empty=True),
                    ),
                ),
                Field(
                    "topic",
                    _("Topic"),
                    {
                        "en": "Helmet size",
                        "pl": "Rozmiar kasku",
                        "nb": "Hjelmstørrelse",
                        "fr": "Taille du casque",
                        "cs": "Velikost přilby",
                        "de": "Helmgröße",
                    },
                    may_be_empty=True,
                ),
                Field(
                    "text",
                    _("What was written"),
                    {
                        "en": "Good morning,\n\nmy head measures 58 cm. Which size do I need?",
                        "pl": "Dzień dobry,\n\nmam 58 cm w obwodzie głowy. Jaki rozmiar wybrać?",
                        "nb": "Hei,\n\nhodet mitt måler 58 cm. Hvilken størrelse trenger jeg?",
                        "fr": "Bonjour,\n\nmon tour de tête est de 58 cm. Quelle taille choisir ?",
                        "cs": "Dobrý den,\n\nobvod hlavy mám 58 cm. Jakou velikost zvolit?",
                        "de": "Guten Tag,\n\nmein Kopfumfang ist 58 cm. Welche Größe brauche ich?",
                    },
                    Kind.MULTILINE,
                ),
                Field(
                    "page_url",
                    _("Page it was written on"),
                    "https://rowerownia.pl/gkr-m",
                    Kind.LINK,
                    may_be_empty=True,
                ),
            ),
            ("sender.email", "text"),
        ),
    )
)
_NOTES = {
    "en": "the olive frame reaches us on Wednesday.\n\nMay we send it on Thursday?",
    "pl": (
        "rama w oliwkowym kolorze przyjedzie do nas w środę.\n\nCzy możemy wysłać ją w czwartek?"
    ),
    "nb": "den olivengrønne rammen kommer på onsdag.\n\nKan vi sende den på torsdag?",
    "fr": "le cadre olive nous arrive mercredi.\n\nPouvons-nous l'expédier jeudi ?",
    "cs": "olivový rám k nám dorazí ve středu.\n\nMůžeme ho poslat ve čtvrtek?",
    "de": "der olivfarbene Rahmen kommt am Mittwoch.\n\nDürfen wir ihn am Donnerstag senden?",
}
NOTE = register(
    MessageType(
        "note",
        _("Note to the customer"),
        Section.CONTACT,
        _("What staff write on an order's page."),
        repeatable=True,
        polish_name="Wiadomość do klienta",
        to=To.BUYER,
        takes_documents=True,
        contract=Contract(
            (
                *ABOUT_ORDER,
                Field(
                    "text",
                    _("What is written"),
                    _NOTES,
                    Kind.MULTILINE,
                ),
            ),
            ("text",),
        ),
    )
)

STAFF_NEW_ORDER = register(
    MessageType(
        "staff.new_order",
        _("New order, for staff"),
        Section.STAFF,
        _("To the shop, in words of its own. A copy of the customer's mail is another switch."),
        on_in_new_shop=False,
        polish_name="Nowe zamówienie (dla obsługi)",
        to=To.OWNER,
        answers_to="customer.email",
        contract=Contract(ABOUT_ORDER, ("order.number",)),
    )
)
LOW_STOCK = register(
    MessageType(
        "staff.low_stock",
        _("Low stock"),
        Section.STAFF,
        _("To the shop, when an article is about to run out."),
        on_in_new_shop=False,
        repeatable=True,
        polish_name="Niski stan magazynowy",
        to=To.OWNER,
        contract=Contract(
            (
                *LOCALE,
                SHOP,
                Group(
                    "product",
                    _("Article"),
                    (
                        Field("name", _("Name of the article"), "Kask Giro Register MIPS"),
                        Field("variant", _("Variant"), "54–61 cm", may_be_empty=True),
                        Field("sku", _("Article number"), "GKR-M", may_be_empty=True),
                        Field("left", _("How many are left"), "2", Kind.NUMBER),
                        Field(
                            "url",
                            _("Page of the article"),
                            "https://rowerownia.pl/gkr-m",
                            Kind.LINK,
                            may_be_empty=True,
                        ),
                    ),
                ),
            ),
            ("product.name", "product.left"),
        ),
    )
)
