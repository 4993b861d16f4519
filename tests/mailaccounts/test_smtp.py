"""The way of messages through a server that behaves, and the queue's side of it."""

import base64
import email
import email.policy
import time

import pytest

from demo.sink_faults import Action, Fault, Stage
from mailaccounts.transports import smtp_carrier
from mailaccounts.transports.parcels import Unsendable, stuffed
from mailaccounts.transports.smtp import Smtp
from mailaccounts.transports.smtp_opening import Timeouts
from tests.smtp import (
    QUICK,
    FakeJournal,
    arrived,
    carry,
    ids,
    independent_server,
    make_account,
    make_outgoing,
    make_outgoings,
    sink,
)

# The main path


@pytest.mark.parametrize("pipelining", [True, False])
def test_it_sends_all_items_in_order_over_one_connection(pipelining):
    items = make_outgoings(20)
    with sink(pipelining=pipelining) as server:
        journal, trouble = carry(server.port, items)
        assert trouble is None
        assert arrived(server) == ids(items)
        assert server.connections == 1
        assert [m.content for m in server.store.received] == [i.content for i in items]
    assert journal.answers == ["sent"] * 20
    assert journal.gates == items
    assert journal.released == []


def test_an_outcome_shares_its_commit_with_the_gate_of_the_next(monkeypatch):
    monkeypatch.setattr(smtp_carrier, "PATIENCE", 5)  # a busy computer must not make two of one
    items = make_outgoings(10)
    with sink() as server:
        journal, _trouble = carry(server.port, items)
    assert journal.commits == 11
    assert journal.steps[0] == (None, items[0])
    assert [gate for _done, gate in journal.steps[1:]] == [*items[1:], None]


def test_an_outcome_says_what_the_server_said():
    with sink() as server:
        journal, _trouble = carry(server.port, [make_outgoing()])
    outcome = journal.outcomes[0]
    assert (outcome.code, outcome.enhanced, outcome.phase) == (250, "2.0.0", "dot")
    assert outcome.text.startswith("Ok: queued as")
    assert outcome.server == f"127.0.0.1 [127.0.0.1]:{server.port}"
    assert outcome.tls == ""


def test_no_items_make_no_connection():
    with sink() as server:
        journal, trouble = carry(server.port, [])
        assert (server.connections, journal.commits, trouble) == (0, 0, None)


def test_the_gate_is_asked_when_the_text_is_there_and_its_dot_is_not():
    items = make_outgoings(3)
    seen = []
    with sink(record=True) as server:

        def at_gate(gate):
            time.sleep(0.05)
            heard = b"".join(data for _connection, data in server.heard)
            text = stuffed(gate.content)
            seen.append(heard.endswith(text) and arrived(server) == ids(items[: len(seen)]))

        carry(server.port, items, FakeJournal(at_gate=at_gate))
        reads = [data for _connection, data in server.heard]
    assert seen == [True, True, True]
    assert sum(data.startswith(b".\r\nMAIL FROM:") for data in reads) == 2, "travels with the dot"


def test_without_pipelining_every_command_waits_for_its_answer():
    with sink(pipelining=False, record=True) as server:
        carry(server.port, make_outgoings(3))
        reads = [data for _connection, data in server.heard]
    assert not [data for data in reads if data.count(b"MAIL FROM") and data.count(b"RCPT TO")]
    assert not [data for data in reads if data.startswith(b".\r\n") and len(data) > 3]


def test_an_independent_server_gets_every_byte():
    items = make_outgoings(5)
    with independent_server() as (handler, port):
        journal, trouble = carry(port, items)
    assert trouble is None
    assert journal.answers == ["sent"] * 5
    assert [e.original_content for e in handler.envelopes] == [i.content for i in items]
    assert [e.rcpt_tos for e in handler.envelopes] == [["anna@mail.example"]] * 5


HARD_TEXTS = [
    "\r\n.\r\n",
    ".",
    "..\r\n.",
    ".\r\nMAIL FROM:<evil@evil.example>\r\nRCPT TO:<victim@mail.example>\r\nDATA\r\n",
    "\0 NUL \0",
    "x" * 1_000_000,
    "\r\n" * 1000,
    "line\r\n.\r\n.\r\n..\r\nQUIT",
]


@pytest.mark.parametrize("text", HARD_TEXTS, ids=[repr(t[:12]) for t in HARD_TEXTS])
@pytest.mark.parametrize("pipelining", [True, False])
def test_no_text_becomes_a_command_or_a_second_message(text, pipelining):
    item, after = make_outgoing(text), make_outgoing()
    with sink(pipelining=pipelining) as server:
        journal, _trouble = carry(server.port, [item, after])
        assert [m.content for m in server.store.received] == [item.content, after.content]
    assert journal.answers == ["sent", "sent"]


def test_any_bytes_in_base64_come_back_as_they_were():
    original = b"\r\n.\r\n \n.\n \r.\r\n lone \r and \0 " + bytes(range(256))
    body = base64.encodebytes(original).decode().replace("\n", "\r\n")
    content = f"Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}".encode()
    with independent_server() as (handler, port):
        carry(port, [make_outgoing(content=content)])
    received = email.message_from_bytes(handler.envelopes[0].content, policy=email.policy.default)
    assert received.get_payload(decode=True) == original


def test_a_text_without_a_last_line_end_gets_one():
    with sink() as server:
        carry(server.port, [make_outgoing(content=b"Subject: x\r\n\r\nend")])
        assert server.store.received[0].content == b"Subject: x\r\n\r\nend\r\n"


UNSENDABLE = {
    "bare LF": {"content": b"Subject: x\r\n\r\na\n.\nb\r\n"},
    "bare CR": {"content": b"Subject: x\r\n\r\na\r.\r\nb\r\n"},
    "8-bit without a word": {"content": "Subject: ż\r\n\r\n".encode()},
    "command in the recipient": {"rcpt_to": "a@b.example>\r\nRCPT TO:<c@d.example"},
    "space in the recipient": {"rcpt_to": "a @b.example"},
    "bracket in the sender": {"mail_from": "a@b.example> SIZE=1"},
    "empty recipient": {"rcpt_to": ""},
    "letter outside ASCII": {"rcpt_to": "łucja@mail.example"},
}


@pytest.mark.parametrize("changes", UNSENDABLE.values(), ids=UNSENDABLE.keys())
def test_it_refuses_what_would_break_smtp_and_sends_the_rest(changes):
    bad = make_outgoing(**changes)
    items = [*make_outgoings(2), bad, *make_outgoings(2)]
    queue, journal = iter(items), FakeJournal()
    with sink(record=True) as server:
        transport = Smtp(make_account(server.port), QUICK)
        with pytest.raises(Unsendable) as refused:
            transport.send(queue, journal)
        assert refused.value.item is bad
        assert journal.answers == ["sent", "sent"]
        transport.send(queue, journal)
        assert arrived(server) == ids(i for i in items if i is not bad)
        heard = b"".join(data for _connection, data in server.heard)
    assert heard.count(b"MAIL FROM:") == heard.count(b"RCPT TO:") == 4, "it was not even named"
    assert bad not in journal.gates
    assert journal.released == []


# The queue's side


def test_a_slow_queue_does_not_keep_an_outcome_waiting():
    items = make_outgoings(3)

    def slowly():
        for item in items:
            yield item
            time.sleep(0.02)

    with sink() as server:
        journal, _trouble = carry(server.port, slowly())
    alone = [done for done, gate in journal.steps if done and gate is None]
    assert journal.answers == ["sent"] * 3
    assert len(alone) == 3


def test_a_slow_server_does_not_keep_an_outcome_waiting():
    """The answer to the next MAIL does not come: the outcome is committed meanwhile."""
    items, moments = make_outgoings(2), []

    class Timed(FakeJournal):
        def step(self, done, gate):
            moments.append(time.monotonic())
            return super().step(done, gate)

    journal = Timed()
    with sink(faults=[Fault(Stage.MAIL, Action.SILENCE, after=1)]) as server:
        _journal, trouble = carry(server.port, items, journal)
    assert [(done and done.answer, gate) for done, gate in journal.steps] == [
        (None, items[0]),
        ("sent", None),
    ]
    assert moments[1] - moments[0] < 0.3 < QUICK.command
    assert trouble.answer == "net"
    assert journal.released == [items[1]]


def test_a_large_text_does_not_keep_an_outcome_waiting():
    items = [make_outgoing(), make_outgoing("x\r\n" * 50_000)]
    with sink() as server:
        journal, _trouble = carry(server.port, items)
    assert [gate for _done, gate in journal.steps] == [items[0], None, items[1], None]


def test_a_closed_gate_ends_the_connection_without_the_dot():
    items = make_outgoings(3)
    with sink() as server:
        journal = FakeJournal(refuse=lambda gate: gate is items[1])
        _journal, trouble = carry(server.port, items, journal)
        assert arrived(server) == ids([items[0], items[2]])
        assert server.connections == 2
    assert trouble is None
    assert journal.released == [items[1]]
    assert journal.answers == ["sent", "sent"]


def test_a_gate_that_took_too_long_is_not_used():
    """The lease may be over, and somebody else may be sending the same message."""
    items = make_outgoings(2)
    slow = iter([0.3, 0.0])
    journal = FakeJournal(at_gate=lambda gate: time.sleep(next(slow)))
    with sink() as server:
        timeouts = Timeouts(gate=0.2)
        Smtp(make_account(server.port), timeouts).send(iter(items), journal)
        assert arrived(server) == ids(items[1:])
    assert journal.released == items[:1]


def test_a_journal_that_fails_leaves_the_dot_unwritten():
    items = make_outgoings(3)

    def at_gate(gate):
        if gate is items[1]:
            raise RuntimeError("database is gone")

    journal = FakeJournal(at_gate=at_gate)
    with sink() as server:
        with pytest.raises(RuntimeError):
            carry(server.port, items, journal)
        assert arrived(server) == ids(items[:1])
    assert journal.released == [items[1], items[2]]


def test_a_queue_that_fails_loses_no_outcome():
    items = make_outgoings(2)

    def failing():
        yield from items
        raise RuntimeError("cannot render")

    journal = FakeJournal()
    with sink() as server:
        with pytest.raises(RuntimeError):
            carry(server.port, failing(), journal)
        assert arrived(server) == ids(items[:1])
    assert journal.answers == ["sent"]
    assert journal.released == items[1:]


# What the server can and cannot carry


def test_a_message_over_the_announced_size_is_refused_without_mail():
    large = make_outgoing("x" * 2_000_000)
    items = [make_outgoing(), large, make_outgoing()]
    with sink(size=1_000_000, record=True) as server:
        journal, trouble = carry(server.port, items)
        heard = b"".join(data for _connection, data in server.heard)
    assert trouble is None
    assert journal.answers == ["sent", "size", "sent"]
    assert heard.count(b"MAIL FROM") == 2
    refused = journal.outcomes[1]
    digits = refused.text.translate({ord(c): None for c in ",.\xa0\u202f "})
    assert str(len(large.content)) in digits
    assert "1000000" in digits


def test_eight_bit_text_needs_a_server_that_takes_it():
    item = make_outgoing("Zażółć", eight_bit=True)
    with sink(eight_bit=False, record=True) as server:
        journal, _trouble = carry(server.port, [item, make_outgoing()])
        assert b"BODY=8BITMIME" not in b"".join(data for _connection, data in server.heard)
    assert journal.answers == ["capability", "sent"]
    with sink() as server:
        journal, _trouble = carry(server.port, [item])
        assert server.store.received[0].content == item.content
    assert journal.answers == ["sent"]


def test_an_address_outside_ascii_needs_a_server_that_knows_such():
    item = make_outgoing(rcpt_to="łucja@mail.example", needs_smtputf8=True)
    with sink(record=True) as server:
        journal, _trouble = carry(server.port, [item])
        assert b"MAIL FROM" not in b"".join(data for _connection, data in server.heard)
    assert journal.answers == ["capability"]
    with independent_server(enable_SMTPUTF8=True) as (handler, port):
        journal, _trouble = carry(port, [item])
        assert handler.envelopes[0].rcpt_tos == ["łucja@mail.example"]
    assert journal.answers == ["sent"]
