"""How long a recording is: what its file states, what can only be counted, and time stamps that jump."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from container.audio import WHOLE, Part, Recording
from container.decoding import Decoders
from tests.container.handmade import rf64
from tests.container.sound import tone, write
from tests.container.test_samples import CASES, wav, written
from tiro.errors import MediaEmpty, MediaTooLong, NoAudioTrack, NotAudio
from tiro.ports import PCM, SAMPLE_RATE

HOUR = 3600.0

Outcome = tuple[float, float | None, tuple[str, ...]]


def outcome(data: bytes, *, max_seconds: float = HOUR, part: Part = WHOLE, opens: Any = Recording) -> Outcome:
    """Return the seconds decoded, the seconds stated, and the warnings."""
    with opens(io.BytesIO(data), max_seconds=max_seconds, part=part) as recording:
        seconds = sum(map(len, recording.blocks())) / SAMPLE_RATE
        return seconds, recording.duration, recording.warnings


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with closing(Decoders()) as decoders:
        yield decoders


def speech_and_silence(rate: int = 44_100) -> PCM:
    """Return ten seconds that cost few bits at first and many later, so that an average bitrate misleads."""
    noise = np.random.default_rng(5).normal(0, 0.2, 2 * rate).astype(np.float32)
    return np.concatenate([np.zeros(2 * rate, np.float32), noise, np.zeros(6 * rate, np.float32)])


def variable_mp3(tmp_path: Path, *, xing: bool) -> bytes:
    """Return an MP3 of variable bitrate, with or without the frame that says how many there are."""
    path = tmp_path / "a.mp3"
    with av.open(str(path), "w", options={"write_xing": str(int(xing)), "id3v2_version": "0"}) as output:
        stream: Any = output.add_stream("libmp3lame", rate=44_100, layout="mono", options={"compression_level": "9"})
        stream.codec_context.flags |= 2  # AV_CODEC_FLAG_QSCALE: variable bitrate
        stream.codec_context.global_quality = 9 * 118
        sound = speech_and_silence()
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44_100, 0
        fits = av.AudioResampler(stream.format, "mono", 44_100, 1152)
        for piece in (*fits.resample(frame), *fits.resample(None)):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return path.read_bytes()


def estimate_of(data: bytes) -> float:
    """Return the seconds that FFmpeg makes of a file's size."""
    with av.open(io.BytesIO(data), "r") as opened:
        return (opened.duration or 0) / av.time_base


class TestEstimates:
    """What is estimated from a bitrate is no length."""

    def test_a_bare_aac_has_no_length(self, tmp_path: Path) -> None:
        data = write(tmp_path / "a.aac", speech_and_silence(), codec="aac", rate=44_100).read_bytes()
        assert estimate_of(data), "FFmpeg estimates one"
        seconds, stated, warnings = outcome(data)
        assert (stated, warnings) == (None, ())
        assert seconds == pytest.approx(10, abs=0.1)

    def test_an_estimate_refuses_nothing_and_the_samples_do(self, tmp_path: Path) -> None:
        data = write(tmp_path / "a.aac", speech_and_silence(), codec="aac", rate=44_100).read_bytes()
        assert estimate_of(data) > 12
        assert outcome(data, max_seconds=11)[0] == pytest.approx(10, abs=0.1)
        with pytest.raises(MediaTooLong):
            outcome(data, max_seconds=5)

    def test_an_mp3_states_its_length_only_in_its_first_frame(self, tmp_path: Path) -> None:
        assert outcome(variable_mp3(tmp_path, xing=True))[1] == pytest.approx(10, abs=0.2)
        seconds, stated, warnings = outcome(variable_mp3(tmp_path, xing=False))
        assert (stated, warnings) == (None, ())
        assert seconds == pytest.approx(10, abs=0.2)

    def test_two_mp3s_joined_are_as_long_as_both(self, tmp_path: Path) -> None:
        data = variable_mp3(tmp_path, xing=True)
        seconds, stated, warnings = outcome(data + data)
        assert (stated, warnings) == (None, ())
        assert seconds == pytest.approx(20, abs=0.4)

    @pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
    def test_pcm_without_a_length_has_one_by_its_size(self, size: int) -> None:
        data = wav(tone(3)[None] * 32767)
        assert outcome(data[:40] + struct.pack("<I", size) + data[44:]) == (3.0, 3.0, ())

    def test_the_samples_of_an_estimated_file_as_it_was_sent(self, decoders: Decoders) -> None:
        if not (CASES / "adts-est.aac").is_file():
            pytest.skip("the cases are not here")
        data = (CASES / "adts-est.aac").read_bytes()
        seconds, stated, warnings = outcome(data, max_seconds=20, opens=decoders.open)
        assert (stated, warnings) == (None, ())
        assert seconds == pytest.approx(14.02, abs=0.05)


def stamped(container: str, codec: str, jump: float, seconds: int = 4) -> bytes:
    """Return a recording whose time stamps jump by `jump` seconds in its middle."""
    rate, file = 48_000, io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(seconds, rate=rate)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        stream.codec_context.open()
        fits = av.AudioResampler(stream.format, "mono", rate, stream.codec_context.frame_size or 1024)
        for piece in (*fits.resample(frame), *fits.resample(None), None):
            for packet in stream.encode(piece):
                if packet.pts > seconds * rate / 2:
                    packet.pts += round(jump * rate)
                packet.dts = packet.pts
                output.mux(packet)
    return file.getvalue()


class TestTimeStamps:
    @pytest.mark.parametrize("jump", [20.0, 3600.0, 20 * 3600.0])
    @pytest.mark.parametrize(("container", "codec"), [("mpegts", "aac"), ("mpeg", "mp2")])
    def test_a_jump_is_no_silence(self, container: str, codec: str, jump: float) -> None:
        seconds, stated, warnings = outcome(stamped(container, codec, jump), max_seconds=10)
        assert (stated, warnings) == (None, ())
        assert seconds == pytest.approx(4, abs=0.1)

    @pytest.mark.parametrize("jump", [1.0, 5.0])
    def test_a_gap_is_silence(self, jump: float) -> None:
        assert outcome(stamped("mpegts", "aac", jump))[0] == pytest.approx(4 + jump, abs=0.1)

    def test_a_gap_that_the_length_of_the_file_includes_is_silence(self) -> None:
        assert outcome(stamped("matroska", "aac", 60))[0] == pytest.approx(64, abs=0.1)

    def test_streams_that_are_joined_are_as_long_as_all(self) -> None:
        part, later = stamped("mpegts", "aac", 0), stamped("mpegts", "aac", 3)
        assert outcome(part + part, max_seconds=10)[0] == pytest.approx(8, abs=0.2)
        assert outcome(stamped("mpegts", "aac", 7200) + later, max_seconds=20)[0] == pytest.approx(4 + 7, abs=0.3)

    def test_after_a_jump_a_gap_is_silence_again(self) -> None:
        assert outcome(stamped("mpegts", "aac", 3600) + stamped("mpegts", "aac", 2))[0] == pytest.approx(10, abs=0.3)

    @pytest.mark.parametrize("rates", [(16_000, 44_100, 16_000), (44_100, 16_000), (8_000, 48_000)])
    def test_bare_frames_of_several_rates_are_as_long_as_they_sound(
        self, tmp_path: Path, rates: tuple[int, ...]
    ) -> None:
        files = (write(tmp_path / f"{rate}.aac", tone(3, rate=rate), codec="aac", rate=rate) for rate in rates)
        seconds, _, warnings = outcome(b"".join(file.read_bytes() for file in files))
        assert seconds == pytest.approx(3 * len(rates), abs=0.4)
        assert warnings == ()


ID3V1 = b"TAG" + b"A song".ljust(125, b"\0")
APE = (
    b"APETAGEX"
    + struct.pack("<IIII8x", 2000, 82, 1, 0xA0000000)
    + bytes(50)
    + b"APETAGEX"
    + struct.pack("<IIII8x", 2000, 82, 1, 0x80000000)
)


def id3v2(size: int) -> bytes:
    """Return a tag with a picture, which may look like sound here and there."""
    picture = np.random.default_rng(4).integers(0, 256, size, dtype=np.uint8).tobytes()
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + picture


TAILS = {
    "a byte": b"\0",
    "zeros": bytes(5000),
    "ID3v1": ID3V1,
    "APE": APE,
    "Lyrics3": b"LYRICSBEGIN" + b"IND0000300" + b"a" * 400 + b"000413LYRICS200" + ID3V1,
    "ID3v2": id3v2(9000),
}


class TestNoDamage:
    """Tags and padding."""

    @pytest.mark.parametrize("tail", TAILS)
    @pytest.mark.parametrize(
        ("name", "codec"),
        [("a.mp3", "libmp3lame"), ("a.aac", "aac"), ("a.wv", "wavpack"), ("a.flac", "flac"), ("a.opus", "libopus")],
    )
    def test_what_follows_the_sound_is_no_damage(self, tmp_path: Path, name: str, codec: str, tail: str) -> None:
        data = write(tmp_path / name, tone(3, rate=48_000), codec=codec, rate=48_000).read_bytes()
        seconds, _, warnings = outcome(data + TAILS[tail])
        assert (round(seconds, 1), warnings) == (3.0, ())

    @pytest.mark.parametrize("size", [0, 100, 5000, 200_000])
    def test_a_tag_between_two_mp3s_is_no_damage_and_no_sound(self, tmp_path: Path, size: int) -> None:
        data = write(tmp_path / "a.mp3", tone(3), codec="libmp3lame").read_bytes()
        plain, _, _ = outcome(data + data)
        seconds, _, warnings = outcome(data + id3v2(size) + data)
        assert warnings == ()
        assert seconds == pytest.approx(plain, abs=0.08)
        assert seconds == pytest.approx(6.1, abs=0.1)

    def test_a_tag_that_claims_more_than_the_file_hides_no_sound(self, tmp_path: Path) -> None:
        data = write(tmp_path / "a.mp3", tone(3), codec="libmp3lame").read_bytes()
        endless = b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(500)
        assert outcome(data + endless + data)[0] == pytest.approx(6.1, abs=0.1)

    @pytest.mark.parametrize("size", [7, 9])
    def test_less_than_a_header_is_no_damage(self, tmp_path: Path, size: int) -> None:
        data = write(tmp_path / "a.aac", tone(3), codec="aac").read_bytes()
        chance = np.random.default_rng(9)
        assert outcome(data + bytes(size))[2] == ()
        assert outcome(data + chance.integers(0, 255, size, dtype=np.uint8).tobytes())[2] == ()

    def test_a_padding_byte_as_it_was_sent(self, decoders: Decoders) -> None:
        if not (CASES / "sox-gsm.wav").is_file():
            pytest.skip("the cases are not here")
        assert outcome((CASES / "sox-gsm.wav").read_bytes(), opens=decoders.open) == (5.0, 5.0, ())


class TestDamage:
    """What is lost is told, as ever."""

    def test_sound_that_is_missing_at_the_end_is_damage(self, tmp_path: Path) -> None:
        data = bytearray(variable_mp3(tmp_path, xing=False))
        data[-3000:] = np.random.default_rng(6).integers(0, 255, 3000, dtype=np.uint8).tobytes()
        assert any("damaged" in warning for warning in outcome(bytes(data))[2])

    def test_zeros_in_the_midst_are_damage(self, tmp_path: Path) -> None:
        data = bytearray(write(tmp_path / "a.mp3", tone(10), codec="libmp3lame").read_bytes())
        data[9000:12_000] = bytes(3000)
        assert any("damaged" in warning for warning in outcome(bytes(data))[2])

    def test_a_download_that_was_never_finished_is_damage(self, tmp_path: Path) -> None:
        data = write(tmp_path / "a.mp3", tone(60), codec="libmp3lame").read_bytes()
        assert outcome(data[: len(data) // 2] + bytes(len(data) // 2))[2]

    @pytest.mark.parametrize(
        ("name", "codec"),
        [("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.ogg", "libopus"), ("a.flac", "flac"), ("a.wav", "pcm_f32le")],
    )
    def test_whatever_is_changed_ends_in_a_text_or_an_error_of_ours(
        self, tmp_path: Path, decoders: Decoders, name: str, codec: str
    ) -> None:
        good = write(tmp_path / name, tone(2, rate=48_000), codec=codec, rate=48_000).read_bytes()
        chance = np.random.default_rng(8)
        for _ in range(6):
            bad = bytearray(good[: chance.integers(len(good) // 4, len(good))])
            for at in chance.integers(0, len(bad), 20):
                bad[at] ^= 1 << int(chance.integers(8))
            with suppress(NotAudio, NoAudioTrack, MediaEmpty, MediaTooLong):
                assert outcome(bytes(bad), opens=decoders.open)[0] < HOUR


Header = Callable[[bytes, int], bytes]


def _put(layout: str, mark: bytes, after: int) -> Header:
    """Return a function that writes a size `after` bytes behind a mark."""

    def put(data: bytes, size: int) -> bytes:
        at = data.index(mark) + after
        return data[:at] + struct.pack(layout, size) + data[at + struct.calcsize(layout) :]

    return put


HEADERS = {
    "wav": (_put("<I", b"data", 4), "pcm_s16le"),
    "aiff": (_put(">I", b"SSND", 4), "pcm_s16be"),
    "caf": (_put(">q", b"data", 4), "pcm_s16be"),
    "w64": (_put("<q", b"data\xf3\xac\xd3\x11", 16), "pcm_s16le"),
    "au": (_put(">I", b".snd", 8), "pcm_s16be"),
}


class TestUnderstated:
    """A recorder that crashed has written the length of its first second."""

    @pytest.mark.parametrize("size", [32_000, 24])
    @pytest.mark.parametrize("container", HEADERS)
    def test_what_the_file_holds_is_read(self, decoders: Decoders, container: str, size: int) -> None:
        put, codec = HEADERS[container]
        sound = np.concatenate([tone(1, 200 + 100 * second) for second in range(9)])
        data = written(sound[None], container, codec)
        seconds, stated, warnings = outcome(put(data, size), opens=decoders.open)
        assert (stated, warnings) == (None, ())
        assert seconds == pytest.approx(9, abs=0.05)

    def test_an_aiff_that_was_written_into_a_pipe_is_read(self) -> None:
        data = written(tone(9)[None], "aiff", "pcm_s16be")
        for mark in (b"FORM", b"SSND"):
            data = _put(">I", mark, 4)(data, 0)
        seconds, stated, warnings = outcome(data)
        assert (stated, warnings) == (None, ())
        assert seconds == pytest.approx(9, abs=0.01)

    @pytest.mark.parametrize("container", HEADERS)
    def test_a_header_that_is_right_is_believed(self, container: str) -> None:
        _, codec = HEADERS[container]
        assert outcome(written(tone(2)[None], container, codec)) == (2.0, 2.0, ())

    @pytest.mark.parametrize(
        "tail",
        [
            b"LIST" + struct.pack("<I", 9000) + bytes(range(250)) * 36,
            b"id3 " + struct.pack("<I", 6000) + bytes(range(250)) * 24 + b"LIST\4\0\0\0INFO",
            bytes(50_000),
            ID3V1,
        ],
        ids=["chunk", "two chunks", "zeros", "tag"],
    )
    def test_what_follows_the_samples_is_not_taken_for_sound(self, tail: bytes) -> None:
        assert outcome(wav(tone(2)[None] * 32767) + tail) == (2.0, 2.0, ())

    @pytest.mark.parametrize("size", [0, 64_000, 2**62])
    def test_an_rf64_is_read_to_its_end(self, decoders: Decoders, size: int) -> None:
        data = rf64(9)
        at = data.index(b"ds64") + 16
        data = data[:at] + struct.pack("<Q", size) + data[at + 8 :]
        seconds, stated, warnings = outcome(data, opens=decoders.open)
        assert (stated, warnings) == (None, ())
        assert seconds == pytest.approx(9, abs=0.01)

    @pytest.mark.parametrize("tail", [b"", b"LIST" + struct.pack("<I", 9000) + bytes(range(250)) * 36])
    def test_an_rf64_that_is_right_is_believed(self, tail: bytes) -> None:
        assert outcome(rf64(2) + tail) == (2.0, 2.0, ())

    def test_files_that_were_joined_are_read_to_the_end(self, decoders: Decoders) -> None:
        one = wav(tone(2)[None] * 32767)
        seconds, stated, warnings = outcome(one + one + one, opens=decoders.open)
        assert (stated, warnings) == (None, ())
        assert seconds == pytest.approx(6, abs=0.01)

    def test_tags_between_files_that_were_joined_are_passed_over(self) -> None:
        one = wav(tone(2)[None] * 32767) + b"LIST" + struct.pack("<I", 400) + bytes(400)
        assert outcome(one + one)[0] == pytest.approx(4, abs=0.1)

    def test_a_file_whose_samples_fall_out_of_step_is_not_read_as_noise(self) -> None:
        one = written(np.tile(tone(2), (2, 1)), "wav", "pcm_s24le")  # 6 bytes a frame
        one += b"LIST" + struct.pack("<I", 4) + b"INFO"
        while len(one) % 6 == 0:
            one += b"JUNK" + struct.pack("<I", 2) + b"ab"
        assert outcome(one + one)[0] == 2.0

    def test_a_file_of_another_format_that_follows_is_not_dropped_in_silence(self, decoders: Decoders) -> None:
        data = wav(tone(2)[None] * 32767) + wav(np.tile(tone(2), (2, 1)) * 32767)
        seconds, _, warnings = outcome(data, opens=decoders.open)
        assert (seconds, len(warnings)) == (2.0, 1)
        assert "Only the first was transcribed" in warnings[0]


def padded(bits: int, valid: int, samples: bytes) -> bytes:
    """Return a WAVE_FORMAT_EXTENSIBLE whose samples of `valid` bits stand in `bits`."""
    width = bits // 8
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, 1, SAMPLE_RATE, SAMPLE_RATE * width, width, bits, 22, valid, 4)
    fmt += struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


class TestPadded:
    """Integer samples that do not fill their bytes, as sound cards give them."""

    @pytest.mark.parametrize("valid", [16, 20, 24, 32])
    def test_they_are_read_by_their_place(self, decoders: Decoders, valid: int) -> None:
        sound = tone(2)
        samples = (np.round(sound * 2 ** (valid - 1)).astype("<i8") << (32 - valid)).astype("<i4").tobytes()
        with decoders.open(io.BytesIO(padded(32, valid, samples)), max_seconds=HOUR) as recording:
            assert recording.duration == 2.0
            read = np.concatenate(list(recording.blocks()))
            assert recording.warnings == ()
        assert np.allclose(read, sound, atol=1e-3)

    def test_three_bytes_hold_fewer_bits_too(self) -> None:
        samples = (np.round(tone(2) * 2**15).astype("<i4") << 16).view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
        assert outcome(padded(24, 16, samples)) == (2.0, 2.0, ())
