"""The steps of a template say what its nodes say: the library's own way is the oracle."""

from __future__ import annotations

from time import thread_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liquid.exceptions import LiquidError

from templates_tx.liquid_context import GuardedContext
from templates_tx.liquid_env import GuardedEnvironment, GuardedTemplate

HTML, TEXT = GuardedEnvironment(html=True), GuardedEnvironment(html=False)

DATA: dict[str, Any] = {
    "locale": "pl",
    "currency": "PLN",
    "order": {
        "number": "17 <b>",
        "note": "",
        "total": "1234.50",
        "items": [{"name": "Kask & lampka", "price": "99.00"}, {"name": "Dzwonek", "price": "0"}],
        "address": ["ul. Długa 3", "61-848 Poznań"],
    },
    "shop": {"name": "Rower\"ownia'", "logo": None},
    "flag": True,
    "zero": 0,
}

TRICKY = (
    "{{ order.number }}{{ order.total | money }}{{ shop.logo }}",
    "{% for order in order.items %}{{ order.name }},{% endfor %}{{ order.number }}",
    "{% assign order = shop %}{{ order.name }}{{ order.number | default: 'none' }}",
    "{% capture shop %}x{% endcapture %}{{ shop }}{{ shop.name | default: '-' }}",
    "{% assign locale = 'en' %}{{ order.total | money }}",
    "{% for currency in order.address %}{{ order.total | money: 'EUR' }}{% endfor %}",
    "{% for locale in order.address %}{{ order.total | money: 'EUR' }}{% endfor %}",
    "{% for i in order.items limit: 1 %}{{ i.name }}{% endfor %}"
    "{% for i in order.items offset: continue %}+{{ i.name }}{% endfor %}",
    "{% for i in order.items %}{{ i.name }}{% endfor %}"
    "{% for i in order.items offset: continue %}+{{ i.name }}{% else %}nothing left{% endfor %}",
    "{% for i in order.items reversed %}{{ forloop.index }}/{{ forloop.length }}{% endfor %}",
    "{% for i in order.items %}{% if forloop.last %}{% break %}{% endif %}{{ i.name }}{% endfor %}",
    "{% for i in order.items %}{% if forloop.first %}{% continue %}{% endif %}{{ i.name }}"
    "{% endfor %}",
    "{% for i in order.items %}{% for j in order.address %}{{ forloop.parentloop.index }}{{ j }}"
    "{% endfor %}{% endfor %}",
    "{% for i in order.note %}x{% else %}empty{% endfor %}{% for i in (1..3) %}{{ i }}{% endfor %}",
    "{% if order.note %}a{% elsif zero %}b{% else %}c{% endif %}{% if flag and zero %}d{% endif %}",
    "{% if order.note or shop.logo %}a{% endif %}{% unless order.note %}b{% endunless %}",
    "{% if order.total == '1234.50' %}a{% endif %}{% if order.note != '' %}b{% endif %}",
    "{% if zero == '0' %}a{% endif %}{% if nowhere == 'x' %}b{% endif %}{% if flag == true %}c"
    "{% endif %}",
    "{% if flag %}  \n {% endif %}{% if flag %}{% assign seen = 'yes' %} {% endif %}{{ seen }}",
    "{% if flag %} {% if zero == 0 %} {{ zero }} {% endif %} {% endif %}",
    "{{ 'a<b' | upcase }}{{ order.number | append: '<i>' | escape }}{{ order.items | size }}",
    "{{ order.address | join: ', ' }}{{ order.items | map: 'name' | first }}",
    "{% case order.note %}{% when '' %}{{ shop.name }}{% else %}x{% endcase %}",
    "{% increment order %}{{ order.number }}{% cycle 'a', 'b' %}{% cycle 'a', 'b' %}",
    "{{ nowhere }}",
    "{{ order.nowhere.further }}",
    "{{ order.items }}",
    "{{ order.number | money }}",
    "{% for i in order.items %}{{ i.nothing }}{% endfor %}",
    "{% break %}after",
    "{{ order['number'] }}{{ order.items[1].name }}{{ order.items.size }}{{ shop.name.size }}",
)


def by_steps(environment: GuardedEnvironment, template: GuardedTemplate) -> str:
    return environment.render_template(template, DATA, thread_time() + 1)


def by_nodes(template: GuardedTemplate) -> str:
    context = GuardedContext(template, DATA, thread_time() + 1)
    buffer = context.get_buffer()
    template.render_with_context(context, buffer)
    return buffer.getvalue()


def said(render: Any, *args: Any) -> str:
    """What came out, or what sort of error and where."""
    try:
        return str(render(*args))
    except LiquidError as error:
        place = error.context()
        return f"{type(error).__name__} {place and place[0]}"


@pytest.mark.parametrize("environment", [HTML, TEXT], ids=["html", "text"])
@pytest.mark.parametrize("source", TRICKY)
def test_steps_and_nodes_say_the_same(environment: GuardedEnvironment, source: str) -> None:
    template = environment.from_source(source)
    assert said(by_steps, environment, template) == said(by_nodes, template)


NAMES = st.sampled_from(
    ["order.number", "order.note", "shop.name", "zero", "flag", "i.name", "i", "order.address"]
)
PIECES = st.recursive(
    st.one_of(
        st.sampled_from(["text ", " ", "<p>", "{% break %}", "{% assign zero = 'x<' %}"]),
        NAMES.map(lambda name: f"{{{{ {name} | default: 'd' }}}}"),
        NAMES.map(lambda name: f"{{{{ {name} | append: '&' | upcase }}}}"),
    ),
    lambda inner: st.one_of(
        st.tuples(NAMES, inner, inner).map(
            lambda t: f"{{% if {t[0]} %}}{t[1]}{{% else %}}{t[2]}{{% endif %}}"
        ),
        st.tuples(NAMES, inner).map(
            lambda t: f"{{% if {t[0]} != 'x' and flag %}}{t[1]}{{% endif %}}"
        ),
        inner.map(lambda body: f"{{% for i in order.items %}}{body}{{% endfor %}}"),
        inner.map(lambda body: f"{{% for order in order.items %}}{body}{{% endfor %}}"),
        st.lists(inner, min_size=2, max_size=4).map("".join),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(PIECES)
def test_whatever_is_put_together_says_the_same_both_ways(source: str) -> None:
    for environment in (HTML, TEXT):
        template = environment.from_source(source)
        assert said(by_steps, environment, template) == said(by_nodes, template)
