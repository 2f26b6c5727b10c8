"""The audio tracks of a recording: what its headers say of each, and which one comes first.

Tracks are numbered from 1, audio tracks only, in the order of the file: as a player's menu shows them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from av.stream import Disposition

from container.media_formats import ALLOWED_DECODERS
from tiro.errors import NoAudioTrack, NotAudio, TrackNotThere

CONVERT = "Convert it to WAV or FLAC with another program, and submit the result."

PURPOSES = {
    Disposition.comment: "commentary",
    Disposition.visual_impaired: "audio description",
    Disposition.descriptions: "audio description",
    Disposition.hearing_impaired: "for the hearing impaired",
    Disposition.clean_effects: "effects only",
    Disposition.karaoke: "karaoke",
    Disposition.non_diegetic: "non-diegetic",
}
"""Dispositions of a track that accompanies the main one, and what to call it. Such a track is not the default."""

LONGEST_TITLE = 60
"""Characters of a track's title in a warning; a file's author writes it, of any length."""

MOST_NAMED = 16
"""Tracks that a warning names; a broadcast stream may have many more."""

_NO_LANGUAGE = ("und", "mis", "mul", "zxx")  # ISO 639-2: undetermined, uncoded, multiple, none


@dataclass(frozen=True)
class Track:
    """One audio track, by its headers."""

    number: int  # from 1
    decodable: bool
    language: str = ""  # as the file has it, such as "eng"
    title: str = ""
    purpose: str = ""  # one of PURPOSES; empty: a main track

    def __str__(self) -> str:
        about = (self.language, f"“{self.title}”" if self.title else "", self.purpose)
        known = ", ".join(filter(None, (*about, "" if self.decodable else "cannot be decoded")))
        return f"track {self.number} ({known})" if known else f"track {self.number}"


def read_tracks(container: Any) -> tuple[Track, ...]:
    """Return the audio tracks of an open PyAV container, by number."""
    return tuple(_track(number, stream) for number, stream in enumerate(container.streams.audio, 1))


def by_preference(container: Any) -> list[int]:
    """Return the numbers of the tracks that can be decoded, the one to prefer first.

    Main tracks come before those that accompany them, then those that the file marks as default, then the one that
    FFmpeg calls the best, then the others in the order of the file.
    """
    best = container.streams.best("audio")

    def rank(number: int) -> tuple[bool, bool, bool, int]:
        stream = container.streams.audio[number - 1]
        return bool(_purpose(stream)), not stream.disposition & Disposition.default, stream is not best, number

    tracks = read_tracks(container)
    return sorted((track.number for track in tracks if track.decodable), key=rank)


def select(container: Any, wanted: int | None) -> int:
    """Return the number of the wanted track, or of the one to prefer. Raises NoAudioTrack, TrackNotThere, NotAudio."""
    tracks = read_tracks(container)
    if not tracks:
        raise NoAudioTrack("The file can be read, but there is no audio track in it.")
    if wanted is None:
        if order := by_preference(container):
            return order[0]
        raise NotAudio(f"The audio in this file is in a codec Tiro cannot decode. {CONVERT}")
    if wanted > len(tracks):
        has = "1 audio track" if len(tracks) == 1 else f"{len(tracks)} audio tracks"
        raise TrackNotThere(f"The recording has {has}: there is no track {wanted}. Tracks are numbered from 1.")
    if not tracks[wanted - 1].decodable:
        others = ", ".join(str(track.number) for track in tracks if track.decodable)
        choose = f" Tiro can decode these tracks: {others}." if others else ""
        raise NotAudio(f"Track {wanted} is in a codec Tiro cannot decode.{choose} {CONVERT}")
    return wanted


def warn_of_others(tracks: Sequence[Track], chosen: int) -> tuple[str, ...]:
    """Return the warning that names the tracks which were not transcribed; none where there is only one."""
    others = [track for track in tracks if track.number != chosen]
    if not others:
        return ()
    named = ", ".join(map(str, others[:MOST_NAMED])) + _and_more(len(others) - MOST_NAMED)
    return (
        f"The recording has {len(tracks)} audio tracks. {_sentence(tracks[chosen - 1])} was transcribed, and not: "
        f"{named}. The option `track` chooses another.",
    )


def labels(track: int, channels: Iterable[str], *, several: bool) -> list[str]:
    """Return the labels of a track's channels, unique in a recording of several tracks.

    One track keeps its channels' own: "left" and "right", or numbers. Of several, "track 2" is mono, "track 2 left" the
    left channel of a stereo track, and "track 2 channel 5" the fifth of more than two.
    """
    own = list(channels)
    if not several:
        return own
    if len(own) == 1:
        return [f"track {track}"]
    return [f"track {track} {f'channel {label}' if label.isdigit() else label}" for label in own]


def _track(number: int, stream: Any) -> Track:
    language = stream.metadata.get("language", "").lower()
    title = stream.metadata.get("title") or stream.metadata.get("name", "")  # the latter in MP4 and QuickTime
    return Track(
        number=number,
        decodable=_is_decodable(stream),
        language=language
        if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", language) and language not in _NO_LANGUAGE
        else "",
        title=_printable(title),
        purpose=_purpose(stream),
    )


def _is_decodable(stream: Any) -> bool:
    return stream.codec_context is not None and stream.codec_context.name in ALLOWED_DECODERS


def _purpose(stream: Any) -> str:
    return next((name for disposition, name in PURPOSES.items() if stream.disposition & disposition), "")


def _printable(text: str) -> str:
    """Return text without control and formatting characters, of at most LONGEST_TITLE."""
    kept = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text[: 10 * LONGEST_TITLE])
    kept = " ".join(kept.split())
    return kept if len(kept) <= LONGEST_TITLE else f"{kept[: LONGEST_TITLE - 1]}…"


def _and_more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _sentence(track: Track) -> str:
    text = str(track)
    return text[0].upper() + text[1:]
