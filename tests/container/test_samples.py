"""Every channel count, sample format and channel layout, and samples that are no numbers."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from container.audio import WHOLE, Part, Recording
from container.decoding import Decoders
from container.samples import Samples
from tests.container.sound import power, tone
from tests.sampling import sampled
from tiro.errors import TooManyChannels
from tiro.ports import PCM, SAMPLE_RATE

CASES = Path(__file__).parents[2] / "../shared/cases"


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with closing(Decoders()) as decoders:
        yield decoders


def decode(data: bytes, part: Part = WHOLE, opens: Any = Recording) -> tuple[PCM, tuple[str, ...]]:
    with opens(io.BytesIO(data), max_seconds=3600, part=part) as recording:
        pcm = np.concatenate(list(recording.blocks()))
        return pcm, recording.warnings


def hertz_of(channel: int) -> float:
    return 200.0 + 110.0 * channel


def tones(channels: int, seconds: float = 0.5, *, rate: int = SAMPLE_RATE) -> Any:
    """Return a tone of its own for each channel, shape (channels, samples)."""
    return np.stack([tone(seconds, hertz_of(channel), rate=rate) for channel in range(channels)])


def heard(pcm: PCM, channels: int) -> list[float]:
    """Return the power of each channel's tone in a recording."""
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)))) ** 2
    width = SAMPLE_RATE / len(pcm)
    at = [round(hertz_of(channel) / width) for channel in range(channels)]
    return [float(spectrum[middle - 2 : middle + 3].sum()) for middle in at]


def wav(samples: Any, *, kind: str = "<i2", tag: int = 1) -> bytes:
    """Return a WAV file of samples of shape (channels, samples): integers (tag 1) or floating point (tag 3)."""
    channels, size = len(samples), np.dtype(kind).itemsize
    data = np.ascontiguousarray(samples.T).astype(kind).tobytes()
    layout = struct.pack(
        "<HHIIHH", tag, channels, SAMPLE_RATE, SAMPLE_RATE * channels * size, channels * size, 8 * size
    )
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt \x10\0\0\0"
        + layout
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )


def caf(samples: Any, labels: list[int]) -> bytes:
    """Return a Core Audio file whose channels are in the order of `labels` (CoreAudioBaseTypes: 1 is left, 2 right)."""
    channels = len(labels)
    chunks = {
        b"desc": struct.pack(">d4sIIIII", SAMPLE_RATE, b"lpcm", 2, 2 * channels, 1, channels, 16),
        b"chan": struct.pack(">III", 0, 0, channels) + b"".join(struct.pack(">II12x", label, 0) for label in labels),
        b"data": bytes(4) + np.ascontiguousarray(samples.T * 32767).astype("<i2").tobytes(),
    }
    return b"caff\0\1\0\0" + b"".join(name + struct.pack(">q", len(body)) + body for name, body in chunks.items())


def written(samples: Any, container: str, codec: str, layout: str = "", *, rate: int = SAMPLE_RATE) -> bytes:
    """Return a file that PyAV writes."""
    layout, file = layout or f"{len(samples)} channels", io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate)
        stream.codec_context.layout = layout
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        fits = av.AudioResampler(stream.format, layout, rate, stream.codec_context.frame_size or 1024)
        for piece in (*fits.resample(frame), *fits.resample(None)):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return file.getvalue()


def file_of(samples: Any, name: str) -> bytes:
    full = samples * 0.999
    match name:
        case "u8":
            return wav(full * 127 + 128, kind="u1")
        case "s16":
            return wav(full * 2**15)
        case "s32":
            return wav(full.astype(np.float64) * 2**31, kind="<i4")
        case "s64":
            return wav(full.astype(np.float64) * 2**63, kind="<i8")
        case "flt":
            return wav(full, kind="<f4", tag=3)
        case "dbl":
            return wav(full, kind="<f8", tag=3)
        case _:
            return written(samples, *name.split())


COUNTS = (*range(1, 17), 24, 64)
FORMATS = ["u8", "s16", "s32", "s64", "flt", "dbl", "wv wavpack"]


@pytest.mark.parametrize(("name", "channels"), sampled(FORMATS, COUNTS, every=5))
def test_each_channel_is_in_the_mix_and_by_itself(name: str, channels: int) -> None:
    data = file_of(tones(channels), name)
    mix, warnings = decode(data)
    assert (len(mix), warnings) == (SAMPLE_RATE // 2, ())
    levels = heard(mix, channels)
    assert min(levels) > max(levels) / 4
    for channel in {0, channels // 2, channels - 1} if channels <= 8 else ():
        alone, _ = decode(data, Part(channel=channel))
        levels = heard(alone, channels)
        assert np.argmax(levels) == channel
        assert sum(levels) < 1.05 * max(levels), "nothing of its neighbours"
        assert power(alone) == pytest.approx(power(tones(1)[0]), rel=0.05), "at full level"


KINDS = ["u8", "s16", "s32", "s64", "flt", "dbl", "u8p", "s16p", "s32p", "s64p", "fltp", "dblp"]


@pytest.mark.parametrize(("kind", "channels"), sampled(KINDS, COUNTS, every=5))
def test_a_frame_of_any_sample_format_is_read_to_its_end_and_no_further(kind: str, channels: int) -> None:
    sound, layout = tones(channels, 0.1), f"{channels} channels"
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T).reshape(1, -1), format="flt", layout=layout)
    frame.sample_rate = SAMPLE_RATE
    (converted,) = av.AudioResampler(kind, layout, SAMPLE_RATE).resample(frame)
    read = Samples().read(converted)
    assert (read.shape, read.dtype) == (sound.shape, np.float32)
    assert read == pytest.approx(sound, abs=1 / 64 if kind.startswith("u8") else 1e-4)


@pytest.mark.parametrize("channels", COUNTS)
def test_more_than_eight_channels_are_refused_apart_and_named(channels: int) -> None:
    with Recording(io.BytesIO(file_of(tones(channels), "s16")), max_seconds=9, part=Part(channel=0)) as recording:
        if channels <= 8:
            assert len(recording.channels()) == channels
        else:
            with pytest.raises(TooManyChannels, match=f"has {channels} channels; at most 8"):
                recording.channels()


@pytest.mark.parametrize("channels", [65, 200])
def test_a_mix_takes_more_channels_than_the_resampler(channels: int) -> None:
    sound = np.zeros((channels, SAMPLE_RATE // 2), np.float32)
    sound[-1] = tone(0.5, level=0.9)
    mix, _ = decode(file_of(sound, "s16"))
    assert np.argmax(np.abs(np.fft.rfft(mix))) == 220
    assert power(mix) == pytest.approx(power(sound[-1]) / channels, rel=0.05)


LAYOUTS = [
    ("caf pcm_s16le", "7.1"),  # its writer sorts the channels: a channel order of its own
    ("aiff pcm_s16be", "7.1"),
    ("mov pcm_s16le", "hexadecagonal"),
    ("mp4 aac", "hexadecagonal"),
    ("mp4 aac", "6.1"),
    ("mp4 aac", "7.1"),
    ("mp4 alac", "5.1"),
    ("flac flac", "7.1"),
    ("ogg libopus", "7.1"),
    ("matroska eac3", "5.1"),
    ("wv wavpack", "22.2"),
]


@pytest.mark.parametrize(("name", "layout"), LAYOUTS)
def test_a_named_layout_loses_no_channel(decoders: Decoders, name: str, layout: str) -> None:
    channels = {"7.1": 8, "hexadecagonal": 16, "6.1": 7, "5.1": 6, "22.2": 24}[layout]
    rate = 48_000  # Opus and E-AC-3 have no 16 kHz
    container, codec = name.split()
    data = written(tones(channels, 1.0, rate=rate), container, codec, layout, rate=rate)
    mix, _ = decode(data, opens=decoders.open)
    levels = heard(mix[: SAMPLE_RATE // 2], channels)
    assert sum(level > max(levels) / 100 for level in levels) >= channels - 1, "a codec may cut off the bass channel"


@pytest.mark.parametrize("labels", [[2, 1], [1, 2, 1, 2], [1] * 8, [1] * 24, [3, 2, 1]])
def test_a_channel_order_of_its_own_crashes_nothing(decoders: Decoders, labels: list[int]) -> None:
    data = caf(tones(len(labels)), labels)
    decode(data, Part(start=0.2, end=0.3), decoders.open)
    decode(data, Part(channel=0), decoders.open) if len(labels) <= 8 else None
    mix, _ = decode(data, opens=decoders.open)
    levels = heard(mix, len(labels))
    assert min(levels) > max(levels) / 4


@pytest.mark.parametrize(("name", "samples"), [("tones-8-channels.wav", 32_000), ("tones-16-channels.m4a", 32_768)])
def test_many_channels_as_they_were_sent(decoders: Decoders, name: str, samples: int) -> None:
    if not (CASES / name).is_file():
        pytest.skip("the cases are not here")
    assert len(decode((CASES / name).read_bytes(), opens=decoders.open)[0]) == samples


class TestNoNumbers:
    """Floating point samples that are no sound."""

    def sound(self) -> Any:
        return tone(1).astype(np.float64)

    @pytest.mark.parametrize("kind", ["<f4", "<f8"])
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_what_is_no_number_is_silence_and_is_counted(self, decoders: Decoders, kind: str, bad: float) -> None:
        clean, spoilt = self.sound(), self.sound()
        spoilt[[10, 4000, 4001, 15_999]] = bad
        clean[[10, 4000, 4001, 15_999]] = 0
        pcm, warnings = decode(wav(spoilt[None], kind=kind, tag=3), opens=decoders.open)
        assert np.array_equal(pcm, decode(wav(clean[None], kind=kind, tag=3))[0])
        assert warnings == ("4 samples are not numbers (NaN or infinite). They count as silence.",)

    @pytest.mark.parametrize("bad", [9.0, -1e6, 1e30, 1e300])
    def test_what_is_far_over_full_scale_is_clipped_and_counted(self, bad: float) -> None:
        spoilt = self.sound()
        spoilt[[4000, 9000]] = bad
        pcm, warnings = decode(wav(spoilt[None], kind="<f8", tag=3))
        assert 7 < np.abs(pcm).max() <= 8
        assert np.array_equal(
            np.delete(pcm, [4000, 9000]), np.delete(decode(wav(self.sound()[None], kind="<f8", tag=3))[0], [4000, 9000])
        )
        assert warnings == ("2 samples are far over full scale. They are clipped.",)

    def test_a_little_over_full_scale_is_sound(self) -> None:
        loud = self.sound() * 6 / 0.3
        pcm, warnings = decode(wav(loud[None], kind="<f4", tag=3))
        assert np.array_equal(pcm, loud.astype(np.float32))
        assert warnings == ()

    def test_denormals_are_silence_and_no_fault(self) -> None:
        quiet = self.sound()
        quiet[8000:] = 1e-40
        pcm, warnings = decode(wav(quiet[None], kind="<f4", tag=3))
        assert not pcm[8000:].any()
        assert warnings == ()

    def test_they_do_not_spread_through_a_change_of_rate(self) -> None:
        """A resampler makes NaN of all that its filter reaches."""
        spoilt = self.sound()
        spoilt[4000] = np.nan
        data = wav(spoilt[None], kind="<f4", tag=3)
        faster = data[:24] + struct.pack("<II", 44_100, 4 * 44_100) + data[32:]
        pcm, _ = decode(faster)
        assert np.isfinite(pcm).all()
        assert power(pcm) == pytest.approx(power(tone(1)), rel=0.02)

    def test_those_of_every_channel_are_counted(self) -> None:
        spoilt = np.stack([self.sound(), self.sound()])
        spoilt[1, 5] = np.nan
        assert "1 samples" in decode(wav(spoilt, kind="<f4", tag=3), Part(channel=0))[1][0]
