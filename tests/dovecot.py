"""A throw-away Dovecot: a real IMAP server on free ports, in a folder of its own.

One for each test process, started when the first test asks for it and ended with the process.
Each mailbox is a user of its own (any name, password ``PASSWORD``), so tests do not meet in them.
"""

from __future__ import annotations

import atexit
import functools
import grp
import imaplib
import itertools
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.smtp import LOOPBACK, make_certificate

PASSWORD = "tajne-hasło"
_numbers = itertools.count(1)

# 2.3 (Debian 12) and 2.4 (Debian 13) say the same things in different words.
_COMMON = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
auth_mechanisms = plain login
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
service imap-login {{
  chroot =
  process_min_avail = 1
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""
_FOLDERS = """
namespace inbox {{
  inbox = yes
  separator = .
  prefix = INBOX.
  mailbox {sent} {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Archiwum {{
    auto = subscribe
  }}
}}
"""
_OLD = (
    _COMMON
    + """
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
"""
    + _FOLDERS
)
_NEW = (
    """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
"""
    + _COMMON
    + """
ssl = yes
ssl_server_cert_file = {folder}/cert.pem
ssl_server_key_file = {folder}/key.pem
auth_allow_cleartext = yes
mail_driver = maildir
mail_home = {folder}/mail/%{{user}}
mail_path = ~/Maildir
mail_uid = {uid}
mail_gid = {gid}
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = {uid}
    gid = {gid}
  }}
}}
"""
    + _FOLDERS
)


@dataclass
class Dovecot:
    """A running server. ``context`` trusts its certificate, ``cert`` is that file."""

    folder: Path
    port: int
    tls_port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def cert(self) -> Path:
        return self.folder / "cert.pem"

    def new_user(self) -> str:
        """A mailbox that nobody else has."""
        return f"sklep{os.getpid()}-{next(_numbers)}@rowery.example"

    def mails(self, user: str, folder: str) -> list[bytes]:
        """What lies in ``folder``, as the server gives it to another client (by imaplib)."""
        return [content for content, _flags in self.fetched(user, folder)]

    def fetched(self, user: str, folder: str) -> list[tuple[bytes, bytes]]:
        """Contents, each with its flags and date in one text."""
        with imaplib.IMAP4_SSL(LOOPBACK, self.tls_port, ssl_context=self._context()) as client:
            client.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())
            typ, [count] = client.select(f'"{folder}"', readonly=True)
            if typ != "OK" or count == b"0":
                return []
            _typ, found = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
            return [(each[1], each[0]) for each in found if isinstance(each, tuple)]

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.cert))


@functools.cache
def dovecot() -> Dovecot:
    """This process's server; fails, and does not skip, where Dovecot is not installed."""
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program, "Dovecot is missing: ./postroom test installs it (package dovecot-imapd)"
    # Not below TMPDIR, which may be a person's own: the server's user must reach it.
    folder = Path(tempfile.mkdtemp(prefix="postroom-dovecot.", dir="/tmp"))  # noqa: S108
    server = _start(program, folder)
    atexit.register(_end, server, os.getpid())
    return server


def _start(program: str, folder: Path) -> Dovecot:
    port, tls_port = _free_ports()
    make_certificate(folder)
    is_root = os.getuid() == 0
    user = pwd.getpwnam("nobody") if is_root else pwd.getpwuid(os.getuid())
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    text = _OLD if version.stdout.startswith("2.3") else _NEW
    (folder / "mail").mkdir()
    if is_root:
        folder.chmod(0o755)
        os.chown(folder / "mail", user.pw_uid, user.pw_gid)
    config = folder / "dovecot.conf"
    config.write_text(
        text.format(
            folder=folder,
            user=user.pw_name,
            group=_group(user.pw_gid),
            uid=user.pw_uid,
            gid=user.pw_gid,
            port=port,
            tls_port=tls_port,
            password=PASSWORD,
            sent="Wysłane",
        ),
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [program, "-F", "-c", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "stderr").open("wb"),
    )
    server = Dovecot(folder, port, tls_port, process)
    _wait(server)
    return server


def _wait(server: Dovecot) -> None:
    ends = time.monotonic() + 15
    while time.monotonic() < ends and server.process.poll() is None:
        try:
            with socket.create_connection((LOOPBACK, server.port), 1) as sock:
                if sock.recv(64).startswith(b"* OK"):
                    return
        except OSError:
            time.sleep(0.02)
    log = server.folder / "dovecot.log"
    said = (server.folder / "stderr").read_text() + (log.read_text() if log.exists() else "")
    raise AssertionError(f"Dovecot did not start: {said}")


def _end(server: Dovecot, owner: int) -> None:
    """In the process that started it only: children that fork inherit this function too."""
    if os.getpid() != owner:
        return
    server.process.terminate()
    try:
        server.process.wait(5)
    except subprocess.TimeoutExpired:
        server.process.kill()
    shutil.rmtree(server.folder, ignore_errors=True)


def _free_ports() -> tuple[int, int]:
    with socket.create_server((LOOPBACK, 0)) as one, socket.create_server((LOOPBACK, 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


def _group(gid: int) -> str:
    return grp.getgrgid(gid).gr_name
