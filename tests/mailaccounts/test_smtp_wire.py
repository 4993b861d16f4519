"""Reading replies and writing bytes, against the other end of a socket pair."""

import socket
import time

import pytest

from mailaccounts.transports.parcels import stuffed
from mailaccounts.transports.smtp_wire import LONGEST_REPLY, Gone, Look, NotWritten, TooSlow, Wire


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Wire(ours), theirs


def soon(seconds=0.2):
    return time.monotonic() + seconds


def test_replies_of_one_read_come_out_in_order(ends):
    wire, theirs = ends
    theirs.sendall(b"250 one\r\n250-two\r\n250-more\r\n250 end\r\n354\r\n550 5.1.1 no\n")
    replies = [wire.reply(soon()) for _ in range(4)]
    assert [r.code for r in replies] == [250, 250, 354, 550]
    assert [r.text for r in replies] == ["one", "two more end", "", "no"]
    assert replies[3].enhanced == "5.1.1"


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_reply_may_be_cut_anywhere(ends, cut):
    wire, theirs = ends
    whole = b"250-first\r\n250 second\r\n"
    theirs.sendall(whole[:cut])
    if cut < len(whole):
        with pytest.raises(TooSlow):
            wire.reply(soon(0.001))
        theirs.sendall(whole[cut:])
    assert wire.reply(soon()).text == "first second"


def test_the_deadline_holds_for_the_whole_reply_not_for_each_byte(ends):
    wire, theirs = ends
    started = time.monotonic()
    theirs.sendall(b"220-drip\r\n" * 3)
    with pytest.raises(TooSlow):
        wire.reply(soon(0.1))
    assert 0.1 <= time.monotonic() - started < 0.2


@pytest.mark.parametrize("endless", [b"220-more\r\n", b"x" * 10, b"2"])
def test_an_endless_reply_is_given_up_at_64_kib(ends, endless):
    wire, theirs = ends
    theirs.setblocking(False)
    data = b"220-" + endless * (2 * LONGEST_REPLY // len(endless))
    sent = theirs.send(data)
    with pytest.raises(Gone) as gone:
        while True:
            wire.reply(soon(0.5))
            sent += theirs.send(data)
    assert not isinstance(gone.value, TooSlow)
    assert sent > LONGEST_REPLY


@pytest.mark.parametrize(
    "words", [b"HTTP/1.1 400\r\n", b"\r\n", b"25\r\n", b"+25 x\r\n", b"\0\0\0\n"]
)
def test_what_is_not_smtp_is_no_reply(ends, words):
    wire, theirs = ends
    theirs.sendall(words)
    with pytest.raises(Gone):
        wire.reply(soon())


def test_looking_tells_quiet_spoken_and_closed_apart(ends):
    wire, theirs = ends
    assert wire.look() is Look.QUIET
    theirs.sendall(b"421 bye\r\n")
    assert wire.look() is Look.SPOKE
    assert wire.look() is Look.SPOKE
    assert wire.reply(soon()).code == 421
    assert wire.look() is Look.QUIET
    theirs.close()
    assert wire.look() is Look.CLOSED


def test_words_before_the_handshake_are_not_taken_for_the_secured_servers(ends):
    wire, theirs = ends
    theirs.sendall(b"220 Ready\r\n250 I am the server\r\n")
    assert wire.reply(soon()).code == 220
    with pytest.raises(Gone):
        wire.adopt(wire.sock)


def test_a_write_to_a_dead_connection_is_known_not_to_have_left(ends):
    wire, theirs = ends
    theirs.close()
    with pytest.raises(NotWritten):
        wire.write(b".\r\n", soon())


def test_a_large_write_waits_for_the_reader_and_for_no_longer_than_the_deadline(ends):
    wire, theirs = ends
    with pytest.raises(TooSlow):
        wire.write(b"x" * 10_000_000, soon(0.05))


def test_a_large_write_stops_when_the_other_side_speaks(ends):
    wire, theirs = ends
    theirs.sendall(b"552 too much\r\n")
    with pytest.raises(Gone):
        wire.write(b"x" * 10_000_000, soon(5))
    assert wire.reply(soon()).code == 552


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b".", b"..\r\n"),
        (b"a\r\n.\r\n", b"a\r\n..\r\n"),
        (b"..\r\n.b", b"...\r\n..b\r\n"),
        (b"a.\r\nb", b"a.\r\nb\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_a_dot_that_begins_a_line_is_doubled(content, wire):
    assert stuffed(content) == wire
