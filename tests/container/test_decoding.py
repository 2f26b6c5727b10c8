"""A recording that does harm fails its own job, by name, and nothing else."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from container.audio import Part, Recording
from container.decoding import DECODER, Decoders, DecoderTerms
from tests.container.sound import tone, write
from tiro.errors import DecoderDefect, DecoderFailed, MediaHarmful, MediaTooLong, TiroError
from tiro.ports import SAMPLE_RATE

TERMS = DecoderTerms(memory_bytes=256 * 1024**2, quiet_seconds=20)


def hear(decoders: Decoders, file: BinaryIO, *, max_seconds: float = 3600) -> float:
    """Return how many seconds of sound come out."""
    with decoders.open(file, max_seconds=max_seconds) as recording:
        return sum(len(block) for block in recording.blocks()) / SAMPLE_RATE


def hostile(what: str, terms: DecoderTerms = TERMS) -> Decoders:
    command = [sys.executable, "-E", "-s", "-m", "tests.container.hostile_decoder", what]
    return Decoders(terms, command=command)


@pytest.mark.parametrize(
    ("deed", "error", "why"),
    [
        ("crash", MediaHarmful, "SIGSEGV"),
        ("eat memory", MediaHarmful, "more than 256 MiB of memory"),
        ("be killed", DecoderFailed, "^It was killed"),
        ("exit", DecoderFailed, "^It ended with status 3"),
        ("run short", DecoderFailed, "^It ended with BlockingIOError"),
        ("have a bug", DecoderDefect, r"KeyError in hostile_decoder.py line \d+.*Report it"),
        ("import", DecoderDefect, r"defect: it ended with (Import|OS)Error in \w+.py line \d+\..* Report it"),
        ("use no such attribute", DecoderDefect, "AttributeError in hostile_decoder.py"),
    ],
)
def test_whatever_a_recording_does_is_an_error_of_its_own_job(deed: str, error: type[TiroError], why: str) -> None:
    with closing(hostile(deed)) as decoders, pytest.raises(error, match=why):
        hear(decoders, io.BytesIO(bytes(100)))


@pytest.mark.parametrize("deed", ["spin", "read for ever"])
def test_a_decoder_that_computes_without_result_condemns_its_recording(deed: str) -> None:
    decoders = hostile(deed, DecoderTerms(quiet_seconds=2))
    with closing(decoders), pytest.raises(MediaHarmful, match="computed for 2 s and got no sound"):
        hear(decoders, io.BytesIO(bytes(2 * 1024**2)))


@pytest.mark.parametrize("deed", ["be quiet", "stop"])
def test_a_decoder_that_gets_no_processor_time_does_not_condemn_its_recording(deed: str) -> None:
    decoders = hostile(deed, DecoderTerms(quiet_seconds=2))
    with closing(decoders), pytest.raises(DecoderFailed, match="hardly any processor time: the host") as raised:
        hear(decoders, io.BytesIO(bytes(100)))
    assert raised.value.retryable


def test_a_decoder_that_works_slowly_is_waited_for() -> None:
    with closing(hostile("work slowly", DecoderTerms(quiet_seconds=1))) as decoders:
        assert hear(decoders, io.BytesIO(bytes(100))) == 1.0


def test_a_decoder_that_skips_to_a_late_part_may_compute_for_longer() -> None:
    terms = DecoderTerms(quiet_seconds=0.5, cpu_share=0.1)
    with closing(hostile("spin a second before any sound", terms)) as decoders:
        with decoders.open(io.BytesIO(bytes(100)), max_seconds=3600, part=Part(start=600)) as recording:
            assert sum(map(len, recording.blocks())) == SAMPLE_RATE
        with pytest.raises(MediaHarmful):
            hear(decoders, io.BytesIO(bytes(100)))


def test_a_decoder_that_computes_for_ever_is_ended_by_the_kernel() -> None:
    terms = DecoderTerms(quiet_seconds=600, cpu_share=-59)  # of one second of sound: 60 - 59
    with closing(hostile("spin", terms)) as decoders, pytest.raises(MediaHarmful, match="processor time"):
        hear(decoders, io.BytesIO(bytes(100)), max_seconds=1)


def test_a_decoder_that_never_ends_is_cut_off_by_who_listens() -> None:
    with closing(hostile("go on for ever")) as decoders, pytest.raises(MediaTooLong):
        hear(decoders, io.BytesIO(bytes(100)), max_seconds=10)


def test_a_decoder_can_open_nothing_and_knows_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with closing(hostile("get out")) as decoders:
        assert hear(decoders, io.BytesIO(bytes(100))) == 1.0


def test_after_one_that_crashed_the_next_is_decoded(tmp_path: Path) -> None:
    with closing(hostile("crash")) as decoders, pytest.raises(MediaHarmful):
        hear(decoders, io.BytesIO(bytes(100)))
    with closing(Decoders(TERMS)) as decoders, write(tmp_path / "a.flac", tone(3), codec="flac").open("rb") as file:
        assert hear(decoders, file) == pytest.approx(3)


class _SlowStore(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        time.sleep(0.2)
        return super().read(size)


def test_a_slow_store_is_not_taken_for_a_stuck_decoder(tmp_path: Path) -> None:
    data = write(tmp_path / "a.mp3", tone(60), codec="libmp3lame").read_bytes()
    with closing(Decoders(DecoderTerms(quiet_seconds=3))) as decoders:
        hear(decoders, io.BytesIO(data))  # so that the next is warm
        assert hear(decoders, _SlowStore(data)) == pytest.approx(60, abs=0.2)


def test_nothing_is_decoded_that_nobody_asks_for(tmp_path: Path) -> None:
    """An hour must not pile up in a pipe while the engine is busy with its first minute."""
    path = write(tmp_path / "a.wav", np.zeros(600 * SAMPLE_RATE, np.float32))
    with (
        closing(Decoders()) as decoders,
        path.open("rb") as file,
        decoders.open(file, max_seconds=3600) as recording,
    ):
        blocks = recording.blocks()
        for _ in range(4):
            next(blocks)
        time.sleep(0.5)
        assert file.tell() < 60 * 2 * SAMPLE_RATE


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    path, before = write(tmp_path / "a.wav", tone(1)), children.read_text()
    with closing(Decoders()) as decoders:
        for _ in range(3):
            with path.open("rb") as file, decoders.open(file, max_seconds=9):
                assert children.read_text() != before
    assert children.read_text() == before


def test_ten_decode_at_once(tmp_path: Path) -> None:
    data = write(tmp_path / "a.flac", tone(5), codec="flac").read_bytes()
    with closing(Decoders()) as decoders:
        opened = [decoders.open(io.BytesIO(data), max_seconds=9) for _ in range(10)]
        for recording in opened:
            with recording:
                assert sum(map(len, recording.blocks())) == 5 * SAMPLE_RATE


# ---------------------------------------------------------------- real files


def _awkward(corpus: Path, long: bool) -> list[Path]:
    """Return the awkward files of over ten minutes, or the others."""
    lines = (corpus / "manifest.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    return [
        corpus / entry["path"]
        for entry in entries
        if entry["category"] == "awkward" and ((entry["duration"] or 0) > 600) == long
    ]


def _outcome(opens: Callable[..., object], path: Path) -> str:
    try:
        with path.open("rb") as file, opens(file, max_seconds=4 * 3600.0) as recording:  # type: ignore[attr-defined]
            samples = sum(len(block) for block in recording.blocks())
            return f"{samples} samples, {recording.duration} s promised, {recording.warnings}"
    except TiroError as error:
        return f"{error.code}: {error}"


@pytest.mark.corpus
@pytest.mark.parametrize("long", [False, pytest.param(True, marks=pytest.mark.full)])
def test_every_awkward_file_ends_as_it_does_in_process(corpus: Path, long: bool) -> None:
    paths = _awkward(corpus, long)
    assert paths
    with closing(Decoders()) as decoders:
        assert {p.name: _outcome(decoders.open, p) for p in paths} == {p.name: _outcome(Recording, p) for p in paths}


def test_the_decoder_is_a_process_of_its_own() -> None:
    assert DECODER[0] == sys.executable, "fork() in a process with threads may hang for ever"
