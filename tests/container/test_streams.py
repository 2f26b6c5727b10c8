"""Whatever else is in a container beside its sound, the confined decoder imports and opens nothing because of it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.subtitles.subtitle import SubtitleSet

from container.decoding import Decoders
from tests.container.sound import tone
from tests.container.test_samples import CASES
from tiro.errors import MediaError
from tiro.ports import SAMPLE_RATE

WATCHED = (sys.executable, "-E", "-s", "-m", "tests.container.watched_decoder")

HEADER = b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[Events]\r\nFormat: Layer, Start, End, Style, Name, Text\r\n"

RATE = 48_000


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with closing(Decoders(command=WATCHED)) as decoders:
        yield decoders


def film(container: str, codec: str, extra: Callable[[Any], Callable[[], None]]) -> bytes:
    """Return two seconds of a tone, and beside it the streams that `extra` adds."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        sound: Any = output.add_stream(codec, rate=RATE, layout="mono")
        fill = extra(output)
        samples = tone(2, 200, rate=RATE)
        size = sound.codec_context.frame_size or 1024
        output.start_encoding()
        for at in range(0, len(samples), size):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + size], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, at
            fits = av.AudioResampler(sound.format, "mono", RATE)
            for piece in fits.resample(frame):
                output.mux(sound.encode(piece))
            if at == 0:
                fill()
        output.mux(sound.encode(None))
    return file.getvalue()


def subtitles(codec: str) -> Callable[[Any], Callable[[], None]]:
    def add(output: Any) -> Callable[[], None]:
        stream = output.add_stream(codec, rate=1000)
        stream.codec_context.subtitle_header = HEADER
        stream.codec_context.time_base = Fraction(1, 1000)

        def fill() -> None:
            text = SubtitleSet.create(text=b"0,0,Default,,0,0,0,,And so", start=0, end=900, pts=0)
            packet = stream.codec_context.encode_subtitle(text)
            packet.stream, packet.time_base, packet.dts = stream, Fraction(1, 1000), 0
            output.mux(packet)

        return fill

    return add


def data(codec: str) -> Callable[[Any], Callable[[], None]]:
    def add(output: Any) -> Callable[[], None]:
        stream = output.add_data_stream(codec)

        def fill() -> None:
            packet = av.Packet(b"\x06\x0e\x2b\x34 some telemetry")
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, 1000), 0, 0
            output.mux(packet)

        return fill

    return add


def video(codec: str, pix_fmt: str, *, cover: bool = False, timecode: str = "") -> Callable[[Any], Callable[[], None]]:
    def add(output: Any) -> Callable[[], None]:
        stream = output.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, pix_fmt
        if cover:
            stream.disposition = av.stream.Disposition.attached_pic
        if timecode:
            output.metadata["timecode"] = timecode

        def fill() -> None:
            picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            output.mux(stream.encode(picture.reformat(format=pix_fmt)))
            output.mux(stream.encode(None))

        return fill

    return add


def attachments(output: Any) -> Callable[[], None]:
    output.add_attachment("font.ttf", "application/x-truetype-font", bytes(100))
    output.add_attachment("notes.txt", "text/plain", "naïve".encode("latin-1"))
    return lambda: None


def words(output: Any) -> Callable[[], None]:
    output.metadata.update({"title": "日本語 🎤", "artist": "\N{LATIN SMALL LETTER E WITH ACUTE}"})
    output.set_chapters(
        [{"id": n, "start": n, "end": n + 1, "time_base": Fraction(1), "metadata": {"title": "ч"}} for n in (0, 1)]
    )
    return lambda: None


STREAMS = [
    ("matroska", "aac", subtitles("srt")),
    ("matroska", "aac", subtitles("subrip")),
    ("matroska", "aac", subtitles("ass")),
    ("matroska", "libopus", subtitles("webvtt")),
    ("matroska", "pcm_s16le", subtitles("text")),
    ("webm", "libopus", subtitles("webvtt")),
    ("mp4", "aac", subtitles("mov_text")),
    ("mov", "pcm_s16le", subtitles("mov_text")),
    ("mov", "aac", video("mjpeg", "yuvj420p", timecode="01:02:03:04")),
    ("mp4", "aac", video("mpeg4", "yuv420p")),
    ("mp4", "aac", video("png", "rgb24", cover=True)),
    ("matroska", "aac", video("mjpeg", "yuvj420p", cover=True)),
    ("flac", "flac", video("png", "rgb24", cover=True)),
    ("mp3", "libmp3lame", video("mjpeg", "yuvj420p", cover=True)),
    ("mpegts", "aac", video("mpeg2video", "yuv420p")),
    ("mpegts", "mp2", data("klv")),
    ("mpegts", "aac", data("timed_id3")),
    ("mpegts", "aac", data("bin_data")),
    ("mpegts", "aac", data("scte_35")),
    ("mpegts", "mp2", data("dvb_teletext")),
    ("mpegts", "mp2", data("dvb_subtitle")),
    ("matroska", "aac", attachments),
    ("matroska", "aac", words),
    ("mp4", "aac", words),
    ("mp3", "libmp3lame", words),
    ("ogg", "libopus", words),
    ("flac", "flac", words),
    ("wav", "pcm_s16le", words),
    ("asf", "mp2", words),
    ("avi", "mp2", video("mpeg4", "yuv420p")),
    ("flv", "aac", video("flv", "yuv420p")),
    ("mpeg", "mp2", video("mpeg2video", "yuv420p")),
]


@pytest.mark.parametrize(
    ("container", "codec", "extra"), STREAMS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_stream_of_another_kind_needs_nothing(
    decoders: Decoders, container: str, codec: str, extra: Callable[[Any], Callable[[], None]]
) -> None:
    recording = film(container, codec, extra)
    with av.open(io.BytesIO(recording)) as opened:
        assert len(opened.streams) > 1 or extra in (words, attachments) or len(opened.metadata) > 1
    with decoders.open(io.BytesIO(recording), max_seconds=9) as sound:
        pcm = np.concatenate(list(sound.blocks()))
    assert len(pcm) / SAMPLE_RATE == pytest.approx(2, abs=0.15)
    assert np.argmax(np.abs(np.fft.rfft(pcm))) * SAMPLE_RATE / len(pcm) == pytest.approx(200, abs=2)


def test_words_in_no_known_encoding_need_nothing(decoders: Decoders) -> None:
    recording = film("mp3", "libmp3lame", words).replace("日本語".encode("utf-16-le"), b"\xff\xfe\x00\xd8\xff\xff")
    with decoders.open(
        io.BytesIO(recording.replace("日本語".encode(), b"\xff\xfe\xe9\xc3\x28\xa0\xa1\xf0\x28")), max_seconds=9
    ) as sound:
        assert sum(map(len, sound.blocks())) / SAMPLE_RATE == pytest.approx(2, abs=0.15)


def test_a_film_with_subtitles_as_it_was_sent(decoders: Decoders) -> None:
    path = CASES / "srt-subs.mkv"
    if not path.is_file():
        pytest.skip("the cases are not here")
    with path.open("rb") as file, decoders.open(file, max_seconds=60) as sound:
        assert sum(map(len, sound.blocks())) == pytest.approx(11.06 * SAMPLE_RATE, abs=SAMPLE_RATE / 20)


@pytest.mark.corpus
def test_no_file_of_the_corpus_needs_anything(corpus: Path, decoders: Decoders) -> None:
    for line in (corpus / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["category"] not in ("formats", "awkward"):
            continue  # its container is one of these
        with (
            suppress(MediaError),
            (corpus / entry["path"]).open("rb") as file,
            decoders.open(file, max_seconds=12 * 3600.0) as sound,
        ):
            for _, _ in zip(range(40), sound.blocks(), strict=False):
                pass
