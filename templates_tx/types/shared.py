"""The values that many message types share: the shop, the customer, the order."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from templates_tx.contract import Entry, Field, Group, Kind, Rows

LOCALE = (
    Field("locale", _("Language"), "en"),
    Field(
        "currency",
        _("Currency"),
        {"en": "EUR", "pl": "PLN", "nb": "NOK", "fr": "EUR", "cs": "CZK", "de": "EUR"},
    ),
    Field("time_zone", _("Time zone"), "Europe/Warsaw"),
)

SHOP = Group(
    "shop",
    _("Shop"),
    (
        Field("name", _("Name of the shop"), "Rowerownia"),
        Field("domain", _("Domain"), "rowerownia.pl"),
        Field("url", _("Address of the shop"), "https://rowerownia.pl/", Kind.LINK),
        Field("email", _("E-mail of the shop"), "sklep@rowerownia.pl", Kind.EMAIL, True),
        Field("phone", _("Phone of the shop"), "12 345 67 80", may_be_empty=True),
        Field(
            "address",
            _("Postal address of the shop"),
            "Rowerownia Sp. z o.o., ul. Zabłocie 23, 30-701 Kraków",
            Kind.MULTILINE,
            True,
        ),
        Field("logo_url", _("Logo"), "https://rowerownia.pl/logo.png", Kind.LINK, True),
        Field("accent", _("Colour of buttons"), "#1f3d37", Kind.COLOUR, True),
        Field("accent_text", _("Colour of text on buttons"), "#ffffff", Kind.COLOUR, True),
        Field(
            "note",
            _("Your note in this message"),
            {
                "en": "Join our ride, too: every Saturday at 9 from the shop.",
                "pl": "Wpadnij też na wspólną jazdę: w każdą sobotę o 9:00 spod sklepu.",
                "nb": "Bli med på tur: hver lørdag kl. 9 fra butikken.",
                "fr": "Venez rouler avec nous : chaque samedi à 9 h, devant le magasin.",
                "cs": "Vyjeďte s námi: každou sobotu v 9 hodin od prodejny.",
                "de": "Fahren Sie mit: jeden Samstag um 9 Uhr ab Laden.",
            },
            Kind.MULTILINE,
            True,
        ),
    ),
)

CUSTOMER = Group(
    "customer",
    _("Customer"),
    (
        Field("first_name", _("First name"), "Anna", may_be_empty=True),
        Field("name", _("Full name"), "Anna Wiśniewska", may_be_empty=True),
        Field("email", _("E-mail"), "anna.wisniewska@wp.pl", Kind.EMAIL),
    ),
)

_ADDRESS = ["Anna Wiśniewska", "ul. Lipowa 14/6", "30-702 Kraków"]


def _item(name: str, variant: str, sku: str, quantity: str, *prices: str) -> dict[str, Any]:
    return {
        "name": name,
        "variant": variant,
        "sku": sku,
        "quantity": quantity,
        "unit_price": prices[0],
        "total": prices[-1],
        "image_url": f"https://rowerownia.pl/img/{sku.lower()}.jpg",
    }


# Names and variants of the three articles, and prices: one, and where two are bought, both.
_WORDS = {
    "en": (
        ("Gravel bike Kross Esker 4.0", "Size M, olive"),
        ("Helmet Giro Register MIPS", "54–61 cm, matt black"),
        ("Bottle Elite Fly 750 ml", "Clear"),
    ),
    "pl": (
        ("Gravel Kross Esker 4.0", "Rozmiar M, oliwkowy"),
        ("Kask Giro Register MIPS", "54–61 cm, czarny mat"),
        ("Bidon Elite Fly 750 ml", "Przezroczysty"),
    ),
    "nb": (
        ("Grussykkel Kross Esker 4.0", "Str. M, oliven"),
        ("Hjelm Giro Register MIPS", "54–61 cm, matt svart"),
        ("Flaske Elite Fly 750 ml", "Gjennomsiktig"),
    ),
    "fr": (
        ("Vélo gravel Kross Esker 4.0", "Taille M, olive"),
        ("Casque Giro Register MIPS", "54–61 cm, noir mat"),
        ("Bidon Elite Fly 750 ml", "Transparent"),
    ),
    "cs": (
        ("Gravel kolo Kross Esker 4.0", "Velikost M, olivové"),
        ("Přilba Giro Register MIPS", "54–61 cm, černá mat"),
        ("Láhev Elite Fly 750 ml", "Průhledná"),
    ),
    "de": (
        ("Gravelbike Kross Esker 4.0", "Größe M, oliv"),
        ("Helm Giro Register MIPS", "54–61 cm, mattschwarz"),
        ("Trinkflasche Elite Fly 750 ml", "Transparent"),
    ),
}
_PRICES = {
    "en": ("899.00", "62.00", "5.75", "11.50"),
    "pl": ("3899.00", "269.00", "25.00", "50.00"),
    "nb": ("9990.00", "699.00", "65.00", "130.00"),
    "fr": ("899.00", "62.00", "5.75", "11.50"),
    "cs": ("22490.00", "1590.00", "149.00", "298.00"),
    "de": ("899.00", "62.00", "5.75", "11.50"),
}


def _items(language: str) -> list[dict[str, Any]]:
    bike, helmet, bottle = _WORDS[language]
    first, second, one, two = _PRICES[language]
    return [
        _item(*bike, "GKE-40", "1", first),
        _item(*helmet, "GKR-M", "1", second),
        _item(*bottle, "BEF-75", "2", one, two),
    ]


ITEM_FIELDS = (
    Field("name", _("Name of the article"), "Helmet Giro Register MIPS"),
    Field("variant", _("Variant"), "54–61 cm, matt black", may_be_empty=True),
    Field("sku", _("Article number"), "GKR-M", may_be_empty=True),
    Field("quantity", _("Quantity"), "1", Kind.NUMBER),
    Field("unit_price", _("Price of one"), "62.00", Kind.MONEY),
    Field("total", _("Price of all"), "62.00", Kind.MONEY),
    Field("image_url", _("Picture"), "https://rowerownia.pl/img/gkr-m.jpg", Kind.LINK, True),
)

ITEMS = Rows(
    "items", _("Articles"), "item", ITEM_FIELDS, {language: _items(language) for language in _WORDS}
)

_METHODS = {
    "en": "InPost locker",
    "pl": "Kurier InPost",
    "nb": "Posten, hjem til deg",
    "fr": "Colissimo à domicile",
    "cs": "Zásilkovna",
    "de": "DHL Paket",
}
_PICKUP = {
    "en": "KRA01M, ul. Zabłocie 20, Kraków",
    "pl": "",
    "nb": "",
    "fr": "",
    "cs": "Z-BOX Praha 5, Plzeňská 14",
    "de": "",
}

ORDER = Group(
    "order",
    _("Order"),
    (
        Field("number", _("Order number"), "10482"),
        Field("placed_at", _("When it was placed"), "2026-11-20T10:02:11+01:00", Kind.MOMENT),
        Field(
            "currency",
            _("Currency of the order"),
            {"en": "EUR", "pl": "PLN", "nb": "NOK", "fr": "EUR", "cs": "CZK", "de": "EUR"},
        ),
        ITEMS,
        Field(
            "subtotal",
            _("Articles together"),
            {
                "en": "972.50",
                "pl": "4218.00",
                "nb": "10819.00",
                "fr": "972.50",
                "cs": "24378.00",
                "de": "972.50",
            },
            Kind.MONEY,
        ),
        Field(
            "shipping_cost",
            _("Cost of delivery"),
            {
                "en": "9.90",
                "pl": "0.00",
                "nb": "99.00",
                "fr": "9.90",
                "cs": "89.00",
                "de": "9.90",
            },
            Kind.MONEY,
        ),
        Field(
            "discount",
            _("Discount"),
            {
                "en": "20.00",
                "pl": "0.00",
                "nb": "0.00",
                "fr": "20.00",
                "cs": "0.00",
                "de": "20.00",
            },
            Kind.MONEY,
        ),
        Field(
            "tax_total",
            _("Of which tax"),
            {
                "en": "179.99",
                "pl": "788.73",
                "nb": "2163.80",
                "fr": "160.40",
                "cs": "4230.88",
                "de": "153.66",
            },
            Kind.MONEY,
        ),
        Field(
            "total",
            _("Total"),
            {
                "en": "962.40",
                "pl": "4218.00",
                "nb": "10918.00",
                "fr": "962.40",
                "cs": "24467.00",
                "de": "962.40",
            },
            Kind.MONEY,
        ),
        Field(
            "payment_method",
            _("Way of payment"),
            {
                "en": "Card",
                "pl": "BLIK",
                "nb": "Vipps",
                "fr": "Carte bancaire",
                "cs": "Karta",
                "de": "Kreditkarte",
            },
            may_be_empty=True,
        ),
        Field("payment_state", _("State of the payment"), "paid", may_be_empty=True),
        Field("shipping_method", _("Way of delivery"), _METHODS, may_be_empty=True),
        Field("pickup_point", _("Pick-up point"), _PICKUP, may_be_empty=True),
        Field("delivery_address", _("Delivery address"), _ADDRESS, Kind.LINES, True),
        Field(
            "billing_address",
            _("Billing address"),
            {
                "en": ["Wiśniewska Design", "ul. Rynek 4", "30-001 Kraków"],
                **dict.fromkeys(("pl", "nb", "fr", "cs", "de"), _ADDRESS),
            },
            Kind.LINES,
            True,
        ),
        Field(
            "note",
            _("The customer's note"),
            {"en": "", "fr": "Merci de sonner deux fois."},
            Kind.MULTILINE,
            True,
        ),
        Field(
            "url", _("Page of the order"), "https://rowerownia.pl/z/10482/8Kq2ZrTn", Kind.LINK, True
        ),
        Field(
            "invoice_url",
            _("Link to the invoice"),
            {
                "en": "https://rowerownia.pl/f/10482/4mP7sLwX",
                "pl": "",
                "de": "https://rowerownia.pl/f/10482/4mP7sLwX",
            },
            Kind.LINK,
            True,
        ),
        Field(
            "carrier",
            _("Carrier"),
            {
                "en": "InPost",
                "nb": "Posten",
                "fr": "Colissimo",
                "cs": "Zásilkovna",
                "de": "DHL",
            },
            may_be_empty=True,
        ),
        Field("tracking_number", _("Parcel number"), "620999680123456789012345", may_be_empty=True),
        Field(
            "tracking_url",
            _("Tracking link"),
            "https://inpost.pl/sledzenie?number=620999680123456789012345",
            Kind.LINK,
            True,
        ),
    ),
)

BASE: tuple[Entry, ...] = (*LOCALE, SHOP, CUSTOMER)
ABOUT_ORDER: tuple[Entry, ...] = (*BASE, ORDER)
