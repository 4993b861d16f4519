"""The providers whose HTTP API can carry mail: a literal table. A new one is an entry.

``docs/providers.md`` says what an entry needs. Keys are kept in ``password``, and where a provider
wants two, the public one in ``username``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from mailaccounts.esp.schema import Field, Probe, Provider
from shops.conf import Conf, conf

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise as Words

    from mailaccounts.models import SenderAccount

AWS_REGION = r"[a-z]{2}(-[a-z]{2,12}){1,3}-\d"
API_KEY, REGION = _("API key"), _("region")


def key(option: str, help_text: Words, label: Words = API_KEY) -> Field:
    return Field("password", option, label, help_text, secret=True)


def region(*choices: tuple[str, Words], option: str = "") -> Field:
    """Which of a provider's data centres; the first is taken where nothing was chosen."""
    words = _("Where your account is; the address of the provider's own panel shows it.")
    return Field(
        "esp_region", option, REGION, words, False, False, choices, default=str(choices[0][0])
    )


US_OR_EU = region(("us", _("United States")), ("eu", _("European Union")))

PROVIDERS: dict[str, Provider] = {
    each.slug: each
    for each in (
        Provider(
            slug="brevo",
            name="Brevo",
            backend="anymail.backends.brevo.EmailBackend",
            fields=(
                key(
                    "api_key",
                    _("In Brevo: your name › SMTP & API › API keys; begins with xkeysib-."),
                ),
            ),
            api={"": "https://api.brevo.com/v3/"},
            limits=_("Free plan: 300 messages a day. Files: 10 MB. No pictures inside the text."),
            website="https://app.brevo.com/settings/keys/api",
            inline_images=False,
            idempotency_header="idempotencyKey",
            probe=Probe("account", header="api-key", scheme=""),
        ),
        Provider(
            slug="postmark",
            name="Postmark",
            backend="anymail.backends.postmark.EmailBackend",
            fields=(
                key(
                    "server_token",
                    _("In Postmark: Servers › your server › API Tokens."),
                    _("server API token"),
                ),
            ),
            api={"": "https://api.postmarkapp.com/"},
            limits=_("A message may have 10 MB. Paid by message."),
            website="https://account.postmarkapp.com/servers",
            message_id=True,
            extra_headers={"X-PM-KeepID": "true"},
            probe=Probe("server", header="X-Postmark-Server-Token", scheme=""),
        ),
        Provider(
            slug="mailgun",
            name="Mailgun",
            backend="anymail.backends.mailgun.EmailBackend",
            fields=(
                key("api_key", _("In Mailgun: Sending › Domain settings › Sending API keys.")),
                Field(
                    "esp_domain",
                    "sender_domain",
                    _("domain at the provider"),
                    _("As under Sending › Domains, e.g. mg.example.com."),
                    pattern=r"(?i)[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?",
                ),
                US_OR_EU,
            ),
            api={"us": "https://api.mailgun.net/v3/", "eu": "https://api.eu.mailgun.net/v3/"},
            limits=_("A message may have 25 MB. Free plan: 100 messages a day."),
            website="https://app.mailgun.com/mg/sending/domains",
            message_id=True,
            # A sending key may send and nothing else: it is refused here with 403.
            probe=Probe("domains/{esp_domain}", basic_user="api"),
        ),
        Provider(
            slug="resend",
            name="Resend",
            backend="anymail.backends.resend.EmailBackend",
            fields=(
                key("api_key", _("In Resend: API Keys › Create; “Sending access” is enough.")),
            ),
            api={"": "https://api.resend.com/"},
            limits=_("A message may have 40 MB. Free plan: 100 messages a day."),
            website="https://resend.com/api-keys",
            idempotency_http="Idempotency-Key",
            probe=Probe("domains", but=("restricted_api_key",)),
        ),
        Provider(
            slug="ses",
            name="Amazon SES",
            backend="anymail.backends.amazon_ses.EmailBackend",
            fields=(
                Field(
                    "username",
                    "",
                    _("access key ID"),
                    _("In AWS: IAM › Users › Security credentials › Create access key."),
                    pattern=r"[A-Z0-9]{16,128}",
                ),
                key("", _("Shown once, when the access key is made."), _("secret access key")),
                Field(
                    "esp_region",
                    "",
                    REGION,
                    _("As in the address of the SES console, e.g. eu-central-1."),
                    pattern=AWS_REGION,
                ),
            ),
            api={"": "https://email.{region}.amazonaws.com"},
            limits=_("New accounts may write to verified addresses only, until Amazon lifts that."),
            website="https://console.aws.amazon.com/ses/home",
            aws=True,
        ),
        Provider(
            slug="mailjet",
            name="Mailjet",
            backend="anymail.backends.mailjet.EmailBackend",
            fields=(
                Field("username", "api_key", _("API key"), _("In Mailjet: Account › API keys.")),
                key("secret_key", _("Shown once, beside the API key."), _("secret key")),
            ),
            api={"": "https://api.mailjet.com/v3.1/"},
            limits=_("Free plan: 200 messages a day. A message may have 15 MB."),
            website="https://app.mailjet.com/account/apikeys",
            probe=Probe("/v3/REST/myprofile", basic_user="{username}"),
        ),
        Provider(
            slug="mailersend",
            name="MailerSend",
            backend="anymail.backends.mailersend.EmailBackend",
            fields=(
                key("api_token", _("In MailerSend: Integrations › API tokens."), _("API token")),
            ),
            api={"": "https://api.mailersend.com/v1/"},
            limits=_("A message may have 25 MB. Headers of your own on the largest plan only."),
            website="https://app.mailersend.com/api-tokens",
            headers=False,
            probe=Probe("api-quota"),
        ),
        Provider(
            slug="sparkpost",
            name="SparkPost",
            backend="anymail.backends.sparkpost.EmailBackend",
            fields=(key("api_key", _("In SparkPost: Configuration › API Keys.")), US_OR_EU),
            api={
                "us": "https://api.sparkpost.com/api/v1/",
                "eu": "https://api.eu.sparkpost.com/api/v1/",
            },
            limits=_("A message may have 20 MB."),
            website="https://app.sparkpost.com/account/api-keys",
            probe=Probe("account", scheme="", but=("Forbidden", "forbidden")),
        ),
        Provider(
            slug="scaleway",
            name="Scaleway",
            backend="anymail.backends.scaleway.EmailBackend",
            fields=(
                key("secret_key", _("In Scaleway: IAM › API keys."), _("secret key")),
                Field(
                    "username",
                    "project_id",
                    _("project ID"),
                    _("In Scaleway: Project › Settings."),
                    pattern=r"[0-9a-fA-F-]{36}",
                ),
                region(("fr-par", "fr-par"), option="region"),
            ),
            api={"": "https://api.scaleway.com/transactional-email/v1alpha1/regions/{region}/"},
            limits=_("No pictures inside the text."),
            website="https://console.scaleway.com/transactional-email",
            inline_images=False,
        ),
        Provider(
            slug="unisender",
            name="Unisender Go",
            backend="anymail.backends.unisender_go.EmailBackend",
            fields=(
                key("api_key", _("In Unisender Go: Account › Security › API key.")),
                region(("go1", "go1.unisender.ru"), ("go2", "go2.unisender.ru")),
            ),
            api={
                "go1": "https://go1.unisender.ru/en/transactional/api/v1/",
                "go2": "https://go2.unisender.ru/en/transactional/api/v1/",
            },
            limits=_("A message may have 10 MB."),
            website="https://go2.unisender.ru/",
        ),
        Provider(
            slug="mandrill",
            name="Mailchimp Transactional (Mandrill)",
            backend="anymail.backends.mandrill.EmailBackend",
            fields=(key("api_key", _("In Mandrill: Settings › SMTP & API Info › API Keys.")),),
            api={"": "https://mandrillapp.com/api/1.0/"},
            limits=_("A message may have 25 MB."),
            website="https://mandrillapp.com/settings",
        ),
        Provider(
            slug="mailtrap",
            name="Mailtrap",
            backend="anymail.backends.mailtrap.EmailBackend",
            fields=(key("api_token", _("In Mailtrap: Settings › API Tokens."), _("API token")),),
            api={"": "https://send.api.mailtrap.io/api/"},
            limits=_("Free plan: 150 messages a day."),
            website="https://mailtrap.io/api-tokens",
        ),
    )
}

FRESHMAIL = Provider(
    slug="freshmail",
    name="FreshMail",
    backend="mailaccounts.esp.freshmail.EmailBackend",
    fields=(
        key("api_key", _("In FreshMail: Plugins & API › Email API and SMTP."), _("API token")),
    ),
    api={"": Conf.FRESHMAIL_API_URL},
    limits=_("At most 10 files of 10 MB together. No copies, no pictures inside the text."),
    website="https://app.freshmail.com/",
    inline_images=False,
)


def provider_of(account: SenderAccount) -> Provider | None:
    """The provider that carries this account's mail; None = none, or one we do not know."""
    if account.kind == "freshmail":
        return replace(FRESHMAIL, api={"": conf.FRESHMAIL_API_URL})
    return PROVIDERS.get(account.esp) if account.kind == "esp" else None
