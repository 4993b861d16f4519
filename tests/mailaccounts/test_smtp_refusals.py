"""What becomes of a message that the server refuses, and of the session it was refused in."""

import pytest

from demo.sink_faults import Action, Fault, Stage
from tests.smtp import Run, make_outgoings, sink

# Refusals: 8 codes x 7 points of a session (the same table as test_answers.py, on the wire)

CODES = (450, 451, 452, 454, 550, 552, 553, 554)
MATRIX = {
    Stage.GREETING: ["net"] * 8,
    Stage.EHLO: ["net"] * 8,
    Stage.AUTH: ["net"] * 4 + ["auth"] * 4,
    Stage.MAIL: ["temporary"] * 4 + ["auth", "size", "auth", "auth"],
    Stage.RCPT: ["temporary"] * 4 + ["recipient", "mailbox_full", "recipient", "content"],
    Stage.DATA: ["temporary"] * 4 + ["content", "size", "recipient", "content"],
    Stage.DOT: ["temporary"] * 4 + ["content", "size", "recipient", "content"],
}
CASES = [
    pytest.param(stage, code, answer, id=f"{code}-at-{stage}")
    for stage, row in MATRIX.items()
    for code, answer in zip(CODES, row, strict=True)
]


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "one-by-one"])
@pytest.mark.parametrize(("stage", "code", "answer"), CASES)
def test_a_refusal_ends_the_message_or_stops_the_account(stage, code, answer, pipelining):
    times = 2 if stage is Stage.EHLO else 1  # EHLO and then HELO
    fault = Fault(stage, reply=f"{code} Scripted", times=times)
    with sink(faults=[fault], users={"a": "b"}, pipelining=pipelining) as server:
        run = Run(server, make_outgoings(3), username="a", password="b")
        if answer in ("net", "auth"):
            assert (run.trouble.answer, run.trouble.code) == (answer, code)
            assert run.answers == {}
            assert len(run.journal.released) == 1
        else:
            assert run.trouble is None
            assert run.journal.answers == [answer, "sent", "sent"]
            refused = run.journal.outcomes[0]
            assert (refused.code, refused.text, refused.phase) == (code, "Scripted", str(stage))
            assert server.connections == 1


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("reply", ["550 5.4.5 Daily user sending quota exceeded", "432 4.3.2 Slow"])
@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA])
def test_a_used_up_quota_fails_no_message(stage, reply, pipelining):
    fault = Fault(stage, reply=reply, after=2)
    with sink(faults=[fault], pipelining=pipelining) as server:
        run = Run(server, make_outgoings(5))
    assert run.trouble.answer == "quota"
    assert run.answers == {"sent": 2}
    assert len(run.journal.released) == 1


def test_a_quota_said_at_the_dot_is_kept_as_an_attempt_and_stops_the_account():
    fault = Fault(Stage.DOT, reply="452 4.5.3 Try again in 60 seconds", after=2)
    with sink(faults=[fault]) as server:
        run = Run(server, make_outgoings(5))
    assert run.answers == {"sent": 2, "quota": 1}
    assert (run.trouble.answer, run.trouble.retry_after) == ("quota", 70)
    assert len(run.journal.released) == 1, "the next one, whose envelope travelled along"


def test_refused_recipients_among_good_ones_cost_them_nothing():
    items = make_outgoings(30)
    for n in (0, 1, 7, 15, 29):
        items[n] = make_outgoings(1, rcpt_to="gone@mail.example")[0]
    fault = Fault(Stage.RCPT, reply="550 5.1.1 No such user", recipient="gone@mail.example")
    for pipelining in (True, False):
        with sink(faults=[fault], pipelining=pipelining) as server:
            run = Run(server, items)
            assert (run.trouble, server.connections) == (None, 1)
        assert run.answers == {"sent": 25, "recipient": 5}
        assert [n for n, a in enumerate(run.journal.answers) if a == "recipient"] == [
            0,
            1,
            7,
            15,
            29,
        ]


@pytest.mark.parametrize("dot_reply", ["554 5.5.1 No valid recipients", "250 2.0.0 Ok"])
def test_data_taken_without_a_recipient_is_ended_by_a_lone_dot(dot_reply):
    """RFC 2920: DATA was pipelined, the only recipient refused, and the answer is 354."""
    faults = [
        Fault(Stage.RCPT, reply="550 5.1.1 No", accept_data=True, times=1),
        Fault(Stage.DOT, reply=dot_reply, times=1),
    ]
    with sink(faults=faults) as server:
        run = Run(server, make_outgoings(3))
        assert server.connections == 1
    assert run.journal.answers == ["recipient", "sent", "sent"]
    assert len(run.journal.gates) == 2


@pytest.mark.parametrize("reply", ["550 5.5.4 Unknown parameter", "450 4.3.0 Not now"])
def test_data_taken_after_a_refused_sender_is_left_by_closing(reply):
    """354 to the DATA of a refused MAIL: no dot of ours may make a message of that."""
    faults = [
        Fault(Stage.MAIL, action=Action.RAW, raw=reply.encode() + b"\r\n", times=1),
        Fault(Stage.RCPT, action=Action.RAW, raw=b"250 Ok\r\n", times=1),
        Fault(Stage.DATA, action=Action.RAW, raw=b"354 Go\r\n", times=1),
    ]
    with sink(faults=faults, record=True) as server:
        run = Run(server, make_outgoings(3))
        first = b"".join(data for connection, data in server.heard if connection == 1)
    assert first.endswith(b"DATA\r\n")
    if reply.startswith("5"):
        assert run.trouble.answer == "auth"
    else:
        assert run.journal.answers == ["temporary", "sent", "sent"]
