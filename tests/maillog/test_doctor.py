from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog import doctor, tasks
from maillog.models import WorkerBeat
from maillog.states import State
from shops.models import Shop
from tests import factories
from tests.maillog.test_states import make_delivery, put_into

pytestmark = pytest.mark.django_db


def found(name: str) -> list[doctor.Finding]:
    return [finding for finding in doctor.examine() if finding.name == name]


def test_it_says_that_nothing_sends(shop: Shop) -> None:
    assert found("workers")[0].level == "warning"
    now = timezone.now()
    WorkerBeat.objects.create(name="a:1", kind="deliver", started_at=now, beat_at=now)
    assert found("workers")[0].level == "ok"


def test_it_counts_a_plain_qcluster_as_what_sends(shop: Shop) -> None:
    tasks.sweep()
    assert found("workers")[0].found == "a qcluster sends"
    WorkerBeat.objects.update(beat_at=timezone.now() - timedelta(minutes=3))
    assert found("workers")[0].level == "warning"


def test_a_qcluster_beside_sending_processes_is_not_counted(shop: Shop) -> None:
    now = timezone.now()
    WorkerBeat.objects.create(name="a:1", kind="deliver", started_at=now, beat_at=now)
    tasks.sweep()
    assert found("workers")[0].found == "1 sending processes"


def test_it_says_that_passwords_cannot_be_read(shop: Shop, settings: pytest.FixtureRequest) -> None:
    factories.make_account(shop, password="tajne")
    assert found("keys")[0].found.startswith("1 ")
    old = settings.FIELD_KEYS  # type: ignore[attr-defined]
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *old]  # type: ignore[attr-defined]
    assert "1 of 1 stored secrets are not on the first key" in found("keys")[0].found
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]  # type: ignore[attr-defined]
    [lost] = found("keys")
    assert lost.level == "error" and "mailaccounts.SenderAccount.password" in lost.found


def test_it_names_paused_accounts_and_shops_without_a_main_one(shop: Shop) -> None:
    SenderAccount.objects.filter(shop=shop).update(
        breaker="open", breaker_reason="535 wrong password", is_main=False
    )
    levels = {finding.level for finding in found("account")}
    assert levels == {"warning", "error"}


def test_it_shows_an_old_queue_and_what_people_must_decide(shop: Shop) -> None:
    late, uncertain = make_delivery(shop), make_delivery(shop)
    late.due_at = timezone.now() - timedelta(hours=1)
    late.save()
    put_into(uncertain, State.UNKNOWN)
    texts = [finding.found for finding in found("queue")]
    assert any("36" in text for text in texts) and "1 unknown" in texts


def test_sqlite_and_postgresql_are_asked_what_makes_a_commit_durable(db: None) -> None:
    names = {finding.found.partition(" ")[0] for finding in found("durability")}
    expected = (
        {"journal_mode", "synchronous"}
        if connection.vendor == "sqlite"
        else {"fsync", "full_page_writes"}
    )
    assert names == expected
