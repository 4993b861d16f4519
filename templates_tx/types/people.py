"""What is said to people rather than about orders: accounts, subscriptions, business customers."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from maillog.states import UnknownPolicy
from templates_tx.contract import Contract, Field, Group, Kind
from templates_tx.message_types import MessageType, Section, To, register
from templates_tx.types.orders import REASON
from templates_tx.types.shared import BASE, LOCALE, SHOP

LOGIN_URL = Field(
    "login_url", _("Page to sign in"), "https://rowerownia.pl/konto", Kind.LINK, may_be_empty=True
)


def _link(address: str) -> Field:
    return Field("link", _("Link that only this customer may have"), address, Kind.LINK)


def _valid(minutes: int) -> Field:
    return Field("valid_minutes", _("Valid for how many minutes"), minutes, Kind.NUMBER)


REGISTERED = register(
    MessageType(
        "customer.registered",
        _("Account created"),
        Section.ACCOUNT,
        _("To the customer, when an account in the shop has been made."),
        polish_name="Konto założone",
        contract=Contract((*BASE, LOGIN_URL)),
    )
)
VERIFY_ADDRESS = register(
    MessageType(
        "customer.verify_address",
        _("Verify the address"),
        Section.ACCOUNT,
        _("To the customer, with a link that proves the address."),
        expires=timedelta(minutes=60),
        unknown_policy=UnknownPolicy.REPEAT_NOW,
        sensitive=True,
        critical=True,
        repeatable=True,
        polish_name="Potwierdzenie adresu e-mail",
        contract=Contract(
            (*BASE, _link("https://rowerownia.pl/adres/3kLm8Vw2Pq"), _valid(60)), ("link",)
        ),
    )
)
PASSWORD_RESET = register(
    MessageType(
        "customer.password_reset",
        _("New password"),
        Section.ACCOUNT,
        _("To the customer, with a link that the shop's software made."),
        expires=timedelta(minutes=60),
        unknown_policy=UnknownPolicy.REPEAT_NOW,
        sensitive=True,
        critical=True,
        repeatable=True,
        polish_name="Nowe hasło do konta",
        contract=Contract(
            (*BASE, _link("https://rowerownia.pl/haslo/9vXr2LqTz7"), _valid(60)), ("link",)
        ),
    )
)
DOUBLE_OPT_IN = register(
    MessageType(
        "subscription.confirm",
        _("Confirm a subscription"),
        Section.SUBSCRIPTIONS,
        _("To whoever has subscribed, with the link of the double opt-in."),
        expires=timedelta(days=2),
        repeatable=True,
        polish_name="Potwierdzenie zapisu (double opt-in)",
        contract=Contract(
            (
                *BASE,
                _link("https://rowerownia.pl/zapis/7pQd4Rk1Xs"),
                Field(
                    "list_name",
                    _("What was subscribed to"),
                    {
                        "en": "News from the workshop",
                        "pl": "Wieści z warsztatu",
                        "nb": "Nytt fra verkstedet",
                        "fr": "Nouvelles de l'atelier",
                        "cs": "Novinky z dílny",
                        "de": "Neues aus der Werkstatt",
                    },
                    may_be_empty=True,
                ),
                Field("valid_hours", _("Valid for how many hours"), 48, Kind.NUMBER, True),
            ),
            ("link",),
        ),
    )
)
BACK_IN_STOCK = register(
    MessageType(
        "stock.back",
        _("Back in stock"),
        Section.SUBSCRIPTIONS,
        _("To the customer who asked to be told when an article is there again."),
        polish_name="Produkt znów dostępny",
        contract=Contract(
            (
                *BASE,
                Group(
                    "product",
                    _("Article"),
                    (
                        Field(
                            "name",
                            _("Name of the article"),
                            {"en": "Helmet Giro Register MIPS", "pl": "Kask Giro Register MIPS"},
                        ),
                        Field(
                            "variant",
                            _("Variant"),
                            {"en": "54–61 cm, matt black", "pl": "54–61 cm, czarny mat"},
                            may_be_empty=True,
                        ),
                        Field(
                            "price", _("Price"), {"en": "62.00", "pl": "269.00"}, Kind.MONEY, True
                        ),
                        Field(
                            "url",
                            _("Page of the article"),
                            "https://rowerownia.pl/gkr-m",
                            Kind.LINK,
                        ),
                        Field(
                            "image_url",
                            _("Picture"),
                            "https://rowerownia.pl/img/gkr-m.jpg",
                            Kind.LINK,
                            may_be_empty=True,
                        ),
                    ),
                ),
            ),
            ("product.name", "product.url"),
        ),
    )
)
TERM_EXPIRING = register(
    MessageType(
        "term.expiring",
        _("A term ends soon"),
        Section.SUBSCRIPTIONS,
        _("To the customer, before a deadline: warranty, voucher, subscription, free return."),
        repeatable=True,
        polish_name="Zbliża się koniec terminu",
        contract=Contract(
            (
                *BASE,
                Group(
                    "term",
                    _("Term"),
                    (
                        Field(
                            "name",
                            _("What ends"),
                            {
                                "en": "Free first service of your bike",
                                "pl": "Bezpłatny pierwszy przegląd roweru",
                                "nb": "Gratis første service på sykkelen",
                                "fr": "Première révision gratuite de votre vélo",
                                "cs": "První bezplatný servis kola",
                                "de": "Kostenlose Erstinspektion Ihres Fahrrads",
                            },
                        ),
                        Field("ends_on", _("Last day"), "2026-12-31", Kind.DATE),
                        Field(
                            "url",
                            _("Page about it"),
                            "https://rowerownia.pl/przeglad",
                            Kind.LINK,
                            may_be_empty=True,
                        ),
                    ),
                ),
            ),
            ("term.name", "term.ends_on"),
        ),
    )
)
NEWSLETTER = register(
    MessageType(
        "newsletter",
        _("Newsletter"),
        Section.SUBSCRIPTIONS,
        _("Handed in ready-made by the shop's software. Postroom writes none itself."),
        polish_name="Newsletter",
        is_handed_in=True,
    )
)

COMPANY = Group(
    "company",
    _("Company"),
    (
        Field("name", _("Name of the company"), "Wiśniewska Design"),
        Field("contact_name", _("Contact person"), "Anna Wiśniewska", may_be_empty=True),
        Field("email", _("E-mail of the company"), "biuro@wisniewska.example", Kind.EMAIL),
        Field("phone", _("Phone of the company"), "+48 601 334 218", may_be_empty=True),
        Field("tax_number", _("Tax number"), "PL6770000000", may_be_empty=True),
        Field(
            "address", _("Address"), ["ul. Rynek 4", "30-001 Kraków"], Kind.LINES, may_be_empty=True
        ),
        Field(
            "text",
            _("What the company wrote"),
            {
                "en": "We would like to order bottles for our cyclists.",
                "pl": "Chcemy zamawiać bidony dla naszych kolarzy.",
                "nb": "Vi vil bestille flasker til syklistene våre.",
                "fr": "Nous souhaitons commander des bidons pour nos cyclistes.",
                "cs": "Chceme objednávat láhve pro naše cyklisty.",
                "de": "Wir möchten Flaschen für unsere Radsportler bestellen.",
            },
            Kind.MULTILINE,
            may_be_empty=True,
        ),
    ),
)
BUSINESS_REQUESTED = register(
    MessageType(
        "business.requested",
        _("A company asks for an account"),
        Section.BUSINESS,
        _("To the shop, for approval. Answers go to the company."),
        polish_name="Rejestracja klienta hurtowego",
        to=To.OWNER,
        answers_to="company.email",
        contract=Contract(
            (
                *LOCALE,
                SHOP,
                COMPANY,
                Field(
                    "review_url",
                    _("Page to approve it"),
                    "https://rowerownia.pl/admin/firmy/81",
                    Kind.LINK,
                    may_be_empty=True,
                ),
            ),
            ("company.name", "company.email"),
        ),
    )
)
BUSINESS_APPROVED = register(
    MessageType(
        "business.approved",
        _("Company account approved"),
        Section.BUSINESS,
        _("To the company, when the shop has approved it. It chose its password itself."),
        polish_name="Konto hurtowe zatwierdzone",
        contract=Contract(
            (
                *BASE,
                Field("company_name", _("Name of the company"), "Wiśniewska Design"),
                LOGIN_URL,
            ),
            ("company_name",),
        ),
    )
)
BUSINESS_DECLINED = register(
    MessageType(
        "business.declined",
        _("Company account declined"),
        Section.BUSINESS,
        _("To the company, when the shop has declined it."),
        polish_name="Konto hurtowe odrzucone",
        contract=Contract(
            (*BASE, Field("company_name", _("Name of the company"), "Wiśniewska Design"), REASON),
            ("company_name",),
        ),
    )
)
