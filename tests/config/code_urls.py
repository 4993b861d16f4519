"""One page with the code editor, under the panel's own middleware and content policy."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from django.utils.html import escape
from django.views import View

from config.urls import urlpatterns as without_page
from shops.scope import ShopScoped

HTML = """\
{% comment %} What a customer gets at once {% endcomment %}
<h1>Dziękujemy za zamówienie, {{ customer.first_name }}.</h1>
<p>Mamy je i już sprawdzamy rozmiar ramy. Gdy paczka
  wyjedzie, wyślemy link do śledzenia.</p>

<table class="items">
{% for item in order.items %}
  <tr><td>{{ item.name }}<br>{{ item.variant }}</td>
      <td>{{ item.quantity }} ×</td></tr>
{% endfor %}
</table>
<p class="total">🚲 Razem {{ order.totl | money }}</p>

{% if order.note %}
  <p class="note">{{ order.note }}</p>
{% endif %}
<a class="button" href="{{ order.url }}">Zobacz zamówienie</a>
"""
VARIABLES = [
    {"name": "order.number", "label": "Order number", "kind": "text", "sample": "10482"},
    {"name": "order.total", "label": "Total", "kind": "money", "sample": "4218.00"},
    {"name": "order.items", "label": "Lines of the order", "kind": "list"},
    {"name": "item.name", "label": "Product", "kind": "text", "of": "order.items"},
    {"name": "item.quantity", "label": "Quantity", "kind": "number", "of": "order.items"},
    {"name": "item.parts", "label": "Parts", "kind": "list", "of": "order.items"},
    {"name": "part.name", "label": "Part", "kind": "text", "of": "item.parts"},
    {"name": "customer.first_name", "label": "First name", "kind": "text", "sample": "Anna"},
]
FILTERS = [{"name": "money", "label": "With the currency"}, "upcase"]
AREA = """\
<textarea class="form-control" id="{id}" name="{id}" rows="{rows}" data-code="{kind}"
    data-variables="#variables" data-filters="#filters" {more}>{text}</textarea>"""
PAGE = """\
{% extends "panel/base.html" %}
{% block title %}Code{% endblock %}
{% block page_js %}{% include "panel/parts/code_editor.html" %}{% endblock %}
{% block content %}
{{ variables|json_script:"variables" }}{{ filters|json_script:"filters" }}
<form class="card cb stack" method="post">
  <div><label class="lbl" for="subject">Subject</label>{{ subject|safe }}</div>
  <div><label class="lbl" for="html">Message</label>{{ html|safe }}</div>
  <div><label class="lbl" for="text">Plain text</label>{{ text|safe }}</div>
  <div class="acts"><button class="btn pri">Save</button>
  <button class="btn" type="button" hx-get="?part" hx-target="#more">One more</button></div>
  <div id="more"></div>
</form>
{% endblock %}
"""


def area(kind: str, text: str = "", *, name: str = "", rows: int = 3, more: str = "") -> str:
    return AREA.format(id=name or kind, kind=kind, rows=rows, more=more, text=escape(text))


class CodePage(ShopScoped, View):
    def get(self, request: HttpRequest, shop: str) -> HttpResponse:
        if "part" in request.GET:
            return HttpResponse(area("text", "Later", name="later"))
        values = {
            "variables": VARIABLES,
            "filters": FILTERS,
            "subject": area("subject", "Zamówienie {{ order.number }} przyjęte"),
            "html": area("html", HTML, rows=18, more="required"),
            "text": area("text"),
        }
        return HttpResponse(engines["django"].from_string(PAGE).render(values, request))


urlpatterns = [*without_page, path("s/<slug:shop>/code/", CodePage.as_view())]
