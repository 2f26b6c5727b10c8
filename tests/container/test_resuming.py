"""A transcript is the same wherever the way to it was left and taken up again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from container.transcriber import WindowTranscriber
from tests.container.engine import LoudVad
from tests.container.oracle import Oracle
from tests.container.sound import silence, tone, write
from tests.files import LocalFiles
from tiro.checkpoint import Stretch
from tiro.errors import Interrupted
from tiro.ports import PCM
from tiro.request import Options
from tiro.transcript import Engine, Transcript


class Notes:
    """A checkpoint in memory. After `leave` stretches more, the work is interrupted."""

    def __init__(self, stretches: Sequence[Stretch] = (), leave: int = 10**6) -> None:
        self.stretches = list(stretches)
        self._leave = leave

    def add(self, stretch: Stretch) -> None:
        self.stretches.append(Stretch.model_validate_json(stretch.model_dump_json()))
        self._leave -= 1
        if not self._leave:
            raise Interrupted


Hear = Callable[..., Transcript]

LENGTHS = (5, 28, 3, 40, 12, 9, 4, 15, 8)

WISHES = [
    {},
    {"words": True},
    {"multilingual": True},
    {"channels": "separate", "words": True},
    {"language": "en", "start": 36.6, "end": 180.0},
]
"""Whatever may be remembered from window to window."""


def speech(seed: int, lengths: Sequence[float] = LENGTHS) -> PCM:
    """Return a few minutes with speech and silence of all lengths."""
    chance = np.random.default_rng(seed)
    pieces = [silence(40)]
    for seconds in lengths:
        pieces += [tone(seconds, 300 + 40 * seconds + seed), silence(float(chance.choice([0.6, 2, 7, 35])))]
    return np.concatenate(pieces)


@pytest.fixture
def hear(tmp_path: Path, request: pytest.FixtureRequest) -> Hear:
    """Transcribe a recording of two channels, as somebody wishes."""
    channels = [speech(5), speech(6, LENGTHS[4:])]
    longest = max(map(len, channels))
    write(tmp_path / "a.flac", [np.pad(each, (0, longest - len(each))) for each in channels], codec="flac")
    files = LocalFiles(tmp_path)

    def hear(checkpoint: Notes, *, engine: Oracle | None = None, batch_size: int = 2) -> Transcript:
        engine = engine or Oracle(languages=("en", "en", "de"))
        transcriber = WindowTranscriber(media=files, engine=engine, vad=LoudVad(), batch_size=batch_size)
        return transcriber.transcribe(
            files.media("a.flac"),
            Options(**getattr(request, "param", {})),
            max_seconds=3600,
            on_progress=lambda done, total: None,
            checkpoint=checkpoint,
        )

    return hear


@pytest.mark.parametrize("hear", WISHES, indirect=True, ids=str)
def test_left_it_goes_on_to_the_same_end(hear: Hear) -> None:
    whole = hear(kept := Notes())
    assert len(kept.stretches) > 3
    assert len({segment.flags for segment in whole.segments}) > 2, "or it would say little"
    for i in {1, 2, len(kept.stretches) // 2, len(kept.stretches) - 1, len(kept.stretches)}:
        assert hear(Notes(kept.stretches[:i])) == whole


def test_left_and_taken_up_again_at_every_stretch(hear: Hear) -> None:
    whole = hear(Notes())
    notes = Notes(leave=1)
    for _ in range(100):
        try:
            assert hear(notes) == whole
            break
        except Interrupted:
            notes = Notes(notes.stretches, leave=1)
    else:
        pytest.fail("it never comes to the end")


def test_what_is_heard_for_good_is_not_decoded_again(hear: Hear) -> None:
    first, second = (Oracle(languages=("en", "en", "de")) for _ in range(2))
    hear(kept := Notes(), engine=first)
    hear(Notes(kept.stretches[:-1]), engine=second)
    assert len(second.decoded) < len(first.decoded) / 2


def test_the_stretches_are_in_order_and_say_what_the_transcript_says(hear: Hear) -> None:
    whole = hear(kept := Notes())
    ends = [stretch.end for stretch in kept.stretches]
    assert [stretch.start for stretch in kept.stretches] == [0.0, *ends[:-1]]
    assert ends == sorted(ends)
    told = sorted(s.text for stretch in kept.stretches for s in stretch.segments)
    assert told == sorted(s.text for s in whole.segments)


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_the_size_of_a_batch_changes_nothing(hear: Hear, batch_size: int) -> None:
    assert hear(Notes(), batch_size=batch_size) == hear(Notes())


def test_another_engine_begins_anew(hear: Hear) -> None:
    class Other(Oracle):
        @property
        def info(self) -> Engine:
            return super().info.model_copy(update={"version": "2"})

    hear(kept := Notes())
    later = Notes(kept.stretches[:3])
    assert hear(later, engine=Other()).engine.version == "2"
    assert [stretch.anew for stretch in later.stretches[:4]] == [True, False, False, True]
