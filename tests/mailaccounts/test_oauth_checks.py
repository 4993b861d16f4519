"""Settings for Google and Microsoft that cannot be right are named when the project is checked."""

from __future__ import annotations

import pytest

from mailaccounts.oauth.checks import check_sign_in


def test_the_defaults_are_in_order():
    assert check_sign_in() == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("GOOGLE_TOKEN_URL", "http://oauth2.googleapis.com/token", "mailaccounts.E001"),
        ("MICROSOFT_AUTHORITY", "login.microsoftonline.com", "mailaccounts.E001"),
        ("GOOGLE_SMTP", "smtp.gmail.com:465", "mailaccounts.E002"),
        ("MICROSOFT_SECRET_EXPIRES_ON", "31.05.2027", "mailaccounts.W001"),
    ],
)
def test_a_setting_that_cannot_be_right_is_named(settings, name, value, code):
    setattr(settings, name, value)
    [found] = check_sign_in()
    assert found.id == code
    assert name in f"{found.msg} {found.hint}"


def test_a_provider_on_this_computer_may_stand_in(settings):
    settings.GOOGLE_TOKEN_URL = "http://127.0.0.1:9000/token"
    assert check_sign_in() == []
