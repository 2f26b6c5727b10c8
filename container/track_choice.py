"""Chooses the audio track to transcribe, where a caller names none: one that can be decoded and has speech.

The choice depends on the recording alone, so that every attempt makes the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from container.reading import Sound
from container.vad import FRAME, GROUP, SpanTracker, Vad
from container.windows import regroup
from tiro.errors import MediaEmpty, MediaHarmful, MediaTooLong, NotAudio, PartNotThere
from tiro.ports import PCM

COMPARABLE = 0.25
"""A preferred track is chosen although another has more speech, while it has at least this share of the most."""

LEAST_SPEECH = 0.5
"""Seconds of detected speech below which a track counts as silent: a click or a chord may pass for less."""

UNUSABLE = (MediaEmpty, MediaHarmful, MediaTooLong, NotAudio, PartNotThere)
"""What opening or decoding one track may raise while another is fine."""

OpenTrack = Callable[[int, bool], AbstractContextManager[Sound]]
"""Opens a track by number; True: excerpts of it, False: the whole."""


@dataclass(frozen=True)
class _Listened:
    """What was found on one track."""

    number: int
    speech: float  # seconds
    seconds: float  # listened to
    complete: bool  # whether that is all there is


def choose_track(
    groups: Sequence[Sequence[int]], open_track: OpenTrack, vad: Vad, abandoned: Callable[[], bool]
) -> int:
    """Return the number of the track to transcribe. Each group has decodable tracks, the preferred first.

    It is the first of its group whose excerpts hold at least COMPARABLE of the speech of the track with most, in the
    first group with speech. Where no excerpt has any, the tracks are searched to the end in order, and the first with
    speech is taken; where none has any, it is the first that can be decoded. Stops early when `abandoned` returns True:
    the answer is not needed any more.
    """
    found: list[_Listened] = []
    for group in groups:
        of_group: list[_Listened] = []
        for number in group:
            of_group += _listen(number, open_track, vad, abandoned)
            if len(of_group) == 1 and of_group[0].speech >= max(LEAST_SPEECH, COMPARABLE * of_group[0].seconds):
                return of_group[0].number  # no other track can have so much more
        most = max((each.speech for each in of_group), default=0.0)
        if most >= LEAST_SPEECH:
            return next(each.number for each in of_group if each.speech >= max(LEAST_SPEECH, COMPARABLE * most))
        found += of_group
    searched = (_search(each, open_track, vad, abandoned) for each in found)
    with_speech = next((each.number for each in searched if each.speech >= LEAST_SPEECH), None)
    decodable = found[0].number if found else next(number for group in groups for number in group)
    return with_speech or decodable


def _listen(number: int, open_track: OpenTrack, vad: Vad, abandoned: Callable[[], bool]) -> Iterator[_Listened]:
    """Yield what excerpts of a track say; nothing where it cannot be decoded."""
    try:
        with open_track(number, True) as sound:
            speech = sum(_speech(_while_needed(sound.blocks(), abandoned), vad))
            complete = sound.duration is not None and sound.seconds >= sound.duration - 1
            yield _Listened(number, speech, sound.seconds, complete)
    except UNUSABLE:
        return


def _search(known: _Listened, open_track: OpenTrack, vad: Vad, abandoned: Callable[[], bool]) -> _Listened:
    """Return what the whole of a track says, decoded until it has enough speech."""
    if known.complete:
        return known
    speech = 0.0
    try:
        with open_track(known.number, False) as sound:
            for seconds in _speech(_while_needed(sound.blocks(), abandoned), vad):
                speech += seconds
                if speech >= LEAST_SPEECH:
                    break
            return _Listened(known.number, speech, sound.seconds, complete=True)
    except UNUSABLE:
        return known


def _while_needed(blocks: Iterable[PCM], abandoned: Callable[[], bool]) -> Iterator[PCM]:
    for block in blocks:
        if abandoned():
            return
        yield block


def _speech(blocks: Iterable[PCM], vad: Vad) -> Iterator[float]:
    """Yield the seconds of each detected span of speech."""
    detector, tracker, length = vad.detector(), SpanTracker(), 0
    for group in regroup(blocks, GROUP * FRAME):
        length += len(group)
        frames = np.pad(group, (0, -len(group) % FRAME)).reshape(-1, FRAME)
        yield from (span.seconds for span in tracker.feed(detector(frames)))
    yield from (span.seconds for span in tracker.finish(length))
