"""Who keeps people's mailboxes, and how mail leaves there: one literal table.

A preset fills in a form and staff may change all of it; nothing is looked up on the network.
``mailaccounts.presets`` works with the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Source(Enum):
    """How sure the servers' names are."""

    CONFIRMED = "confirmed"  # by the hoster's own pages or Thunderbird's autoconfig (2026-03)
    SEEN = "seen"  # in use by several public projects, not confirmed by the hoster
    OWN = "own"  # each customer has a server of their own: there is no name to fill in


class Login(Enum):
    """What the hoster takes for a user name."""

    ADDRESS = "address"
    LOCAL_PART = "local"  # what stands before the @
    OTHER = "other"  # a name that only the hoster's panel tells


@dataclass(frozen=True, slots=True)
class Preset:
    """One hoster. ``host`` is empty where every customer has another one; ``like`` shows its form.

    ``domains`` are those of addresses that the hoster gives away, ``mx`` suffixes of the mail
    exchangers of its customers' domains. ``per_day`` counts recipients in 24 hours. ``guide`` names
    a template ``mailaccounts/parts/guide_….html``.
    """

    slug: str
    name: str
    host: str = ""
    port: int = 465
    tls: str = "implicit"
    imap_host: str = ""
    imap_port: int = 993
    login: Login = Login.ADDRESS
    source: Source = Source.CONFIRMED
    like: str = ""
    per_minute: int | None = None
    per_day: int | None = None
    concurrency: int = 2
    password: StrOrPromise = _("The mailbox’s own password, as in webmail.")
    note: StrOrPromise = ""
    warning: StrOrPromise = ""
    guide: str = ""
    domains: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()


_IN_PANEL = _("Set it in the hoster’s panel, where the mailbox was made.")
_SWITCH_ON = _(
    "First allow mail programs in the mailbox’s settings, on the hoster’s web pages. It is off at "
    "the beginning, and the password is refused until then."
)
_OWN_SERVER = _(
    "Every customer of this hoster has a server of their own: its name is in the hoster’s panel, "
    "among the settings for mail programs."
)
_GOOGLE_PASSWORD = _(
    "Not the password you sign in with: an app password of 16 characters, made for this purpose."
)
_MICROSOFT_ENDS = _(
    "Microsoft switches passwords off at the end of December 2026; an administrator can allow them "
    "again for a while. Signing in with Microsoft goes on working: choose the type Microsoft."
)

PRESETS: tuple[Preset, ...] = (
    Preset(
        "gmail", "Gmail", "smtp.gmail.com", imap_host="imap.gmail.com",
        per_day=100, password=_GOOGLE_PASSWORD, guide="gmail",
        note=_(
            "Google files what is sent in the mailbox by itself: no IMAP synchronisation is needed."
        ),
        warning=_(
            "Google limits how much a free mailbox sends. For a shop 100 a day is soon reached; "
            "what is above it waits. The limit can be raised to 500, at the risk that Google "
            "blocks the mailbox for a day."
        ),
        domains=("gmail.com", "googlemail.com"),
    ),
    Preset(
        "google_workspace", "Google Workspace", "smtp.gmail.com", imap_host="imap.gmail.com",
        per_day=2000, password=_GOOGLE_PASSWORD, guide="gmail",
        note=_(
            "Google files what is sent in the mailbox by itself: no IMAP synchronisation is "
            "needed. A Workspace on trial may send 500 messages in 24 hours, a paid one 2,000."
        ),
        mx=("google.com", "googlemail.com"),
    ),
    Preset(
        "office365", "Microsoft 365", "smtp.office365.com", 587, "starttls",
        "outlook.office365.com", per_minute=30, concurrency=3, guide="microsoft",
        note=_(
            "Sending with a password (authenticated SMTP) must be allowed for this mailbox in the "
            "Microsoft 365 admin centre. Microsoft files what is sent by itself."
        ),
        warning=_MICROSOFT_ENDS,
        domains=("onmicrosoft.com",), mx=("mail.protection.outlook.com", "mx.microsoft"),
    ),
    Preset(
        "outlook", "Outlook.com, Hotmail", "smtp-mail.outlook.com", 587, "starttls",
        "outlook.office365.com", per_day=100, concurrency=1, guide="microsoft",
        note=_("Microsoft files what is sent in the mailbox by itself."),
        warning=_(
            "These mailboxes take no password from other programs any more: choose the type "
            "Microsoft and sign in there."
        ),
        domains=(
            "outlook.com", "hotmail.com", "live.com", "msn.com", "windowslive.com", "hotmail.fr",
            "hotmail.co.uk", "hotmail.de", "live.fr", "outlook.fr", "outlook.de", "outlook.cz",
        ),
        mx=("olc.protection.outlook.com",),
    ),
    # Poland
    Preset(
        "homepl", "home.pl", "poczta.home.pl", imap_host="poczta.home.pl", source=Source.SEEN,
        password=_IN_PANEL, mx=("home.pl",),
        note=_("Older mailboxes have a server like serwer1234567.home.pl: see home.pl’s panel."),
    ),
    Preset(
        "nazwapl", "nazwa.pl", source=Source.OWN, password=_IN_PANEL, note=_OWN_SERVER,
        mx=("nazwa.pl",),
    ),
    Preset(
        "cyberfolks", "cyber_Folks", source=Source.OWN, password=_IN_PANEL, note=_OWN_SERVER,
        mx=("cyberfolks.pl", "linuxpl.com", "linuxpl.eu"),
    ),
    Preset(
        "lhpl", "LH.pl", source=Source.OWN, like="mail-serwer123456.lh.pl", password=_IN_PANEL,
        note=_OWN_SERVER, mx=("lh.pl",),
    ),
    Preset(
        "dhosting", "dhosting.pl", source=Source.OWN, password=_IN_PANEL, note=_OWN_SERVER,
        mx=("dhosting.pl", "dpoczta.pl"),
    ),
    Preset(
        "wp", "WP (Wirtualna Polska)", "smtp.wp.pl", imap_host="imap.wp.pl",
        login=Login.LOCAL_PART, note=_SWITCH_ON, domains=("wp.pl",), mx=("wp.pl",),
    ),
    Preset(
        "o2pl", "o2.pl", "poczta.o2.pl", imap_host="poczta.o2.pl", login=Login.LOCAL_PART,
        note=_SWITCH_ON, domains=("o2.pl", "go2.pl", "tlen.pl", "prokonto.pl"),
        mx=("o2.pl", "tlen.pl"),
    ),
    Preset(
        "onet", "Onet", "smtp.poczta.onet.pl", imap_host="imap.poczta.onet.pl", note=_SWITCH_ON,
        domains=(
            "onet.pl", "onet.eu", "onet.com.pl", "poczta.onet.pl", "poczta.onet.eu", "op.pl",
            "vp.pl", "autograf.pl", "buziaczek.pl", "amorki.pl", "republika.pl", "adres.pl",
            "cyberia.pl", "opoczta.pl",
        ),
        mx=("onet.pl",),
    ),
    Preset(
        "interia", "Interia", "poczta.interia.pl", imap_host="poczta.interia.pl",
        source=Source.SEEN, note=_SWITCH_ON,
        domains=("interia.pl", "interia.eu", "interia.com", "poczta.fm", "intmail.pl"),
        mx=("interia.pl",),
    ),
    # Czechia and Slovakia
    Preset(
        "seznam", "Seznam, Email Profi", "smtp.seznam.cz", imap_host="imap.seznam.cz",
        note=_SWITCH_ON, domains=("seznam.cz", "email.cz", "post.cz", "spoluzaci.cz"),
        mx=("seznam.cz",),
    ),
    Preset(
        "active24", "Active24", "email.active24.com", imap_host="email.active24.com",
        password=_IN_PANEL, mx=("active24.com", "active24.cz"),
    ),
    Preset(
        "forpsi", "Forpsi", "smtp.forpsi.com", imap_host="imap.forpsi.com", source=Source.SEEN,
        password=_IN_PANEL, mx=("forpsi.com",),
    ),
    Preset(
        "wedos", "WEDOS", "wes1-smtp.wedos.net", imap_host="wes1-imap.wedos.net",
        source=Source.SEEN, password=_IN_PANEL, mx=("wedos.net", "wedos.com"),
    ),
    Preset(
        "cesky_hosting", "Český hosting", "smtp.cesky-hosting.cz",
        imap_host="mail.cesky-hosting.cz", password=_IN_PANEL,
        mx=("cesky-hosting.cz", "thinline.cz"),
    ),
    Preset(
        "gransy", "Gransy, Subreg", "smtp.gransy.com", imap_host="imap.gransy.com",
        password=_IN_PANEL, mx=("gransy.com", "internetserver.cz"),
    ),
    Preset(
        "websupport", "Websupport", "smtp.websupport.sk", imap_host="imap.websupport.sk",
        password=_IN_PANEL, mx=("websupport.sk",),
    ),
    # Norway, Denmark
    Preset(
        "domeneshop", "Domeneshop", "smtp.domeneshop.no", imap_host="imap.domeneshop.no",
        source=Source.SEEN, login=Login.OTHER, password=_IN_PANEL,
        note=_("The user name is not the address: Domeneshop shows it beside the mailbox."),
        mx=("domeneshop.no", "domainnameshop.com"),
    ),
    Preset(
        "webhuset", "Webhuset", "smtp.webhuset.no", imap_host="imap.webhuset.no",
        password=_IN_PANEL, mx=("webhuset.no",),
    ),
    Preset(
        "onecom", "one.com", "send.one.com", imap_host="imap.one.com", password=_IN_PANEL,
        mx=("one.com",),
    ),
    Preset(
        "gigahost", "Gigahost", "smtp.gigahost.dk", 587, "starttls", "mail.gigahost.dk",
        password=_IN_PANEL, mx=("gigahost.dk",),
    ),
    # France, Switzerland
    Preset(
        "o2switch", "o2switch", "mail.o2dev.fr", password=_IN_PANEL,
        mx=("o2switch.net", "o2dev.fr"), source=Source.SEEN,
    ),
    Preset(
        "ovh", "OVH", "ssl0.ovh.net", imap_host="ssl0.ovh.net", password=_IN_PANEL, mx=("ovh.net",),
    ),
    Preset(
        "ionos_fr", "IONOS (ionos.fr)", "smtp.ionos.fr", imap_host="imap.ionos.fr",
        password=_IN_PANEL, mx=("ionos.fr", "1and1.fr"),
    ),
    Preset(
        "gandi", "Gandi", "mail.gandi.net", imap_host="mail.gandi.net", password=_IN_PANEL,
        mx=("gandi.net",),
    ),
    Preset(
        "infomaniak", "Infomaniak", "mail.infomaniak.com", imap_host="mail.infomaniak.com",
        source=Source.SEEN,
        password=_("Infomaniak makes a password for each device: add one for Postroom."),
        mx=("infomaniak.ch", "infomaniak.com"),
    ),
    Preset(
        "orange_fr", "Orange", "smtp.orange.fr", imap_host="imap.orange.fr",
        domains=("orange.fr", "wanadoo.fr"), mx=("orange.fr",),
    ),
    Preset(
        "free_fr", "Free", "smtp.free.fr", imap_host="imap.free.fr", login=Login.LOCAL_PART,
        domains=("free.fr",), mx=("free.fr",),
        note=_("Sending with a password must be switched on in the mailbox’s settings at Free."),
    ),
    Preset(
        "laposte", "La Poste", "smtp.laposte.net", imap_host="imap.laposte.net",
        login=Login.LOCAL_PART, domains=("laposte.net",), mx=("laposte.net",),
    ),
    Preset(
        "sfr", "SFR", "smtp.sfr.fr", imap_host="imap.sfr.fr",
        domains=("sfr.fr", "neuf.fr", "club-internet.fr"), mx=("sfr.fr",),
    ),
    # Germany
    Preset(
        "ionos_de", "IONOS (ionos.de)", "smtp.ionos.de", imap_host="imap.ionos.de",
        source=Source.SEEN, password=_IN_PANEL, mx=("ionos.de", "kundenserver.de"),
    ),
    Preset(
        "strato", "STRATO", "smtp.strato.de", imap_host="imap.strato.de", password=_IN_PANEL,
        mx=("rzone.de", "strato.de"),
    ),
    Preset(
        "hetzner", "Hetzner", "mail.your-server.de", imap_host="mail.your-server.de",
        password=_IN_PANEL, mx=("your-server.de",),
    ),
    Preset(
        "allinkl", "ALL-INKL", source=Source.OWN, like="w0123456.kasserver.com", password=_IN_PANEL,
        note=_OWN_SERVER, mx=("kasserver.com",),
    ),
    Preset(
        "domainfactory", "DomainFactory", "sslout.df.eu", imap_host="sslin.df.eu",
        password=_IN_PANEL, mx=("ispgateway.de",),
    ),
    Preset(
        "gmx", "GMX", "mail.gmx.net", imap_host="imap.gmx.net", note=_SWITCH_ON,
        domains=("gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.eu", "gmx.org", "gmx.info"),
        mx=("gmx.net",),
    ),
    Preset(
        "webde", "WEB.DE", "smtp.web.de", imap_host="imap.web.de", login=Login.LOCAL_PART,
        note=_SWITCH_ON, domains=("web.de",), mx=("web.de",),
    ),
    Preset(
        "tonline", "T-Online, Telekom", "securesmtp.t-online.de",
        imap_host="secureimap.t-online.de", domains=("t-online.de", "magenta.de"),
        password=_("A password for mail programs, made in the Telekom mailbox’s settings."),
        mx=("t-online.de",),
    ),
    # Elsewhere
    Preset(
        "godaddy", "GoDaddy", "smtpout.secureserver.net", imap_host="imap.secureserver.net",
        password=_IN_PANEL, mx=("secureserver.net",),
    ),
    Preset(
        "ionos_com", "IONOS (ionos.com)", "smtp.ionos.com", imap_host="imap.ionos.com",
        source=Source.SEEN, password=_IN_PANEL, mx=("ionos.com", "1and1.com"),
    ),
    Preset(
        "zoho", "Zoho Mail (Europe)", "smtp.zoho.eu", imap_host="imap.zoho.eu",
        domains=("zoho.eu", "zohomail.eu"), mx=("zoho.eu",),
        password=_("With two-step sign-in: an app password, made in Zoho’s security settings."),
    ),
    Preset(
        "fastmail", "Fastmail", "smtp.fastmail.com", imap_host="imap.fastmail.com",
        domains=("fastmail.com", "fastmail.fm"), mx=("messagingengine.com",),
        password=_("An app password, made in Fastmail’s settings."),
    ),
    Preset(
        "yahoo", "Yahoo", "smtp.mail.yahoo.com", imap_host="imap.mail.yahoo.com", concurrency=1,
        password=_("An app password, made in Yahoo’s account security."),
        domains=(
            "yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.co.uk", "ymail.com",
        ),
        mx=("yahoodns.net",),
    ),
    Preset(
        "icloud", "iCloud", "smtp.mail.me.com", 587, "starttls", "imap.mail.me.com", concurrency=1,
        password=_("An app-specific password, made at account.apple.com."),
        domains=("icloud.com", "me.com", "mac.com"), mx=("icloud.com",),
    ),
)  # fmt: skip
