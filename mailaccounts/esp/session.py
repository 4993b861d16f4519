"""How ``requests`` and boto3 are made to speak through the guarded wires."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import requests

from mailaccounts.esp.guarded import GuardedAdapter, Question, Wires

USER_AGENT = "Postroom"
# With DEBUG, botocore writes whole mails and answers into the log.
logging.getLogger("botocore").setLevel(logging.WARNING)


class ApiSession(requests.Session):
    """A session whose every request goes over ``wires``.

    Redirects are not followed, and neither proxies nor ``.netrc`` of the environment are used.
    """

    def __init__(self, wires: Wires) -> None:
        super().__init__()
        self.wires = wires
        self.trust_env = False
        # Answers are short; compressed ones could be made to swell.
        self.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        self.adapters.clear()
        adapter = GuardedAdapter(wires)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def aws_client(wires: Wires, *, endpoint: str, region: str, keys: tuple[str, str]) -> Any:
    """A boto3 client of SES (API v2) that sends over ``wires``.

    ``endpoint`` is given, so nothing of the environment or of ``~/.aws`` can point it elsewhere;
    ``keys`` are given too, so boto3 asks no metadata service for others. It never repeats a call.
    """
    # boto3 takes a third of a second to import, and one provider needs it.
    import boto3
    from botocore.config import Config

    session = boto3.session.Session(
        aws_access_key_id=keys[0], aws_secret_access_key=keys[1], region_name=region
    )
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        user_agent=USER_AGENT,
        proxies={},
    )
    client = session.client("sesv2", endpoint_url=endpoint, config=config)
    # What a receiver of "before-send" returns is taken as the answer; boto3 opens no connection.
    client.meta.events.register("before-send.sesv2", _Sender(wires))
    return client


class _Sender:
    """Sends what boto3 has signed."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires

    def __call__(self, request: Any, **kwargs: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        body = request.body or b""
        answer = self._wires.ask(
            Question(
                method=request.method,
                url=request.url,
                headers=request.headers,
                body=body.encode() if isinstance(body, str) else bytes(body),
            )
        )
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))


class _Raw:
    """A body that is read already, as boto3 wants to read one."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        yield self._body
