"""Recordings share an engine: in turn, in one batch where they can, and none falls with another."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.batching import Batcher, Line, Task
from container.hearing import Attempt, Hearing
from container.transcriber import WindowTranscriber
from container.vad import Span
from container.windows import Window
from tests.container.engine import LoudVad
from tests.container.oracle import Oracle, name_of
from tests.container.sound import silence, tone, write
from tests.files import LocalFiles
from tiro.errors import EngineFailed, EnginePoisoned, Interrupted, LeaseLost
from tiro.job import Media
from tiro.ports import PCM, SAMPLE_RATE, DecodeOptions
from tiro.request import Options
from tiro.transcript import Transcript

HOW = DecodeOptions(language="")
ENGLISH = Options(language="en")
ANY = Options()


def task(number: int, seconds: float = 1.0, *, step: int = 0) -> Task:
    pcm = np.full(round(seconds * SAMPLE_RATE), number / 100, np.float32)
    return Task(number, Attempt(Window(0, pcm, (Span(0, len(pcm)),)), step=step))


def newcomer(number: int) -> Task:
    """Return one of the windows that choose the language of their recording."""
    asking = task(number)
    asking.attempt = replace(asking.attempt, asks=True)
    return asking


@dataclass
class Bench:
    """Lines of one batcher, and an engine that notes whose windows stood together."""

    engine: Oracle
    batcher: Batcher
    stack: ExitStack

    def line(self, options: Options, *tasks: Task) -> Line:
        line = self.stack.enter_context(self.batcher.line(Hearing(options, HOW)))
        line.put(tasks)
        return line

    def answered(self, *lines: Line) -> list[list[int]]:
        """Decode a batch; return the numbers of the windows that were answered, by line."""
        before = [len(line.answers) for line in lines]
        with self.batcher.turn:
            self.batcher.work()
        return [
            [answer.task.root for answer in line.answers[known:]] for line, known in zip(lines, before, strict=True)
        ]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        engine = Oracle()
        yield Bench(engine, Batcher(engine, 4), stack)


def test_a_short_recording_is_not_stuck_behind_a_long_one(bench: Bench) -> None:
    long = bench.line(ENGLISH, *map(task, range(10)))
    short = bench.line(ENGLISH, task(20))
    assert bench.answered(long, short) == [[0, 1, 2], [20]]


def test_all_are_served_in_turn(bench: Bench) -> None:
    lines = [bench.line(ENGLISH, *map(task, range(4))) for _ in range(6)]
    assert bench.answered(*lines) == [[0], [0], [0], [0], [], []]
    assert bench.answered(*lines) == [[1], [1], [], [], [0], [0]]
    assert bench.answered(*lines) == [[], [], [1], [1], [1], [1]]


def test_what_must_differ_is_decoded_apart_and_in_turn(bench: Bench) -> None:
    german = bench.line(Options(language="de"), *map(task, range(3)))
    english = bench.line(ENGLISH, *map(task, range(3)))
    told = bench.line(Options(language="en", prompt="Tiro"), task(0))
    assert bench.answered(german, english, told) == [[0, 1, 2], [], []]
    assert bench.answered(german, english, told) == [[], [0, 1, 2], []]
    assert bench.answered(german, english, told) == [[], [], [0]]


def test_what_comes_first_in_a_recording_is_heard_first(bench: Bench) -> None:
    line = bench.line(ENGLISH, *map(task, range(1, 6)))
    line.put([task(0)])
    assert bench.answered(line) == [[0, 1, 2, 3]]


def test_what_is_sampled_finds_company_in_other_recordings(bench: Bench) -> None:
    lines = [bench.line(ENGLISH, task(0, step=1), task(1)) for _ in range(3)]
    assert bench.answered(*lines) == [[1], [1], [1]]
    lines.append(bench.line(ENGLISH, task(0, step=1)))
    assert bench.answered(*lines) == [[0], [0], [0], [0]]


def test_newcomers_tell_their_languages_in_one_batch(bench: Bench) -> None:
    lines = [bench.line(ANY, newcomer(i)) for i in range(3)]
    assert bench.answered(*lines) == [[0], [1], [2]]
    assert bench.engine.batches == [3]


def test_newcomers_of_different_languages_are_decoded_apart(bench: Bench) -> None:
    bench.engine = Oracle(languages=("en", "de"))
    bench.batcher = Batcher(bench.engine, 4)
    lines = [bench.line(ANY, newcomer(i)) for i in range(4)]
    assert bench.answered(*lines) == [[0], [1], [2], [3]]
    languages = [line.hearing.known[""].language for line in lines]
    assert set(languages) == {"en", "de"}
    assert sorted(o.language for o in bench.engine.options) == ["de", "en"]
    assert sum(bench.engine.batches) == 4


def test_the_first_windows_of_a_recording_are_not_torn_apart(bench: Bench) -> None:
    alone = bench.line(ANY, newcomer(0))
    four = bench.line(ANY, *map(newcomer, range(1, 5)))
    assert bench.answered(alone, four) == [[0], []]
    assert bench.answered(alone, four) == [[], [1, 2, 3, 4]]


# ---------------------------------------------------------------- one falls, the others do not


def test_what_fails_fails_its_own_recording(bench: Bench) -> None:
    bad = name_of(task(1).attempt.window.pcm)

    def fail(names: list[str]) -> None:
        if bad in names:
            raise EngineFailed

    bench.engine = Oracle(happens=fail)
    bench.batcher = Batcher(bench.engine, 4)
    lines = [bench.line(ENGLISH, task(i)) for i in range(3)]
    assert bench.answered(*lines) == [[0], [], [2]]
    with pytest.raises(EngineFailed):
        lines[1].take(hurried=True)
    assert [len(lines[i].take(hurried=True)) for i in (0, 2)] == [1, 1]


def test_a_poisoned_engine_fails_its_whole_batch_and_is_not_asked_again(bench: Bench) -> None:
    def fail(names: list[str]) -> None:
        bench.engine.batches.append(0)
        raise EnginePoisoned

    bench.engine = Oracle(happens=fail)
    bench.batcher = Batcher(bench.engine, 4)
    lines = [bench.line(ENGLISH, task(i)) for i in range(3)]
    beside = bench.line(Options(language="de"), task(3))
    bench.answered(*lines)
    for line in lines:
        with pytest.raises(EnginePoisoned):
            line.take(hurried=True)
    with pytest.raises(Interrupted):
        beside.take(hurried=True)
    assert bench.engine.batches == [0]


def test_when_one_of_a_batch_poisons_the_engine_by_itself_it_alone_is_to_blame(bench: Bench) -> None:
    """The batch fails in a way that may pass, is decoded again one by one, and then it shows who it was."""
    bad = name_of(task(1).attempt.window.pcm)

    def fail(names: list[str]) -> None:
        if bad in names:
            raise EngineFailed if len(names) > 1 else EnginePoisoned

    bench.engine = Oracle(happens=fail)
    bench.batcher = Batcher(bench.engine, 4)
    lines = [bench.line(ENGLISH, task(i)) for i in range(3)]
    assert bench.answered(*lines) == [[0], [], []]
    for line, error in zip(lines[1:], (EnginePoisoned, Interrupted), strict=True):
        with pytest.raises(error):
            line.take(hurried=True)


def test_a_language_that_cannot_be_chosen_fails_its_own_recording(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [bench.line(ANY, newcomer(i)) for i in range(3)]

    def unsure(*_: Any) -> None:
        raise ValueError("too unsure")

    monkeypatch.setattr(lines[1].hearing, "detect", unsure)
    assert bench.answered(*lines) == [[0], [], [2]]
    with pytest.raises(ValueError, match="too unsure"):
        lines[1].take(hurried=True)


def test_who_leaves_takes_the_tasks_along(bench: Bench) -> None:
    with bench.batcher.line(Hearing(ENGLISH, HOW)) as gone:
        gone.put(map(task, range(4)))
    stays = bench.line(ENGLISH, task(5))
    assert bench.answered(stays) == [[5]]


# ---------------------------------------------------------------- all together


def speech(seed: int) -> PCM:
    chance = np.random.default_rng(seed)
    pieces = [silence(1)]
    for _ in range(3 + seed):
        pieces += [tone(float(chance.uniform(2, 40)), 200 + 50 * seed), silence(float(chance.choice([0.5, 3, 8])))]
    return np.concatenate(pieces)


def test_recordings_heard_together_come_out_as_if_alone(tmp_path: Path) -> None:
    names = [f"{i}.flac" for i in range(5)]
    for i, name in enumerate(names):
        write(tmp_path / name, speech(i), codec="flac")
    files = LocalFiles(tmp_path)

    def hear(transcriber: WindowTranscriber, media: Media, stop: bool = False) -> Transcript | None:
        def on_progress(done: float, total: float | None) -> None:
            if stop and done:
                raise LeaseLost

        try:
            return transcriber.transcribe(media, Options(), max_seconds=3600, on_progress=on_progress)
        except LeaseLost:
            return None

    def transcriber(engine: Oracle) -> WindowTranscriber:
        return WindowTranscriber(media=files, engine=engine, vad=LoudVad(), batch_size=4)

    alone = [hear(transcriber(Oracle(languages=("en", "de"))), files.media(name)) for name in names]
    engine = Oracle(languages=("en", "de"), happens=lambda names: time.sleep(0.01))
    shared = transcriber(engine)
    with ThreadPoolExecutor(len(names)) as pool:
        together = list(pool.map(lambda i: hear(shared, files.media(names[i]), stop=i == 2), range(len(names))))
    assert [t for i, t in enumerate(together) if i != 2] == [t for i, t in enumerate(alone) if i != 2]
    assert together[2] is None
    readers = [thread for thread in threading.enumerate() if thread.name == "reader"]
    for reader in readers:
        reader.join(5)
    assert not any(reader.is_alive() for reader in readers)
