"""The settings of a demo, as environment variables: set before Django reads them.

Everything that a ``.env`` file beside the product could set otherwise is named here, so that the
demo of a configured installation touches neither its database nor its mail server.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
# The address of the installation's own mail, from the zone that our name server answers for.
SYSTEM_ADDRESS = "postroom@demo.example"
# The account whose password was changed at its server: red until the present one is entered.
SERVICE_ADDRESS = "serwis@demo.example"
FORMER_PASSWORD = "rower-2025"
PRESENT_PASSWORD = "rower-2026"


_NOWHERE = f"http://{HOST}:9"  # the discard port: nobody listens, and the guard lets nobody there
# Sign-ins and sending services: a demo has none of the installation's own, and reaches none.
NOBODY_ELSE = {
    "FRESHMAIL_API_URL": f"{_NOWHERE}/freshmail",
    "GOOGLE_AUTH_URL": f"{_NOWHERE}/auth",
    "GOOGLE_TOKEN_URL": f"{_NOWHERE}/token",
    "GOOGLE_REVOKE_URL": f"{_NOWHERE}/revoke",
    "GOOGLE_SMTP": f"smtps://{HOST}:9",
    "GOOGLE_CLIENT_ID": "",
    "GOOGLE_CLIENT_SECRET": "",
    "GOOGLE_IN_TESTING": "false",
    "MICROSOFT_AUTHORITY": _NOWHERE,
    "MICROSOFT_SMTP": f"smtps://{HOST}:9",
    "MICROSOFT_TENANT": "common",
    "MICROSOFT_CLIENT_ID": "",
    "MICROSOFT_CLIENT_SECRET": "",
    "MICROSOFT_SECRET_EXPIRES_ON": "",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a demo keeps its data and whom it talks to."""

    data: Path
    database_url: str
    smtp: str  # host:port
    web_port: int = 8000
    dns: str = ""  # host:port
    policy: str = ""
    workers: int = 2


def prepare(around: Surroundings) -> None:
    """Sets this process's environment, which its children inherit."""
    wanted = variables(around)
    os.environ.update(wanted)
    # NAME_FILE would win over NAME, and a .env may hold it.
    os.environ.update({f"{name}_FILE": "" for name in wanted})


def variables(around: Surroundings) -> dict[str, str]:
    """Every setting by which a demo could reach something real, and those that it needs."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "POSTROOM_DEMO": "true",
        "POSTROOM_DATA": str(around.data),
        "DATABASE_URL": around.database_url,
        "REDIS_URL": "",
        "DEBUG": "false",
        "SECRET_KEY": "",
        "FIELD_KEYS": "",
        "ADMIN_PATH": "admin/",
        "PUBLIC_URL": f"http://{HOST}:{around.web_port}",
        "ALLOWED_HOSTS": f"{HOST},localhost",
        "BEHIND_PROXY": "false",
        "SYSTEM_SENDER_ADDRESS": SYSTEM_ADDRESS,
        "SYSTEM_SENDER_URL": f"smtp://{around.smtp}",
        "OUTBOUND_ALLOW": around.smtp,
        "DNS_SERVERS": around.dns,
        "SPF_INCLUDE": "_spf.demo.example",
        "DNS_UPDATE_SERVER": "",
        "DNS_UPDATE_ZONES": "",
        "DNS_UPDATE_KEY": "",
        **NOBODY_ELSE,
        "UNKNOWN_POLICY": around.policy,
        "DELIVER_PROCESSES": str(around.workers),
        "Q_WORKERS": "1",
        # Production has 60, 30 and 900: here a person watches.
        "LEASE_SECONDS": "3",
        "REAP_GRACE_SECONDS": "1",
        "REPEAT_AFTER_SECONDS": "1",
    }
