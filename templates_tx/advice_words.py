"""Words that sell, in the six languages of the shops, and where to look for them.

One phrase a line; `*` stands for any ending. Only phrases that have no business in a message about
an order: "discount" and "remise" alone are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

MAX_LOOKED_AT = 200_000
"""Characters: nobody reads a mail to there."""

SALE = {
    "any": r"""
        [-−–] ?\d{1,2} ?%
        promo
        black friday
        cyber monday
        black week
    """,
    "en": r"""
        (?<!of )(?<!after[ -])(?<!before[ -])sale(?! agreement| contract| document| of goods)
        \d{1,2} ?% off
        % off
        discount code*
        promo code*
        promotion*
        coupon*
        special offer*
        limited offer*
        clearance
        shop now
        buy now
    """,
    "pl": """
        promocj*
        promocyjn*
        rabat*
        zniżk*
        zniżce
        wyprzedaż*
        przecen*
        kupon*
        oferta specjalna
        specjalna oferta
        kup teraz
    """,
    "nb": """
        tilbud*
        rabatt*
        utsalg*
        salgskampanje*
        kampanjekode*
        på salg
        kupong*
        kjøp nå
    """,
    "fr": r"""
        soldes
        promos
        promotion*
        code* promo*
        code* de réduction
        code* de remise
        remise de \d+ ?%
        bon* de réduction
        vente* flash
        offre* spéciale*
        déstockage
        achetez maintenant
    """,
    "cs": """
        sleva
        slev[ayěu]
        slevou
        slevov*
        akce
        v akci
        akční
        výprodej*
        kupón*
        speciální nabídk*
        koupit nyní
    """,
    "de": """
        rabatt*
        gutschein*
        angebot*
        sonderangebot*
        ausverkauf*
        schlussverkauf*
        aktionspreis*
        reduziert*
        jetzt kaufen
        jetzt shoppen
    """,
}

CROSS_SELL = {
    "any": "",
    "en": """
        you (may|might) also like
        (customers|others|people) (who bought this )?also (bought|viewed|liked)
        frequently bought together
        (recommended|picked) for you
        complete (your|the) look
    """,
    "pl": """
        (może|mogą) ci się (też |także |również )?(s?podobać)
        (może|mogą) (cię|ciebie) (też |także |również )?zainteresować
        (inni|klienci) (kupili|kupowali|kupują) (też|także|również)
        (polecamy|kup|zobacz) (też|także|również)
        (polecane|wybrane) dla ciebie
        często kupowane razem
    """,
    "nb": """
        (du vil )?kanskje (vil )?(du )?også lik*
        (andre|kunder) (har )?(også )?kjøpte? også
        andre kjøpte
        anbefalt for deg
        kjøpes ofte sammen
    """,
    "fr": """
        vous aimerez (peut-être )?aussi
        (vous|cela) pourrai(t|ent|ez) (aussi )?(vous )?(aimer|plaire)
        (nos|les|d'autres) clients ont (aussi|également) (acheté|aimé)
        (recommandé|sélectionné)s? pour vous
        souvent achetés ensemble
    """,
    "cs": """
        mohlo by (se )?(vám|ti) (se )?(také |i )?líbit
        mohlo by (vás|tě) (také )?zajímat
        (ostatní|zákazníci|jiní) (také )?(nakoupili|koupili|kupují) (také|i)
        doporučujeme také
        doporučen[oé] pro (vás|tebe)
        často kupováno společně
    """,
    "de": """
        das könnte (dir|ihnen|sie|dich) (auch )?(gefallen|interessieren)
        (andere )?kunden (kauften|haben) auch
        wird oft zusammen gekauft
        (empfehlungen|empfohlen|ausgewählt) für (sie|dich)
    """,
}

CAMPAIGN = {
    "any": "newsletter*",
    "en": """
        abandoned (cart|basket)
        left (something |items )?(behind )?in your (cart|basket)
        your (cart|basket) is waiting
        (waiting|still) in your (cart|basket)
        we miss(ed)? you
        come back and
    """,
    "pl": """
        porzucon* koszyk*
        koszyk* czeka*
        czeka*( na ciebie)? w koszyku
        w koszyku czeka*
        zostawi* w koszyku
        tęsknimy
    """,
    "nb": """
        forlatt* handlekurv*
        (venter|glemt)( fortsatt)? i handlekurven
        handlekurven( din)? venter
        vi savner deg
        nyhetsbrev*
    """,
    "fr": """
        panier* abandonné*
        panier vous attend
        (oublié|laissé|attend*)( quelque chose| des articles)? dans votre panier
        vous nous manquez
    """,
    "cs": """
        opuštěn* koší*
        koší* (na vás |na tebe )?čeká
        (nechal*|zapomněl*|čeká)( něco)? v koší*
        chybíte nám
    """,
    "de": """
        verlassene* warenkorb
        warenkorb wartet
        (noch |etwas )?im warenkorb( vergessen| gelassen| liegen)
        wir vermissen (sie|dich)
    """,
}

UNSUBSCRIBE = {
    "any": "list-unsubscribe\nunsubscribe",
    "en": "opt out\nopt-out\nmanage (your )?(e-?mail )?preferences",
    "pl": """
        wypisz się
        wypisać się
        (anuluj|zrezygnuj z|rezygnacja z) (subskrypcj*|otrzymywania)
    """,
    "nb": "meld deg av\nmelde deg av\navmeld deg\navslutt abonnement*",
    "fr": "(se |vous )?(désabonner|désinscrire)\ndésabonnement\ndésinscription",
    "cs": "odhlásit (se z |z )?odběr*\nodhlášení z odběru\nzrušit odběr",
    "de": "abbestellen\nvom newsletter abmelden\nhier abmelden\naustragen",
}

type Table = dict[str, str]


@cache
def _pattern(kind: str, language: str) -> re.Pattern[str]:
    table = TABLES[kind]
    # English is everybody's second language of sales; an unknown language may be any.
    languages = {"any", "en", language} if language in table else set(table)
    phrases = [
        line.strip().replace("*", r"\w{0,20}")
        for name in sorted(languages)
        for line in table[name].splitlines()
        if line.strip()
    ]
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")


TABLES: dict[str, Table] = {
    "sale_words": SALE,
    "cross_sell": CROSS_SELL,
    "campaign": CAMPAIGN,
    "unsubscribe": UNSUBSCRIBE,
}


def found_in(texts: Iterable[str], kind: str, language: str) -> list[str]:
    """Return the phrases of a table (a key of TABLES) in these texts, each once, in lower case."""
    looked_at = "\n".join(texts)[:MAX_LOOKED_AT].lower().replace("’", "'")
    lines = (" ".join(filter(_is_word, line.split())) for line in looked_at.splitlines())
    found = _pattern(kind, language).finditer("\n".join(lines))
    return list(dict.fromkeys(match.group() for match in found))


def _is_word(text: str) -> bool:
    """What is no address: sale@shop.example and https://shop.example/promo say nothing."""
    return "@" not in text and "://" not in text
