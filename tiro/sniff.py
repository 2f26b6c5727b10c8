"""What a body is that is no recording: a web page, a feed, an archive. Told by its first bytes, and never by its type
alone, since servers name recordings wrongly every day.

Markup follows WHATWG MIME Sniffing, sections 3 and 7.1. Nothing here is the beginning of a format that FFmpeg takes
for sound.
"""

from __future__ import annotations

import re

HEAD_BYTES = 4096
"""Bytes that are enough to tell. More than a NIST SPHERE header, which is text, 1,024 bytes long."""

WEB_PAGE, FEED, PLAYLIST, ARCHIVE = "a web page", "a feed", "a playlist", "an archive"
XML, JSON, TEXT, PDF = "an XML document", "a JSON document", "plain text", "a PDF document"

_SIGNATURES = {
    b"%PDF-": PDF,
    b"PK\x03\x04": ARCHIVE,  # ZIP, and what is made of it: Office documents, too
    b"PK\x05\x06": ARCHIVE,  # an empty one
    b"\x1f\x8b\x08": ARCHIVE,  # gzip
    b"Rar!\x1a\x07": ARCHIVE,
    b"7z\xbc\xaf\x27\x1c": ARCHIVE,
    b"\xfd7zXZ\x00": ARCHIVE,
    b"#EXTM3U": PLAYLIST,
}

_PAGE = re.compile(
    r"<(?:!doctype\s+html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|meta|link|center|form)"
    r"[\s>/]|<!--",
    re.IGNORECASE,
)
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")  # MIME Sniffing, "binary data byte"
_WORDS = re.compile(r"[^\W\d_]{2,} [^\W\d_]{2,}")
"""Two words with a space between them: what plain text has, and no header of a recording."""

_LOOKS_RAW = re.compile(r"(.)\1{7}", re.DOTALL)
"""A byte eight times in a row, as in silence: samples without a header may by chance be letters."""

_JSON = re.compile(r"""\{\s*["}]|\[\s*["{\[]""")


def document_in(head: bytes, content_type: str | None) -> str | None:
    """Return what the body that begins with `head` is, as one of the names above; None where it may be a recording."""
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            return kind
    text = _text(head[:HEAD_BYTES])
    if not text or text.startswith("NIST_1A"):
        return None
    declared = (content_type or "").partition(";")[0].strip().lower()
    return _markup(text, declared) or _data(text, declared)


def _markup(text: str, declared: str) -> str | None:
    lowered = text.lower()
    if _PAGE.match(text) or declared in ("text/html", "application/xhtml+xml"):
        return WEB_PAGE
    if not text.startswith("<") and not _is(declared, "xml"):
        return None
    for mark, kind in {"<rss": FEED, "<feed": FEED, "<html": WEB_PAGE, "<mpd": PLAYLIST, "<smil": PLAYLIST}.items():
        if mark in lowered:
            return kind
    return XML


def _data(text: str, declared: str) -> str | None:
    if text.lower().startswith(("[playlist]", "#extm3u")) or declared.endswith("mpegurl"):
        return PLAYLIST
    if _is(declared, "json") or _JSON.match(text):
        return JSON
    return TEXT if declared.startswith("text/") or (_WORDS.search(text) and not _LOOKS_RAW.search(text)) else None


def _is(declared: str, suffix: str) -> bool:
    return declared in (f"text/{suffix}", f"application/{suffix}") or declared.endswith(f"+{suffix}")


def _text(head: bytes) -> str | None:
    """Decode the beginning of a text; None where it is none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
        return None if "\x00" in text or "�" in text else text.lstrip()
    if _BINARY.search(head):
        return None
    page = head.decode("latin-1").lstrip(" \t\r\n\f\ufeff")
    try:
        return head.decode("utf-8-sig").lstrip()
    except UnicodeDecodeError as error:
        cut = error.reason == "unexpected end of data" and error.end == len(head)
        # An old page is in Latin-1; what is neither UTF-8 nor markup may be sound, sample by sample.
        return head[: error.start].decode("utf-8-sig").lstrip() if cut else page if _PAGE.match(page) else None
