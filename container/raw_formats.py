"""Formats without a signature: nothing in such a file says what it is, so its name has to.

FFmpeg's demuxers for them have no probe and go by the file name alone (`.extensions` without `.read_probe` in
libavformat), or have one that wants more bytes than a short clip has. FFmpeg weighs name and content together, so that
an MP3 with a large cover picture whose name ends in .g722 becomes noise. Tiro asks the content first, and the name only
where the content says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tiro.job import Media


@dataclass(frozen=True)
class RawFormat:
    """What a file name or a media type stands for."""

    demuxer: str  # FFmpeg's name
    title: str  # as a user knows it
    options: Mapping[str, str] = field(default_factory=dict)  # of the demuxer


_TELEPHONE = {"sample_rate": "8000"}
"""ITU-T G.711; FFmpeg assumes 44,100 Hz."""

_MULAW = RawFormat("mulaw", "G.711 µ-law at 8 kHz", _TELEPHONE)
_ALAW = RawFormat("alaw", "G.711 A-law at 8 kHz", _TELEPHONE)
_G722 = RawFormat("g722", "G.722")
_G723 = RawFormat("g723_1", "G.723.1")
_SBC = RawFormat("sbc", "SBC")

BY_EXTENSION: Mapping[str, RawFormat] = {
    **dict.fromkeys(("ul", "ulaw", "mulaw", "pcmu"), _MULAW),
    **dict.fromkeys(("al", "alaw", "pcma"), _ALAW),
    **dict.fromkeys(("g722", "722"), _G722),
    **dict.fromkeys(("g723_1", "g723", "tco", "rco"), _G723),
    "g728": RawFormat("g728", "G.728"),
    "g729": RawFormat("g729", "G.729"),
    "gsm": RawFormat("gsm", "GSM 06.10"),
    "amr": RawFormat("amrnb", "AMR without a header"),
    "awb": RawFormat("amrwb", "AMR-WB without a header"),
    "afc": RawFormat("afc", "AFC"),
    "bmv": RawFormat("bmv", "Discworld II BMV"),
    "mvi": RawFormat("mvi", "Motion Pixels"),
    "mxg": RawFormat("mxg", "MxPEG"),
    "rso": RawFormat("rso", "Lego Mindstorms RSO"),
    "aptx": RawFormat("aptx", "aptX"),
    "aptxhd": RawFormat("aptx_hd", "aptX HD"),
    "dfpwm": RawFormat("dfpwm", "DFPWM"),
    **dict.fromkeys(("sbc", "msbc"), _SBC),
    **dict.fromkeys(("302", "daud"), RawFormat("daud", "D-Cinema audio")),
    # Asterisk's signed linear samples: 8 kHz, or as the number says (its format_sln*.c)
    "sln": RawFormat("sln", "signed 16-bit samples at 8 kHz"),
    **{
        f"sln{kilohertz}": RawFormat("sln", f"signed 16-bit samples at {hertz} Hz", {"sample_rate": str(hertz)})
        for kilohertz, hertz in {12: 12000, 16: 16000, 24: 24000, 32: 32000, 44: 44100, 48: 48000, 96: 96000}.items()
    },
}
"""By the file name's extension, lower case."""

BY_CONTENT_TYPE: Mapping[str, RawFormat] = {
    "audio/basic": _MULAW,  # RFC 2046, 4.3
    "audio/pcmu": _MULAW,  # this and the rest: RFC 4856
    "audio/pcma": _ALAW,
    "audio/g722": _G722,
    "audio/g723": _G723,
    "audio/gsm": BY_EXTENSION["gsm"],
}
"""By the media type, lower case, where the name says nothing."""

NEEDS_PARAMETERS = frozenset(
    "pcm raw sw uw sb ub s8 u8 s16 u16 s16le s16be u16le s24le s32le f32 f32le f64le int16 lin lpcm "
    "g726 g726-16 g726-24 g726-32 g726-40".split()
)
"""Names of raw samples and raw G.726, whose rate, width and order of bits stand nowhere: a guess would make noise."""


def missing_parameters(hint: str | None) -> str | None:
    """Return what to do with a raw file whose format nothing says, or None for any other."""
    if hint not in NEEDS_PARAMETERS:
        return None
    return (
        f"A .{hint} file holds bare samples: nothing in it says their rate, width and channels. Convert it to WAV with "
        f"a program that is given them, such as: ffmpeg -f s16le -ar 16000 -ac 1 -i talk.{hint} talk.wav"
    )


def raw_hint(media: Media) -> str | None:
    """Return the extension that says how to read a recording whose content does not: of its name, key or type."""
    for name in (media.name, media.key):
        extension = PurePosixPath(name or "").suffix.removeprefix(".").lower()
        if extension in BY_EXTENSION or extension in NEEDS_PARAMETERS:
            return extension
    kind = BY_CONTENT_TYPE.get((media.content_type or "").partition(";")[0].strip().lower())
    return next((extension for extension, raw in BY_EXTENSION.items() if raw == kind), None)
