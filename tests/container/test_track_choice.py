"""Where a caller names no track, the one with speech is transcribed and the others are named; or all of them are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.track_choice import choose_track
from container.transcriber import WindowTranscriber
from tests.conftest import CORPUS
from tests.container.engine import FakeEngine, LoudVad
from tests.container.multitrack import AudioTrack, Disposition, without_codec, write_tracks
from tests.container.sound import silence, tone, write
from tests.container.test_resuming import Notes
from tests.files import LocalFiles
from tiro.errors import MediaEmpty, MediaHarmful, NotAudio, PartNotThere, TooManyChannels, TrackNotThere
from tiro.ports import PCM, SAMPLE_RATE
from tiro.request import Options
from tiro.transcript import Transcript

# ---------------------------------------------------------------- the rule


@dataclass
class Pretended:
    """A track of which so much is speech, in its excerpts and in the whole."""

    excerpts: float = 0.0
    whole: float = 0.0
    error: Exception | None = None


@dataclass
class PretendedTracks:
    tracks: dict[int, Pretended]
    opened: list[tuple[int, bool]] = field(default_factory=list)

    @contextmanager
    def open(self, number: int, excerpts: bool) -> Iterator[Any]:
        self.opened.append((number, excerpts))
        track = self.tracks[number]
        if track.error:
            raise track.error
        yield PretendedSound(64.0 if excerpts else 3600.0, track.excerpts if excerpts else track.whole)


class PretendedSound:
    """An hour, of which speech comes last."""

    duration, warnings, seconds = 3600.0, (), 0.0

    def __init__(self, seconds: float, speech: float) -> None:
        self._sounds = (silence(seconds - speech), tone(speech))

    def blocks(self) -> Iterator[PCM]:
        for sound in self._sounds:
            for at in range(0, len(sound), 8000):
                self.seconds += len(sound[at : at + 8000]) / SAMPLE_RATE
                yield sound[at : at + 8000]


def choose(others: int = 0, **tracks: Pretended) -> tuple[int, PretendedTracks]:
    """Choose among `t1`, `t2`, … in this order of preference, of which the last `others` are no main tracks."""
    pretended = PretendedTracks({int(name[1:]): track for name, track in tracks.items()})
    order = list(pretended.tracks)
    groups = [order[: len(order) - others], order[len(order) - others :]]
    return choose_track(groups, pretended.open, LoudVad(), lambda: False), pretended


def test_a_silent_track_is_passed_over() -> None:
    assert choose(t1=Pretended(), t2=Pretended(excerpts=20))[0] == 2
    assert choose(t1=Pretended(), t2=Pretended(), t3=Pretended(excerpts=1))[0] == 3


def test_of_tracks_with_speech_the_preferred_one_is_taken_and_no_other_is_opened() -> None:
    number, tracks = choose(t2=Pretended(excerpts=20), t1=Pretended(excerpts=40))
    assert (number, tracks.opened) == (2, [(2, True)])


def test_a_track_with_hardly_any_speech_does_not_hide_one_with_much() -> None:
    assert choose(t1=Pretended(excerpts=1), t2=Pretended(excerpts=30))[0] == 2
    assert choose(t1=Pretended(excerpts=10), t2=Pretended(excerpts=30))[0] == 1
    assert choose(t1=Pretended(excerpts=1), t2=Pretended(excerpts=0.4))[0] == 1


def test_a_commentary_does_not_hide_a_film_that_says_little() -> None:
    assert choose(1, t1=Pretended(excerpts=1), t2=Pretended(excerpts=60))[0] == 1
    assert choose(1, t1=Pretended(), t2=Pretended(excerpts=60))[0] == 2


def test_speech_that_no_excerpt_meets_is_found_in_the_whole() -> None:
    number, tracks = choose(t1=Pretended(), t2=Pretended(whole=10), t3=Pretended(whole=10))
    assert (number, tracks.opened[3:]) == (2, [(1, False), (2, False)])


def test_where_nobody_speaks_the_preferred_track_is_taken() -> None:
    assert choose(t2=Pretended(), t1=Pretended())[0] == 2


@pytest.mark.parametrize("error", [NotAudio, MediaEmpty, MediaHarmful, PartNotThere])
def test_a_track_that_cannot_be_decoded_is_passed_over(error: type[Exception]) -> None:
    assert choose(t1=Pretended(error=error()), t2=Pretended(excerpts=20))[0] == 2
    assert choose(t1=Pretended(error=error()), t2=Pretended())[0] == 2
    assert choose(t1=Pretended(error=error()), t2=Pretended(error=error()))[0] == 1, "and its error is raised"


def test_a_search_that_nobody_needs_ends() -> None:
    tracks = PretendedTracks({1: Pretended(), 2: Pretended()})
    seconds = [0]

    def abandoned() -> bool:
        seconds[0] += 1
        return seconds[0] > 10

    choose_track([[1, 2]], tracks.open, LoudVad(), abandoned)
    assert seconds[0] < 20


# ---------------------------------------------------------------- in a transcript

Hear = Callable[..., Transcript]


@pytest.fixture
def hear(tmp_path: Path) -> Hear:
    """Transcribe a file; what is loud counts as speech."""

    def hear(path: Path, checkpoint: Notes | None = None, **options: Any) -> Transcript:
        files = LocalFiles(tmp_path)
        return WindowTranscriber(media=files, engine=FakeEngine(), vad=LoudVad(), batch_size=1).transcribe(
            files.media(path.name),
            Options(**{"language": "en", **options}),
            max_seconds=36_000,
            on_progress=lambda done, total: None,
            checkpoint=checkpoint,
        )

    return hear


def spoken(transcript: Transcript) -> dict[str | None, float]:
    """Return when each channel begins to speak."""
    return {s.channel: round(s.start) for s in reversed(transcript.segments)}


def at(start: float, seconds: float = 3, total: float = 20) -> PCM:
    """Return silence with speech at a time."""
    return np.concatenate([silence(start), tone(seconds), silence(total - start - seconds)])


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov", "a.ts"])
@pytest.mark.parametrize("channels", ["mix", "separate"])
def test_the_first_track_is_silent_and_the_second_speaks(hear: Hear, tmp_path: Path, name: str, channels: str) -> None:
    desktop, microphone = {"title": "Desktop", "language": "eng"}, {"title": "Mic", "language": "eng"}
    tracks = AudioTrack(silence(20), "mp2", metadata=desktop), AudioTrack([at(8)] * 2, "mp2", metadata=microphone)
    transcript = hear(write_tracks(tmp_path / name, *tracks, video_seconds=2), channels=channels)
    assert spoken(transcript) == ({None: 8} if channels == "mix" else {"left": 8, "right": 8})
    (warning,) = (w for w in transcript.warnings if "audio tracks" in w)
    first, second = ("1 (eng)", "2 (eng)") if name == "a.ts" else ("1 (eng, “Desktop”)", "2 (eng, “Mic”)")
    assert warning == (
        f"The recording has 2 audio tracks. Track {second} was transcribed, and not: track {first}. The option `track` "
        "chooses another."
    )


def test_a_track_with_a_number_is_transcribed_without_a_word_of_the_others(hear: Hear, tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mkv", AudioTrack(at(4)), AudioTrack(at(8)), AudioTrack(at(12)))
    assert [spoken(hear(path, track=number)) for number in (1, 2, 3)] == [{None: 4}, {None: 8}, {None: 12}]
    assert hear(path, track=2).warnings == ()
    assert spoken(hear(path)) == {None: 4}


def test_a_silent_track_may_be_wanted(hear: Hear, tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mkv", AudioTrack(silence(5)), AudioTrack(at(1, 3, 5)))
    assert hear(path, track=1).no_speech


def test_a_number_that_is_not_there_fails_the_job(hear: Hear, tmp_path: Path) -> None:
    with pytest.raises(TrackNotThere, match="has 2 audio tracks"):
        hear(write_tracks(tmp_path / "a.mkv", AudioTrack(at(4)), AudioTrack(at(8))), track=3)


def test_the_first_track_has_no_samples_at_all(hear: Hear, tmp_path: Path) -> None:
    empty = AudioTrack(np.zeros(0), "pcm_s16le")
    path = write_tracks(tmp_path / "a.mkv", empty, AudioTrack(at(8), "pcm_s16le"))
    assert spoken(hear(path)) == {None: 8}
    transcript = hear(path, channels="separate", tracks="all")
    assert (spoken(transcript), transcript.warnings) == ({"track 2": 8}, ("Track 1 has no sound and was left out.",))


def test_the_first_track_is_in_an_unknown_codec(hear: Hear, tmp_path: Path) -> None:
    path = without_codec(write_tracks(tmp_path / "a.mkv", AudioTrack(at(4), "alac"), AudioTrack(at(8))))
    transcript = hear(path)
    assert spoken(transcript) == {None: 8}
    assert "not: track 1 (cannot be decoded)." in transcript.warnings[0]
    both = hear(path, channels="separate", tracks="all")
    assert (spoken(both), both.warnings) == ({"track 2": 8}, ("Track 1 cannot be decoded and was left out.",))


def test_a_commentary_is_not_the_default_even_if_it_is_marked_so(hear: Hear, tmp_path: Path) -> None:
    commentary = AudioTrack(at(1, 18), disposition=Disposition.comment | Disposition.default)
    transcript = hear(write_tracks(tmp_path / "a.mkv", commentary, AudioTrack(at(8))))
    assert spoken(transcript) == {None: 8}
    assert "track 1 (commentary)" in transcript.warnings[0]


def test_speech_that_begins_late_is_found(hear: Hear, tmp_path: Path) -> None:
    """Behind the last excerpt, which begins at 350 s."""
    path = write_tracks(tmp_path / "a.mkv", AudioTrack(silence(400)), AudioTrack(at(385, 5, 400)))
    assert spoken(hear(path)) == {None: 385}


def test_the_part_that_is_wanted_decides(hear: Hear, tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mkv", AudioTrack(at(2)), AudioTrack(at(14)))
    assert spoken(hear(path)) == {None: 2}
    assert spoken(hear(path, start=10)) == {None: 14}


# ---------------------------------------------------------------- all tracks

ALL = {"channels": "separate", "tracks": "all"}


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
def test_all_tracks_are_channels_on_one_clock(hear: Hear, tmp_path: Path, name: str) -> None:
    """Of different length, rate, codec, channels and start."""
    tracks = [
        AudioTrack(at(4, total=10), "mp2", 48_000),
        AudioTrack([at(6, total=12), at(9, total=12)], "ac3", 44_100),
        AudioTrack(at(3, total=20), "aac", 32_000, start=10),
    ]
    transcript = hear(write_tracks(tmp_path / name, *tracks), **ALL)
    assert spoken(transcript) == {"track 1": 4, "track 2 left": 6, "track 2 right": 9, "track 3": 13}
    assert transcript.duration == pytest.approx(30, abs=0.2)
    assert not [w for w in transcript.warnings if "audio tracks" in w]


def test_all_tracks_of_a_file_with_one_have_its_usual_labels(hear: Hear, tmp_path: Path) -> None:
    write(tmp_path / "a.flac", [at(4), at(8)], codec="flac")
    assert spoken(hear(tmp_path / "a.flac", **ALL)) == {"left": 4, "right": 8}


def test_the_channels_of_all_tracks_count_together(hear: Hear, tmp_path: Path) -> None:
    six, two, one = [at(4)] * 6, [at(4)] * 2, at(4)
    eight = write_tracks(tmp_path / "a.mkv", AudioTrack(six), AudioTrack(two))
    assert len(spoken(hear(eight, **ALL))) == 8
    nine = write_tracks(tmp_path / "b.mkv", AudioTrack(six), AudioTrack(two), AudioTrack(one))
    with pytest.raises(TooManyChannels, match=r"3 audio tracks have 9 channels together; at most 8 .* `track`"):
        hear(nine, **ALL)
    assert len(spoken(hear(nine, channels="separate", track=1))) == 6


def test_only_where_no_track_has_sound_the_job_fails(hear: Hear, tmp_path: Path) -> None:
    empty = AudioTrack(np.zeros(0), "pcm_s16le")
    with pytest.raises(MediaEmpty):
        hear(write_tracks(tmp_path / "a.mkv", empty, empty, video_seconds=1), **ALL)
    path = write_tracks(tmp_path / "b.mkv", AudioTrack(at(4, total=10)), AudioTrack(at(15)))
    assert spoken(hear(path, start=12, **ALL)) == {"track 2": 15}
    with pytest.raises(PartNotThere):
        hear(path, start=30, **ALL)


# ---------------------------------------------------------------- to go on


@pytest.mark.parametrize("options", [{}, ALL, {"channels": "separate"}, {"track": 3}], ids=str)
def test_a_resumed_attempt_goes_on_with_the_same_tracks(hear: Hear, tmp_path: Path, options: dict[str, Any]) -> None:
    long = np.concatenate([at(5, total=15 + n) for n in range(6)])
    tracks = AudioTrack(silence(60)), AudioTrack([long] * 2), AudioTrack(at(3, 5, 10))
    path = write_tracks(tmp_path / "a.mkv", *tracks)
    whole = hear(path, kept := Notes(), **options)
    for count in (1, len(kept.stretches) // 2, len(kept.stretches) - 1):
        assert hear(path, Notes(kept.stretches[:count]), **options) == whole


def test_a_resumed_attempt_does_not_choose_again(hear: Hear, tmp_path: Path) -> None:
    """A new release may find speech elsewhere: what comes after must still be of the same track."""
    long = np.concatenate([at(5, total=15)] * 6)
    path = write_tracks(tmp_path / "a.mkv", AudioTrack(silence(60)), AudioTrack(long))
    hear(path, kept := Notes())
    write_tracks(path, AudioTrack(np.concatenate([tone(30), silence(60)])), AudioTrack(long))
    again = hear(path, Notes(kept.stretches[:2]))
    assert [round(s.start) for s in again.segments][:6] == [5, 20, 35, 50, 65, 80]


def test_a_track_that_is_over_does_not_hold_up_the_others(tmp_path: Path) -> None:
    long = np.concatenate([at(5, total=15)] * 6)
    write_tracks(tmp_path / "a.mkv", AudioTrack(at(2, total=12)), AudioTrack(long))
    files, told = LocalFiles(tmp_path), list[float]()
    WindowTranscriber(media=files, engine=FakeEngine(), vad=LoudVad(), batch_size=1).transcribe(
        files.media("a.mkv"),
        Options(language="en", channels="separate", tracks="all"),
        max_seconds=3600,
        on_progress=lambda done, total: told.append(done),
        checkpoint=(kept := Notes()),
    )
    assert len({round(done) for done in told}) > 4
    assert kept.stretches[-2].end > 50


# ---------------------------------------------------------------- as it came


def test_a_recording_with_desktop_sound_and_a_microphone(tmp_path: Path) -> None:
    """With the real detector of speech."""
    file = CORPUS.parent / "cases/tracks-silent-first.mkv"
    if not file.is_file():
        pytest.skip("there are no cases beside the corpus")
    files = LocalFiles(file.parent)
    transcript = WindowTranscriber(media=files, engine=FakeEngine()).transcribe(
        files.media(file.name), Options(language="en"), max_seconds=3600, on_progress=lambda done, total: None
    )
    assert not transcript.no_speech
    assert "Track 2 (“Mic”) was transcribed, and not: track 1 (“Desktop”)." in transcript.warnings[0]
