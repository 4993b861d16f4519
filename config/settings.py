"""Settings of a Postroom installation: everything comes from the environment or ``.env``.

``docs/settings.md`` explains each variable; a test keeps that page and this file in step.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from config.keys import read_or_create
from shops.key_file import split_keys

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

# Where things are kept
DATA_DIR = Path(env.str("POSTROOM_DATA", default=str(BASE_DIR / "var"))).absolute()
DATA_DIR.mkdir(parents=True, exist_ok=True)
MEDIA_ROOT = DATA_DIR / "media"
MEDIA_URL = "/media/"

# Keys
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or read_or_create(
    DATA_DIR / "keys" / "secret_key", "token"
)
# The first key encrypts, all decrypt: put a new one in front to rotate.
_given_keys = [key for part in env.list("FIELD_KEYS", default=[]) for key in split_keys(part)]
# The file that ``rotate_keys`` may write; empty where the keys come from elsewhere.
KEY_FILE = "" if _given_keys else str(DATA_DIR / "keys" / "field_keys")
FIELD_KEYS: list[str] = _given_keys or split_keys(read_or_create(Path(KEY_FILE), "fernet"))

# Where the panel is reached. An https address switches on everything that needs it.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000").rstrip("/")
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=[_public.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
_https = _public.scheme == "https"
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Applications
DEMO = env.bool("POSTROOM_DEMO", default=False)
INSTALLED_APPS = [
    "shops",
    "mailaccounts",
    "maillog",
    "sms",
    "templates_tx",
    "config.admin.PostroomAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_q",
]
if DEMO:
    INSTALLED_APPS.append("demo")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ADMIN_PATH = env.str("ADMIN_PATH", default="admin/").lstrip("/")

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.panel.panel",
            ],
        },
    },
]

# Databases: SQLite is embedded and needs no server, PostgreSQL is for production.
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'postroom.sqlite3'}")
}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    # Deferred transactions that write later fail at once when another writer got in between;
    # immediate ones queue up. FULL makes a commit survive a power cut.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    # A file, not memory: the tests' threads and processes share it as production's do.
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    _database["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    _database["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Limits of log-in live in the cache, so it must be one that all processes share.
REDIS_URL = env.str("REDIS_URL", default="")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "postroom_cache"}
}

# Background tasks. Nothing depends on them for delivery: the outbox table is the only truth.
Q_CLUSTER: dict[str, Any] = {
    "name": "postroom",
    "workers": env.int("Q_WORKERS", default=2),
    "timeout": 900,
    "retry": 1200,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "bulk": 1,
    "queue_limit": 4,
    "catch_up": False,
    "poll": 0.5,
    "orm": "default",
}
if REDIS_URL:
    Q_CLUSTER["redis"] = REDIS_URL
    del Q_CLUSTER["orm"]

# Mail of the installation itself (invitations, alarms, any send_mail): through the outbox too.
MAILERS = {"default": {"BACKEND": "maillog.backends.OutboxBackend"}}
SYSTEM_SENDER_ADDRESS = env.str("SYSTEM_SENDER_ADDRESS", default="no-reply@localhost.localdomain")
SYSTEM_SENDER_URL = env.str("SYSTEM_SENDER_URL", default="smtp://localhost:25")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = SYSTEM_SENDER_ADDRESS
SUPPORT_URL = env.str("SUPPORT_URL", default="")

# Documents
DOCUMENT_LINK_DAYS = env.int("DOCUMENT_LINK_DAYS", default=90)

# Sending
LEASE_SECONDS = env.int("LEASE_SECONDS", default=60)
REAP_GRACE_SECONDS = env.int("REAP_GRACE_SECONDS", default=30)
REPEAT_AFTER_SECONDS = env.int("REPEAT_AFTER_SECONDS", default=900)
DELIVER_PROCESSES = env.int("DELIVER_PROCESSES", default=2)
SESSIONS_PER_PROCESS = env.int("SESSIONS_PER_PROCESS", default=16)
MAX_ATTACHMENT_BYTES = env.int("MAX_ATTACHMENT_BYTES", default=2_097_152)
MAX_MESSAGE_BYTES = env.int("MAX_MESSAGE_BYTES", default=4_194_304)
UNKNOWN_POLICY = env.str("UNKNOWN_POLICY", default="")
OUTBOUND_ALLOW: list[str] = env.list("OUTBOUND_ALLOW", default=[])
FRESHMAIL_API_URL: str = env.str(
    "FRESHMAIL_API_URL", default="https://api.freshmail.com/v3/messaging/emails"
)
DNS_SERVERS: list[str] = env.list("DNS_SERVERS", default=[])
DNS_UPDATE_SERVER = env.str("DNS_UPDATE_SERVER", default="")
DNS_UPDATE_ZONES: list[str] = env.list("DNS_UPDATE_ZONES", default=[])
DNS_UPDATE_KEY = env.str("DNS_UPDATE_KEY", default="")
SPF_INCLUDE = env.str("SPF_INCLUDE", default="")

# Sign-in at Google and Microsoft; the addresses are variables so that a stand-in can be asked.
GOOGLE_AUTH_URL = env.str("GOOGLE_AUTH_URL", default="https://accounts.google.com/o/oauth2/v2/auth")
GOOGLE_TOKEN_URL = env.str("GOOGLE_TOKEN_URL", default="https://oauth2.googleapis.com/token")
GOOGLE_REVOKE_URL = env.str("GOOGLE_REVOKE_URL", default="https://oauth2.googleapis.com/revoke")
GOOGLE_SMTP = env.str("GOOGLE_SMTP", default="smtps://smtp.gmail.com:465")
GOOGLE_CLIENT_ID = env.str("GOOGLE_CLIENT_ID", default="")
GOOGLE_CLIENT_SECRET = env.str("GOOGLE_CLIENT_SECRET", default="")
GOOGLE_IN_TESTING = env.bool("GOOGLE_IN_TESTING", default=False)
MICROSOFT_AUTHORITY = env.str("MICROSOFT_AUTHORITY", default="https://login.microsoftonline.com")
MICROSOFT_SMTP = env.str("MICROSOFT_SMTP", default="smtp+starttls://smtp.office365.com:587")
MICROSOFT_TENANT = env.str("MICROSOFT_TENANT", default="common")
MICROSOFT_CLIENT_ID = env.str("MICROSOFT_CLIENT_ID", default="")
MICROSOFT_CLIENT_SECRET = env.str("MICROSOFT_CLIENT_SECRET", default="")
MICROSOFT_SECRET_EXPIRES_ON = env.str("MICROSOFT_SECRET_EXPIRES_ON", default="")

# Log-in
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "shops.login.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

# Browser: nothing from elsewhere, no inline script, no frame around us.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "frame-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "object-src": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}

# Static files are served from where they lie: no collecting step in a small shop's set-up.
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 600

# Language and time
LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
# The panel offers a language once it has a catalogue: half a translation confuses more than none.
LANGUAGES = [
    (code, name)
    for code, name in (
        ("en", _("English")),
        ("pl", _("Polish")),
        ("nb", _("Norwegian")),
        ("fr", _("French")),
        ("cs", _("Czech")),
        ("de", _("German")),
    )
    if code == "en" or (BASE_DIR / "locale" / code).is_dir()
]
TIME_ZONE = "UTC"
USE_TZ = True

# Logs: one line for one thing that happened; control characters never reach the terminal.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "shops.redaction.OneLineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # One line for each task would drown what matters.
    "loggers": {"django-q": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
}
