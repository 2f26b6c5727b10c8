"""Of several audio tracks the one that is wanted is decoded, on the recording's clock."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from av.stream import Disposition

from container.audio import Part, Recording
from container.decoding import Decoders, Decoding
from container.excerpts import EXCERPT_SECONDS, EXCERPTS
from container.tracks import LONGEST_TITLE, Track, labels, warn_of_others
from tests.container.multitrack import AudioTrack, tones, without_codec, write_tracks
from tests.container.sound import silence, tone, write
from tiro.errors import NoAudioTrack, NotAudio, TrackNotThere
from tiro.ports import PCM, SAMPLE_RATE

Open = Callable[..., Recording | Decoding]
Decode = Callable[..., tuple[PCM, Recording | Decoding]]


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with closing(Decoders()) as decoders:
        yield decoders


@pytest.fixture(params=["here", "in a child"])
def decode(request: pytest.FixtureRequest, decoders: Decoders) -> Decode:
    open_recording: Open = Recording if request.param == "here" else decoders.open

    def decode(path: Path, **part: object) -> tuple[PCM, Recording | Decoding]:
        file = io.BytesIO(path.read_bytes())
        with open_recording(file, max_seconds=36_000, part=Part(**part)) as recording:  # type: ignore[arg-type]
            return np.concatenate(list(recording.blocks())), recording

    return decode


CONTAINERS = [("a.mkv", "flac"), ("a.mp4", "alac"), ("a.mov", "pcm_s16le"), ("a.ts", "mp2"), ("a.avi", "mp3")]


@pytest.mark.parametrize(("name", "codec"), CONTAINERS)
def test_a_track_is_chosen_by_its_number(decode: Decode, tmp_path: Path, name: str, codec: str) -> None:
    one, two = AudioTrack(tone(2, 440), codec, 48_000), AudioTrack([tone(3, 660)] * 2, codec, 44_100)
    path = write_tracks(tmp_path / name, one, two, video_seconds=1)
    for number, hertz, seconds in ((1, 440, 2), (2, 660, 3)):
        pcm, recording = decode(path, track=number)
        assert (recording.track, len(recording.tracks)) == (number, 2)
        assert tones(pcm) == pytest.approx(hertz, abs=2)
        assert recording.seconds == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize(("name", "codec"), CONTAINERS[:4])
def test_a_track_that_starts_late_stands_on_the_recordings_clock(
    decode: Decode, tmp_path: Path, name: str, codec: str
) -> None:
    late = AudioTrack(tone(3, 660), codec, 48_000, start=2)
    pcm, _ = decode(write_tracks(tmp_path / name, AudioTrack(tone(5), codec, 48_000), late), track=2)
    assert np.argmax(np.abs(pcm) > 0.1) / SAMPLE_RATE == pytest.approx(2, abs=0.1)
    assert len(pcm) / SAMPLE_RATE == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov"])
def test_a_track_may_start_after_as_long_as_it_lasts(decode: Decode, tmp_path: Path, name: str) -> None:
    late = AudioTrack(tone(2, 660), "alac", start=9)
    pcm, recording = decode(write_tracks(tmp_path / name, AudioTrack(tone(12), "alac"), late), track=2)
    assert np.argmax(np.abs(pcm) > 0.1) / SAMPLE_RATE == pytest.approx(9, abs=0.1)
    assert recording.seconds == pytest.approx(11, abs=0.1)
    assert recording.warnings == ()


@pytest.mark.parametrize(("name", "codec"), CONTAINERS[:4])
def test_a_track_that_is_shorter_than_the_film_is_not_cut_off(
    decode: Decode, tmp_path: Path, name: str, codec: str
) -> None:
    short, long = AudioTrack(tone(3), codec, 48_000), AudioTrack(tone(20), codec, 48_000)
    path = write_tracks(tmp_path / name, short, long, video_seconds=30)
    assert [decode(path, track=number)[1].warnings for number in (1, 2)] == [(), ()]


def test_a_track_that_is_cut_off_says_so(decode: Decode, tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mkv", AudioTrack(tone(20), "pcm_s16le"), AudioTrack(tone(20), "pcm_s16le"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (warning,) = decode(path, track=2)[1].warnings
    assert "20.0 s that the file promises" in warning


@pytest.mark.parametrize("count", [1, 2])
def test_a_number_that_does_not_exist_says_how_many_there_are(decode: Decode, tmp_path: Path, count: int) -> None:
    path = write_tracks(tmp_path / "a.mkv", *[AudioTrack(tone(1))] * count)
    with pytest.raises(TrackNotThere, match=f"has {count} audio tracks?: there is no track 7"):
        decode(path, track=7)


def test_the_only_track_has_number_one(decode: Decode, tmp_path: Path) -> None:
    assert decode(write(tmp_path / "a.wav", tone(1)), track=1)[1].seconds == 1.0


def test_a_film_without_sound_has_no_track_to_choose(decode: Decode, tmp_path: Path) -> None:
    with pytest.raises(NoAudioTrack):
        decode(write_tracks(tmp_path / "a.mkv", video_seconds=1), track=1)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_track_in_an_unknown_codec_is_passed_over_or_refused_by_name(
    decode: Decode, tmp_path: Path, name: str
) -> None:
    path = without_codec(
        write_tracks(tmp_path / name, AudioTrack(tone(1, 440), "alac"), AudioTrack(tone(1, 660), "aac", 48_000))
    )
    pcm, recording = decode(path)
    assert (recording.track, [track.decodable for track in recording.tracks]) == (2, [False, True])
    assert tones(pcm) == pytest.approx(660, abs=2)
    with pytest.raises(NotAudio, match=r"Track 1 is in a codec Tiro cannot decode. Tiro can decode these tracks: 2"):
        decode(path, track=1)


def test_a_file_with_nothing_but_unknown_codecs_is_refused(decode: Decode, tmp_path: Path) -> None:
    path = without_codec(write_tracks(tmp_path / "a.mkv", *[AudioTrack(tone(1), "alac")] * 2))
    with pytest.raises(NotAudio, match=r"codec Tiro cannot decode. Convert"):
        decode(path)


MAIN, COMMENTARY, DESCRIBED = Disposition(0), Disposition.comment, Disposition.visual_impaired


@pytest.mark.parametrize(
    ("dispositions", "order"),
    [
        ((MAIN, MAIN), [1, 2]),
        ((MAIN, Disposition.default), [2, 1]),
        ((COMMENTARY, MAIN), [2, 1]),
        ((COMMENTARY | Disposition.default, MAIN), [2, 1]),
        ((DESCRIBED, Disposition.default, MAIN), [2, 3, 1]),
        ((Disposition.hearing_impaired, COMMENTARY, MAIN), [3, 2, 1]),
        ((Disposition.dub, Disposition.original), [1, 2]),
    ],
)
def test_main_tracks_are_preferred_and_of_them_the_default(
    decode: Decode, tmp_path: Path, dispositions: tuple[Disposition, ...], order: list[int]
) -> None:
    tracks = [AudioTrack(tone(1), disposition=disposition) for disposition in dispositions]
    _, recording = decode(write_tracks(tmp_path / "a.mkv", *tracks))
    assert (recording.track, list(recording.preference)) == (order[0], order)


def test_what_headers_say_of_tracks_is_told(decode: Decode, tmp_path: Path) -> None:
    tracks = [
        AudioTrack(tone(1), metadata={"language": "ger", "title": "Regie"}, disposition=COMMENTARY),
        AudioTrack(tone(1), metadata={"language": "und"}),
        AudioTrack(tone(1), metadata={"title": "a\x07b\n\u202ec " + "x" * 300}),
    ]
    _, recording = decode(write_tracks(tmp_path / "a.mkv", *tracks))
    first, second, third = recording.tracks
    assert str(first) == "track 1 (ger, “Regie”, commentary)"
    assert str(second) == "track 2"
    assert third.title.startswith("a b c xxx")
    assert len(third.title) == LONGEST_TITLE


def test_the_title_of_a_quicktime_track_is_read(decode: Decode, tmp_path: Path) -> None:
    track = AudioTrack(tone(1), "alac", metadata={"title": "Mic/Aux", "language": "eng"})
    _, recording = decode(write_tracks(tmp_path / "a.mp4", track, AudioTrack(tone(1), "alac")))
    assert [str(each) for each in recording.tracks] == ["track 1 (eng, “Mic/Aux”)", "track 2"]


class TestWarning:
    def test_it_names_the_others_and_what_to_do(self) -> None:
        tracks = (Track(1, False), Track(2, True, "eng"), Track(3, True, "fra", "Panel"))
        assert warn_of_others(tracks, 2) == (
            "The recording has 3 audio tracks. Track 2 (eng) was transcribed, and not: track 1 (cannot be decoded), "
            "track 3 (fra, “Panel”). The option `track` chooses another.",
        )

    def test_one_track_needs_none(self) -> None:
        assert warn_of_others((Track(1, True),), 1) == ()

    def test_it_does_not_grow_with_the_number_of_tracks(self) -> None:
        (warning,) = warn_of_others(tuple(Track(n, True, title="x" * LONGEST_TITLE) for n in range(1, 1000)), 5)
        assert "and 982 more." in warning
        assert len(warning) < 2000


class TestLabels:
    def test_one_track_keeps_the_names_of_its_channels(self) -> None:
        assert labels(1, ("left", "right"), several=False) == ["left", "right"]

    def test_of_several_they_are_unique_and_readable(self) -> None:
        made = [
            *labels(1, ("1",), several=True),
            *labels(2, ("left", "right"), several=True),
            *labels(3, "123", several=True),
        ]
        assert made == [
            "track 1",
            "track 2 left",
            "track 2 right",
            "track 3 channel 1",
            "track 3 channel 2",
            "track 3 channel 3",
        ]


class TestExcerpts:
    """By which a track is judged: short pieces from all over it."""

    @pytest.mark.parametrize(
        ("name", "codec"), [("a.mkv", "flac"), ("a.mp4", "alac"), ("a.ts", "mp2"), ("a.wav", "pcm_s16le")]
    )
    def test_they_come_from_all_over_a_long_track(self, decode: Decode, tmp_path: Path, name: str, codec: str) -> None:
        """Each of its eighths is a tone of its own."""
        eighths = np.concatenate([tone(15, 200 + 100 * n) for n in range(8)])
        path = write_tracks(tmp_path / name, AudioTrack(eighths, codec))
        pcm, _ = decode(path, track=1, excerpts=True)
        assert len(pcm) / SAMPLE_RATE == pytest.approx(EXCERPTS * EXCERPT_SECONDS, abs=2)
        step = round(EXCERPT_SECONDS * SAMPLE_RATE)
        heard = [tones(pcm[n * step + step // 4 :][: step // 2]) for n in range(EXCERPTS)]
        assert heard == pytest.approx([200 + 100 * n for n in range(8)], abs=3)

    def test_a_short_track_is_taken_whole(self, decode: Decode, tmp_path: Path) -> None:
        path = write_tracks(tmp_path / "a.mkv", AudioTrack(tone(70)), AudioTrack(tone(50)))
        assert len(decode(path, track=2, excerpts=True)[0]) / SAMPLE_RATE == pytest.approx(50, abs=0.1)

    def test_they_lie_in_the_part_that_is_wanted(self, decode: Decode, tmp_path: Path) -> None:
        sound = np.concatenate([tone(100, 300), tone(200, 500), tone(100, 700)])
        path = write_tracks(tmp_path / "a.mp4", AudioTrack(sound, "alac"))
        pcm, _ = decode(path, track=1, excerpts=True, start=110.0, end=290.0)
        assert tones(pcm) == pytest.approx(500, abs=2)
        assert all(tones(pcm[at : at + 8000]) == pytest.approx(500, abs=5) for at in range(0, len(pcm) - 8000, 8000))

    def test_only_the_places_are_read(self, tmp_path: Path) -> None:
        class Counting(io.BytesIO):
            count = 0

            def read(self, size: int | None = -1) -> bytes:
                data = super().read(size)
                self.count += len(data)
                return data

        path = write_tracks(tmp_path / "a.mov", AudioTrack(silence(1200), "pcm_s16le"), video_seconds=1)
        file = Counting(path.read_bytes())
        with Recording(file, max_seconds=36_000, part=Part(track=1, excerpts=True)) as recording:
            assert sum(map(len, recording.blocks()))
        assert file.count < len(file.getvalue()) / 10
