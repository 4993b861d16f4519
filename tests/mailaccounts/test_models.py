from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from mailaccounts.models import (
    AccountRefusal,
    AccountState,
    Breaker,
    SenderAccount,
    add_account,
    system_account,
)
from shops.models import Shop
from tests import factories

pytestmark = pytest.mark.django_db


def mains(shop: Shop) -> list[SenderAccount]:
    return list(SenderAccount.objects.filter(shop=shop, is_main=True))


@pytest.mark.promise("S0.2")
def test_a_new_shop_starts_with_one_default_account_of_the_installation(settings):
    settings.SYSTEM_SENDER_ADDRESS = "no-reply@poczta.example"
    shop = factories.make_shop(name="Rowerownia", contact_email="kontakt@rowerownia.example")
    account = SenderAccount.objects.get(shop=shop)
    assert (account.is_default, account.is_main, account.kind) == (True, True, "server")
    assert account.from_address == "no-reply@poczta.example"
    assert (account.from_name, account.reply_to) == ("Rowerownia", "kontakt@rowerownia.example")


def test_the_default_account_sends_through_the_systems_server(settings):
    settings.SYSTEM_SENDER_URL = "smtp+starttls://post:s%40crt@relay.example"
    endpoint = SenderAccount.objects.get(shop=factories.make_shop()).endpoint()
    assert (endpoint.host, endpoint.port, endpoint.tls) == ("relay.example", 587, "starttls")
    assert (endpoint.username, endpoint.password) == ("post", "s@crt")


def test_a_long_shop_name_still_gives_an_account():
    assert len(SenderAccount.objects.get(shop=factories.make_shop(name="W" * 80)).from_name) == 78


@pytest.mark.promise("S0.8")
def test_the_first_own_account_takes_the_main_flag_from_the_default_one(shop):
    account = factories.make_account(shop)
    assert mains(shop) == [account]
    assert not SenderAccount.objects.get(shop=shop, is_default=True).is_main


@pytest.mark.promise("S0.8")
def test_a_second_account_does_not_become_main_by_itself(shop):
    first = factories.make_account(shop)
    second = factories.make_account(shop, is_main=True)
    assert mains(shop) == [first]
    second.make_main()
    assert mains(shop) == [second]


def test_a_draft_does_not_become_main_and_the_first_active_one_does(shop):
    factories.make_account(shop, state="draft")
    assert mains(shop)[0].is_default
    active = factories.make_account(shop)
    assert mains(shop) == [active]


@pytest.mark.promise("S0.8")
def test_the_database_refuses_a_second_main_account(shop):
    factories.make_account(shop)
    with pytest.raises(IntegrityError), transaction.atomic():
        SenderAccount.objects.filter(shop=shop).update(is_main=True)


def test_main_accounts_of_two_shops_do_not_meet(shop, other_shop):
    ours, theirs = factories.make_account(shop), factories.make_account(other_shop)
    factories.make_account(shop).make_main()
    assert mains(other_shop) == [theirs]
    assert mains(shop) != [ours]


@pytest.mark.promise("S0.8")
def test_the_main_account_cannot_be_switched_off_before_another_is_main(shop):
    first, second = factories.make_account(shop), factories.make_account(shop)
    with pytest.raises(AccountRefusal, match="another account"):
        first.switch_off()
    second.make_main()
    first.switch_off()
    first.refresh_from_db()
    assert first.state == AccountState.DISABLED


def test_an_account_that_is_off_cannot_become_main(shop):
    factories.make_account(shop)
    second = factories.make_account(shop)
    second.switch_off()
    with pytest.raises(AccountRefusal, match="Switch the account on"):
        second.make_main()
    second.switch_on()
    second.make_main()
    assert mains(shop) == [second]


def test_a_stale_copy_of_an_account_decides_nothing(shop):
    factories.make_account(shop)
    second = factories.make_account(shop)
    stale = SenderAccount.objects.get(pk=second.pk)
    second.make_main()
    with pytest.raises(AccountRefusal):
        stale.switch_off()


def test_a_deleted_account_stays_deleted(shop):
    factories.make_account(shop)
    gone = factories.make_account(shop, state="deleted", host="")
    with pytest.raises(AccountRefusal):
        gone.switch_on()


def test_two_accounts_may_have_the_same_address(shop):
    one, two = factories.make_account(shop), factories.make_account(shop, label="Zamówienia")
    assert one.from_address == two.from_address


@pytest.mark.promise("S1.13")
def test_the_password_stands_encrypted_in_the_database(shop):
    account = factories.make_account(shop, username="sklep", password="kanarek-4711")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT password FROM mailaccounts_senderaccount WHERE id = %s", [account.pk]
        )
        [stored] = cursor.fetchone()
    assert stored and "kanarek" not in stored
    assert SenderAccount.objects.get(pk=account.pk).password == "kanarek-4711"
    assert "kanarek" not in f"{account} {account!r} {account.endpoint()!r}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "evil.example"),
        ("port", 2526),
        ("username", "other"),
        ("tls_mode", "starttls"),
        ("kind", "server"),
    ],
)
def test_the_password_is_cleared_when_what_it_belongs_to_changes(shop, field, value):
    made = factories.make_account(shop, username="sklep", password="kanarek-4711")
    account = SenderAccount.objects.get(pk=made.pk)
    setattr(account, field, value)
    assert account.is_stale("password")
    account.save(update_fields=[field])
    assert SenderAccount.objects.get(pk=made.pk).password == ""


def test_the_password_is_cleared_on_the_object_that_was_just_created(shop):
    account = factories.make_account(shop, username="sklep", password="kanarek-4711")
    account.host = "evil.example"
    account.save()
    assert SenderAccount.objects.get(pk=account.pk).password == ""


def test_a_column_that_was_not_loaded_does_not_hide_a_change(shop):
    made = factories.make_account(shop, username="sklep", password="kanarek-4711")
    account = SenderAccount.objects.defer("host", "password").get(pk=made.pk)
    account.host = "evil.example"
    account.save()
    assert SenderAccount.objects.get(pk=made.pk).password == ""


def test_a_second_change_after_a_partial_save_is_noticed(shop):
    made = factories.make_account(shop, username="sklep", password="kanarek-4711")
    account = SenderAccount.objects.get(pk=made.pk)
    account.host = "evil.example"
    account.label = "Other"
    assert account.password
    SenderAccount.save(account, update_fields=["label"])
    account.save()
    assert SenderAccount.objects.get(pk=made.pk).password == ""


def test_a_password_that_is_typed_again_stays_even_if_it_is_the_same(shop):
    made = factories.make_account(shop, username="sklep", password="kanarek-4711")
    account = SenderAccount.objects.get(pk=made.pk)
    account.host = "smtp.new.example"
    account.set_password("kanarek-4711")
    account.save()
    assert SenderAccount.objects.get(pk=made.pk).password == "kanarek-4711"


def test_other_changes_leave_the_password_alone(shop):
    made = factories.make_account(shop, username="sklep", password="kanarek-4711")
    account = SenderAccount.objects.get(pk=made.pk)
    account.label, account.from_name = "New", "New name"
    account.save()
    assert SenderAccount.objects.get(pk=made.pk).password == "kanarek-4711"


@pytest.mark.promise("S0.21")
@pytest.mark.parametrize("text", ["a@b.example, ", "a@b.example,c@d.example", "A <a@b.example>"])
def test_the_copy_field_takes_lists_as_people_write_them(shop, text):
    factories.make_account(shop, copy_to=text).full_clean(exclude=["fallback"])


@pytest.mark.promise("S0.21")
def test_the_copy_field_names_the_address_that_is_wrong(shop):
    account = factories.make_account(shop, copy_to="good@b.example, not-an-address")
    with pytest.raises(ValidationError, match="not-an-address"):
        account.full_clean()


def test_mending_opens_the_way_again(shop):
    account = factories.make_account(shop)
    SenderAccount.objects.filter(pk=account.pk).update(
        breaker=Breaker.OPEN, auth_failures=2, breaker_reason="535 5.7.8 no"
    )
    account.refresh_from_db()
    assert account.is_troubled
    account.mend()
    account.refresh_from_db()
    assert not account.is_troubled
    assert account.breaker_reason == ""


def test_there_is_one_system_account_and_it_belongs_to_no_shop():
    assert system_account() == system_account()
    assert system_account().shop is None
    with pytest.raises(AccountRefusal):
        system_account().switch_off()


def test_adding_saves_the_account_it_was_given(shop):
    account = SenderAccount(
        shop=shop, kind="server", label="Serwer", from_name="S", from_address="s@shop.example"
    )
    assert add_account(account) is account
    assert account.is_main
