"""Keys are rotated while a worker sends: no password is unreadable, no message is lost."""

from __future__ import annotations

import threading

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from mailaccounts.models import SenderAccount
from maillog.models import Delivery
from maillog.outbox import queue
from shops import key_rotation
from tests.maillog.test_session import account_at, make_draft, send_all
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGES, ROUNDS = 12, 6


def test_sending_goes_on_while_the_secrets_change_their_key(settings):
    failures: list[BaseException] = []

    def send() -> None:
        try:
            for number in range(MESSAGES):
                queue(make_draft(account, to=f"a{number}@klient.example"))
                send_all(SenderAccount.objects.get(pk=account.pk))
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    with sink(users={"sklep": "tajne"}) as server:
        account = account_at(server.port, username="sklep", password="tajne")
        worker = threading.Thread(target=send)
        worker.start()
        for _ in range(ROUNDS):
            settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]
            assert sum(each.unreadable for each in key_rotation.rotate()) == 0
        worker.join()
    assert failures == []
    assert server.store.count == MESSAGES
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    tallies = key_rotation.count()
    assert (sum(each.first for each in tallies), sum(each.older for each in tallies)) == (1, 0)
