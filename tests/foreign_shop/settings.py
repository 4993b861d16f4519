"""Settings of a shop that is nobody's demo: its own orders and users, and the five apps beside."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import environ

DATA = Path(os.environ.get("FOREIGN_SHOP_DATA", tempfile.gettempdir()))
SECRET_KEY = "a-key-of-the-foreign-shop-" + "x" * 40
ALLOWED_HOSTS = ["localhost", "testserver"]
ROOT_URLCONF = "tests.foreign_shop.urls"

INSTALLED_APPS = [
    "shops",
    "mailaccounts",
    "maillog",
    "sms",
    "templates_tx",
    "store",
    "django_q",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]
AUTH_USER_MODEL = "store.Staff"

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": environ.Env.db_url_config(
        os.environ.get("DATABASE_URL") or f"sqlite:///{DATA / 'foreign.sqlite3'}"
    )
}
# A database of its own, also while another test run uses the same server.
_test_name = f"foreign_shop_{os.getpid()}"
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    DATABASES["default"]["TEST"] = {"NAME": str(DATA / f"{_test_name}.sqlite3")}
else:
    DATABASES["default"]["TEST"] = {"NAME": _test_name}

Q_CLUSTER = {
    "name": "foreign",
    "timeout": 900,
    "retry": 1200,
    "max_attempts": 1,
    "catch_up": False,
    "orm": "default",
}
MAILERS = {"default": {"BACKEND": "maillog.backends.OutboxBackend"}}
SYSTEM_SENDER_ADDRESS = "no-reply@foreign.example"
FIELD_KEYS = ["c2VjcmV0LW9mLXRoZS1mb3JlaWduLXNob3AtMzJieXQ="]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "c"}}
STATIC_URL = "/static/"
USE_TZ = True
