"""What a person may send, made from the allow list: docs/formats.md, and the file names that the client looks for.

Run as `python -m container.accepted_formats` (`make formats`). The client has no FFmpeg, so its list is checked in; a
test holds both files to what the installed library says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import av
from av.format import ContainerFormat

from container.media_formats import ALLOWED_DECODERS, ALLOWED_DEMUXERS, DENIED_DEMUXERS
from container.raw_formats import BY_EXTENSION, NEEDS_PARAMETERS

ROOT = Path(__file__).parents[1]
EXTENSIONS_FILE = ROOT / "tiro/commands/media_extensions.py"
PAGE_FILE = ROOT / "docs/formats.md"

MUXERS: Mapping[str, str] = {
    "aac": "adts",
    "asf": "asf_stream",
    "loas": "latm",
    "mov": "f4v ipod ismv psp",
    "mp3": "mp2",
    "mpeg": "dvd svcd vcd vob",
    "mxf": "mxf_d10 mxf_opatom",
    "ogg": "oga ogv opus spx",
}
"""By demuxer: FFmpeg's muxers of other names that write what it reads, whose extensions are its own too."""

MORE_EXTENSIONS: Mapping[str, str] = {
    "aac": "aacp",
    "ac3": "a52",
    "aiff": "aiffc",
    "amr": "awb",
    "asf": "dvr-ms wm",
    "au": "snd",
    "avi": "divx xvid",
    "dsf": "dsf",
    "dts": "dtsma",
    "iff": "8svx dff iff svx",  # dff: DSDIFF
    "matroska": "weba",
    "mov": "3ga 3gp2 3gpp 3gpp2 f4a f4b f4p lrv m4p m4r mp4v mqv qt qta",
    "mp3": "m1a mp1 mpga",
    "mpc": "mp+ mpp",
    "mpeg": "evo m2p mod mpe tod vro",
    "mpegts": "tp trp",
    "ogg": "ogm ogx",
    "oma": "at3",
    "rm": "rmvb rv",
    "truehd": "truehd",
    "wav": "bw64 bwf rf64 wave",
}
"""By demuxer: what such files are called by their makers, where FFmpeg does not say."""

NOT_RECORDINGS = frozenset(
    "264 265 acm ads apl avif bit cdg dat heic heif ism mca mjpg mks nsp pcm str svs tun vb vpk xl".split()
)
"""Extensions that FFmpeg lists, of files that are seldom recordings: pictures, raw video, program text, data of games,
links, subtitles in Matroska, bare samples. Such a file is sent when it is named."""


def extensions() -> dict[str, frozenset[str]]:
    """Return the file extensions, lower case, by the name of the demuxer that reads them."""
    found: dict[str, frozenset[str]] = {}
    for names in _demuxers():
        aliases = names.split(",")
        own = {extension for name in (names, *aliases) for extension in _of(name)}
        for name in aliases:
            for muxer in MUXERS.get(name, "").split():
                own |= _of(muxer)
            own.update(MORE_EXTENSIONS.get(name, "").split())
            own.update(extension for extension, raw in BY_EXTENSION.items() if raw.demuxer == name)
        found[names] = frozenset(own) - NOT_RECORDINGS - NEEDS_PARAMETERS
    return found


def _demuxers() -> list[str]:
    """Return the allowed demuxers of this library, by their full names, such as `matroska,webm`."""
    names = []
    for name in sorted(av.formats_available):
        try:
            ContainerFormat(name, "r")
        except ValueError:
            continue  # it only writes
        if set(name.split(",")) <= ALLOWED_DEMUXERS:
            names.append(name)
    aliases = {alias for name in names if "," in name for alias in name.split(",")}
    return [name for name in names if name not in aliases]


def _of(name: str) -> set[str]:
    """Return what a demuxer's or muxer's files are called; FFmpeg has a blank in one of its lists."""
    if name not in av.formats_available:
        return set()
    return {extension.strip().lower() for extension in ContainerFormat(name).extensions}


def module() -> str:
    """Return the text of tiro/commands/media_extensions.py."""
    words = sorted({extension for each in extensions().values() for extension in each})
    lines = "".join(f'    "{line} "\n' for line in _wrapped(words))
    return (
        '"""File extensions of recordings. Made by `make formats` from the formats that the worker reads."""\n\n'
        "from __future__ import annotations\n\n"
        f"EXTENSIONS = frozenset(\n{lines.rstrip()[:-2]}"
        '".split()\n)\n'
        '"""Lower case, without the dot."""\n'
    )


def _wrapped(words: list[str]) -> Iterator[str]:
    line = ""
    for word in words:
        if len(line) + len(word) > 105:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line


def page() -> str:
    """Return the text of docs/formats.md."""
    rows = []
    for names, own in sorted(extensions().items(), key=lambda each: _title(each[0]).lower()):
        rows.append(f"| {_title(names)} | {' '.join(sorted(own)) or '–'} | `{names}` |\n")
    raw = "".join(f"| `.{extension}` | {BY_EXTENSION[extension].title} |\n" for extension in sorted(BY_EXTENSION))
    refused = "".join(
        f"- {reason[0].upper()}{reason[1:]}: {' '.join(sorted(names))}.\n" for reason, names in DENIED_DEMUXERS.items()
    )
    return _PAGE.format(
        rows="".join(rows),
        raw=raw,
        parameters=" ".join(f"`.{name}`" for name in sorted(NEEDS_PARAMETERS)),
        refused=refused,
        decoders=" ".join(sorted(ALLOWED_DECODERS & av.codecs_available)),
    )


def _title(names: str) -> str:
    """Return what FFmpeg calls a format, of a demuxer whose name may be that of a muxer as well."""
    return str(ContainerFormat(names, "r").long_name).replace("|", "/")


_PAGE = """\
# Formats

Made by `make formats` from the list that the worker holds FFmpeg to (`container/media_formats.py`); a test holds the
two together. [ADR 0022](decisions/0022-formats.md) says why there is a list.

A recording is read by its content: what it is called and what `content_type` says do not matter, but for the raw
formats below. Any codec will do that FFmpeg decodes. The extensions are those by which `tiro transcribe FOLDER` knows
a recording; a file that is named is sent whatever it is called.

| format | extensions | FFmpeg's name |
|---|---|---|
{rows}
## Raw formats

Nothing in such a file says what it is. Where FFmpeg finds nothing in the content, the extension of the file name (or
of the S3 key, or a `content_type` of RFC 4856 such as `audio/G722`) decides, and a warning in the transcript says so.

| name | read as |
|---|---|
{raw}
Bare samples and G.726 carry neither rate nor width, so they are refused, with what to do: {parameters}

## What is refused

Such a file is `not_audio`.

{refused}
## Decoders

Of sound only: a picture or a subtitle is never decoded.

{decoders}
"""


def main() -> None:
    EXTENSIONS_FILE.write_text(module(), encoding="utf-8")
    PAGE_FILE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
