"""Whatever comes in goes out as 16 kHz mono blocks, or fails by name."""

from __future__ import annotations

import io
import logging
import tracemalloc
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import pytest

from container.audio import BLOCK, WHOLE, Part, Recording
from container.decoding import Decoders, Decoding
from tests.container.sound import power, tone, write, write_video
from tiro.errors import (
    MediaEmpty,
    MediaTooLong,
    NoAudioTrack,
    NotAudio,
    PartNotThere,
    ServiceUnavailable,
    TooManyChannels,
)
from tiro.ports import PCM, SAMPLE_RATE

HOUR = 3600.0


Open = Callable[..., Recording | Decoding]


class Decode(Protocol):
    def __call__(
        self, file: Path | bytes, *, max_seconds: float = HOUR, part: Part = WHOLE
    ) -> tuple[PCM, Recording | Decoding]: ...


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with closing(Decoders()) as decoders:
        yield decoders


@pytest.fixture(params=["here", "in a child"])
def open_recording(request: pytest.FixtureRequest, decoders: Decoders) -> Open:
    """Either way of opening a recording: the same promises hold for both."""
    return Recording if request.param == "here" else decoders.open


@pytest.fixture
def decode(open_recording: Open) -> Decode:
    def decode(
        file: Path | bytes, *, max_seconds: float = HOUR, part: Part = WHOLE
    ) -> tuple[PCM, Recording | Decoding]:
        stream: BinaryIO = io.BytesIO(file if isinstance(file, bytes) else file.read_bytes())
        with open_recording(stream, max_seconds=max_seconds, part=part) as recording:
            blocks = list(recording.blocks())
        assert all(b.dtype == np.float32 and b.ndim == 1 and 0 < len(b) <= BLOCK for b in blocks)
        return np.concatenate(blocks), recording

    return decode


def loudest_hertz(pcm: PCM) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(pcm)))) * SAMPLE_RATE / len(pcm)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 16_000),
        ("a.wav", "pcm_s24le", 96_000),
        ("a.wav", "pcm_mulaw", 8_000),
        ("a.flac", "flac", 44_100),
        ("a.mp3", "libmp3lame", 44_100),
        ("a.ogg", "libopus", 48_000),
        ("a.opus", "libopus", 48_000),
        ("a.m4a", "aac", 44_100),
        ("a.webm", "libopus", 48_000),
        ("a.aiff", "pcm_s16be", 22_050),
        ("a.mkv", "ac3", 48_000),
    ],
)
def test_any_container_comes_out_at_16_khz(decode: Decode, tmp_path: Path, name: str, codec: str, rate: int) -> None:
    pcm, recording = decode(write(tmp_path / name, tone(2, rate=rate), codec=codec, rate=rate))
    assert recording.seconds == pytest.approx(2, abs=0.1)
    assert recording.duration == pytest.approx(2, abs=0.1)
    assert loudest_hertz(pcm) == pytest.approx(440, abs=2)
    assert recording.warnings == ()


@pytest.mark.parametrize("channels", [2, 6])
def test_one_voice_among_silent_channels_stays_audible(decode: Decode, tmp_path: Path, channels: int) -> None:
    sound = np.zeros((channels, SAMPLE_RATE), np.float32)
    sound[-1 if channels == 2 else 2] = tone(1)
    pcm, _ = decode(write(tmp_path / "a.flac", sound, codec="flac"))
    assert power(pcm) > power(tone(1)) / 8


def test_a_channel_wired_the_wrong_way_round_does_not_silence_the_other(decode: Decode, tmp_path: Path) -> None:
    pcm, _ = decode(write(tmp_path / "a.wav", [tone(1), -tone(1)]))
    assert power(pcm) == pytest.approx(power(tone(1)), rel=0.05)


def test_a_change_of_rate_and_channels_in_mid_file_is_followed(decode: Decode, tmp_path: Path) -> None:
    first = write(tmp_path / "a.mp3", tone(1, 440), codec="libmp3lame", rate=16_000)
    second = write(tmp_path / "b.mp3", [tone(1, 880, rate=44_100)] * 2, codec="libmp3lame", rate=44_100)
    pcm, _ = decode(first.read_bytes() + second.read_bytes())
    assert loudest_hertz(pcm[2000:14_000]) == pytest.approx(440, abs=3)
    assert loudest_hertz(pcm[18_000:30_000]) == pytest.approx(880, abs=3)


def test_samples_that_are_missing_by_the_timestamps_are_silence(decode: Decode, tmp_path: Path) -> None:
    pages = write(tmp_path / "a.ogg", tone(10, rate=48_000), codec="libopus", rate=48_000).read_bytes()
    whole, _ = decode(pages)
    starts = [i for i in range(len(pages)) if pages.startswith(b"OggS", i)]
    holed = pages[: starts[3]] + pages[starts[4] :]
    pcm, _ = decode(holed)
    assert len(pcm) == pytest.approx(len(whole), abs=SAMPLE_RATE // 4)
    assert min(power(pcm[i : i + 1600]) for i in range(0, len(pcm) - 3200, 1600)) < 1e-6


def test_damage_is_skipped_and_told(decode: Decode, tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "a.mp3", tone(10), codec="libmp3lame").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 600] = bytes(range(1, 201)) * 3
    pcm, recording = decode(bytes(data))
    assert 8 < len(pcm) / SAMPLE_RATE <= 10.1
    assert any("damaged" in warning for warning in recording.warnings)


def test_a_truncated_file_gives_what_is_there(decode: Decode, tmp_path: Path) -> None:
    data = write(tmp_path / "a.mp3", tone(10), codec="libmp3lame").read_bytes()
    pcm, recording = decode(data[: len(data) // 2])
    assert len(pcm) / SAMPLE_RATE == pytest.approx(5, abs=0.3)
    assert any("10.0 s that the file promises" in warning for warning in recording.warnings)


NAMELESS = [
    (b"", MediaEmpty),
    (b"Call me Ishmael. Some years ago\n" * 100, NotAudio),
    (bytes(np.random.default_rng(1).integers(0, 256, 50_000, dtype=np.uint8)), NotAudio),
    (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", NotAudio),
    (b"ffconcat version 1.0\nfile '/etc/hostname'\n", NotAudio),
]


@pytest.mark.parametrize(("data", "error"), NAMELESS, ids=["empty", "text", "noise", "hls", "concat"])
def test_what_is_no_sound_fails_by_name(decode: Decode, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"Check it|Convert it"):  # whatever is wrong, it says what to do
        decode(data)


def test_a_film_without_sound_has_no_audio_track(decode: Decode, tmp_path: Path) -> None:
    with pytest.raises(NoAudioTrack):
        decode(write_video(tmp_path / "a.mp4"))


def test_a_file_without_samples_is_empty(decode: Decode, tmp_path: Path) -> None:
    header = write(tmp_path / "a.wav", tone(1)).read_bytes()
    empty = header[: header.index(b"data") + 4] + b"\0\0\0\0"
    with pytest.raises(MediaEmpty, match="no sound in it"):
        decode(empty)


def test_too_long_by_the_header_is_refused_before_decoding(open_recording: Open, tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", tone(5), codec="flac")
    with path.open("rb") as file, pytest.raises(MediaTooLong, match="5 s long; at most 4 s"):
        open_recording(file, max_seconds=4)


def test_too_long_by_its_samples_is_refused_as_soon_as_they_pass(decode: Decode, tmp_path: Path) -> None:
    data = write(tmp_path / "a.flac", tone(5), codec="flac").read_bytes()
    at = 8 + 13  # STREAMINFO: 36 bits of total samples, of which 0 means unknown
    headless = data[:at] + bytes([data[at] & 0xF0]) + b"\0\0\0\0" + data[at + 5 :]
    assert decode(headless)[1].duration is None
    with pytest.raises(MediaTooLong, match="longer than 4 s"):
        decode(headless, max_seconds=4)


class _Failing(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 40_000:
            raise ServiceUnavailable("S3 did not answer.")
        return super().read(size)


def test_a_store_that_fails_in_mid_file_is_not_taken_for_its_end(open_recording: Open, tmp_path: Path) -> None:
    data = write(tmp_path / "a.wav", tone(20)).read_bytes()
    with pytest.raises(ServiceUnavailable), open_recording(_Failing(data), max_seconds=HOUR) as recording:
        for _ in recording.blocks():
            pass


def test_memory_does_not_grow_with_the_recording(open_recording: Open, tmp_path: Path) -> None:
    def peak(seconds: int) -> int:
        path = write(tmp_path / f"{seconds}.flac", np.zeros(seconds * SAMPLE_RATE), codec="flac")
        tracemalloc.start()
        with path.open("rb") as file, open_recording(file, max_seconds=HOUR) as recording:
            for _ in recording.blocks():
                pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(600) < peak(20) + 1_000_000


def test_nothing_is_logged(
    decode: Decode, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(write(tmp_path / "a.mp3", tone(10), codec="libmp3lame").read_bytes())
    data[9000:12_000] = bytes(3000)
    with caplog.at_level(logging.DEBUG):
        decode(bytes(data))
    assert (caplog.records, capfd.readouterr().err) == ([], "")


def _steps(pcm: PCM) -> Sequence[float]:
    return [float(x) for x in np.abs(np.diff(pcm))]


def test_the_mix_changes_its_mind_without_a_click(decode: Decode, tmp_path: Path) -> None:
    left = tone(4, 100)
    right = np.concatenate([left[: 2 * SAMPLE_RATE], -left[2 * SAMPLE_RATE :]])
    pcm, _ = decode(write(tmp_path / "a.wav", [left, right]))
    assert power(pcm[-SAMPLE_RATE:]) == pytest.approx(power(left), rel=0.05)
    assert max(_steps(pcm)) < 2.2 * max(_steps(left))


class TestPart:
    """Of a recording, only what lies between two seconds."""

    def clicks(self, tmp_path: Path, name: str = "a.flac", codec: str = "flac", rate: int = SAMPLE_RATE) -> Path:
        """Ten seconds: second n is a tone of 200 + 100 n Hz."""
        return write(
            tmp_path / name,
            np.concatenate([tone(1, 200 + 100 * n, rate=rate) for n in range(10)]),
            codec=codec,
            rate=rate,
        )

    @pytest.mark.parametrize(("name", "codec", "rate"), [("a.flac", "flac", 16_000), ("a.mp3", "libmp3lame", 44_100)])
    def test_it_begins_and_ends_where_it_should(
        self, decode: Decode, tmp_path: Path, name: str, codec: str, rate: int
    ) -> None:
        pcm, recording = decode(self.clicks(tmp_path, name, codec, rate), part=Part(start=4.0, end=6.5))
        assert recording.seconds == pytest.approx(2.5, abs=0.001)
        assert recording.duration == pytest.approx(2.5, abs=0.1)
        heard = [loudest_hertz(pcm[round(at * SAMPLE_RATE) :][: SAMPLE_RATE // 4]) for at in (0.3, 1.3, 2.1)]
        assert heard == pytest.approx([600, 700, 800], abs=5)

    def test_it_is_the_same_sound_as_in_the_whole(self, decode: Decode, tmp_path: Path) -> None:
        file = self.clicks(tmp_path, rate=44_100)
        whole, _ = decode(file)
        part, _ = decode(file, part=Part(start=3.21))
        rest = whole[round(3.21 * SAMPLE_RATE) :]
        assert len(part) == pytest.approx(len(rest), abs=1)  # a resampler may begin half a sample off
        assert np.corrcoef(part[: len(rest) - 1], rest[: len(rest) - 1])[0, 1] > 0.99

    def test_what_lies_behind_the_end_is_not_there(self, decode: Decode, tmp_path: Path) -> None:
        with pytest.raises(PartNotThere, match=r"10\.0 s long, and ends before 11 s"):
            decode(self.clicks(tmp_path), part=Part(start=11))

    def test_a_part_that_ends_behind_the_end_ends_with_the_recording(self, decode: Decode, tmp_path: Path) -> None:
        _, recording = decode(self.clicks(tmp_path), part=Part(start=8, end=100))
        assert recording.seconds == pytest.approx(2, abs=0.01)
        assert recording.warnings == ()


class TestChannels:
    """Each by itself."""

    def test_one_is_taken_out(self, decode: Decode, tmp_path: Path) -> None:
        file = write(tmp_path / "a.flac", [tone(2, 440), tone(2, 880)], codec="flac")
        left, recording = decode(file, part=Part(start=0.5, channel=0))
        right, _ = decode(file, part=Part(channel=1))
        assert recording.seconds == pytest.approx(1.5, abs=0.001)
        assert [loudest_hertz(left), loudest_hertz(right)] == pytest.approx([440, 880], abs=2)

    def test_a_file_that_turns_to_mono_goes_on_in_both(
        self, decode: Decode, open_recording: Open, tmp_path: Path
    ) -> None:
        first = write(tmp_path / "a.mp3", [tone(1), tone(1, 660)], codec="libmp3lame", rate=16_000)
        second = write(tmp_path / "b.mp3", tone(1, 880), codec="libmp3lame", rate=16_000)
        both = first.read_bytes() + second.read_bytes()
        assert self.labels(open_recording, both) == ("left", "right")
        right, _ = decode(both, part=Part(channel=1))
        assert [loudest_hertz(right[:12_000]), loudest_hertz(right[-12_000:])] == pytest.approx([660, 880], abs=3)

    def test_they_are_labelled(self, open_recording: Open, tmp_path: Path) -> None:
        assert self.labels(open_recording, write(tmp_path / "a.flac", tone(1), codec="flac").read_bytes()) == ("1",)
        assert self.labels(
            open_recording, write(tmp_path / "a.flac", [tone(1)] * 6, codec="flac").read_bytes()
        ) == tuple("123456")

    def test_there_may_be_too_many(self, open_recording: Open, tmp_path: Path) -> None:
        with wave.open(str(tmp_path / "a.wav"), "wb") as file:
            file.setnchannels(9)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(bytes(9 * 2 * 1600))
        with pytest.raises(TooManyChannels, match="9 channels"):
            self.labels(open_recording, (tmp_path / "a.wav").read_bytes())

    def labels(self, open_recording: Open, file: bytes) -> tuple[str, ...]:
        with open_recording(io.BytesIO(file), max_seconds=HOUR, part=Part(channel=0)) as recording:
            return tuple(recording.channels())
