"""Decodes windows in batches, whosever they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from container.hearing import Attempt, Hearing, Outcome
from tiro.ports import DecodeOptions, HeardWindow, SpeechEngine

NOTHING = HeardWindow((), 0.0, 0.0, complete=True)
"""Stands for a window that is not to be aligned."""


def hear(engine: SpeechEngine, hearing: Hearing, batch: Sequence[Attempt]) -> list[Outcome]:
    """Decode attempts that have equal options, as far as is known before their language is."""
    outcomes = {row: Outcome(again=pieces) for row, attempt in enumerate(batch) if (pieces := hearing.split(attempt))}
    whole = {row: attempt for row, attempt in enumerate(batch) if row not in outcomes}
    if whole:
        outcomes |= zip(whole, _hear(engine, hearing, list(whole.values())), strict=True)
    return [outcomes[row] for row in range(len(batch))]


def _hear(engine: SpeechEngine, hearing: Hearing, batch: Sequence[Attempt]) -> list[Outcome]:
    encoded = engine.encode([attempt.window.pcm for attempt in batch])
    if hearing.curious(batch):
        batch = hearing.detect(batch, engine.detect_language(encoded))
    kinds = list(dict.fromkeys(hearing.options(attempt) for attempt in batch))
    if len(kinds) == 1:
        return _decode(engine, hearing, batch, encoded, kinds[0])
    outcomes: dict[int, Outcome] = {}
    for options in kinds:
        rows = [row for row, attempt in enumerate(batch) if hearing.options(attempt) == options]
        alike = [batch[row] for row in rows]
        encoded = engine.encode([attempt.window.pcm for attempt in alike])
        outcomes |= zip(rows, _decode(engine, hearing, alike, encoded, options), strict=True)
    return [outcomes[row] for row in range(len(batch))]


def _decode(
    engine: SpeechEngine, hearing: Hearing, batch: Sequence[Attempt], encoded: Any, options: DecodeOptions
) -> list[Outcome]:
    heard = engine.decode(encoded, options)
    outcomes = [hearing.settle(attempt, each) for attempt, each in zip(batch, heard, strict=True)]
    words: Sequence[Any] = [()] * len(batch)
    asked = [hearing.aligns(*each) for each in zip(batch, outcomes, strict=True)]
    if any(asked):
        kept = [o.kept.heard if o.kept and ask else NOTHING for o, ask in zip(outcomes, asked, strict=True)]
        words = engine.align(encoded, kept, options)
    return [hearing.write(*each) for each in zip(batch, outcomes, words, strict=True)]
