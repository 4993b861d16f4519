"""The sink: what it stores and when, how strict it is, and how it runs as a process."""

import json
import signal
import smtplib
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo import sink_store
from demo.sink_faults import Action, Fault, Stage
from tests.smtp import LOOPBACK, make_outgoing, sink

ROOT = Path(__file__).resolve().parents[2]


def deliver(port, *items):
    """Send with the standard library: a client that is not ours."""
    with smtplib.SMTP(LOOPBACK, port, local_hostname="test") as client:
        for item in items:
            client.sendmail(item.mail_from, [item.rcpt_to], item.content)


def talk(port, *writes):
    """Write raw bytes and return all that was answered until the sink closed or fell silent."""
    with socket.create_connection((LOOPBACK, port), timeout=0.3) as sock:
        for data in writes:
            sock.sendall(data)
        heard = b""
        try:
            while data := sock.recv(4096):
                heard += data
        except (TimeoutError, ConnectionResetError):
            pass
    return heard


def test_it_keeps_a_message_byte_by_byte(tmp_path):
    item = make_outgoing(".\r\n..two\r\nthree")
    with sink(folder=tmp_path) as server:
        deliver(server.port, item)
    (received,) = sink_store.read(tmp_path)
    assert received.content == item.content
    assert (received.mail_from, received.rcpt_to) == (item.mail_from, (item.rcpt_to,))
    assert received.message_id == f"<{item.delivery_id}@shop.example>"
    assert received.delivery == str(item.delivery_id)
    assert abs(received.received_at - time.time()) < 60


def test_it_counts_arrivals_by_message_id(tmp_path):
    first, second = make_outgoing(), make_outgoing()
    with sink(folder=tmp_path) as server:
        deliver(server.port, first, second, first)
        assert (server.store.count, server.store.duplicates) == (3, 1)
    counts = sink_store.arrivals(tmp_path)
    assert counts[f"<{first.delivery_id}@shop.example>"] == 2
    assert counts.total() == 3


def test_a_message_that_is_still_being_written_is_not_seen(tmp_path):
    with sink(folder=tmp_path) as server:
        deliver(server.port, make_outgoing())
    (tmp_path / "9999999999999999999-2.eml").write_bytes(b"Subject: x")
    assert len(list(sink_store.read(tmp_path))) == 1
    (tmp_path / "9999999999999999999-2.json").write_bytes(b"")
    assert len(list(sink_store.read(tmp_path))) == sink_store.arrivals(tmp_path).total() == 1


def test_a_folded_message_id_is_read():
    content = (
        b"Subject: x\r\nMessage-ID:\r\n <folded@shop.example>\r\n\r\nMessage-ID: <no@body>\r\n"
    )
    with sink() as server:
        deliver(server.port, make_outgoing(content=content))
        assert server.store.received[0].message_id == "<folded@shop.example>"


def test_it_stores_before_it_answers(tmp_path):
    """Whoever is killed while waiting for the answer has sent the message."""
    with sink(folder=tmp_path, delay=(0.3, 0.3)) as server:
        started = time.monotonic()
        seen = []

        class Client(smtplib.SMTP):
            def getreply(self):
                if self.in_text:
                    time.sleep(0.1)
                    seen.append((len(list(tmp_path.glob("*.json"))), time.monotonic() - started))
                return super().getreply()

            in_text = False

            def data(self, msg):
                code, reply = self.docmd("data")
                self.send(msg + b".\r\n")
                self.in_text = True
                answer = self.getreply()
                self.in_text = False
                return answer

        with Client(LOOPBACK, server.port, local_hostname="test") as client:
            client.sendmail("a@b.example", ["c@d.example"], b"Subject: x\r\n\r\nx\r\n")
        assert seen[0][0] == 1
        assert seen[0][1] < 0.3 < time.monotonic() - started


ENVELOPE = b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"


@pytest.mark.parametrize(
    "text",
    [b"a\n.\nb\r\n.\r\n", b"a\r.\r\nb\r\n.\r\n", b"a\n\r\n.\r\n", b"a\r\r\n.\r\n"],
)
def test_it_refuses_a_bare_line_end_in_the_text(text):
    with sink() as server:
        assert b"521 5.5.2" in talk(server.port, ENVELOPE, text)
        assert server.store.count == 0


def test_it_refuses_a_bare_line_end_in_a_command():
    with sink() as server:
        assert b"521 5.5.2" in talk(server.port, b"EHLO x\nMAIL FROM:<a@b.example>\r\n")


def test_commands_of_one_write_are_answered_in_order():
    with sink() as server:
        heard = talk(server.port, ENVELOPE + b"Subject: x\r\n\r\nx\r\n.\r\nRSET\r\nQUIT\r\n")
        assert server.store.count == 1
    codes = [line[:3] for line in heard.split(b"\r\n") if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"250", b"250", b"354", b"250", b"250", b"221"]


@pytest.mark.parametrize(
    ("commands", "answer"),
    [
        (b"RCPT TO:<c@d.example>\r\n", b"503"),
        (b"DATA\r\n", b"503"),
        (b"MAIL FROM:<a@b.example>\r\nDATA\r\n", b"503"),
        (b"MAIL FROM:<a@b.example>\r\nMAIL FROM:<a@b.example>\r\n", b"503"),
        (b"MAIL FROM:a@b.example\r\n", b"501"),
        (b"MAIL FROM:<a@b.example> SIZE=99999999999\r\n", b"552"),
        (b"VRFY anna\r\n", b"500"),
        (b"x" * 5000, b"500"),
    ],
)
def test_it_takes_commands_in_order_only(commands, answer):
    with sink() as server:
        lines = talk(server.port, b"EHLO x\r\n" + commands).split(b"\r\n")
        assert lines[-2].startswith(answer)


def test_undeclared_8_bit_text_is_refused():
    with sink() as server:
        assert b"554 5.6.3" in talk(server.port, ENVELOPE, b"\xc5\xbc\r\n.\r\n")


def test_a_fault_strikes_as_often_as_it_says():
    fault = Fault(Stage.RCPT, reply="550 5.1.1 No", recipient="c@d.example", times=1)
    with sink(faults=[fault]) as server:
        rcpt = b"RCPT TO:<e@f.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<c@d.example>\r\n"
        heard = talk(server.port, b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n" + rcpt)
    assert [line[:3] for line in heard.split(b"\r\n")[-4:-1]] == [b"250", b"550", b"250"]


def test_a_fault_can_be_for_some_connections_only():
    fault = Fault(Stage.GREETING, Action.DROP, connections=frozenset({2}))
    with sink(faults=[fault]) as server:
        answers = [talk(server.port, b"QUIT\r\n")[:3] for _ in range(3)]
    assert answers == [b"220", b"", b"220"]


@contextmanager
def process(*arguments):
    command = [sys.executable, "-m", "demo.sink", *arguments]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def test_as_a_process_it_says_its_port_first_and_its_counts_last(tmp_path):
    store, announce = tmp_path / "mail", tmp_path / "where.json"
    listing = tmp_path / "list"
    options = ["--port=0", "--delay=1-2", f"--store={store}", f"--list={listing}"]
    with process(*options, f"--announce={announce}") as running:
        where = json.loads(running.stdout.readline())
        assert json.loads(announce.read_text()) == where
        item = make_outgoing()
        deliver(where["port"], item, item)
        running.send_signal(signal.SIGTERM)
        assert json.loads(running.stdout.readline()) == {"received": 2, "duplicates": 1}
        assert running.wait(5) == 0
    assert [message.content for message in sink_store.read(store)] == [item.content] * 2
    assert [line["delivery"] for line in sink_store.listed(listing)] == [str(item.delivery_id)] * 2


@pytest.mark.parametrize("delay", ["x", "5-2", "-1", "1-"])
def test_a_wrong_delay_is_named(delay):
    with process(f"--delay={delay}") as running:
        if delay == "1-":  # means 1-1
            assert json.loads(running.stdout.readline())["port"]
        else:
            assert running.wait(10) == 2
