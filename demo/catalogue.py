"""What the two shops of the demo sell, and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Article:
    """``picture`` is the name of a PNG in ``static/demo``; the price includes tax."""

    sku: str
    name: str
    variant: str
    price: Decimal
    picture: str


@dataclass(frozen=True, slots=True)
class Person:
    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    town: str
    language: str

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def address(self) -> str:
        return f"{self.street}\n{self.town}"


@dataclass(frozen=True, slots=True)
class ShopStock:
    """One shop. From ``free_from`` on, shipping costs nothing."""

    slug: str
    name: str
    domain: str
    language: str
    currency: str
    time_zone: str
    sender: str
    contact: str
    phone: str
    address: str
    accent: str
    tax: Decimal
    shipping: tuple[str, Decimal]
    free_from: Decimal
    payments: tuple[str, ...]
    first_number: int
    articles: tuple[Article, ...]
    people: tuple[Person, ...]

    @property
    def logo(self) -> str:
        return f"{self.slug}-logo.png"


BICYCLES = ShopStock(
    slug="demo",
    name="Rowerownia",
    domain="demo.example",
    language="pl",
    currency="PLN",
    time_zone="Europe/Warsaw",
    sender="shop@demo.example",
    contact="kontakt@demo.example",
    phone="12 345 67 80",
    address="Rowerownia Sp. z o.o., ul. Zabłocie 23, 30-701 Kraków",
    accent="#1f3d36",
    tax=Decimal(23),
    shipping=("Kurier InPost", Decimal("14.99")),
    free_from=Decimal(300),
    payments=("BLIK", "Karta", "Przelew"),
    first_number=10462,
    articles=(
        Article(
            "ESKER-M", "Gravel Kross Esker 4.0", "Rozmiar M, oliwkowy", Decimal(3899), "gravel"
        ),
        Article("KASK-54", "Kask Giro Register MIPS", "54–61 cm, czarny", Decimal(269), "helmet"),
        Article("BID-750", "Bidon Elite Fly 750 ml", "Przezroczysty", Decimal(25), "bottle"),
        Article("LAMP-PL", "Lampka Knog Plus", "Przednia, USB", Decimal(119), "light"),
        Article("ABUS-460", "Zapięcie ABUS Granit 460", "23 cm", Decimal(249), "lock"),
        Article("OPONA-40", "Opona Schwalbe G-One", "700×40C", Decimal("189.90"), "wheel"),
    ),
    people=(
        Person(
            "Anna",
            "Wiśniewska",
            "anna.wisniewska@poczta.example",
            "+48 601 334 218",
            "ul. Lipowa 14/6",
            "30-702 Kraków",
            "pl",
        ),
        Person(
            "Tomasz",
            "Nowakowski",
            "t.nowakowski@poczta.example",
            "+48 512 870 443",
            "ul. Długa 3",
            "61-848 Poznań",
            "pl",
        ),
        Person(
            "Katarzyna",
            "Zielińska",
            "kasia.zielinska@klient.example",
            "+48 693 115 902",
            "al. Jana Pawła II 41/12",
            "01-001 Warszawa",
            "pl",
        ),
        Person(
            "Jakub",
            "Wójcik",
            "jakub@wojcik.example",
            "+48 788 204 517",
            "ul. Piękna 8",
            "50-505 Wrocław",
            "pl",
        ),
        Person(
            "Emily",
            "Carter",
            "emily.carter@mail.example",
            "+44 7700 900418",
            "12 Mill Road",
            "Cambridge CB1 2AD",
            "en",
        ),
        Person(
            "Magdalena",
            "Dąbrowska",
            "magda.d@klient.example",
            "+48 604 551 327",
            "ul. Morska 102/3",
            "81-225 Gdynia",
            "pl",
        ),
    ),
)

WOOL = ShopStock(
    slug="wool",
    name="Ullhuset",
    domain="ullhuset.example",
    language="nb",
    currency="NOK",
    time_zone="Europe/Oslo",
    sender="post@ullhuset.example",
    contact="hei@ullhuset.example",
    phone="+47 22 12 34 56",
    address="Ullhuset AS, Markveien 35, 0554 Oslo",
    accent="#7c2f3b",
    tax=Decimal(25),
    shipping=("Posten, hjem til deg", Decimal(99)),
    free_from=Decimal(1000),
    payments=("Vipps", "Kort"),
    first_number=2204,
    articles=(
        Article("FINULL-4", "Rauma Finull", "50 g, bringebær", Decimal(49), "yarn"),
        Article("GENSER-L", "Islender genser", "Str. L, naturhvit", Decimal(1890), "sweater"),
        Article("SOKK-39", "Ullsokker, to par", "Str. 39–42", Decimal(229), "socks"),
        Article("TEPPE-1", "Ullteppe Røros", "135 × 200 cm", Decimal(1695), "blanket"),
        Article("PINNE-4", "Rundpinner i bambus", "4 mm, 80 cm", Decimal(129), "needles"),
        Article("LUE-M", "Lue Marius", "Marineblå", Decimal(449), "hat"),
    ),
    people=(
        Person(
            "Ingrid",
            "Haugen",
            "ingrid.haugen@epost.example",
            "+47 915 20 338",
            "Storgata 12",
            "7011 Trondheim",
            "nb",
        ),
        Person(
            "Lars",
            "Bakke",
            "lars@bakke.example",
            "+47 482 71 906",
            "Strandkaien 4",
            "5013 Bergen",
            "nb",
        ),
        Person(
            "Solveig",
            "Ødegård",
            "solveig.odegard@epost.example",
            "+47 930 44 512",
            "Kirkegata 21",
            "2609 Lillehammer",
            "nb",
        ),
        Person(
            "Hannah",
            "Weber",
            "hannah.weber@post.example",
            "+49 151 2345 6789",
            "Lindenstraße 7",
            "20099 Hamburg",
            "en",
        ),
    ),
)

STOCKS = (BICYCLES, WOOL)


def stock_of(slug: str) -> ShopStock | None:
    return next((stock for stock in STOCKS if stock.slug == slug), None)
