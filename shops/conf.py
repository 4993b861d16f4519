"""Settings that the five apps read, with the defaults that hold in somebody else's project.

``conf.NAME`` is the project's setting if it has one, else the value below. Times are in seconds.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings


class Conf:
    """Attributes in capitals are looked up in Django's settings each time they are read."""

    PUBLIC_URL: str = "http://localhost:8000"
    FIELD_KEYS: tuple[str, ...] = ()
    # The file that FIELD_KEYS were read from, if ``rotate_keys`` may write it.
    KEY_FILE: str = ""
    SYSTEM_SENDER_ADDRESS: str = "no-reply@localhost.localdomain"
    SYSTEM_SENDER_URL: str = "smtp://localhost:25"
    SUPPORT_URL: str = ""
    # Days that a customer's link to a document works.
    DOCUMENT_LINK_DAYS: int = 90
    OUTBOUND_ALLOW: tuple[str, ...] = ()
    DNS_SERVERS: tuple[str, ...] = ()
    FRESHMAIL_API_URL: str = "https://api.freshmail.com/v3/messaging/emails"
    DNS_UPDATE_SERVER: str = ""
    DNS_UPDATE_ZONES: tuple[str, ...] = ()
    DNS_UPDATE_KEY: str = ""
    SPF_INCLUDE: str = ""

    # Sign-in at Google and Microsoft: addresses, and the installation's own clients.
    GOOGLE_AUTH_URL: str = "https://accounts.google.com/o/oauth2/v2/auth"
    GOOGLE_TOKEN_URL: str = "https://oauth2.googleapis.com/token"
    GOOGLE_REVOKE_URL: str = "https://oauth2.googleapis.com/revoke"
    GOOGLE_SMTP: str = "smtps://smtp.gmail.com:465"
    GOOGLE_CLIENT_ID: str = ""
    GOOGLE_CLIENT_SECRET: str = ""
    GOOGLE_IN_TESTING: bool = False
    MICROSOFT_AUTHORITY: str = "https://login.microsoftonline.com"
    MICROSOFT_SMTP: str = "smtp+starttls://smtp.office365.com:587"
    MICROSOFT_TENANT: str = "common"
    MICROSOFT_CLIENT_ID: str = ""
    MICROSOFT_CLIENT_SECRET: str = ""
    # A date, e.g. 2027-05-31: Microsoft's secrets live two years at most.
    MICROSOFT_SECRET_EXPIRES_ON: str = ""

    LEASE_SECONDS: int = 60
    REAP_GRACE_SECONDS: int = 30
    REPEAT_AFTER_SECONDS: int = 900
    CLAIM_BATCH: int = 100
    LONE_CLAIMS: int = 5
    DELIVER_PROCESSES: int = 2
    SESSIONS_PER_PROCESS: int = 16
    LOOK_EVERY: float = 0.2
    DRAIN_SECONDS: float = 20.0
    POST_DOT_TIMEOUT: float = 600.0
    # Bytes: of one file as it is, and of a whole message as it travels.
    MAX_ATTACHMENT_BYTES: int = 2_097_152
    MAX_MESSAGE_BYTES: int = 4_194_304
    # Overrides every message type's own policy for uncertain outcomes: "repeat", "ask" or "".
    UNKNOWN_POLICY: str = ""

    def __getattribute__(self, name: str) -> Any:
        default = object.__getattribute__(self, name)
        return getattr(settings, name, default) if name.isupper() else default


conf = Conf()
