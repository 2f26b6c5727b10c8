"""Opens what a job wants of a recording: one track as a mix, or the channels of one or of all tracks separately."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Protocol

from container.audio import MAX_APART, Part
from container.reading import Sound
from container.track_choice import UNUSABLE, choose_track
from container.tracks import Track, labels, warn_of_others
from container.vad import Vad
from tiro.errors import MediaEmpty, MediaError, MediaTooLong, PartNotThere, TooManyChannels
from tiro.ports import PCM
from tiro.request import Options


class OpenedSound(Sound, Protocol):
    @property
    def track(self) -> int:
        """Its number, from 1."""
        ...

    @property
    def tracks(self) -> Sequence[Track]:
        """All audio tracks of the recording, by number."""
        ...

    @property
    def preference(self) -> Sequence[int]:
        """The numbers of the tracks that can be decoded, the one to prefer first."""
        ...

    def channels(self) -> Sequence[str]:
        """Return the labels of its channels, by number."""
        ...


OpenPart = Callable[[Part], AbstractContextManager[OpenedSound]]


class TrackOpener:
    """Opens a part of one recording as its options say. Call it once.

    `track` is the number that an earlier attempt chose, or None; once open, the one that is transcribed, and None where
    the options name it or want all.
    """

    def __init__(
        self, open_part: OpenPart, options: Options, part: Part, *, vad: Vad, track: int | None = None
    ) -> None:
        self._open_part, self._options, self._part, self._vad = open_part, options, part, vad
        self.track = track

    def __call__(self, stack: ExitStack, abandoned: Callable[[], bool]) -> dict[str, Sound]:
        """Return the open sounds by label, "" for a mix. Raises what decoding raises, and TooManyChannels."""
        if self._options.tracks == "all":
            return self._all_tracks(stack)
        with ExitStack() as look:
            first = look.enter_context(self._sound(self._options.track or self.track))
            track, more = self._choose(first, abandoned)
            if self._options.channels == "separate":
                sounds = self._channels(track, stack)
            elif track == first.track:
                sounds = {"": first}
                stack.enter_context(look.pop_all())
            else:
                sounds = {"": stack.enter_context(self._sound(track))}
        return {label: _Warned(sound, more) for label, sound in sounds.items()}

    def _choose(self, first: OpenedSound, abandoned: Callable[[], bool]) -> tuple[int, tuple[str, ...]]:
        """Return the number of the track to transcribe, and what to say of the others."""
        if self._options.track is not None:
            return first.track, ()
        if self.track is None and len(first.preference) > 1:
            main = [number for number in first.preference if not first.tracks[number - 1].purpose]
            others = [number for number in first.preference if number not in main]
            self.track = choose_track([main, others], self._listen, self._vad, abandoned)
        elif self.track is None:
            self.track = first.track
        return self.track, warn_of_others(first.tracks, self.track)

    def _channels(self, track: int, stack: ExitStack) -> dict[str, OpenedSound]:
        first = stack.enter_context(self._sound(track, channel=0))
        own = first.channels()
        return {
            label: stack.enter_context(self._sound(track, channel=number)) if number else first
            for number, label in enumerate(own)
        }

    def _all_tracks(self, stack: ExitStack) -> dict[str, Sound]:
        """Open every channel of every track. A track that cannot be decoded is left out with a warning."""
        with self._sound(None) as any_track:
            tracks, usable = any_track.tracks, sorted(any_track.preference)
        group = _Group(
            len(usable), [f"Track {t.number} cannot be decoded and was left out." for t in tracks if not t.decodable]
        )
        opened: dict[int, list[OpenedSound]] = {}
        for number in usable:
            try:
                opened[number] = [stack.enter_context(self._sound(number, channel=0))]
            except MediaTooLong:
                raise
            except UNUSABLE as error:
                group.failed(number, error)
        count = sum(len(sounds[0].channels()) for sounds in opened.values())
        if count > MAX_APART:
            raise TooManyChannels(
                f"The {len(tracks)} audio tracks have {count} channels together; at most {MAX_APART} are transcribed "
                "separately. Choose one with `track`."
            )
        found: dict[str, Sound] = {}
        for number, sounds in opened.items():
            own = labels(number, sounds[0].channels(), several=len(tracks) > 1)
            for channel, label in enumerate(own):
                sound = stack.enter_context(self._sound(number, channel=channel)) if channel else sounds[0]
                found[label] = _OneOfSeveral(sound, number, group)
        return found

    def _sound(
        self, track: int | None, *, channel: int | None = None, excerpts: bool = False
    ) -> AbstractContextManager[OpenedSound]:
        return self._open_part(replace(self._part, track=track, channel=channel, excerpts=excerpts))

    def _listen(self, track: int, excerpts: bool) -> AbstractContextManager[Sound]:
        return self._sound(track, excerpts=excerpts)


class _Warned:
    """A sound with more warnings."""

    def __init__(self, sound: Sound, more: tuple[str, ...]) -> None:
        self._sound, self._more = sound, more
        self.duration = sound.duration

    @property
    def seconds(self) -> float:
        return self._sound.seconds

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self._sound.warnings, *self._more)

    def blocks(self) -> Iterator[PCM]:
        return self._sound.blocks()


class _Group:
    """Tracks that are transcribed together: one without sound is no reason to fail, all of them are."""

    def __init__(self, size: int, warnings: Sequence[str]) -> None:
        self._size, self._warnings = size, warnings
        self._failed: dict[int, str] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self._warnings, *self._failed.values())

    def failed(self, track: int, error: MediaError) -> None:
        """A track gave no sound. Raises the error where it was the last one that might have."""
        why = {MediaEmpty: "has no sound", PartNotThere: "has no sound in this part"}
        self._failed[track] = f"Track {track} {why.get(type(error), 'cannot be decoded')} and was left out."
        if len(self._failed) == self._size:
            raise error


class _OneOfSeveral:
    """A channel of one of several tracks. It may be empty, while another is not."""

    def __init__(self, sound: Sound, track: int, group: _Group) -> None:
        self._sound, self._track, self._group = sound, track, group
        self.duration = sound.duration

    @property
    def seconds(self) -> float:
        return self._sound.seconds

    @property
    def warnings(self) -> tuple[str, ...]:
        own = self._sound.warnings if self._sound.seconds else ()
        return (*(f"Track {self._track}: {warning}" for warning in own), *self._group.warnings)

    def blocks(self) -> Iterator[PCM]:
        try:
            yield from self._sound.blocks()
        except UNUSABLE as error:
            if self._sound.seconds or isinstance(error, MediaTooLong):
                raise
            self._group.failed(self._track, error)
