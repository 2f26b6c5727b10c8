"""Decodes windows in batches, whosever they are."""

from __future__ import annotations

from collections.abc import Sequence

from container.hearing import Attempt, Hearing, Outcome
from tiro.ports import SpeechEngine


def hear(engine: SpeechEngine, hearing: Hearing, batch: Sequence[Attempt]) -> list[Outcome]:
    """Decode attempts that have equal options; the first of a recording also tell its language."""
    encoded = engine.encode([attempt.window.pcm for attempt in batch])
    if not hearing.options(batch[0]).language:
        hearing.detect(batch, engine.detect_language(encoded))
    heard = engine.decode(encoded, hearing.options(batch[0]))
    return [hearing.settle(attempt, each) for attempt, each in zip(batch, heard, strict=True)]
