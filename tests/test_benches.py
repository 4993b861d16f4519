"""What the benches need before they can measure: Debian's tools, found without installing them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bench import _postfix


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libdb-5.3.so", "libdb5.3"),
        ("libnsl.so.2", "libnsl2"),
        ("libtirpc.so.3", "libtirpc3"),
        ("libicuuc.so.72", "libicu72"),
        ("libicudata.so.76", "libicu76"),
        ("libssl.so.3", "libssl3"),
        ("libsasl2.so.2", "libsasl2-2"),
    ],
)
def test_a_library_is_found_by_its_package(library: str, package: str) -> None:
    assert _postfix._package_of(library) == package


def test_the_sink_is_read_at_its_last_count(tmp_path: Path) -> None:
    log = tmp_path / "sink.log"
    log.write_bytes(b"")
    sink = _postfix.Sink(25, log)
    assert sink.received() == 0
    log.write_bytes(b"".join(b"sess=1 quit=0 mesg=%d\r" % number for number in range(3001)))
    assert sink.received() == 3000


def test_where_the_tools_cannot_be_had_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(_postfix.ToolsMissing, match="apt-get"), _postfix.unpacked():
        pass
    monkeypatch.undo()
    monkeypatch.setattr(shutil, "which", lambda name: name)
    refused = subprocess.CompletedProcess([], 100, "", "E: Unable to locate package postfix\n")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: refused)
    with pytest.raises(_postfix.ToolsMissing, match="Unable to locate"), _postfix.unpacked():
        pass
