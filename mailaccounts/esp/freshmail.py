"""FreshMail's REST API v3 as an anymail backend.

One call hands over one mail; FreshMail answers 201 with a list of ids and sends later. There are
no fields for copies, and none for the type or the Content-ID of an attachment.
"""

from __future__ import annotations

from typing import Any

from anymail.backends.base_requests import AnymailRequestsBackend, RequestsPayload
from anymail.exceptions import AnymailRequestsAPIError
from anymail.message import AnymailRecipientStatus
from anymail.utils import get_anymail_setting
from django.utils.translation import gettext as _

from shops.conf import conf

MOST_RECIPIENTS = 100
MOST_FILES = 10
MOST_BYTES = 10 * 1024 * 1024  # of all files together, before base64


class EmailBackend(AnymailRequestsBackend):  # type: ignore[misc]
    """``api_key`` is the token of the panel's section "Email API i SMTP"."""

    esp_name = "FreshMail"

    def __init__(self, **kwargs: Any) -> None:
        self.api_key = get_anymail_setting("api_key", esp_name=self.esp_name, kwargs=kwargs)
        api_url = get_anymail_setting(
            "api_url", esp_name=self.esp_name, kwargs=kwargs, default=conf.FRESHMAIL_API_URL
        )
        super().__init__(api_url, **kwargs)

    def build_message_payload(self, message: Any, defaults: Any) -> FreshMailPayload:
        return FreshMailPayload(message, defaults, self)

    def parse_recipient_status(self, response: Any, payload: Any, message: Any) -> dict[str, Any]:
        """201 with one object per recipient, in their order; for one it may come without a list."""
        answer = self.deserialize_json_response(response, payload, message)
        entries = answer if isinstance(answer, list) else [answer]
        to = [each["email"] for each in payload.data["recipients"]]
        if len(entries) != len(to) or not all(map(_is_taken, entries)):
            raise AnymailRequestsAPIError(
                "Invalid FreshMail API response format",
                email_message=message,
                payload=payload,
                response=response,
                backend=self,
            )
        return {
            address: AnymailRecipientStatus(message_id=each.get("id"), status="queued")
            for address, each in zip(to, entries, strict=True)
        }


def _is_taken(entry: Any) -> bool:
    return isinstance(entry, dict) and not entry.get("errors")


class FreshMailPayload(RequestsPayload):  # type: ignore[misc]
    """The JSON body. What it has no field for is refused, never left out in silence."""

    def __init__(self, message: Any, defaults: Any, backend: EmailBackend) -> None:
        headers = {
            "Authorization": f"Bearer {backend.api_key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        super().__init__(message, defaults, backend, headers=headers)

    def init_payload(self) -> None:
        self.data: dict[str, Any] = {"recipients": [], "contents": []}
        self._bytes = 0

    def serialize_data(self) -> str:
        return str(self.serialize_json(self.data))

    def set_from_email(self, email: Any) -> None:
        # FreshMail wants both; without a name the address stands for it.
        address = email.format_addr_spec(idna_encode=self.backend.idna_encode)
        self.data["from"] = {"name": email.display_name or address, "email": address}

    def set_to(self, emails: list[Any]) -> None:
        if len(emails) > MOST_RECIPIENTS:
            self.unsupported_feature(f"more than {MOST_RECIPIENTS} recipients")
        self.data["recipients"] = [self._mailbox(email) for email in emails]

    def set_cc(self, emails: list[Any]) -> None:
        if emails:
            self.unsupported_feature("cc")

    def set_bcc(self, emails: list[Any]) -> None:
        if emails:
            self.unsupported_feature("bcc")

    def set_subject(self, subject: str) -> None:
        self.data["subject"] = subject

    def set_reply_to(self, emails: list[Any]) -> None:
        if len(emails) > 1:
            self.unsupported_feature("multiple reply_to addresses")
        if emails:
            self.data["replyTo"] = self._mailbox(emails[0])

    def set_extra_headers(self, headers: Any) -> None:
        self.data["headers"] = {name: str(value) for name, value in headers.items()}

    def set_text_body(self, body: str) -> None:
        self._add_content("text/plain", body)

    def set_html_body(self, body: str) -> None:
        if any(each["type"] == "text/html" for each in self.data["contents"]):
            self.unsupported_feature("multiple html parts")
        self._add_content("text/html", body)

    def add_attachment(self, attachment: Any) -> None:
        if attachment.inline:
            self.unsupported_feature("inline attachments")
        files = self.data.setdefault("attachments", [])
        content = attachment.b64content
        self._bytes += len(content) * 3 // 4 - content.count("=", -2)
        if len(files) >= MOST_FILES or self._bytes > MOST_BYTES:
            raise TooMuch(_("FreshMail takes at most 10 files of 10 MB together."))
        files.append({"name": attachment.name or "attachment", "content": content})

    def set_esp_extra(self, extra: dict[str, Any]) -> None:
        self.data.update(extra)

    def _add_content(self, kind: str, body: str) -> None:
        if body:
            self.data["contents"].append({"type": kind, "body": body})

    def _mailbox(self, email: Any) -> dict[str, str]:
        found = {"email": email.format_addr_spec(idna_encode=self.backend.idna_encode)}
        return {**found, "name": email.display_name} if email.display_name else found


class TooMuch(ValueError):
    """More or larger files than the provider takes; known before anything is sent."""
