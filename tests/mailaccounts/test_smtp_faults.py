"""What becomes of every message when the server or the network fails.

Each test ends in a balance: every item that was pulled has exactly one outcome or was released,
and what the server stored is exactly what is ``sent``, or ``unknown``.
"""

import resource
import socket
import threading
import time
from collections import Counter

import pytest

from demo.sink_faults import Action, Fault, Stage
from mailaccounts.transports.base import AccountTrouble
from mailaccounts.transports.smtp import Smtp
from mailaccounts.transports.smtp_opening import Timeouts
from mailaccounts.transports.smtp_session import Session
from tests.smtp import (
    QUICK,
    FakeJournal,
    Run,
    make_account,
    make_certificate,
    make_outgoing,
    make_outgoings,
    sink,
)

HASTY = Timeouts(connect=2, command=0.2, opening=0.4, data=1, after_dot=0.4, quit=0.1)


def wait_until(condition):
    deadline = time.monotonic() + 2
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


# Drops


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_drop_in_the_middle_of_the_text_is_provably_not_sent(pipelining):
    """Each connection carries two messages and dies in the third one's text."""
    fault = Fault(Stage.BODY, Action.DROP, after=2)
    journal = FakeJournal(at_gate=lambda gate: time.sleep(0.01))
    with sink(faults=[fault], pipelining=pipelining) as server:
        run = Run(server, make_outgoings(30), journal)
        assert server.connections == 10
    assert run.trouble is None
    assert run.answers == {"sent": 20}
    assert len(run.journal.released) == 10


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_drop_in_a_large_text_is_provably_not_sent(pipelining):
    items = [large(), large()]
    fault = Fault(Stage.BODY, Action.DROP, times=1)
    with sink(faults=[fault], pipelining=pipelining) as server:
        run = Run(server, items)
    assert run.answers == {"sent": 1}
    assert run.journal.released == items[:1]


def large():
    return make_outgoing("z" * 70 + "\r\n" * 3_000_000)


def test_a_server_that_refuses_in_the_middle_of_a_large_text_is_heard():
    """Else the same message would be tried and dropped for ever."""
    fault = Fault(Stage.BODY, reply="552 5.3.4 Too much, stopped reading", times=1)
    items = [large(), *make_outgoings(2)]
    with sink(faults=[fault]) as server:
        run = Run(server, items)
    assert run.journal.answers == ["size", "sent", "sent"]
    assert run.journal.outcomes[0].phase == "body"


def test_an_answer_before_the_dot_means_that_the_dot_is_not_written():
    fault = Fault(Stage.BODY, reply="554 5.7.1 I have seen enough", times=1)
    journal = FakeJournal(at_gate=lambda gate: time.sleep(0.02))
    with sink(faults=[fault], record=True) as server:
        run = Run(server, make_outgoings(2), journal)
        first = b"".join(data for connection, data in server.heard if connection == 1)
    assert run.journal.answers == ["content", "sent"]
    assert b"\r\n.\r\n" not in first


def test_a_dot_that_could_not_leave_is_provably_not_sent(monkeypatch):
    """The connection dies between the look and the dot of the first message."""
    first = iter([True])

    def dies_then(session):
        if next(first, False):
            session.wire.sock.shutdown(socket.SHUT_WR)
        return True

    monkeypatch.setattr(Session, "is_quiet", dies_then)
    items = make_outgoings(3)
    with sink() as server:
        run = Run(server, items)
    assert run.answers == {"sent": 2}
    assert run.journal.released == items[:1]


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_drop_after_storing_leaves_that_one_unknown_and_the_rest_goes_on(pipelining):
    fault = Fault(Stage.STORED, Action.DROP, after=3)
    with sink(faults=[fault], pipelining=pipelining) as server:
        items = make_outgoings(10)
        run = Run(server, items)
        assert server.connections == 4
        assert server.store.count == 10
    assert run.trouble is None
    assert run.answers == {"sent": 7, "unknown": 3}
    assert {o.phase for o in run.journal.outcomes if o.answer == "unknown"} == {"dot"}
    assert run.journal.released == []


def test_a_drop_after_the_dot_before_storing_is_unknown_too():
    fault = Fault(Stage.DOT, Action.DROP, after=1)
    with sink(faults=[fault]) as server:
        run = Run(server, make_outgoings(4))
        assert server.store.count == 2
    assert run.answers == {"sent": 2, "unknown": 2}


def test_silence_after_the_dot_ends_at_the_limit():
    fault = Fault(Stage.STORED, Action.SILENCE, times=1)
    with sink(faults=[fault]) as server:
        run = Run(server, make_outgoings(3))
    assert run.answers == {"unknown": 1, "sent": 2}
    assert QUICK.after_dot <= run.seconds < QUICK.after_dot + 0.5
    assert run.journal.outcomes[0].text


def test_a_server_that_kills_every_connection_at_the_dot_is_left_alone_soon():
    with sink(faults=[Fault(Stage.STORED, Action.DROP)]) as server:
        run = Run(server, make_outgoings(10))
        assert server.connections == 2
    assert run.answers == {"unknown": 2}
    assert run.trouble.answer == "net"
    assert len(run.journal.released) == 1


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA])
@pytest.mark.parametrize("pipelining", [True, False])
def test_a_server_that_drops_every_connection_early_is_left_alone_soon(stage, pipelining):
    with sink(faults=[Fault(stage, Action.DROP)], pipelining=pipelining) as server:
        run = Run(server, make_outgoings(10))
        assert server.connections == 2
    assert run.trouble.answer == "net"
    assert (run.answers, len(run.journal.released)) == ({}, 1)


# Connections that end between messages


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_server_that_closes_after_n_messages_costs_no_attempt(pipelining):
    fault = Fault(Stage.MAIL, Action.DROP, after=3)
    with sink(faults=[fault], pipelining=pipelining) as server:
        run = Run(server, make_outgoings(10))
        assert server.connections == 4
    assert run.trouble is None
    assert run.answers == {"sent": 10}
    assert run.journal.released == []


def test_a_server_that_closes_behind_its_answer_costs_no_attempt():
    """The envelope of the next message has travelled already: it is said again elsewhere."""
    with sink(faults=[Fault(Stage.ANSWERED, Action.DROP, after=2)]) as server:
        run = Run(server, make_outgoings(7))
        assert server.connections == 4
    assert run.trouble is None
    assert run.answers == {"sent": 7}
    assert run.journal.released == []


def test_a_server_that_runs_out_of_patience_while_the_journal_works_gets_no_dot():
    items = make_outgoings(3)
    pauses = iter([0, 0.1, 0, 0])
    journal = FakeJournal(at_gate=lambda gate: time.sleep(next(pauses)))
    with sink(patience=0.05) as server:
        run = Run(server, items, journal)
    assert run.answers == {"sent": 2}
    assert run.journal.released == [items[1]]


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.ANSWERED])
@pytest.mark.parametrize("pipelining", [True, False])
def test_a_421_after_some_messages_brings_us_back_once(stage, pipelining):
    """Then the account rests: a server that says so wants fewer connections, not more."""
    after = 3
    fault = Fault(stage, reply="421 4.7.0 That is enough for now", after=after)
    with sink(faults=[fault], pipelining=pipelining) as server:
        run = Run(server, make_outgoings(20))
        assert server.connections == 2
    assert run.answers == {"sent": 6}
    assert (run.trouble.answer, run.trouble.code) == ("net", 421)
    assert len(run.journal.released) == 1


@pytest.mark.parametrize("stage", [Stage.GREETING, Stage.MAIL, Stage.RCPT])
def test_a_421_at_once_is_not_argued_with(stage):
    with sink(faults=[Fault(stage, reply="421 4.3.2 Not now")]) as server:
        run = Run(server, make_outgoings(5))
        assert server.connections == 1
    assert (run.trouble.answer, run.answers) == ("net", {})


# Servers that waste time and memory


@pytest.mark.parametrize(
    "stage", [Stage.GREETING, Stage.EHLO, Stage.AUTH, Stage.STARTTLS, Stage.MAIL, Stage.DATA]
)
@pytest.mark.parametrize("action", [Action.DRIP, Action.SILENCE, Action.BABBLE])
def test_no_trick_before_the_text_outlasts_the_deadline(stage, action, tmp_path):
    fault = Fault(stage, action, reply="220 " + "slow " * 50, pace=0.05)
    context = make_certificate(tmp_path)
    with sink(faults=[fault], users={"a": "b"}, tls=context) as server:
        tls = "starttls" if stage is Stage.STARTTLS else "none"
        account = {"username": "a", "password": "b", "tls": tls, "verify": False}
        run = Run(server, make_outgoings(2), timeouts=HASTY, **account)
        assert server.store.count == 0
    assert run.trouble.answer == "net"
    assert run.seconds < HASTY.opening + 0.4
    assert len(run.journal.released) == 1


def test_the_deadline_is_one_for_all_that_comes_before_the_text():
    """Each answer alone is quick enough; together they are not."""
    slowly = {"action": Action.DRIP, "pace": 0.015}
    faults = [
        Fault(Stage.GREETING, reply="220 nine bytes", **slowly),
        Fault(Stage.MAIL, reply="250 nine bytes", **slowly),
        Fault(Stage.RCPT, Action.SILENCE),
    ]
    with sink(faults=faults) as server:
        run = Run(server, make_outgoings(1), timeouts=Timeouts(command=0.4, opening=0.6))
    assert run.trouble.answer == "net"
    assert 0.5 < run.seconds < 0.75


def test_a_handshake_that_drips_ends_at_the_deadline():
    """Implicit TLS against a server that never says a word of it."""
    with sink(faults=[Fault(Stage.GREETING, Action.SILENCE)]) as server:
        run = Run(server, make_outgoings(1), tls="implicit")
    assert run.trouble.answer == "net"
    assert run.seconds < QUICK.opening + 0.5


def test_slow_servers_do_not_hold_up_a_good_one():
    slow = sink(faults=[Fault(Stage.GREETING, Action.DRIP, pace=0.05)])
    with slow as bad, sink() as good:
        account = make_account(bad.port)
        threads = [threading.Thread(target=stuck, args=(account,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert wait_until(lambda: bad.connections == 4)
        run = Run(good, make_outgoings(100))
        assert run.answers == {"sent": 100}
        assert any(thread.is_alive() for thread in threads)
        for thread in threads:
            thread.join()


def stuck(account):
    with pytest.raises(AccountTrouble):
        Smtp(account, QUICK).send(iter(make_outgoings(1)), FakeJournal())


ENDLESS = {
    "endless lines": b"220-and another thing\r\n" * 100_000,
    "a line of 10 MB": b"220 " + b"x" * 10_000_000,
    "binary": b"\x00\xff\x16\x03\x01" * 100 + b"\r\n",
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}


@pytest.mark.parametrize("stage", [Stage.GREETING, Stage.DOT])
@pytest.mark.parametrize("raw", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_answer_without_end_or_sense_is_cut_off(stage, raw):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with sink(faults=[Fault(stage, Action.RAW, raw=raw, times=1)]) as server:
        run = Run(server, make_outgoings(1))
    if stage is Stage.GREETING:
        assert run.trouble.answer == "net"
        assert len(run.trouble.text.encode()) <= 2048
    else:
        assert run.journal.answers == ["unknown"]
        assert len(run.journal.outcomes[0].text.encode()) <= 2048
    # The sink lives in this process too and holds its 10 MB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def test_hostile_words_in_an_answer_become_one_clean_line():
    raw = b"550-5.1.1 No\x1b[2J\r\n550 5.1.1 \xff\xfe\n"
    with sink(faults=[Fault(Stage.RCPT, Action.RAW, raw=raw, times=1)]) as server:
        run = Run(server, make_outgoings(2))
    text = run.journal.outcomes[0].text
    assert text == "No\\x1b[2J \ufffd\ufffd"
    assert run.journal.answers == ["recipient", "sent"]


# Greylisting, and everything at once


def test_greylisting_is_temporary_for_each_recipient():
    with sink(greylist=0.2) as server:
        items = make_outgoings(5)
        assert Run(server, items).answers == {"temporary": 5}
        time.sleep(0.25)
        assert Run(server, items).answers == {"sent": 5}


@pytest.mark.parametrize("seed", range(6))
def test_a_mixture_of_all_failures_keeps_the_balance(seed):
    shares = {
        Stage.MAIL: [Action.DROP, Action.REPLY],
        Stage.RCPT: [Action.REPLY],
        Stage.DATA: [Action.DROP, Action.REPLY],
        Stage.BODY: [Action.DROP],
        Stage.DOT: [Action.DROP, Action.REPLY],
        Stage.STORED: [Action.DROP],
        Stage.ANSWERED: [Action.DROP],
    }
    faults = [Fault(s, a, share=0.05) for s, actions in shares.items() for a in actions]
    items = make_outgoings(150)
    with sink(faults=faults, seed=seed, pipelining=seed % 2 == 0, delay=(0, 0.002)) as server:
        queue, journal = iter(items), FakeJournal()
        for _session in range(150):
            try:
                Smtp(make_account(server.port), QUICK).send(queue, journal)
                break
            except AccountTrouble:
                continue
        ended = Counter(o.delivery_id for o in journal.outcomes)
        back = Counter(i.delivery_id for i in journal.released)
        assert ended + back == Counter(i.delivery_id for i in items)
        sent = {str(o.delivery_id) for o in journal.outcomes if o.answer == "sent"}
        unsure = {str(o.delivery_id) for o in journal.outcomes if o.answer == "unknown"}
        stored = Counter(message.delivery for message in server.store.received)
        assert set(stored.values()) == {1}
        assert sent <= set(stored) <= sent | unsure
    assert len(sent) > 75
