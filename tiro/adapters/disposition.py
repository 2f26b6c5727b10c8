"""The name of a file as `Content-Disposition` says it (RFC 6266), or a URL's path."""

from __future__ import annotations

import re
from http.client import HTTPMessage
from urllib.parse import unquote_to_bytes

MAX_NAME = 255
"""Characters of a file's name: what most file systems take."""

MAX_EXTENSION = 10
"""Characters after the last dot of a name that may be an extension."""

_PARAMETER = re.compile(r""";\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)""")
_EXTENDED = re.compile(r"([\w!#$%&+^`{}~-]+)'[\w-]*'(.*)")  # charset'language'bytes (RFC 8187, section 3.2.1)
_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "iso-8859-1": "latin-1", "us-ascii": "ascii"}


def disposition_name(headers: HTTPMessage) -> str | None:
    """Return the file name that `Content-Disposition` gives, without folders; None where it gives none.

    `filename*` comes before `filename` where it can be decoded (RFC 6266, section 4.3).
    """
    header = headers.get("Content-Disposition")
    if header is None:
        return None
    given = {name.lower(): value.strip() for name, value in reversed(_PARAMETER.findall(";" + header))}
    for name in (_extended(given.get("filename*", "")), _plain(given.get("filename", ""))):
        if cleaned := clean_name(name):
            return cleaned
    # RFC 2231 splits a long name into filename*0, filename*1, …: no part of RFC 6266, but servers do it.
    split = any(name.startswith("filename*") and name != "filename*" for name in given)
    return clean_name(headers.get_filename() or "") if split else None


def clean_name(name: str) -> str | None:
    """Return the last piece of a path, without control and other invisible characters; None where nothing is left."""
    last = re.split(r"[/\\]", name)[-1]
    cleaned = "".join(letter for letter in last if letter.isprintable()).strip()
    if len(cleaned) > MAX_NAME:  # the extension stays: it names the format of what has no header
        stem, dot, extension = cleaned.rpartition(".")
        ending = dot + extension if stem and len(extension) <= MAX_EXTENSION else ""
        cleaned = cleaned[: MAX_NAME - len(ending)] + ending
    return cleaned if cleaned.strip(".") else None


def _extended(value: str) -> str:
    match = _EXTENDED.fullmatch(_unquoted(value))  # quotes are wrong here, and common
    charset = _CHARSETS.get(match[1].lower()) if match else None
    if not match or not charset or re.search(r"%(?![0-9A-Fa-f]{2})", match[2]):
        return ""
    try:
        return unquote_to_bytes(match[2].encode("latin-1")).decode(charset)
    except UnicodeDecodeError:
        return ""


def _plain(value: str) -> str:
    """Decode what http.client has read as Latin-1: most servers send UTF-8."""
    text = _unquoted(value)
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return text


def _unquoted(value: str) -> str:
    # Of escapes only \" is one: elsewhere a backslash stands between folders.
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"')
    return value.removeprefix('"')  # a quote that is not closed
