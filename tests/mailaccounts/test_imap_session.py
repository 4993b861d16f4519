"""The mailbox's session, against Dovecot and against a server that refuses, lies and hangs up."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailaccounts.imap.folders import Folder, parse, sent_folder
from mailaccounts.imap.session import (
    AppendRefused,
    FolderMissing,
    LogInRefused,
    Mailbox,
    Place,
    Unreachable,
    opened,
)
from mailaccounts.imap.wire import LONGEST_ANSWER, quoted, quoted_message_id
from tests.dovecot import PASSWORD
from tests.imap import QUICK, fake_imap
from tests.smtp import LOOPBACK, closed_port, make_certificate

WHEN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
MAIL = (
    "Message-ID: <zamowienie-10482@rowery.example>\r\nSubject: Test\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\nDziękujemy.\r\n.\r\nLone\rCR\r\n"
).encode()
HOSTILE = 'x"\r\nA1 DELETE INBOX'


def place_in(server, user, tls="implicit", **changes):
    port = server.tls_port if tls == "implicit" else server.port
    facts = {"host": LOOPBACK, "port": port, "tls": tls, "username": user, "password": PASSWORD}
    return Place(**{**facts, **changes})


@pytest.mark.promise("S0.22")
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_real_server_files_the_same_bytes_as_read_under_their_own_date(real_mailbox, tls):
    user = real_mailbox.new_user()
    with opened(place_in(real_mailbox, user, tls)) as mailbox:
        assert mailbox.tls.startswith("TLS")
        folder = mailbox.choose("")
        assert folder.name == "INBOX.Wysłane"
        assert not mailbox.has(folder, "<zamowienie-10482@rowery.example>")
        mailbox.append(folder, MAIL, WHEN)
        assert mailbox.has(folder, "<zamowienie-10482@rowery.example>")
        assert not mailbox.has(folder, "<zamowienie-1048@rowery.example>")
    [(content, facts)] = real_mailbox.fetched(user, "INBOX.Wys&AUI-ane")
    assert content == MAIL
    assert b"\\Seen" in facts
    assert b"14-Mar-2026 09:26:53 +0000" in facts


def test_a_folder_that_was_chosen_is_found_in_the_servers_list(real_mailbox):
    user = real_mailbox.new_user()
    with opened(place_in(real_mailbox, user)) as mailbox:
        mailbox.append(mailbox.choose("INBOX.Archiwum"), MAIL, WHEN)
        with pytest.raises(FolderMissing, match="Zamówienia"):
            mailbox.choose("Zamówienia")
    assert real_mailbox.mails(user, "INBOX.Archiwum") == [MAIL]


def test_a_wrong_password_is_the_staffs_to_mend_and_is_not_repeated_to_them(real_mailbox):
    place = place_in(real_mailbox, real_mailbox.new_user(), password="zupełnie-złe")
    with pytest.raises(LogInRefused) as refusal, opened(place):
        pass
    assert "AUTHENTICATIONFAILED" in str(refusal.value)
    assert "złe" not in str(refusal.value)
    assert "złe" not in repr(place)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_nobody_vouches_for_gets_no_password(tmp_path, tls):
    context = make_certificate(tmp_path)
    clear = context if tls == "implicit" else None
    with fake_imap(clear, capabilities=b"IMAP4rev1 STARTTLS AUTH=PLAIN") as server:
        if tls == "starttls":
            _upgrade(server, context)
        place = Place(LOOPBACK, server.port, tls, "sklep", PASSWORD)
        with pytest.raises(LogInRefused, match="certificate"), opened(place, QUICK):
            pass
    assert not server.said("AUTHENTICATE")


def _upgrade(server, context):
    """The fake shakes hands after STARTTLS."""
    answer = server._answer

    def with_tls(sock, heard, tag, command):
        if command.strip() != b"STARTTLS":
            return answer(sock, heard, tag, command)
        sock.sendall(tag + b" OK go\r\n")
        context.wrap_socket(sock, server_side=True)
        return False

    server._answer = with_tls


def test_without_starttls_nothing_more_is_said():
    with fake_imap(None) as server:
        place = Place(LOOPBACK, server.port, "starttls", "sklep", PASSWORD)
        with pytest.raises(LogInRefused, match="STARTTLS"), opened(place, QUICK):
            pass
    assert [line.split()[1] for line in server.lines] == [b"CAPABILITY", b"LOGOUT"]


def test_a_server_that_says_it_knows_us_before_tls_gets_nothing():
    with fake_imap(None, greeting=b"* PREAUTH hello\r\n") as server:
        place = Place(LOOPBACK, server.port, "starttls", "sklep", PASSWORD)
        with pytest.raises(LogInRefused), opened(place, QUICK):
            pass
    assert not server.said("APPEND")
    assert not server.said("LIST")


def test_a_private_address_is_not_connected_to(settings):
    settings.OUTBOUND_ALLOW = ()
    with (
        pytest.raises(LogInRefused, match="not allowed"),
        opened(Place("127.0.0.1", 993, "implicit", "a", "b")),
    ):
        pass


def test_a_server_that_is_away_or_silent_is_tried_another_time(trusted):
    with pytest.raises(Unreachable, match="takes no connections"):
        Mailbox(Place(LOOPBACK, closed_port(), "implicit", "a", "b"), QUICK).connect()
    with socket.create_server((LOOPBACK, 0)) as silent:
        place = Place(LOOPBACK, silent.getsockname()[1], "starttls", "a", "b")
        started = time.monotonic()
        with pytest.raises(Unreachable, match="does not answer"), opened(place, QUICK):
            pass
        assert time.monotonic() - started < 2


def test_an_answer_without_an_end_is_not_read_to_its_end():
    """The second: one byte now and then, each in time; together too late."""
    line = b"* OK " + b"x" * 10_000
    with pytest.raises(Unreachable, match="no end"):
        _greeted_by(lambda sock: [sock.sendall(line) for _ in range(2 * LONGEST_ANSWER // 10_000)])

    def drip(sock):
        for _each in range(40):
            sock.sendall(b"*")
            time.sleep(0.05)

    started = time.monotonic()
    with pytest.raises(Unreachable):
        _greeted_by(drip)
    assert time.monotonic() - started < 1.5


def _greeted_by(greet):
    with socket.create_server((LOOPBACK, 0)) as listening:
        place = Place(LOOPBACK, listening.getsockname()[1], "starttls", "a", "b")

        def serve():
            sock, _address = listening.accept()
            with sock, contextlib.suppress(OSError):
                greet(sock)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            with opened(place, QUICK):
                pass
        finally:
            thread.join(5)


@pytest.mark.parametrize("words", ["NO [OVERQUOTA] Mailbox is full", "BAD Message has a NUL in it"])
def test_a_refused_append_says_so_in_the_servers_words(trusted, words):
    with fake_imap(trusted, append=[words]) as server, opened(server.place, QUICK) as mailbox:
        folder = mailbox.choose("")
        with pytest.raises(AppendRefused) as refusal:
            mailbox.append(folder, MAIL, WHEN)
        mailbox.append(folder, MAIL, WHEN)  # the session goes on
    assert str(refusal.value) == words
    assert server.stored == [MAIL]


@pytest.mark.parametrize("does", ["silent", "drop", "drop early"])
def test_an_append_without_an_answer_is_no_refusal(trusted, does):
    with (
        fake_imap(trusted, append=[does]) as server,
        pytest.raises(Unreachable),
        opened(server.place, QUICK) as mailbox,
    ):
        mailbox.append(mailbox.choose(""), MAIL, WHEN)


def test_a_log_in_without_plain_is_quoted(trusted):
    with fake_imap(trusted, capabilities=b"IMAP4rev1") as server:
        place = Place(LOOPBACK, server.port, "implicit", 'sk"lep\\', 'ta"jne')
        with opened(place, QUICK):
            pass
        injected = Place(LOOPBACK, server.port, "implicit", "sklep", "a\r\nA1 DELETE INBOX")
        with pytest.raises(LogInRefused), opened(injected, QUICK):
            pass
    assert server.said("LOGIN") == [rb'LOGIN "sk\"lep\\" "ta\"jne"']
    assert not any(b"DELETE" in line for line in server.lines)


@pytest.mark.parametrize("method", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("form", ["plain", "base64 of the line", "base64"])
def test_what_a_server_repeats_of_the_log_in_is_covered(trusted, method, form):
    said = {
        "plain": PASSWORD.encode(),
        "base64 of the line": b64encode(b"\0sklep\0" + PASSWORD.encode()),
        "base64": b64encode(PASSWORD.encode()),
    }[form]
    able = b"IMAP4rev1 AUTH=PLAIN" if method == "PLAIN" else b"IMAP4rev1"
    refusal = b"NO Invalid: " + said + b" (sklep)"
    with fake_imap(trusted, log_in=refusal, capabilities=able) as server:
        place = replace(server.place, username="sklep", password=PASSWORD)
        with pytest.raises(LogInRefused) as refused, opened(place, QUICK):
            pass
    assert str(refused.value) == "Invalid: *** (sklep)"


def test_a_servers_own_trouble_at_the_log_in_is_no_wrong_password(trusted):
    with (
        fake_imap(trusted, log_in=b"NO [UNAVAILABLE] Try later") as server,
        pytest.raises(Unreachable),
        opened(server.place, QUICK),
    ):
        pass


@pytest.mark.promise("S0.24")
def test_a_hostile_folder_name_never_gets_into_a_command(trusted):
    """Listed as a literal it may hold line breaks; typed into the row it may hold anything."""
    hostile = HOSTILE.encode()
    literal = rb'(\Sent) "/" {%d}' % len(hostile) + b"\r\n" + hostile
    listed = (literal, rb'() "/" "a\"b\\c"', rb'() "/" INBOX')
    with fake_imap(trusted, folders=listed) as server, opened(server.place, QUICK) as mailbox:
        folders = mailbox.folders()
        assert [each.name for each in folders] == ['a"b\\c', "INBOX"]
        for wanted in (HOSTILE, "", "INBOX\r\nA1 DELETE INBOX"):
            with pytest.raises(FolderMissing):
                mailbox.choose(wanted, folders)
        mailbox.append(folders[0], MAIL, WHEN)
    assert server.said("APPEND")[0].startswith(rb'APPEND "a\"b\\c" (\Seen) ')
    assert not any(b"DELETE" in line for line in server.lines)


def test_a_quoted_string_has_no_line_breaks_and_a_message_id_no_quotes():
    for bad in (b"a\r\nb", b"a\nb", b"a\0b"):
        with pytest.raises(ValueError, match="quoted"):
            quoted(bad)
    for worse in (
        '<a"b@c>',
        "<a@b>\r\nA1 NOOP",
        "<a b@c>",
        "<ą@b>",
        "a@b",
        "<a@b><c@d>",
        "<a\\@b>",
    ):
        with pytest.raises(ValueError, match="Message-ID"):
            quoted_message_id(worse)
    assert quoted_message_id("<mzxw6ytboi.x+1@czarny-but.example>")[:2] == b'"<'


def test_folders_are_read_however_they_are_written():
    listed = parse(
        [
            rb'(\HasNoChildren) "/" "Wys&AUI-ane"',
            rb"(\Noselect \HasChildren) NIL Publiczne",
            (rb'(\Sent) "." {6}', b"Sent 1"),
            b"",
            rb'() "/" "R&AOk-sum&AOk"',  # not closed
            rb'() "/" "&Jjo"',
            '() "/" "Wysłane-8"'.encode(),
            b'() "/" "\x80"',
            rb'() "\\" a\b',
            b"nonsense",
        ]
    )
    assert [each.name for each in listed] == ["Wysłane", "Sent 1", "Wysłane-8", "a\\b"]
    assert [each.name for each in listed if each.is_marked] == ["Sent 1"]
    assert listed[0].raw == b"Wys&AUI-ane"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["INBOX", "Sent Items", "Sent"], "Sent"),
        (["Sent Mail", "INBOX.Sent", "Sent Items"], "INBOX.Sent"),
        (["[Gmail]/Sent Mail", "Sent Mail", "Sent Items"], "Sent Items"),
        (["[Gmail]/Sent Mail", "Sent Mail"], "Sent Mail"),
        (["INBOX", "[Gmail]/Sent Mail"], "[Gmail]/Sent Mail"),
        (["INBOX", "Elementy wysłane"], "Elementy wysłane"),
        (["INBOX", "Unsent"], None),
    ],
)
def test_where_no_folder_is_marked_the_usual_names_are_looked_for_in_their_order(names, found):
    folder = sent_folder([Folder(name, name.encode()) for name in names])
    assert (folder and folder.name) == found


def test_the_marked_folder_goes_before_one_that_is_only_called_so():
    assert sent_folder([Folder("Sent", b"Sent"), Folder("X", b"X", is_marked=True)]).name == "X"


def test_a_server_that_knows_special_use_only_by_name_is_asked_plainly(trusted):
    with fake_imap(trusted) as server:
        answer = server._answer

        def plain_only(sock, heard, tag, command):
            if b"RETURN" in command:
                sock.sendall(tag + b" BAD what?\r\n")
                return True
            return answer(sock, heard, tag, command)

        server._answer = plain_only
        with opened(server.place, QUICK) as mailbox:
            assert mailbox.choose("").name == "Sent"
    assert len(server.said("LIST")) == 2
