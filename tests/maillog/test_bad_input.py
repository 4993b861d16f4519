"""Bad input at every real door: a refusal that names the field, or the right bytes on the wire.

The rules for one value are held by the tests of its module; these hold the doors to the wire.
``doors.Stage`` sees to it each time that nothing is lost, doubled or added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from demo.sink import Sink
from maillog.models import Delivery, MailMessage
from maillog.outbox import Recipient
from maillog.states import Reason, State
from shops.models import Order
from tests import factories
from tests.maillog.doors import (
    ADDRESS_DOORS,
    ANNA,
    HEADER_DOORS,
    LINK_DOORS,
    NAME_DOORS,
    NOTE_DOORS,
    SUBJECT_DOORS,
    TEXT_DOORS,
    Door,
    Stage,
    all_say,
    meant,
    quoted,
    typed,
)
from tests.smtp import sink

pytestmark = pytest.mark.django_db

LINK = "https://inpost.example/sledzenie?number=620"
MEGABYTE = "x" * 1_000_000
BREAKS = {
    "CRLF": "\r\n",
    "a lone CR": "\r",
    "a lone LF": "\n",
    "U+2028": "\u2028",
    "U+0085": "\x85",
    "a vertical tab": "\x0b",
}
LOST = {"NUL": "\0", "half a character": "\ud800"}
# What breaks a line or is no text, one by one where it is refused.
BROKEN = {kind: f"Anna{mark}Bcc: x@evil.example" for kind, mark in BREAKS.items()}
HOLED = {kind: f"An{mark}na {kind}" for kind, mark in LOST.items()}
# What is typed, and what is meant by it, where it arrives.
MENDED = {
    "a header": ("Anna\r\nBcc: x@evil.example", "Anna Bcc: x@evil.example"),
    "every break": ("A\r\nB\rC\nD\u2028E\x85F\x0bG", "A B C D E F G"),
}
REPLACED = {"no text": ("An\0n\ud800a", "An\ufffdn\ufffda")}
# In two encoded words Python's own parser reads a blank between them (gh-128110).
ENCODED = '=?utf-8?q?Bcc?= "żó", 📦 <x@evil.pl>'
SIGNS = {
    each: (each, each)
    for each in ("Smith, John", 'Jo "J\\" <eve@evil.example> (a comment)', ENCODED)
}
EMPTY = {"nothing": ("", ""), "blanks": ("  ", "")}
SMUGGLED = "x\n.\nMAIL FROM:<x@evil.example>\nRCPT TO:<y@evil.example>\nDATA"
DOTS = "x\n.\n..\n.x\n--=_a\nBcc: x@evil.example\n\ny"
TEXTS = {
    "every break": ("A\r\nB\rC\nD\u2028E\x85F\x0bG", "A\nB\nC\nD\u2028E\x85F\x0bG"),
    "the end of DATA": (SMUGGLED.replace("\n", "\r\n"), SMUGGLED),
    "dots and a boundary": (DOTS, DOTS),
}
BAD_ADDRESSES = {
    **{kind: f"anna{mark}{kind[0]}@klient.example" for kind, mark in {**BREAKS, **LOST}.items()},
    "a command": f"{ANNA}>\r\nRCPT TO:<eve@evil.example",
    "two of them": f"{ANNA}, eve@evil.example",
    "a quoted local part": '"anna maria"@klient.example',
    "a quoted @": '"eve@evil.example> "@klient.example',
    "a comment": "anna(to eve)@klient.example",
    "a comment in front": f"(eve@evil.example){ANNA}",
    "a route": f"<@evil.example:{ANNA}>",
    "a bracket": f"{ANNA}> SIZE=1",
    "a backslash": "anna\\@klient.example",
    "a literal": "anna@[127.0.0.1]",
}
GOOD_ADDRESSES = {
    "ewa@żółw.example": "ewa@xn--w-uga1v8h.example",
    " Ewa.O'Neil+shop@KLIENT.example\r\n": "Ewa.O'Neil+shop@klient.example",
}
UTF8_LOCAL = "łucja@klient.example"
CONTROL = "contains a line break or another control character"
NO_TEXT = "holds a character that is no text"


@pytest.fixture(scope="module")
def server() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture(scope="module")
def server_for_utf8() -> Iterator[Sink]:
    with sink(smtputf8=True) as running:
        yield running


@pytest.fixture
def set_up(settings: Any, tmp_path: Path) -> Callable[[Sink], Stage]:
    """Makes the stage before a server, which Django's own mail goes to as well."""
    settings.MAILERS = {"default": {"BACKEND": "maillog.backends.OutboxBackend"}}

    def made(server: Sink) -> Stage:
        settings.SYSTEM_SENDER_URL = f"smtp://127.0.0.1:{server.port}"
        return Stage(server, tmp_path)

    return made


@pytest.fixture
def stage(set_up: Callable[[Sink], Stage], server: Sink) -> Stage:
    return set_up(server)


LENIENT_DOORS = [each for each in ADDRESS_DOORS if each != "send_message"]
NAMES = {**MENDED, **REPLACED, **SIGNS, **EMPTY}
# One string for name and address is read as one: what breaks the name is refused with it.
NAMES_BY_DOOR = {
    **dict.fromkeys(NAME_DOORS, NAMES),
    "send_message": {**MENDED, **SIGNS, **EMPTY},
    "send_mail": {**SIGNS, **EMPTY},
}
LINES = {**MENDED, ENCODED: (ENCODED, ENCODED)}
LINES_BY_DOOR = {**dict.fromkeys(SUBJECT_DOORS, {**LINES, **REPLACED}), "send_message": LINES}
TEXTS_BY_DOOR = {
    **dict.fromkeys(TEXT_DOORS, {**TEXTS, **REPLACED}),
    "send_message": TEXTS,
    "the note form": TEXTS,
}


@pytest.mark.parametrize("door", NAME_DOORS)
def test_a_display_name_arrives_as_one_name_of_one_recipient(stage: Stage, door: str) -> None:
    table = NAMES_BY_DOOR[door]
    mails = stage.arrivals(NAME_DOORS[door], typed(table))
    assert {kind: mail.names for kind, mail in mails.items()} == {
        kind: [name] for kind, name in meant(table).items()
    }


@pytest.mark.parametrize("door", SUBJECT_DOORS)
def test_a_subject_arrives_as_one_line(stage: Stage, door: str) -> None:
    act, pattern = SUBJECT_DOORS[door]
    table = LINES_BY_DOOR[door]
    mails = stage.arrivals(act, typed(table))
    assert {kind: mail.subject for kind, mail in mails.items()} == meant(table, pattern)


@pytest.mark.parametrize("door", TEXT_DOORS)
def test_a_text_arrives_line_by_line(stage: Stage, door: str) -> None:
    table = TEXTS_BY_DOOR[door]
    mails = stage.arrivals(TEXT_DOORS[door], typed(table))
    for kind, text in meant(table).items():
        assert f"\n{text}\n" in f"\n{mails[kind].text}"


def test_an_emoji_subject_of_any_length_survives_its_folds(stage: Stage) -> None:
    subjects = ["Paczka " + "x" * length + "📦📦" for length in range(44, 54)]
    subjects += ["📦" * length for length in (11, 12, 13, 900)]
    mails = stage.arrivals(SUBJECT_DOORS["queue"][0], {each: each for each in subjects})
    assert [mail.subject for mail in mails.values()] == subjects


# The number of an order has at most 60 characters.
@pytest.mark.parametrize("door", [each for each in SUBJECT_DOORS if each != "Order.place"])
def test_an_endless_subject_is_cut_to_900_characters(stage: Stage, door: str) -> None:
    act, pattern = SUBJECT_DOORS[door]
    mails = stage.arrivals(act, {"": "📦" * 1200})
    assert mails[""].subject == pattern.format("📦" * 1200)[:900]


def test_bytes_in_a_form_that_are_no_text_arrive_as_replacement_signs(stage: Stage) -> None:
    mails = stage.arrivals(TEXT_DOORS["the note form"], {"": "An\ud800na"})
    assert "An\ufffd\ufffd\ufffdna\n" in mails[""].text


@pytest.mark.parametrize("door", ["queue", "send_mail"])
def test_a_line_of_a_megabyte_arrives_whole(stage: Stage, door: str) -> None:
    mails = stage.arrivals(TEXT_DOORS[door], {"": MEGABYTE})
    assert mails[""].text == MEGABYTE + "\n"


@pytest.mark.parametrize(
    ("door", "told"),
    [
        ("notify", "context.text: longer than 200000 characters"),
        ("send_message", "has more than 1000000 characters"),
        ("Order.write_note", "context.text: longer than 200000 characters"),
        ("the note form", '{"text": [{"message": "Ensure this value has at most 5000'),
    ],
)
def test_a_line_of_a_megabyte_is_refused_by_name(stage: Stage, door: str, told: str) -> None:
    assert told in stage.refusals(TEXT_DOORS[door], {"": MEGABYTE})[""]


def test_send_mail_refuses_a_broken_name_beside_its_address(stage: Stage) -> None:
    told = stage.refusals(NAME_DOORS["send_mail"], {**BROKEN, **HOLED})
    assert all_say(told, ANNA, "it contains a line break or a control character")


@pytest.mark.parametrize(
    ("option", "door"),
    [("--name", NAME_DOORS["send_message"]), ("--context", TEXT_DOORS["send_message"])],
)
def test_send_message_refuses_what_is_no_text(stage: Stage, option: str, door: Door) -> None:
    assert all_say(stage.refusals(door, HOLED), f"{option}: ", NO_TEXT)


@pytest.mark.parametrize("door", LENIENT_DOORS)
def test_what_is_no_single_address_is_refused_and_shown(stage: Stage, door: str) -> None:
    told = stage.refusals(ADDRESS_DOORS[door], BAD_ADDRESSES)
    assert all_say(told, "is not an e-mail address we can use")
    assert set(Delivery.objects.values_list("reason", flat=True)) == {Reason.BAD_ADDRESS}


def test_send_message_refuses_what_is_no_single_address_under_its_option(stage: Stage) -> None:
    addresses = {**BAD_ADDRESSES, "beyond ASCII": UTF8_LOCAL}
    assert all_say(stage.refusals(ADDRESS_DOORS["send_message"], addresses), "--to: ")


@pytest.mark.parametrize("door", ADDRESS_DOORS)
def test_an_address_arrives_in_its_wire_form(stage: Stage, door: str) -> None:
    stage.arrivals(ADDRESS_DOORS[door], GOOD_ADDRESSES)
    found = [each.rcpt_to for each in stage.server.store.received]
    assert sorted(found) == sorted((each,) for each in GOOD_ADDRESSES.values())


@pytest.mark.parametrize("door", LENIENT_DOORS)
def test_a_local_part_beyond_ascii_is_refused_without_smtputf8(stage: Stage, door: str) -> None:
    told = stage.refusals(ADDRESS_DOORS[door], {"": UTF8_LOCAL})
    assert "addresses with letters outside ASCII (SMTPUTF8)" in told[""]


@pytest.mark.parametrize("door", LENIENT_DOORS)
def test_a_local_part_beyond_ascii_leaves_as_it_is_with_smtputf8(
    set_up: Callable[[Sink], Stage], server_for_utf8: Sink, door: str
) -> None:
    stage = set_up(server_for_utf8)
    mails = stage.arrivals(ADDRESS_DOORS[door], {"": UTF8_LOCAL})
    assert mails[""].to[0][1] == UTF8_LOCAL
    assert server_for_utf8.store.received[0].rcpt_to == (UTF8_LOCAL,)


@pytest.mark.parametrize("door", HEADER_DOORS)
def test_a_header_is_refused_under_its_name(stage: Stage, door: str) -> None:
    names = {kind: f"X-A{mark}Bcc" for kind, mark in {**BREAKS, **LOST}.items()}
    names |= {"a colon": "X-A: 1\r\nBcc", "no name": "X-", "letters": "X-Żółw"}
    told = stage.refusals(HEADER_DOORS[door], names)
    assert all_say(told, "X-", ": is not a header that may be set")
    assert set(Delivery.objects.values_list("reason", flat=True)) == {Reason.NONE}


@pytest.mark.parametrize("door", NOTE_DOORS)
def test_a_broken_value_of_a_header_is_refused_under_its_name(stage: Stage, door: str) -> None:
    assert all_say(stage.refusals(NOTE_DOORS[door], BROKEN), f"X-Note: {CONTROL}")


@pytest.mark.parametrize("door", NOTE_DOORS)
def test_a_value_of_a_header_arrives_as_typed(stage: Stage, door: str) -> None:
    table = {**REPLACED, **SIGNS}
    mails = stage.arrivals(NOTE_DOORS[door], typed(table))
    assert {kind: mail.note for kind, mail in mails.items()} == meant(table)


def test_an_address_for_answers_is_left_out_where_it_is_blank_and_else_named(stage: Stage) -> None:
    def door(stage: Stage, value: str) -> None:
        stage.queue(reply_to=value)

    told = stage.refusals(door, {**BROKEN, "a megabyte": MEGABYTE})
    assert all_say(told, "Reply-To: ")
    assert stage.arrivals(door, {"blanks": "  "})


@pytest.mark.parametrize("address", ["Anna\0Bcc <eve@klient.example>", "(x)eve@klient.example"])
def test_one_bad_recipient_of_three_costs_the_others_nothing(stage: Stage, address: str) -> None:
    stage.mail("x", "x", ANNA, address, quoted("Smith, John").replace("anna", "john"))
    mails = stage.deliver().values()
    named = [("", ANNA), ("Smith, John", "john@klient.example")]
    assert [mail.to for mail in mails] == [named, named]
    [bad] = Delivery.objects.filter(state=State.FAILED)
    assert bad.reason == Reason.BAD_ADDRESS


def test_a_bad_name_of_one_recipient_costs_the_others_nothing(stage: Stage) -> None:
    stage.queue(recipients=(Recipient(ANNA, "An\r\nna"), Recipient("jan@klient.example", "Jan")))
    assert [mail.names for mail in stage.deliver().values()] == [["An na", "Jan"]] * 2


@pytest.mark.parametrize("mark", [*BREAKS.values(), *LOST.values()])
def test_what_send_mail_is_given_besides_never_raises(stage: Stage, mark: str) -> None:
    kind = {"X-Postroom-Type": f"system.{mark}"}
    file = (f"an{mark}hang.txt", f"x{mark}", "text/csv")
    stage.mail(headers=kind, reply_to=[f"an{mark}na@x.example"], attachments=[file])
    mails = list(stage.deliver().values())
    if mark in LOST.values():
        assert [mail.files for mail in mails] == [["an\ufffdhang.txt"]]
    else:
        assert MailMessage.objects.get().detail == f"attachment name: {CONTROL}"


@pytest.mark.parametrize("mark", LOST.values())
def test_a_language_that_is_no_text_is_taken_for_the_shops(stage: Stage, mark: str) -> None:
    mails = stage.arrivals(lambda stage, language: stage.notify(language=language), {"": mark})
    assert mails[""].subject == "Wiadomość ze sklepu Rowerownia"


@pytest.mark.parametrize("door", LINK_DOORS)
def test_a_broken_tracking_link_is_refused_at_its_field(stage: Stage, door: str) -> None:
    links = {kind: f"{LINK}{mark}Bcc: x@evil.example" for kind, mark in BREAKS.items()}
    assert all_say(stage.refusals(LINK_DOORS[door], links), "tracking_url", "Enter the whole link")


def test_the_parcels_number_and_carrier_stay_in_the_text(stage: Stage) -> None:
    def door(stage: Stage, value: str) -> None:
        stage.form("ship", tracking_url=f"{LINK}-{uuid4()}", tracking_number=value, carrier=value)

    mails = stage.arrivals(door, typed(MENDED))
    assert all(mail.text.count("Bcc: x@evil.example") == 2 for mail in [mails["a header"]])


def test_no_text_of_an_order_stops_it(stage: Stage) -> None:
    mark = "".join(LOST.values())
    texts = {"number": f"1{mark}", "payer_name": mark, "note": mark, "recipient_address": mark}
    customer = factories.make_customer(stage.shop, first_name=f"An{mark}na", last_name=mark)
    goods = factories.some_lines()[0]
    goods.name = mark
    order = Order.place(factories.order_draft(stage.shop, customer, **texts), [goods])
    order.ship(LINK, tracking_number=mark, carrier=mark)
    mails = stage.deliver().values()
    assert [mail.names for mail in mails] == [["An\ufffd\ufffdna \ufffd\ufffd"]] * 2
    assert all("1\ufffd\ufffd" in mail.subject for mail in mails)
