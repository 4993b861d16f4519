"""Reads a page as a browser does: what its form would send if nothing more was typed."""

from __future__ import annotations

from html.parser import HTMLParser


class _Fields(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.inside = False
        self.values: dict[str, list[str]] = {}
        self._select = ""
        self._options: list[tuple[str, bool]] = []
        self._area = ""

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = not self.form_id or given.get("id") == self.form_id
        elif self.inside and tag == "input":
            self._input(given)
        elif self.inside and tag == "select":
            self._select, self._options = given.get("name", ""), []
        elif self._select and tag == "option":
            self._options.append((given.get("value", ""), "selected" in given))
        elif self.inside and tag == "textarea":
            self._area = given.get("name", "")
            self.values[self._area] = [""]

    def _input(self, given):
        kind = given.get("type", "text")
        if not given.get("name") or kind in ("submit", "button", "file"):
            return
        if kind in ("checkbox", "radio") and "checked" not in given:
            return
        default = "on" if kind == "checkbox" else ""
        self.values.setdefault(given["name"], []).append(given.get("value", default))

    def handle_data(self, data):
        if self._area:
            self.values[self._area] = [(self.values[self._area][0] + data).removeprefix("\n")]

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False
        elif tag == "textarea":
            self._area = ""
        elif tag == "select" and self._select:
            chosen = [value for value, on in self._options if on]
            first = [value for value, _on in self._options[:1]]
            self.values[self._select] = chosen or first
            self._select = ""


def form_values(response, form_id=""):
    """The values of the form with this id, or of all forms of the page, each as a list."""
    reader = _Fields(form_id)
    reader.feed(response.content.decode())
    return reader.values


def submit(client, url, form_id="", **typed):
    """Opens ``url``, types ``typed`` over what its form holds, and presses Save."""
    page = client.get(url)
    assert page.status_code == 200, page
    return client.post(url, {**form_values(page, form_id), "_save": "Save", **typed})
