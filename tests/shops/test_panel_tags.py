"""Tags and filters of the panel: escaping, times on the shop's clock, money, form controls."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.template import engines
from django.utils import translation

from shops.models import Shop


def render(source: str, **context: Any) -> str:
    return engines["django"].from_string("{% load panel %}" + source).render(context)


@pytest.mark.parametrize(
    "source", ['{% status_dot "bad" text %}', '{% badge "ok" text %}', '{% icon "x" label=text %}']
)
def test_text_from_outside_is_escaped(source):
    assert "<script>" not in render(source, text='"><script>alert(1)</script>')


def test_an_unknown_tone_is_refused():
    with pytest.raises(ValueError, match="unknown tone 'green'"):
        render('{% badge "green" "x" %}')


def test_a_time_is_shown_on_the_shops_clock():
    shop = Shop(time_zone="Europe/Warsaw")
    moment = datetime.now(UTC)
    local = moment.astimezone(shop.zone)
    assert f">{local:%H:%M}<" in render("{% local_time at %}", at=moment, shop=shop)
    assert f">{local:%H:%M:%S}<" in render('{% local_time at "seconds" %}', at=moment, shop=shop)


def test_an_earlier_time_is_shown_as_its_date():
    shop = Shop(time_zone="Europe/Warsaw")
    moment = datetime(2020, 11, 19, 23, 30, tzinfo=UTC)
    with translation.override("pl"):
        assert ">20 lis 2020<" in render("{% local_time at %}", at=moment, shop=shop)
    assert ">20 Nov 2020 00:30<" in render('{% local_time at "long" %}', at=moment, shop=shop)
    assert "–" in render("{% local_time at %}", at=None, shop=shop)


def test_yesterday_is_not_today():
    moment = datetime.now(UTC) - timedelta(days=1)
    assert not re.search(r">\d\d:\d\d<", render("{% local_time at %}", at=moment))


def test_money_reads_as_the_shops_customers_read_it():
    shop = Shop(language="pl")
    text = render('{% money amount "PLN" %}', amount=Decimal("4218"), shop=shop)
    assert text == "4\u00a0218,00\u00a0zł"
    assert render("{{ 5627|count }}") == "5\u00a0627"


class SampleForm(forms.Form):
    host = forms.CharField(help_text="Name of the server")
    port = forms.IntegerField(required=False)
    copy = forms.BooleanField(required=False)
    mode = forms.ChoiceField(choices=[("a", "A"), ("b", "B")])


def test_a_field_names_its_error_and_its_hint():
    form = SampleForm({"port": "abc", "mode": "a"})
    page = render('{% include "panel/parts/fields.html" %}', form=form)
    assert 'aria-invalid="true"' in page
    for described in re.findall(r'aria-describedby="([^"]+)"', page):
        for target in described.split():
            assert f'id="{target}"' in page
    assert "Enter a whole number." in page


def test_controls_get_the_class_of_their_kind():
    page = render('{% include "panel/parts/fields.html" %}', form=SampleForm())
    assert 'class="form-select"' in page
    assert 'class="form-check-input"' in page
    assert page.count('class="form-control"') == 2
