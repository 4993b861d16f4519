"""The demo's one invoice: a page of PDF written by hand, as a shop's accounts would hand it in."""

from __future__ import annotations

from collections.abc import Sequence

PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
    b" /Resources << /Font << /F 5 0 R >> >> >>"
)


def one_page(lines: Sequence[str]) -> bytes:
    """A page of A4 with ``lines`` in Helvetica; letters beyond Latin-1 become question marks."""
    shown = b" T* ".join(b"(" + _escaped(line) + b") Tj" for line in lines)
    text = b"BT /F 14 Tf 22 TL 72 760 Td " + shown + b" ET"
    return _with_table(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            PAGE,
            b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        ]
    )


def _escaped(line: str) -> bytes:
    plain = line.encode("latin-1", "replace")
    return plain.replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")


def _with_table(objects: Sequence[bytes]) -> bytes:
    """The file with its cross-reference table, which holds where each object begins."""
    made, begins = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        begins.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    size = len(objects) + 1
    table = b"".join(b"%010d 00000 n \n" % place for place in begins)
    return (
        made
        + b"xref\n0 %d\n0000000000 65535 f \n" % size
        + table
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(made))
    )
