"""What the panel's menu holds, grouped and named as staff know it from other shop software.

A screen appears in the menu as soon as its URL name exists: add one ``Entry``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from shops.models import Role, Shop

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu.

    ``subtitle`` is IdoSell's Polish label, word for word: people who know that software find the
    page by it. ``synonyms`` are names for it in other languages and in other shop software.
    """

    label: StrOrPromise
    icon: str
    url_name: str
    role: Role = Role.VIEWER
    subtitle: str = ""
    synonyms: tuple[str, ...] = ()
    counter: Callable[[Shop], int] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    label: StrOrPromise
    entries: tuple[Entry, ...]


MENU = (
    Group(
        "",
        (
            Entry(
                _("Overview"),
                "layout-dashboard",
                "panel:overview",
                synonyms=("Pulpit", "Dashboard", "Start", "Oversikt", "Tableau de bord", "Přehled"),
            ),
        ),
    ),
    Group(
        _("Orders"),
        (
            Entry(
                _("Orders"),
                "shopping-bag",
                "shops:orders",
                synonyms=("Zamówienia", "Ordrer", "Commandes", "Objednávky", "Bestellungen"),
            ),
            Entry(
                _("Sales documents"),
                "file-invoice",
                "shops:documents",
                synonyms=(
                    "Dokumenty sprzedaży",
                    "Faktury",
                    "Fakturaer",
                    "Factures",
                    "Faktury a doklady",
                    "Rechnungen",
                ),
            ),
            Entry(
                _("Order rules"),
                "arrow-ramp-right",
                "shops:rules",
                role=Role.EDITOR,
                synonyms=(
                    "Automatyczne akcje na zamówieniach",
                    "Order actions",
                    "Ordreregler",
                    "Règles",
                    "Pravidla",
                    "Regeln",
                ),
            ),
        ),
    ),
    Group(
        _("Administration › System"),
        (
            Entry(
                _("E-mail and SMS accounts"),
                "at",
                "mailaccounts:accounts",
                role=Role.ACCOUNTS,
                subtitle="Konfiguracja kont e-mail i SMS",
                synonyms=(
                    "Konto główne",
                    "Testuj",
                    "Konta e-mail",
                    "SMTP",
                    "SPF",
                    "DKIM",
                    "DMARC",
                    "E-postkontoer",
                    "Envoi e-mail",
                    "Comptes e-mail",
                    "E-mailové účty",
                    "E-Mail-Konten",
                ),
            ),
            Entry(
                _("Transactional messages"),
                "template",
                "templates_tx:messages",
                role=Role.EDITOR,
                subtitle="Konfiguracja wiadomości transakcyjnych",
                synonyms=(
                    "Wysyłaj z konta",
                    "Wysyłaj ten list",
                    "Szablony",
                    "Templates",
                    "Transakční e-maily",
                    "E-mails automatisés",
                    "E-postmaler",
                    "Transaktionsmails",
                ),
            ),
            Entry(
                _("Shop settings"),
                "building-store",
                "shops:settings",
                role=Role.ACCOUNTS,
                synonyms=(
                    "Ustawienia sklepu",
                    "Test mode",
                    "Tryb testowy",
                    "Logo",
                    "Butikkinnstillinger",
                    "Paramètres de la boutique",
                    "Nastavení obchodu",
                    "Shop-Einstellungen",
                ),
            ),
            Entry(
                _("Users and roles"),
                "users",
                "shops:members",
                role=Role.ADMIN,
                synonyms=(
                    "Użytkownicy panelu",
                    "Uprawnienia",
                    "Invite",
                    "Brukere",
                    "Utilisateurs",
                    "Uživatelé",
                    "Benutzer",
                ),
            ),
            Entry(
                _("API keys and webhooks"),
                "key",
                "shops:keys",
                role=Role.ADMIN,
                synonyms=(
                    "Klucze API",
                    "Webhooks",
                    "API-nøkler",
                    "Clés API",
                    "API klíče",
                    "API-Schlüssel",
                ),
            ),
        ),
    ),
    Group(
        _("Structure › Logs"),
        (
            Entry(
                _("E-mail log"),
                "mail",
                "maillog:log",
                synonyms=(
                    "Historia wysłanych wiadomości",
                    "Log e-mail",
                    "Sent messages",
                    "Outbox",
                    "E-post logg",
                    "Feillogg",
                    "Journal des e-mails",
                    "Historie e-mailů",
                    "E-Mail-Protokoll",
                    "Error log",
                ),
            ),
            Entry(
                _("SMS log"),
                "message-2",
                "sms:log",
                synonyms=(
                    "Historia wysłanych SMS",
                    "SMS-logg",
                    "Journal des SMS",
                    "Historie SMS",
                    "SMS-Protokoll",
                ),
            ),
            Entry(
                _("Suppressions"),
                "ban",
                "maillog:suppressions",
                role=Role.SENDER,
                synonyms=(
                    "Adresy zablokowane",
                    "Blocked addresses",
                    "Sperreliste",
                    "Adresses bloquées",
                    "Sperrliste",
                ),
            ),
            Entry(
                _("Audit"),
                "history",
                "shops:audit",
                role=Role.ADMIN,
                synonyms=(
                    "Dziennik zdarzeń",
                    "Who did what",
                    "Revisjon",
                    "Historique",
                    "Änderungsprotokoll",
                ),
            ),
        ),
    ),
    Group(
        _("Reports"),
        (
            Entry(
                _("Statistics"),
                "chart-bar",
                "maillog:statistics",
                synonyms=("Statystyki", "Statistikk", "Statistiques", "Statistiky", "Statistik"),
            ),
        ),
    ),
)
# "Where is my e-mail?" is a page of its own once there is one; until then the log answers.
WHERE = ("maillog:where", "maillog:log")
