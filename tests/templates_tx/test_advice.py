"""Advice on a message: what is said of what, and that nothing is said of what is fine."""

from __future__ import annotations

import time

import pytest

from templates_tx import defaults
from templates_tx.advice import MAX_BYTES, MAX_LINKS, MAX_SUBJECT, Advice, advise
from templates_tx.advice_page import is_amount, read
from templates_tx.compiling import compile_html
from templates_tx.rendering import Rendered, render_all
from templates_tx.samples import sample_of

SENTENCE = "Order 10482 has left us and the courier will ring you on Thursday morning. "


def page(body: str, language: str = "en") -> str:
    return f'<html lang="{language}"><body><p>{SENTENCE * 4}</p>{body}</body></html>'


def said(
    body: str = "", *, subject: str = "Order 10482", text: str = SENTENCE, language: str = "en"
) -> list[Advice]:
    return advise(subject=subject, html=page(body, language), text=text, html_source=body)


def codes(body: str = "", **rest: str) -> list[str]:
    return [advice.code for advice in said(body, **rest)]


def built_in(code: str, language: str) -> tuple[Rendered, str]:
    template = defaults.load(code, language)
    return render_all(template.parts, sample_of(code, language)), template.body


@pytest.mark.promise("S4.3", "S4.5", "S4.19")
@pytest.mark.parametrize(("code", "language"), list(defaults.every()))
def test_nothing_is_said_of_a_built_in_template(code: str, language: str) -> None:
    mail, source = built_in(code, language)
    assert advise(subject=mail.subject, html=mail.html, text=mail.text, html_source=source) == []
    assert advise(subject=mail.subject, html="", text=mail.text) == []


def test_nothing_is_said_of_a_plain_message() -> None:
    assert said() == []
    assert advise(subject="Order 10482", html="", text=SENTENCE) == []


@pytest.mark.promise("S4.3", "S4.5")
@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Our summer sale is on"),
        ("en", "Use the discount code SUN"),
        ("en", "20% off everything"),
        ("en", "Only today −20 %"),
        ("pl", "Nowa promocja"),
        ("pl", "Skorzystaj z promocji"),
        ("pl", "Rabat dla Ciebie"),
        ("pl", "Twój kod rabatowy: LATO"),
        ("pl", "WYPRZEDAŻ"),
        ("pl", "Summer SALE"),
        ("nb", "Et godt tilbud"),
        ("nb", "Her er din rabattkode"),
        ("fr", "Les soldes commencent"),
        ("fr", "Votre code promo"),
        ("cs", "Letní sleva"),
        ("cs", "Akce trvá"),
        ("cs", "Velký výprodej"),
        ("de", "10 Euro Rabatt"),
        ("de", "Ein Gutschein"),
        ("de", "Unser Angebot"),
        ("xx", "Les soldes, ein Angebot"),
    ],
)
def test_sale_words_are_found_in_six_languages(language: str, sentence: str) -> None:
    assert codes(f"<p>{sentence}.</p>", language=language) == ["sale_words"]
    assert codes(subject=f"{sentence} now", language=language)[:1] == ["sale_words"]
    assert [a.code for a in advise(subject="x", html="", text=f"{SENTENCE}\n{sentence}.")] == [
        "sale_words"
    ]


@pytest.mark.promise("S4.5")
@pytest.mark.parametrize(
    ("language", "sentence", "code"),
    [
        ("en", "You may also like these", "cross_sell"),
        ("en", "Customers also bought", "cross_sell"),
        ("pl", "Może Ci się też spodobać", "cross_sell"),
        ("pl", "Inni kupili także", "cross_sell"),
        ("nb", "Kanskje du også liker", "cross_sell"),
        ("fr", "Vous aimerez aussi", "cross_sell"),
        ("cs", "Mohlo by se vám líbit", "cross_sell"),
        ("de", "Das könnte Ihnen auch gefallen", "cross_sell"),
        ("en", "You left something in your cart", "campaign"),
        ("en", "Your basket is waiting", "campaign"),
        ("pl", "Porzucony koszyk", "campaign"),
        ("pl", "Twój koszyk czeka", "campaign"),
        ("nb", "Handlekurven din venter", "campaign"),
        ("fr", "Votre panier vous attend", "campaign"),
        ("cs", "Váš košík čeká", "campaign"),
        ("de", "Ihr Warenkorb wartet", "campaign"),
        ("en", "Read our newsletter", "campaign"),
        ("en", "Unsubscribe here", "unsubscribe"),
        ("pl", "Wypisz się", "unsubscribe"),
        ("nb", "Meld deg av", "unsubscribe"),
        ("fr", "Se désabonner", "unsubscribe"),
        ("cs", "Odhlásit se z odběru", "unsubscribe"),
        ("de", "Hier abmelden", "unsubscribe"),
    ],
)
def test_what_belongs_in_a_newsletter_is_found(language: str, sentence: str, code: str) -> None:
    assert codes(f"<p>{sentence}</p>", language=language) == [code]


@pytest.mark.parametrize(
    ("language", "body"),
    [
        ("en", "<p>Wholesale, salesman, resale</p>"),
        ("en", "<p>Our terms of sale and after-sale service</p>"),
        ("en", "<p>Write to sale@shop.example or see https://shop.example/promo/1</p>"),
        ("en", "<table><tr><td>Discount code SUN</td><td>−€20.00</td></tr></table>"),
        ("pl", "<table><tr><td>Rabat</td><td>−20,00&nbsp;zł</td></tr></table>"),
        ("pl", "<table><tr><td>Koszulka „Promocja”</td><td>1×</td><td>49,00 zł</td></tr></table>"),
        ("en", "<p>VAT 23%, 54–61 cm, 0–10%</p>"),
        ("fr", "<p>Remise en main propre du colis</p>"),
        ("pl", "<p>Sleva, Angebot, soldes</p>"),
        ("en", "<title>Sale</title><!-- sale --><style>.sale { color: red }</style>"),
    ],
)
def test_the_sums_and_lines_of_an_order_and_look_alikes_say_nothing(
    language: str, body: str
) -> None:
    assert codes(body, language=language) == []


def test_sale_words_beside_the_sums_are_found_nonetheless() -> None:
    sums = "<table><tr><td>Rabat</td><td>−20,00 zł</td></tr></table>"
    outer = f"<table><tr><td>Nowa promocja {sums}</td></tr></table>"
    assert codes(outer, language="pl") == ["sale_words"]
    assert codes("<table><tr><td>Rabat</td><td>tylko dziś</td></tr></table>", language="pl") == [
        "sale_words"
    ]


def test_the_sums_of_a_text_say_nothing() -> None:
    text = "Thank you.\nDiscount code SUN            −€20.00\nRabat    20,00 zł\n"
    assert advise(subject="Order", html="", text=text) == []


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("−€20.00", True), ("1 234,50 zł", True), ("20,00\xa0zł", True), ("CZK 15", False),
        ("$5", True), ("1 200 Kč", True), ("20 kr.", True), ("2", False), ("12 345 67 80", False),
        ("20%", False), ("two 5.00", True), ("only 5.00 today", False), ("", False),
    ],
)  # fmt: skip
def test_amounts_are_told_from_other_numbers(text: str, is_one: bool) -> None:
    assert is_amount(text) is is_one


@pytest.mark.promise("S4.5")
def test_more_links_than_needed_are_counted_once_each_and_without_addresses() -> None:
    links = [f'<a href="https://a.example/{number}">x</a>' for number in range(MAX_LINKS)]
    text = SENTENCE + " ".join(f"https://a.example/{number}" for number in range(MAX_LINKS + 1))
    more = '<a href="https://a.example/0">x</a><a href="mailto:a@b.example">x</a>'
    assert codes("".join(links) + more, text=text) == []
    line = '<table><tr><td><a href="https://a.example/6">x</a></td><td>€2.00</td></tr></table>'
    assert codes("".join(links) + line, text=text) == []
    assert codes("".join(links) + line.replace("€2.00", "x"), text=text) == ["many_links"]


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("http://a.example/", "insecure_link"),
        ("javascript:alert(1)", "unsafe_link"),
        (" JAVA\nSCRIPT:alert(1)", "unsafe_link"),
        ("java&#115;cript:x", "unsafe_link"),
        ("data:text/html,x", "unsafe_link"),
        ("#", "dead_link"),
        ("", "dead_link"),
        ("https://a.example/unsubscribe?x", "unsubscribe"),
        ("https://x.list-manage.com/", "unsubscribe"),
    ],
)
def test_links_that_do_no_good_are_named_with_their_line(link: str, code: str) -> None:
    (advice,) = said(f"<p>\n<a\nhref='{link}'>x</a>", text=f"{SENTENCE} {link}")
    assert advice.code == code
    is_written_so = link.startswith(("http", "javascript", "data"))
    assert not is_written_so or advice.line == 3


PICTURE = '<img src="https://a.example/x.png" alt="" width="300">'


@pytest.mark.promise("S4.5", "S4.19")
def test_pictures_are_weighed_against_the_text() -> None:
    logo = '<img src="https://a.example/x.png" alt="" height="32">'
    lines = f"<table>{f'<tr><td>{PICTURE}</td><td>€1.00</td></tr>' * 20}</table>"
    assert codes(PICTURE * 2 + lines) == []
    assert codes(PICTURE * 9) == ["many_pictures"]
    alone = {"subject": "Order", "text": SENTENCE}
    html = '<html lang="en"><p>Hello</p>{}</html>'
    assert [a.code for a in advise(html=html.format(PICTURE), **alone)] == ["all_picture"]
    assert advise(html=html.format(logo), **alone) == []
    assert codes('<img src="https://a.example/p.gif" alt="" width="1" height="1">' * 9) == []


@pytest.mark.promise("S4.19", "S5.17")
@pytest.mark.parametrize("text", ["", " \n "])
def test_a_missing_text_part_is_named(text: str) -> None:
    assert codes(text=text) == ["no_text"]


@pytest.mark.promise("S4.19")
def test_a_text_part_that_was_forgotten_is_named() -> None:
    assert codes(text="See the HTML.") == ["short_text"]
    other = "Order 99120 was sent to you by post. It will be with you within three days."
    assert codes(text=other) == ["other_text"]
    mail, _ = built_in("order.placed", "en")
    placed, _ = built_in("customer.password_reset", "en")
    found = advise(subject=mail.subject, html=mail.html, text=placed.text)
    assert [advice.code for advice in found] == ["other_text"]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("", ["no_subject"]),
        ("x" * MAX_SUBJECT, []),
        ("x" * (MAX_SUBJECT + 1), ["long_subject"]),
        ("YOUR ORDER HAS BEEN SENT", ["capitals"]),
        ("ZAMÓWIENIE 1", ["capitals"]),
        ("Order ABC-DEF-GHI", []),
        ("DPD 1", []),
        ("Thank you!", []),
        ("Thank you!!", ["exclamation_marks"]),
    ],
)
def test_subjects(subject: str, expected: list[str]) -> None:
    assert codes(subject=subject) == expected


@pytest.mark.promise("S5.17")
@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("script", "<script>alert(1)</script>"),
        ("form", "<form action='x'></form>"),
        ("form", "<INPUT name=x>"),
        ("button", "<button>x</button>"),
        ("video", "<video src='https://a.example/x.mp4'></video>"),
        ("frame", "<iframe src='https://a.example/'></iframe>"),
        ("svg", "<svg></svg>"),
        ("style_sheet", "<link href='https://a.example/x.css' rel=stylesheet>"),
        ("web_font", "<style>\n@font-face { font-family: x }</style>"),
        ("web_font", "<style>@import url(x)</style>"),
        ("position", "<p style='position: absolute'>x</p>"),
        ("flex", "<p style='color:red;display:flex'>x</p>"),
        ("flex", "<style>p { display : inline-grid }</style>"),
        ("background_image", "<p style='background-image:url(https://a.example/x.png)'>x</p>"),
        ("background_image", "<td style='background: red url(https://a.example/x.png)'>x</td>"),
        ("embedded_picture", "<img alt='' width=9 src='data:image/png;base64,AAAA'>"),
        ("picture_size", "<img alt='' src='https://a.example/x.png'>"),
        ("picture_text", "<img width=9 src='https://a.example/x.png'>"),
    ],
)
def test_what_mail_programs_do_not_show_is_named_with_its_line(code: str, body: str) -> None:
    (advice,) = said(f"<p>One\n</p>\n{body}")
    assert advice.code == code
    assert advice.line is not None and advice.line >= 3


@pytest.mark.parametrize(
    "body",
    [
        "<p style='background-position:top;display:block;background:#fff'>position: flex</p>",
        "<link rel='icon' href='https://a.example/x.ico'>",
        "<img alt='' style='max-width:9px;width:9px' src='https://a.example/x.png'>",
        "<!--[if mso]><v:rect><script></script></v:rect><![endif]-->",
    ],
)
def test_what_they_do_show_is_not(body: str) -> None:
    assert codes(body) == []


@pytest.mark.promise("S5.17")
def test_what_compiling_drops_is_found_in_what_staff_wrote() -> None:
    source = f"<p>{SENTENCE}</p>\n<link rel='stylesheet' href='https://a.example/x.css'>"
    html = compile_html(source, defaults.layout("en")).replace("{{ locale }}", "en")
    found = advise(subject="Order", html=html, text=SENTENCE, html_source=source)
    assert [(a.code, a.line) for a in found if a.code == "style_sheet"] == [("style_sheet", 2)]


@pytest.mark.promise("S5.17")
def test_gmails_limit_and_a_missing_language_are_named() -> None:
    room = MAX_BYTES - len(page("").encode())
    assert codes("ł" * (room // 2)) == []
    assert codes("ł" * (room // 2 + 1)) == ["clipped"]
    html = page("").replace(' lang="en"', "")
    found = advise(subject="Order", html=html, text=SENTENCE, html_source="a\n<html>")
    assert [(a.code, a.line) for a in found] == [("language", 2)]


def test_a_sentence_names_what_was_found_and_its_line() -> None:
    (advice,) = said("<p>One</p>\n<p>Nowa\nPROMOCJA i rabat!</p>", language="pl")
    assert "“promocja”, “rabat”" in advice.text
    assert advice.line == 3
    (advice,) = advise(subject="x", html=page("<p>Sale</p>"), text=SENTENCE)
    assert advice.line is None


def test_words_of_the_page_are_read_as_a_mail_program_does() -> None:
    source = (
        "<title>no</title>a<b>b</b>c<br>d &amp; e<!-- no -->"
        "<p title='>'>1 < 2</p><style>no</style><a it's href=x>f</a></style>g"
    )
    assert " ".join(filter(None, read(source).shown)) == "abc d & e 1 < 2 f g"
    assert read("<a href=1 HREF=2 href='3'>x</a>").all_links == ["1"]
    assert read("<a href='a&amp;b' title=\"x>y\">").all_links == ["a&b"]


@pytest.mark.parametrize(
    "turn",
    [
        "<", "<a ", "</", "<!", "<!--", "<?", "<a href='", '<a x="', "<a x=", "<a = ", " <a/",
        "<a b=c ", "<a b='c' ", "&", "&#", "9", "<script>", "<style>", "<title>", "<tr>",
        "<td>x", "</tr>", "</style>", "<img src=x>", "<a href=https://x/>", "\n", " ", "-", "1 ",
        "1.", "sale ", "https://", "może ci się ", "<p style='background:background:'>", "\ud800",
    ],
)  # fmt: skip
def test_a_megabyte_takes_no_longer_than_its_length(turn: str) -> None:
    hostile = (turn * 1_000_000)[:1_000_000]
    started = time.thread_time()
    advise(subject=hostile, html=hostile, text=hostile, html_source=hostile)
    advise(subject="", html="", text=hostile)
    assert time.thread_time() - started < 8


def test_a_number_of_thousands_of_digits_is_read() -> None:
    assert read("&#" + "9" * 10_000 + ";").shown == ["\N{REPLACEMENT CHARACTER}"]
