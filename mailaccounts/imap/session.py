"""The mailbox of a sender account: its folders, what is filed there, and how to file more.

``Mailbox`` is one session. It knows nothing of the queue and writes no model; what goes wrong is
a ``MailboxTrouble``, sorted by who can mend it. Certificates are always verified.
"""

from __future__ import annotations

import imaplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from mailaccounts.imap.folders import Folder, parse, sent_folder
from mailaccounts.imap.wire import (
    AppendRefused,
    Connection,
    FolderMissing,
    LogInRefused,
    MailboxTrouble,
    Unreachable,
    quoted,
    quoted_message_id,
    words_of,
)
from mailaccounts.models import ImapTls, SenderAccount
from mailaccounts.transports.answers import one_line
from mailaccounts.transports.smtp_opening import refused_by_guard, tls_context
from shops import outbound
from shops.secrets import UnreadableSecret

__all__ = [
    "AppendRefused",
    "FolderMissing",
    "LogInRefused",
    "Mailbox",
    "MailboxTrouble",
    "Place",
    "Timeouts",
    "Unreachable",
    "opened",
    "place_of",
    "remember_folders",
]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, each for a whole step, however slowly it drips in."""

    connect: float = 10.0
    command: float = 20.0
    append: float = 60.0
    logout: float = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the mailbox is. ``repr`` leaves the password out."""

    host: str
    port: int
    tls: str
    username: str
    password: str = field(repr=False)


def place_of(account: SenderAccount) -> Place:
    """The account's mailbox, with the password in clear: never log it.

    Raises ``LogInRefused`` where the stored password fits no key.
    """
    if isinstance(account.imap_password, UnreadableSecret):
        raise LogInRefused(_("The stored password can no longer be read. Enter it again."))
    return Place(
        host=account.imap_host,
        port=account.imap_port,
        tls=account.imap_tls,
        username=account.imap_username or account.username,
        password=account.imap_password,
    )


class Mailbox:
    """One session; ``opened`` runs the steps of opening it in their order."""

    def __init__(self, place: Place, timeouts: Timeouts | None = None) -> None:
        self.place = place
        self.server = ""  # "host [address]:port", once connected
        self.tls = ""
        self._timeouts = timeouts or Timeouts()
        self._open: Connection | None = None
        self._selected = b""

    def resolve(self) -> list[str]:
        """Looks the server's name up, through the guard; returns the addresses."""
        with self._blames():
            found = outbound.resolve(self.place.host, self.place.port)
        return [target.address for target in found]

    def connect(self) -> None:
        """Connects and hears the greeting; with implicit TLS also shakes hands."""
        place, seconds = self.place, self._timeouts
        with self._blames():
            sock = outbound.connect(place.host, place.port, timeout=seconds.connect)
            self.server = f"{place.host} [{sock.getpeername()[0]}]:{place.port}"
            try:
                if place.tls == ImapTls.IMPLICIT:
                    sock.settimeout(seconds.connect)
                    sock = tls_context(True).wrap_socket(sock, server_hostname=place.host)
                self._open = Connection(sock, place.host, seconds.command)
            except BaseException:
                sock.close()
                raise
            self._note_tls()

    def secure(self) -> None:
        """STARTTLS where the account asks for it; without it nothing more is said."""
        if self.place.tls == ImapTls.IMPLICIT:
            return
        with self._blames():
            if "STARTTLS" not in self.connection.capabilities or self.connection.state != "NONAUTH":
                raise LogInRefused(
                    _("The server does not offer STARTTLS, so the password was not sent.")
                )
            self.connection.within(self._timeouts.command)
            self.connection.secure(tls_context(True))
            self._note_tls()

    def log_in(self) -> None:
        """Raises ``LogInRefused`` with the server's words, in which the password is covered."""
        with self._blames():
            self.connection.within(self._timeouts.command)
            if self.connection.state != "NONAUTH":  # PREAUTH, behind TLS of its own
                return
            try:
                self._say_who_we_are()
            except UnicodeError as error:
                raise LogInRefused(_("User name or password has a character too many.")) from error
            self.connection.ask_capabilities()

    def _say_who_we_are(self) -> None:
        user, password = self.place.username.encode(), self.place.password.encode()
        connection = self.connection
        try:
            if "AUTH=PLAIN" in connection.capabilities:
                # RFC 4616: UTF-8, and nothing in it can end a line.
                connection.authenticate("PLAIN", lambda _challenge: b"\0" + user + b"\0" + password)
                return
            typ, words = connection.run("LOGIN", _as_quoted(user), _as_quoted(password))
            if typ != "OK":
                raise connection.error(words)
            connection.state = "AUTH"
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            words = self._without_password(words_of(error.args))
            # RFC 5530: the server's own trouble, whatever the password is.
            is_passing = any(code in words.upper() for code in ("[UNAVAILABLE]", "[INUSE]"))
            raise (Unreachable if is_passing else LogInRefused)(words) from None

    def folders(self) -> list[Folder]:
        """The folders that mail can be filed in, as the server lists them."""
        with self._blames():
            connection = self.connection
            connection.within(self._timeouts.command)
            typ, answers = "NO", list[Any]()
            if "SPECIAL-USE" in connection.capabilities:
                # RFC 6154 section 5.2; a server that knows it only half says NO or BAD.
                typ, answers = connection.asked("LIST", '""', '"*"', "RETURN (SPECIAL-USE)")
            if typ != "OK":
                typ, answers = connection.asked("LIST", '""', '"*"')
            if typ != "OK":
                raise Unreachable(_("The server gave no list of folders: %s") % answers[0])
        return parse(answers)

    def choose(self, wanted: str, folders: list[Folder] | None = None) -> Folder:
        """The folder called ``wanted``, or with "" the one for sent mail. Never one that the
        server does not list: raises ``FolderMissing``."""
        listed = self.folders() if folders is None else folders
        if not wanted:
            found = sent_folder(listed)
            missing = _("The mailbox has no folder marked for sent mail. Choose one.")
        else:
            found = next((each for each in listed if each.name == wanted), None)
            missing = _("The mailbox has no folder “%s” any more. Choose another one.") % wanted
        if found is None:
            raise FolderMissing(missing)
        return found

    def has(self, folder: Folder, message_id: str) -> bool:
        """True if a message with this Message-ID lies in ``folder``."""
        with self._blames():
            self._select(folder)
            self.connection.within(self._timeouts.command)
            header = quoted_message_id(message_id)
            typ, answers = self.connection.asked("SEARCH", "HEADER", "Message-ID", header)
            if typ != "OK":
                raise Unreachable(_("The folder could not be searched: %s") % answers[0])
        return any(each.split() for each in answers if isinstance(each, bytes))

    def append(self, folder: Folder, content: bytes, date: datetime) -> None:
        """Files ``content`` as it is, as read, dated ``date``.

        Raises ``AppendRefused`` where nothing was filed, ``Unreachable`` where nobody knows.
        """
        with self._blames():
            connection = self.connection
            connection.within(self._timeouts.append)
            connection.literal = content  # type: ignore[assignment]
            when = imaplib.Time2Internaldate(date)
            typ, words = connection.run("APPEND", quoted(folder.raw), "(\\Seen)", when)
        if typ != "OK" and "[TRYCREATE]" in words.upper():
            raise FolderMissing(words)
        if typ != "OK":
            raise AppendRefused(f"{typ} {words}".strip())

    def close(self) -> None:
        """Says goodbye where it can, and hangs up."""
        connection, self._open = self._open, None
        if connection is None:
            return
        try:
            connection.within(self._timeouts.logout)
            connection.logout()
        except (imaplib.IMAP4.error, OSError):
            pass
        finally:
            connection.shutdown()

    @property
    def connection(self) -> Connection:
        if self._open is None:
            raise RuntimeError("connect() comes first")
        return self._open

    def _select(self, folder: Folder) -> None:
        """Read-only: nothing that is there is touched."""
        if self._selected == folder.raw:
            return
        self._selected = b""
        self.connection.within(self._timeouts.command)
        typ, data = self.connection.select(quoted(folder.raw), readonly=True)  # type: ignore[arg-type]
        if typ != "OK":
            raise FolderMissing(
                _("The folder “%(name)s” cannot be opened: %(words)s")
                % {"name": folder.name, "words": words_of(data)}
            )
        self._selected = folder.raw

    def _note_tls(self) -> None:
        sock = self.connection.sock
        self.tls = (sock.version() or "") if isinstance(sock, ssl.SSLSocket) else ""

    def _without_password(self, text: str) -> str:
        """Some servers repeat the AUTHENTICATE line in their refusal."""
        user, password = self.place.username, self.place.password
        if not password:
            return text
        lines = (f"\0{user}\0{password}", password)
        forms = [b64encode(each.encode()).decode() for each in lines]
        for form in (*forms, *([password] if len(password) > 3 else [])):
            text = text.replace(form, "***")
        return text

    @contextmanager
    def _blames(self) -> Iterator[None]:
        """Turns what a step can raise into ``MailboxTrouble``."""
        try:
            yield
        except imaplib.IMAP4.error as error:
            text = one_line(str(error).encode())
            raise Unreachable(self._without_password(text)) from None
        except outbound.OutboundRefused as error:
            raise LogInRefused(refused_by_guard(error)) from error
        except OSError as error:
            raise trouble_of(error, self.place) from error


def _as_quoted(text: bytes) -> bytes:
    try:
        return quoted(text)
    except ValueError:
        raise LogInRefused(_("User name or password has a line break in it.")) from None


def trouble_of(error: OSError, place: Place) -> MailboxTrouble:
    """Sorts a failure of the network: wrong set-up waits for staff, the rest for better weather."""
    where = {"host": place.host, "port": place.port}
    if isinstance(error, ssl.SSLCertVerificationError):
        text = _("The server's certificate is not accepted: %s") % error.verify_message
        return LogInRefused(text)
    if isinstance(error, socket.gaierror):
        if error.errno == socket.EAI_AGAIN:
            return Unreachable(_("The name “%(host)s” could not be looked up just now.") % where)
        return LogInRefused(_("There is no server named “%(host)s”.") % where)
    if isinstance(error, ssl.SSLError):
        return Unreachable(_("No encrypted connection: %s") % (error.reason or error))
    if isinstance(error, TimeoutError):
        return Unreachable(_("%(host)s does not answer on port %(port)s.") % where)
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(_("%(host)s takes no connections on port %(port)s.") % where)
    return Unreachable(one_line((error.strerror or str(error)).encode()))


@contextmanager
def opened(place: Place, timeouts: Timeouts | None = None) -> Iterator[Mailbox]:
    """A session that is connected, encrypted and logged in. Raises ``MailboxTrouble``."""
    mailbox = Mailbox(place, timeouts)
    try:
        mailbox.connect()
        mailbox.secure()
        mailbox.log_in()
        yield mailbox
    finally:
        mailbox.close()


def remember_folders(account: SenderAccount, folders: list[Folder]) -> None:
    """Keeps the list for the picker; the one for sent mail is marked."""
    best = sent_folder(folders)
    listed = [[each.name, each is best] for each in folders]
    if listed != account.imap_folders:
        account.imap_folders = listed
        SenderAccount.objects.filter(pk=account.pk).update(imap_folders=listed)
