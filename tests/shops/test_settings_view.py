from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from shops.models import AuditEntry, Role
from tests import factories


def url(shop):
    return reverse("shops:settings", args=[shop.slug])


def values(**changed):
    return {
        "name": "Rowerownia",
        "domain": "rowerownia.example",
        "language": "pl",
        "currency": "PLN",
        "time_zone": "Europe/Warsaw",
        "contact_email": "kontakt@rowerownia.example",
        "contact_phone": "",
        "address": "",
        "accent": "#1f3d36",
        "accent_text": "#ffffff",
        **changed,
    }


def picture(side=(40, 20), name="logo.png", kind="PNG"):
    file = io.BytesIO()
    Image.new("RGB", side, "#0e6b64").save(file, kind)
    return SimpleUploadedFile(name, file.getvalue(), content_type="image/png")


@pytest.fixture
def keeper(shop, client):
    """A member with just the role that the page needs."""
    client.force_login(factories.make_user(shop, Role.ACCOUNTS))
    return client


def test_it_saves_every_field_and_says_so(shop, keeper):
    new = values(
        name="Rowerownia & Syn",
        domain="sklep.rowerownia.example",
        language="en",
        currency="EUR",
        time_zone="Europe/Oslo",
        contact_email="anna@rowerownia.example",
        contact_phone="+48 12 345",
        address="ul. Zabłocie 23\n30-701 Kraków",
        accent="#112233",
        accent_text="#fefefe",
    )
    answer = keeper.post(url(shop), new, follow=True)
    shop.refresh_from_db()
    saved = {name: getattr(shop, name) for name in new}
    assert {**saved, "address": saved["address"].replace("\r\n", "\n")} == new
    assert "The settings are saved." in answer.text


def test_it_writes_down_which_fields_were_changed_and_by_whom(shop, keeper):
    keeper.post(url(shop), values(name="Neu", accent="#000000"))
    entry = AuditEntry.objects.get(action="shop.settings")
    assert sorted(entry.details["fields"]) == ["accent", "name"]
    assert entry.shop == shop and entry.user is not None


def test_saving_without_a_change_writes_nothing_down(shop, keeper):
    keeper.post(url(shop), values())
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    "typed, kept",
    [
        ("Rowerownia.PL", "rowerownia.pl"),
        (" https://rowerownia.pl/sklep ", "rowerownia.pl"),
        ("żółwie.pl", "xn--wie-fna90bfl.pl"),
    ],
)
def test_it_understands_the_domain_as_people_paste_it(shop, keeper, typed, kept):
    answer = keeper.post(url(shop), values(domain=typed))
    assert answer.status_code == 302, answer.context["form"].errors
    shop.refresh_from_db()
    assert shop.domain == kept


@pytest.mark.parametrize(
    "field, value, told",
    [
        ("name", "", "This field is required."),
        ("name", "x" * 81, "at most 80 characters"),
        ("domain", "rowerownia", "Enter only the shop"),
        ("domain", "a b.pl", "Enter only the shop"),
        ("domain", "x.pl\r\nBcc: a@b.pl", "Enter only the shop"),
        ("language", "xx", "not one of the available choices"),
        ("currency", "BTC", "not one of the available choices"),
        ("time_zone", "Europe/Atlantis", "is not a time zone"),
        ("time_zone", "../../etc/passwd", "is not a time zone"),
        ("contact_email", "kontakt@", "valid email address"),
        ("contact_email", "Anna <a@b.example>", "valid email address"),
        ("accent", "red", "A colour is written as"),
        ("accent_text", "#fff;}", "A colour is written as"),
        ("address", "x" * 401, "at most 400 characters"),
    ],
)
def test_what_cannot_be_saved_is_told_beside_its_field(shop, keeper, field, value, told):
    before = getattr(shop, field)
    answer = keeper.post(url(shop), values(**{field: value}))
    form = answer.context["form"]
    assert list(form.errors) == [field]
    assert told in form.errors[field][0]
    assert f'id="id_{field}_error"' in answer.text
    shop.refresh_from_db()
    assert getattr(shop, field) == before
    # Menu and head show the shop as it is, not what was typed.
    assert answer.context["shop"].name == "Rowerownia"


def test_a_logo_is_kept_shown_and_removed(shop, keeper):
    keeper.post(url(shop), values(logo=picture()))
    shop.refresh_from_db()
    assert shop.logo.name.startswith(f"logos/{shop.slug}-")
    page = keeper.get(url(shop))
    assert f'src="/media/{shop.logo.name}"' in page.text
    first = Path(shop.logo.path)
    assert keeper.get(f"/media/{shop.logo.name}").status_code == 200
    keeper.post(url(shop), values(remove_logo="on"))
    shop.refresh_from_db()
    assert not shop.logo
    # Mail that was sent with it still shows it.
    assert first.read_bytes().startswith(b"\x89PNG")


def test_the_logo_stays_when_other_fields_are_saved_even_if_its_file_is_gone(shop, keeper):
    keeper.post(url(shop), values(logo=picture()))
    shop.refresh_from_db()
    shop.logo.storage.delete(shop.logo.name)
    assert keeper.post(url(shop), values(name="Neu")).status_code == 302
    shop.refresh_from_db()
    assert shop.logo.name


@pytest.mark.parametrize(
    "file, told",
    [
        (SimpleUploadedFile("logo.png", b"<svg onload=alert(1)>"), "not a PNG"),
        (SimpleUploadedFile("logo.svg", b"<svg/>"), "File extension"),
        (SimpleUploadedFile("logo.png", b"\x89PNG" + b"0" * 400_000), "at most 300 kB"),
        (SimpleUploadedFile("logo.png", b""), "empty"),
    ],
)
def test_a_file_that_is_no_logo_is_refused(shop, keeper, file, told):
    answer = keeper.post(url(shop), values(logo=file))
    assert told in answer.context["form"].errors["logo"][0]
    shop.refresh_from_db()
    assert not shop.logo


def test_a_logo_that_is_too_wide_is_refused(shop, keeper):
    answer = keeper.post(url(shop), values(logo=picture((2001, 2))))
    assert "2001 × 2 pixels" in answer.context["form"].errors["logo"][0]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SENDER, Role.EDITOR])
def test_smaller_roles_neither_see_nor_change_the_settings(shop, client, role):
    client.force_login(factories.make_user(shop, role))
    assert client.get(url(shop)).status_code == 403
    assert client.post(url(shop), values(name="Neu")).status_code == 403
    shop.refresh_from_db()
    assert shop.name == "Rowerownia"


def test_an_admin_of_another_shop_does_not_find_it(shop, stranger, client):
    client.force_login(stranger)
    assert client.get(url(shop)).status_code == 404
    assert client.post(url(shop), values(name="Neu")).status_code == 404
