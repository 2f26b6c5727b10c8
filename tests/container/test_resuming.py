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


@pytest.fixture
def hear(tmp_path: Path) -> Hear:
    """Transcribe a few minutes of a recording with speech and silence of all lengths."""
    chance = np.random.default_rng(5)
    pieces = [silence(40)]
    for seconds in (5, 28, 3, 70, 12, 20, 9, 4, 31, 6, 15, 8):
        pieces += [tone(seconds, 300 + 40 * seconds), silence(float(chance.choice([0.6, 2, 7, 35])))]
    write(tmp_path / "a.flac", np.concatenate(pieces), codec="flac")
    files = LocalFiles(tmp_path)

    def hear(checkpoint: Notes, *, engine: Oracle | None = None, batch_size: int = 2) -> Transcript:
        transcriber = WindowTranscriber(media=files, engine=engine or Oracle(), vad=LoudVad(), batch_size=batch_size)
        return transcriber.transcribe(
            files.media("a.flac"),
            Options(),
            max_seconds=3600,
            on_progress=lambda done, total: None,
            checkpoint=checkpoint,
        )

    return hear


def test_left_after_any_stretch_it_goes_on_to_the_same_end(hear: Hear) -> None:
    whole = hear(kept := Notes())
    assert len(kept.stretches) > 5
    assert len({segment.flags for segment in whole.segments}) > 3, "or it would say little"
    for i in range(1, len(kept.stretches) + 1):
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
    hear(kept := Notes(), engine=(first := Oracle()))
    hear(Notes(kept.stretches[:-1]), engine=(second := Oracle()))
    assert len(second.decoded) < len(first.decoded) / 2


def test_the_stretches_are_in_order_and_say_what_the_transcript_says(hear: Hear) -> None:
    whole = hear(kept := Notes())
    ends = [stretch.end for stretch in kept.stretches]
    assert [stretch.start for stretch in kept.stretches] == [0.0, *ends[:-1]]
    assert ends == sorted(ends)
    assert [s for stretch in kept.stretches for s in stretch.segments] == list(whole.segments)
    assert all(a.end >= s.end for a in kept.stretches for s in a.segments)


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
    assert later.stretches[3].start == 0
