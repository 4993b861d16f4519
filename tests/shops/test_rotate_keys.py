"""Keys of stored secrets: added, rotated while sending goes on, dropped."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection, models

from mailaccounts.models import DkimKey, OAuthClient, SenderAccount, SenderDomain
from shops import key_rotation
from shops.key_file import split_keys
from shops.models import AuditEntry
from shops.secrets import EncryptedTextField, UnreadableSecret
from tests import factories

pytestmark = pytest.mark.django_db


def new_key() -> str:
    return Fernet.generate_key().decode()


def run(*args: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    call_command("rotate_keys", *args, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


def stored(model: type[models.Model], column: str) -> list[str]:
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE {column} <> '' ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def readable_with(key: str, token: str) -> bool:
    try:
        Fernet(key).decrypt(token.encode())
    except Exception:
        return False
    return True


@pytest.fixture
def keys(settings, tmp_path: Path) -> Path:
    """An installation that keeps its keys in a file, with one key."""
    path = tmp_path / "field_keys"
    path.write_text(new_key() + "\n")
    settings.KEY_FILE, settings.FIELD_KEYS = str(path), split_keys(path.read_text())
    return path


@pytest.fixture
def account(shop, keys) -> SenderAccount:
    domain = SenderDomain.objects.create(shop=shop, domain="rowerownia.example")
    DkimKey.objects.create(domain=domain, selector="a", private_key="PEM", public_key="x")
    OAuthClient.objects.create(shop=shop, provider="google", client_id="x", client_secret="tajne")
    return factories.make_account(
        shop,
        password="hasło",
        imap_password="imap",
        oauth_refresh_token="refresh",
        oauth_access_token="access",
    )


def restart(settings, keys: Path) -> None:
    settings.FIELD_KEYS = split_keys(keys.read_text())


def test_all_encrypted_columns_are_found_through_the_models():
    names = {f"{model._meta.label}.{name}" for model, name in key_rotation.encrypted_columns()}
    assert names >= {
        "mailaccounts.SenderAccount.password",
        "mailaccounts.SenderAccount.imap_password",
        "mailaccounts.SenderAccount.oauth_refresh_token",
        "mailaccounts.SenderAccount.oauth_access_token",
        "mailaccounts.OAuthClient.client_secret",
        "mailaccounts.DkimKey.private_key",
    }
    assert all(
        isinstance(model._meta.get_field(name), EncryptedTextField)
        for model, name in key_rotation.encrypted_columns()
    )


def test_from_a_new_key_to_the_end_of_the_old_one(account, keys, settings):
    old = settings.FIELD_KEYS[0]
    assert "Restart the services" in run("--new")
    new = split_keys(keys.read_text())
    assert new[1:] == [old] and len(new) == 2
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert all(readable_with(old, each) for each in stored(SenderAccount, "password"))
    restart(settings, keys)
    said = run()
    assert "mailaccounts.SenderAccount.password: 1 stored, 1 re-encrypted, 0 unreadable" in said
    assert "6 secrets, 6 re-encrypted" in said
    for model, name in key_rotation.encrypted_columns():
        assert all(readable_with(new[0], each) for each in stored(model, name)), name
    assert "1 older keys were dropped" in run("--drop-old")
    assert split_keys(keys.read_text()) == new[:1]
    restart(settings, keys)
    account = SenderAccount.objects.get(pk=account.pk)
    assert (account.password, account.imap_password) == ("hasło", "imap")
    assert (account.oauth_refresh_token, account.oauth_access_token) == ("refresh", "access")
    assert DkimKey.objects.get().private_key == "PEM"
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["keys.added", "keys.rotated", "keys.dropped"]


def test_a_second_run_changes_nothing(account, keys, settings):
    settings.FIELD_KEYS = [new_key(), *settings.FIELD_KEYS]
    run()
    before = stored(SenderAccount, "password")
    assert "6 secrets, 0 re-encrypted" in run()
    assert stored(SenderAccount, "password") == before


def test_what_no_key_can_read_is_counted_and_left_as_it_is(account, keys, settings):
    mine = SenderAccount.objects.filter(pk=account.pk)
    mine.update(password=UnreadableSecret("gAAAAA-of-a-lost-key"))
    settings.FIELD_KEYS = [new_key(), *settings.FIELD_KEYS]
    said = run()
    assert "password: 1 stored, 0 re-encrypted, 1 unreadable" in said
    assert "1 cannot be read with any key" in said
    assert stored(SenderAccount, "password") == ["gAAAAA-of-a-lost-key"]
    keys.write_text("\n".join(settings.FIELD_KEYS))
    with pytest.raises(CommandError, match="no key was dropped"):
        run("--drop-old")
    assert len(split_keys(keys.read_text())) == 2


def test_a_password_that_is_entered_meanwhile_is_not_overwritten(account, keys, settings):
    [old] = stored(SenderAccount, "password")
    settings.FIELD_KEYS = [new_key(), *settings.FIELD_KEYS]
    fresh = key_rotation._re_encrypted(old)
    assert fresh is not None
    account.set_password("nowe")
    account.save()
    assert not key_rotation._replace(SenderAccount, "password", account.pk, old, fresh)
    assert SenderAccount.objects.get(pk=account.pk).password == "nowe"


def test_many_rows_are_gone_through_in_batches(shop, keys, settings, monkeypatch):
    monkeypatch.setattr(key_rotation, "BATCH", 3)
    for number in range(8):
        factories.make_account(shop, password=f"hasło {number}")
    settings.FIELD_KEYS = [new_key(), *settings.FIELD_KEYS]
    assert "password: 8 stored, 8 re-encrypted" in run()


def test_an_older_key_is_not_dropped_while_a_secret_needs_it(account, keys, settings, monkeypatch):
    """A process that was not restarted has stored something with the old key."""
    old = list(settings.FIELD_KEYS)
    run("--new")
    restart(settings, keys)
    rotate = key_rotation.rotate

    def rotate_and_be_late():
        yield from rotate()
        settings.FIELD_KEYS = old
        account.set_password("stare")
        account.save(update_fields=["password"])
        restart(settings, keys)

    monkeypatch.setattr(key_rotation, "rotate", rotate_and_be_late)
    with pytest.raises(CommandError, match="1 secrets are not on the first key"):
        run("--drop-old")
    assert len(split_keys(keys.read_text())) == 2


@pytest.mark.parametrize("step", ["--new", "--drop-old"])
def test_keys_from_the_environment_are_changed_there(account, settings, step):
    settings.KEY_FILE = ""
    with pytest.raises(CommandError, match="come from the environment"):
        run(step)


def test_a_key_that_is_none_is_said_so(account, settings):
    settings.FIELD_KEYS = ["no key"]
    with pytest.raises(CommandError, match="FIELD_KEYS cannot be used"):
        run()


@pytest.mark.parametrize("text", ["a,b", "a\nb\n", " a ,\n b ", "a b"])
def test_keys_may_be_separated_by_commas_or_lines(text):
    assert split_keys(text) == ["a", "b"]
