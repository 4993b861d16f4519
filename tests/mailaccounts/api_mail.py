"""A provider on loopback, an account at it, and a mail worth sending."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from mailaccounts.esp.guarded import Patience
from mailaccounts.models import SenderAccount
from mailaccounts.transports.api import Api
from mailaccounts.transports.base import AccountTrouble, Outgoing
from maillog import mime
from tests.http_server import HttpServer, Reply
from tests.smtp import FakeJournal

KEY = "canary-key-9f3c1b7e"
QUICK = Patience(connect=2, write=2, answer=0.4, gate=2)

# What makes an account at each provider complete, and what the provider answers when all is well.
ACCOUNTS = {
    "freshmail": {"kind": "freshmail"},
    "brevo": {"esp": "brevo"},
    "postmark": {"esp": "postmark"},
    "mailgun": {"esp": "mailgun", "esp_domain": "mg.shop.example", "esp_region": "eu"},
    "resend": {"esp": "resend"},
    "ses": {"esp": "ses", "username": "AKIAIOSFODNN7EXAMPLE", "esp_region": "eu-central-1"},
    "mailjet": {"esp": "mailjet", "username": "public-key"},
    "mailersend": {"esp": "mailersend"},
    "sparkpost": {"esp": "sparkpost"},
    "scaleway": {"esp": "scaleway", "username": "6170692e-7363-616c-6577-61792e636f6d"},
    "unisender": {"esp": "unisender", "esp_region": "go2"},
    "mandrill": {"esp": "mandrill"},
    "mailtrap": {"esp": "mailtrap"},
}
TO = "anna@mail.example"
TAKEN = {
    "freshmail": Reply(201, [{"id": "1234"}]),
    "brevo": Reply(201, {"messageId": "1234"}),
    "postmark": Reply(200, {"ErrorCode": 0, "Message": "OK", "MessageID": "1234", "To": TO}),
    "mailgun": Reply(200, {"id": "1234", "message": "Queued. Thank you."}),
    "resend": Reply(200, {"id": "1234"}),
    "ses": Reply(200, {"MessageId": "1234"}),
    "mailjet": Reply(
        200, {"Messages": [{"Status": "success", "To": [{"Email": TO, "MessageID": 1234}]}]}
    ),
    "mailersend": Reply(202, b"", {"X-Message-Id": "1234", "Content-Type": "text/html"}),
    "sparkpost": Reply(
        200,
        {
            "results": {
                "total_accepted_recipients": 1,
                "total_rejected_recipients": 0,
                "id": "1234",
            }
        },
    ),
    "scaleway": Reply(200, {"emails": [{"mail_rcpt": TO, "id": "1234", "status": "sending"}]}),
    "unisender": Reply(200, {"status": "success", "job_id": "1234", "emails": [TO]}),
    "mandrill": Reply(200, [{"email": TO, "status": "sent", "_id": "1234"}]),
    "mailtrap": Reply(200, {"success": True, "message_ids": ["1234"]}),
}


def make_account(slug: str, **changes) -> SenderAccount:
    """An account as a transport sees it; not saved."""
    facts = {
        "pk": 7,
        "kind": "esp",
        "label": slug,
        "from_address": "sklep@shop.example",
        "password": KEY,
        **ACCOUNTS[slug],
        **changes,
    }
    return SenderAccount(**facts)


def make_mail(**changes) -> Outgoing:
    """A Polish order confirmation with a PDF, ready for the wire."""
    delivery_id = uuid4()
    rcpt_to = changes.pop("rcpt_to", TO)
    facts = {
        "from_address": "sklep@shop.example",
        "from_name": "Rowerownia Łódź",
        "to": (mime.Mailbox(TO, "Anna Wiśniewska"),),
        "reply_to": (mime.Mailbox("biuro@shop.example"),),
        "subject": "Zamówienie 10482 przyjęte",
        "message_id": f"<{delivery_id.hex}@shop.example>",
        "date": datetime(2026, 11, 25, 12, tzinfo=UTC),
        "text": "Dziękujemy, Anno.\n",
        "html": "<p>Dziękujemy, Anno.</p>",
        "headers": (("X-Shop", "rower"),),
        "attachments": (mime.Attachment("Faktura 1.pdf", "application/pdf", b"%PDF-1.7 \x00\xff"),),
        **changes,
    }
    content = mime.build(mime.MailParts(**facts)).content
    content = mime.prefix_headers(content, [("X-Postroom-Delivery", delivery_id.hex)])
    return Outgoing(delivery_id, 1, "sklep@shop.example", rcpt_to, content)


class Sent:
    """One ``send`` to a provider on loopback; the balance is checked when it ends."""

    def __init__(self, server: HttpServer, slug: str, items, journal=None, **account):
        self.journal, self.trouble = journal or FakeJournal(), None
        self.pulled: list[Outgoing] = []
        path = {"freshmail": "/v3/messaging/emails", "ses": ""}.get(slug, "/api/")
        transport = Api(make_account(slug, **account), QUICK, f"{server.url}{path}")
        try:
            transport.send(self._queue(items), self.journal)
        except AccountTrouble as trouble:
            self.trouble = trouble
        settled = [o.delivery_id for o in self.journal.outcomes]
        settled += [i.delivery_id for i in self.journal.released]
        assert sorted(settled) == sorted(i.delivery_id for i in self.pulled)

    def _queue(self, items):
        for item in items:
            self.pulled.append(item)
            yield item

    @property
    def outcome(self):
        [outcome] = self.journal.outcomes
        return outcome
