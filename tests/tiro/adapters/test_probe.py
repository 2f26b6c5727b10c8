"""The prober: right where headers say it, None where they do not, and never more than a few short reads."""

from __future__ import annotations

import io
import random
import struct
import wave
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.fakes_media import FakeMediaStore
from tiro.adapters.probe import BUDGET, HeaderReader
from tiro.errors import MediaNotFound, ServiceUnavailable
from tiro.job import Media
from tiro.request import S3Object

GIB = 1 << 30
MP4 = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
ADTS = b"\xff\xf1\x50\x80" + bytes(400) + MP3_FRAME * 10  # AAC whose data happen to look like MP3
NO_RATE = b"OggS" + bytes(24) + b"\x01vorbis" + bytes(99) + b"OggS" + bytes(24)  # Vorbis at 0 Hz
HOSTILE = {
    "zeros": b"",
    "an MP3 that ends at once": b"\xff\xfb\x90\x00",
    "an ID3 tag of 256 MB": b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
    "an MP4 atom of 4 GB": MP4 + struct.pack(">I4sI4s", 0xFFFFFFF0, b"moov", 0xF0000000, b"mvhd"),
    "an MP4 atom inside itself": MP4 + struct.pack(">I4s", 0, b"moov") * 8,
    "a WAV header of 4 GB": b"RIFF\0\0\0\0WAVEfmt \xf0\xff\xff\xff",
    "a FLAC header of 16 MB": b"fLaC\0\xff\xff\xff",
    "an Ogg page without a stream": b"OggS" + bytes(24) + b"OpusHead",
    "an ASF header of nonsense": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
    + b"\xff" * 13
    + b"\x02"
    + b"\xff" * 64,
    "random bytes": random.Random(1).randbytes(4096),  # noqa: S311
}


def wav(seconds: float = 2.5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes(bytes(round(32_000 * seconds)))
    return file.getvalue()


def opus(seconds: float, *, pages: int = 1, size: int = 60_000) -> bytes:
    """Return what looks from outside like Opus: a head, `pages` of noise, a last page that says how long it was."""

    def page(samples: int, body: bytes) -> bytes:
        laces = bytes([255] * (len(body) // 255) + [len(body) % 255])
        return b"OggS\0\0" + struct.pack("<qIII", samples, 7, 0, 0) + bytes([len(laces)]) + laces + body

    head = page(0, b"OpusHead\x01\x01" + struct.pack("<HIhB", 312, 48_000, 0, 0))
    return head + page(1, bytes(size)) * pages + page(312 + round(48_000 * seconds), bytes(100))


class HugeStore(FakeMediaStore):
    """Answers as if `head` were followed by gigabytes of zeros."""

    def __init__(self, head: bytes) -> None:
        super().__init__(FakeClock())
        self._head = head

    def read(self, media: Media, start: int, end: int) -> bytes:
        self.reads.append((start, end))
        return self._head[start:end].ljust(end - start, b"\0")


class FailingStore(HugeStore):
    """Answers `good` reads, and from then on fails."""

    def __init__(self, error: Exception, *, good: int = 0) -> None:
        super().__init__(b"fLaC\0\xff\xff\xff")
        self._error = error
        self._good = good

    def read(self, media: Media, start: int, end: int) -> bytes:
        if len(self.reads) == self._good:
            raise self._error
        return super().read(media, start, end)


@pytest.fixture
def store() -> FakeMediaStore:
    return FakeMediaStore(FakeClock())


def probe(store: FakeMediaStore, body: bytes) -> float | None:
    store.put("inbox/ada/a", body)
    media = store.head(S3Object(bucket=store.bucket, key="inbox/ada/a")).media
    return HeaderReader(store).duration(media)


def test_a_wav_says_how_long_it_is(store: FakeMediaStore) -> None:
    assert probe(store, wav(2.5)) == 2.5


def test_a_wav_written_into_a_pipe_is_as_long_as_the_object(store: FakeMediaStore) -> None:
    piped = wav(2.5).replace(struct.pack("<4sI", b"data", 80_000), struct.pack("<4sI", b"data", 0xFFFFFFFF))
    assert probe(store, piped) == pytest.approx(2.5, abs=0.01)


def mp3(frames: int, mark: bytes = b"", *, stated: int | None = None) -> bytes:
    """Return an MP3 of 128 kbit/s, whose first frame may state how many follow."""
    count, size = stated if stated is not None else frames, (frames + 1) * len(MP3_FRAME)
    says = {
        b"Xing": b"Xing" + struct.pack(">III", 3, count, size),
        b"Info": b"Info" + struct.pack(">III", 3, count, size),
        b"VBRI": b"VBRI" + bytes(6) + struct.pack(">II", size, count),
    }
    first = MP3_FRAME[:4] + bytes(32) + says[mark] if mark else b""
    return first.ljust(len(MP3_FRAME) if mark else 0, b"\0") + MP3_FRAME * frames


ID3V2 = b"ID3\x04\0\0\0\0\x02\x00" + bytes(256)


@pytest.mark.parametrize("before", [b"", ID3V2], ids=["bare", "tagged"])
@pytest.mark.parametrize("mark", [b"Xing", b"Info", b"VBRI"])
def test_an_mp3_says_how_long_it_is_in_its_first_frame(store: FakeMediaStore, mark: bytes, before: bytes) -> None:
    assert probe(store, before + mp3(1000, mark)) == pytest.approx(1000 * 1152 / 44_100, abs=0.05)


@pytest.mark.parametrize("before", [b"", ID3V2], ids=["bare", "tagged"])
def test_the_bitrate_of_an_mp3_is_no_length(store: FakeMediaStore, before: bytes) -> None:
    assert probe(store, before + mp3(1000)) is None


def test_of_two_mp3s_joined_the_first_says_nothing(store: FakeMediaStore) -> None:
    assert probe(store, mp3(1000, b"Xing") + mp3(1000, b"Xing")) is None


def test_a_wav_whose_recorder_crashed_says_nothing(store: FakeMediaStore) -> None:
    noise = random.Random(2).randbytes(9 * 32_000)  # noqa: S311
    right = wav(1) + noise
    assert probe(store, right) is None
    assert probe(store, wav(1) + b"LIST" + struct.pack("<I", len(noise)) + noise) == 1


def test_opus_is_as_long_as_its_last_page_says_however_many_there_are(store: FakeMediaStore) -> None:
    body = opus(3600.5, pages=100)
    assert len(body) > 2 * BUDGET
    assert probe(store, body) == 3600.5
    assert sum(end - start for start, end in store.reads) < BUDGET
    assert len(store.reads) <= 3


@pytest.mark.parametrize("body", [b"", b"\0", b"\xff", ADTS, NO_RATE, wav(0), opus(-1), b"Hello, Tiro.\n" * 99])
def test_what_it_cannot_tell_it_does_not_guess(store: FakeMediaStore, body: bytes) -> None:
    assert probe(store, body) is None


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_hostile_costs_a_few_reads(kind: str) -> None:
    store = HugeStore(HOSTILE[kind])
    assert HeaderReader(store).duration(Media(bucket="media", key="a", size=5 * GIB)) is None
    assert sum(end - start for start, end in store.reads) <= BUDGET
    assert len(store.reads) <= 8


@pytest.mark.parametrize("good", [wav(), opus(5.0, size=600)], ids=["wav", "opus"])
def test_damage_never_raises(store: FakeMediaStore, good: bytes) -> None:
    chance = random.Random(7)  # noqa: S311
    for _ in range(200):
        bad = bytearray(good[: chance.randrange(len(good))])
        for _ in range(min(8, len(bad))):
            bad[chance.randrange(min(96, len(bad)))] = chance.randrange(256)
        seconds = probe(store, bytes(bad))
        assert seconds is None or seconds > 0


@pytest.mark.parametrize("good", [0, 1])
def test_an_object_that_is_gone_is_for_the_worker_to_find_out(good: int) -> None:
    store = FailingStore(MediaNotFound(), good=good)
    assert HeaderReader(store).duration(Media(bucket="media", key="a", size=GIB)) is None


@pytest.mark.parametrize("good", [0, 1])
def test_a_store_that_does_not_answer_is_asked_again_later(good: int) -> None:
    store = FailingStore(ServiceUnavailable(), good=good)
    with pytest.raises(ServiceUnavailable):
        HeaderReader(store).duration(Media(bucket="media", key="a", size=GIB))


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("path", "seconds"),
    [
        ("long/long-en-allison-a.mp3", 607.356),
        ("long/long-fr-baudelaire-margot.opus", 932.845),
        ("long/long-ru-maxim.ogg", 402.084),
        ("awkward/bomb-10h-silence.flac", 36_000.0),
        ("awkward/m4a-named.wav", 11.053),
        ("awkward/wav-header-size-ffffffff.wav", 11.0),
        ("awkward/huge-id3-art.mp3", 11.088),
        ("awkward/corrupt-middle.opus.ogg", 11.007),
        ("awkward/text-renamed.mp3", None),
        ("awkward/random-bytes.ogg", None),
        ("formats/sonnet1-aac.aac", None),
        ("formats/sonnet1-webm.webm", None),
    ],
)
def test_real_recordings(store: FakeMediaStore, corpus: Path, path: str, seconds: float | None) -> None:
    assert probe(store, (corpus / path).read_bytes()) == (seconds and pytest.approx(seconds, abs=0.05))
    assert len(store.reads) <= 3
