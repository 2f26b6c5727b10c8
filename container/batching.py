"""One engine for many recordings: their windows share batches, and no recording is stuck behind another.

There is no thread for it: whoever waits for an answer decodes the next batch, for all who wait.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from container.hearing import Attempt, Hearing, Outcome
from container.tongue import Vote
from tiro.errors import EnginePoisoned, Interrupted
from tiro.ports import DecodeOptions, HeardWindow, SpeechEngine

INTERRUPTED = "Another recording put the engine out of order."

NOTHING = HeardWindow((), 0.0, 0.0, complete=True)
"""Stands for a window that is not to be aligned."""


@dataclass(eq=False)
class Task:
    """An attempt that is to be decoded; `root` is the number of the window that it comes from."""

    root: int
    attempt: Attempt
    vote: Vote | None = None  # for a language, once it was asked


@dataclass(frozen=True)
class Answer:
    """What an attempt came to."""

    task: Task
    outcome: Outcome

    @property
    def vote(self) -> Vote | None:
        return self.task.vote


class Line:
    """The tasks of one recording. For one thread."""

    def __init__(self, batcher: Batcher, hearing: Hearing) -> None:
        self._batcher = batcher
        self.hearing = hearing
        self.unanswered: list[Task] = []  # for the owner's thread alone
        self.tasks: list[Task] = []  # those of them that nobody decodes yet, the earliest windows first
        self.answers: list[Answer] = []
        self.error: Exception | None = None
        self.hurried = False  # whether what is sampled shall not wait for company

    def put(self, tasks: Iterable[Task]) -> None:
        """Have attempts decoded. While a language is undecided, all that shall choose it come at once."""
        added = list(tasks)
        self.unanswered += added
        with self._batcher.lock:
            self.tasks = sorted([*self.tasks, *added], key=lambda task: task.root)

    def take(self, *, hurried: bool) -> list[Answer]:
        """Return the next answers, at least one. Raises what the engine raised for a task of this recording.

        What is sampled waits until it fills a batch, unless it is `hurried`.
        """
        self.hurried = hurried
        while not (answers := self._answered()):
            with self._batcher.turn:
                if not (self.answers or self.error):
                    self._batcher.work()
        return answers

    def _answered(self) -> list[Answer]:
        with self._batcher.lock:
            if self.error is not None:
                raise self.error
            answers, self.answers = self.answers, []
        for answer in answers:
            self.unanswered.remove(answer.task)
        return answers

    def options(self, task: Task) -> DecodeOptions:
        return self.hearing.options(task.attempt)

    def ready(self) -> list[Task]:
        """Return the tasks that need not wait for company."""
        return [task for task in self.tasks if self.hurried or self.options(task).temperature == 0]


Batch = list[tuple[Line, Task]]


class Batcher:
    """Shares an engine out. Batches are filled in turn, one task of each recording after the other."""

    def __init__(self, engine: SpeechEngine, size: int) -> None:
        self._engine, self._size = engine, size
        self._lines: list[Line] = []  # who was served last stands last
        self.lock = threading.Lock()  # of all lines
        self.turn = threading.Lock()  # to use the engine

    @contextmanager
    def line(self, hearing: Hearing) -> Iterator[Line]:
        line = Line(self, hearing)
        with self.lock:
            self._lines.append(line)
        try:
            yield line
        finally:
            with self.lock:
                self._lines.remove(line)

    def work(self) -> None:
        """Decode one batch and hand out the answers. Call it with the `turn`."""
        with self.lock:
            batch = self._choose()
            for line, task in batch:
                line.tasks.remove(task)
            served = dict.fromkeys(line for line, _ in batch)
            self._lines = [line for line in self._lines if line not in served] + list(served)
        self._decode(batch)

    # ------------------------------------------------------------ what to decode next

    def _choose(self) -> Batch:
        if full := self._full():
            return self._fill(full)
        lead, task = next((line, line.ready()[0]) for line in self._lines if line.ready())
        options = lead.options(task)
        return self._fill(options) if options.language else self._newcomers(lead)

    def _full(self) -> DecodeOptions | None:
        """Return how to decode what is sampled and fills a batch by now."""
        counts: dict[DecodeOptions, int] = defaultdict(int)
        for line in self._lines:
            for task in line.tasks:
                counts[line.options(task)] += 1
        return next((o for o, count in counts.items() if o.temperature > 0 and count >= self._size), None)

    def _fill(self, options: DecodeOptions) -> Batch:
        """Take what has equal options, from each line in turn."""
        fitting = [(line, [task for task in line.tasks if line.options(task) == options]) for line in self._lines]
        rounds = max(len(tasks) for _, tasks in fitting)
        every = [(line, tasks[i]) for i in range(rounds) for line, tasks in fitting if i < len(tasks)]
        return every[: self._size]

    def _newcomers(self, lead: Line) -> Batch:
        """Take all that tells the language of one recording, and of others as far as there is room."""
        batch: Batch = []
        for line in [lead, *(line for line in self._lines if line is not lead)]:
            if line.tasks and not line.options(line.tasks[0]).language:
                if batch and len(batch) + len(line.tasks) > self._size:
                    continue
                batch += [(line, task) for task in line.tasks]
        return batch

    # ------------------------------------------------------------ decoding it

    def _decode(self, batch: Batch) -> None:
        size = len(batch)
        try:
            encoded = self._engine.encode([task.attempt.window.pcm for _, task in batch])
            if any(task.attempt.asks for _, task in batch):
                batch = self._detect(batch, encoded)
            alike: dict[DecodeOptions, Batch] = defaultdict(list)
            for line, task in batch:
                alike[line.options(task)].append((line, task))
            for options, part in alike.items():
                # Rarely a part of it only: recordings whose languages differ, and were found in one batch.
                again = encoded if len(part) == size else self._engine.encode([t.attempt.window.pcm for _, t in part])
                outcomes = self._outcomes(part, again, options)
                with self.lock:
                    for (line, task), outcome in zip(part, outcomes, strict=True):
                        line.answers.append(Answer(task, outcome))
        except Exception as error:  # noqa: BLE001  (each recording's own thread raises it)
            self._fail(batch, error)

    def _detect(self, batch: Batch, encoded: Any) -> Batch:
        """Ask for votes on the language; return the tasks of those recordings that could make up their mind."""
        chances = self._engine.detect_language(encoded)
        asking: dict[Line, list[int]] = defaultdict(list)
        for row, (line, task) in enumerate(batch):
            if task.attempt.asks:
                asking[line].append(row)
        for line, rows in asking.items():
            try:
                votes = line.hearing.detect([batch[row][1].attempt for row in rows], [chances[row] for row in rows])
            except Exception as error:  # noqa: BLE001  (its own affair)
                line.error = error
                continue
            for row, (attempt, vote) in zip(rows, votes, strict=True):
                task = batch[row][1]
                task.attempt, task.vote = attempt, vote
        return [(line, task) for line, task in batch if line.error is None]

    def _outcomes(self, part: Batch, encoded: Any, options: DecodeOptions) -> list[Outcome]:
        heard = self._engine.decode(encoded, options)
        outcomes = [line.hearing.settle(task.attempt, each) for (line, task), each in zip(part, heard, strict=True)]
        words: Sequence[Any] = [()] * len(part)
        timed = [line.hearing.aligns(task.attempt, o) for (line, task), o in zip(part, outcomes, strict=True)]
        if any(timed):
            kept = [o.kept.heard if o.kept and wanted else NOTHING for o, wanted in zip(outcomes, timed, strict=True)]
            words = self._engine.align(encoded, kept, options)
        return [
            line.hearing.write(task.attempt, outcome, each)
            for (line, task), outcome, each in zip(part, outcomes, words, strict=True)
        ]

    def _fail(self, batch: Batch, error: Exception) -> None:
        """Decode again what shared a batch with what failed, each recording by itself, so that none falls with it.

        A poisoned engine can decode nothing again: it fails whoever was in the batch, and interrupts all others.
        """
        answered = {answer.task for line, _ in batch for answer in line.answers}
        left = [(line, task) for line, task in batch if task not in answered]
        lines = list(dict.fromkeys(line for line, _ in left))
        if isinstance(error, EnginePoisoned):
            with self.lock:
                for line in self._lines:
                    line.error = line.error or (error if line in lines else Interrupted(INTERRUPTED))
            return
        for line in lines:
            if len(lines) == 1:
                line.error = error
            elif line.error is None:
                self._decode([(owner, task) for owner, task in left if owner is line])
