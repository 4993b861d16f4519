"""Words to begin with where nobody has written any: a heading, a sentence, what must appear."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import override

from templates_tx.contract import Contract, Field, Kind, Rows
from templates_tx.message_types import MessageType
from templates_tx.problems import Sources

_FILTERS = {
    Kind.MONEY: " | money",
    Kind.DATE: " | format_date",
    Kind.MOMENT: " | format_datetime",
    Kind.LINES: ' | join: ", "',
}


def starter(message_type: MessageType, language: str) -> Sources:
    """A template that may be saved as it is, in ``language`` as far as its words are known."""
    contract = message_type.contract
    with override(language):
        name = str(message_type.name).replace("{", "").replace("}", "")
        hello = _("Hello,")
        rows = [_row(contract, path) for path in contract.must_appear]
    has_shop = "shop.name" in contract.fields()
    subject = f"{{{{ shop.name }}}}: {name}" if has_shop else name
    html = [f"<h1>{_escaped(name)}</h1>", f"<p>{hello}</p>", *(row[0] for row in rows)]
    text = [name, "", hello, "", *(row[1] for row in rows)]
    if has_shop:
        text += ["", "--", "{{ shop.name }}"]
    return Sources(subject, "\n".join(html), "\n".join(text))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _row(contract: Contract, path: str) -> tuple[str, str]:
    """One value that must appear, in HTML and in text."""
    if (rows := contract.lists().get(path)) is not None:
        return _list(path, rows)
    field = contract.fields()[path]
    label, value = _label(field), f"{{{{ {path}{_FILTERS.get(field.kind, '')} }}}}"
    html, text = f"<p>{_escaped(label)}: {value}</p>", f"{label}: {value}"
    if field.kind == Kind.LINK:
        html = f'<p><a href="{{{{ {path} | safe_url }}}}">{_escaped(label)}</a></p>'
        text = f"{label}: {{{{ {path} | safe_url }}}}"
    elif field.kind == Kind.MULTILINE:
        html = f"<p>{{{{ {path} | newline_to_br }}}}</p>"
    if field.may_be_empty:
        html, text = (f"{{% if {path} %}}{each}{{% endif %}}" for each in (html, text))
    return html, text


def _label(field: Field) -> str:
    return str(field.label).replace("{", "").replace("}", "")


def _list(path: str, rows: Rows) -> tuple[str, str]:
    value = f"{{{{ {rows.item}.{rows.fields[0].name} }}}}"
    start, end = f"{{% for {rows.item} in {path} %}}", "{% endfor %}"
    return f"<ul>{start}<li>{value}</li>{end}</ul>", f"{start}{value}\n{end}"
