"""Checkpoints in memory, and a transcriber that makes some."""

from __future__ import annotations

from collections.abc import Callable

from tests.factories import make_engine, make_transcript
from tests.fakes import FakeTranscriptStore
from tiro.checkpoint import Stretch
from tiro.job import Media
from tiro.ports import Checkpoint, OnProgress
from tiro.request import Options
from tiro.stored import encode
from tiro.transcript import Segment, Transcript


class FakeCheckpointStore:
    """In the bucket of the transcripts, as the real one."""

    def __init__(self, bucket: FakeTranscriptStore) -> None:
        self._bucket = bucket

    def put(self, key: str, stretch: Stretch) -> None:
        self._bucket.objects[key] = encode(stretch).encode()

    def get(self, key: str) -> Stretch | None:
        try:
            return Stretch.model_validate_json(self._bucket.objects[key])
        except (KeyError, ValueError):
            return None

    def erase(self, prefix: str) -> None:
        self._bucket.erase(prefix)

    @property
    def keys(self) -> list[str]:
        return [key for key in self._bucket.objects if key.startswith("checkpoints/")]


class Counting:
    """A transcriber that hears a number every ten seconds, one stretch each. `happens(number)` before it does."""

    def __init__(self, total: int, happens: Callable[[int], object] = lambda number: None) -> None:
        self._total, self.happens = total, happens
        self.heard: list[int] = []  # by all attempts

    def transcribe(
        self,
        media: Media,
        options: Options,
        *,
        max_seconds: float,
        on_progress: OnProgress,
        checkpoint: Checkpoint | None = None,
    ) -> Transcript:
        assert checkpoint
        segments = [segment for stretch in checkpoint.stretches for segment in stretch.segments]
        for number in range(len(segments), self._total):
            self.happens(number)
            on_progress(10.0 * number, 10.0 * self._total)
            self.heard.append(number)
            segments.append(counted(number))
            checkpoint.add(stretch_of(number))
        return make_transcript(text=" ".join(s.text for s in segments), segments=tuple(segments))


def counted(number: int) -> Segment:
    return Segment(
        start=10.0 * number,
        end=10.0 * number + 5,
        text=str(number),
        avg_logprob=0,
        no_speech_prob=0,
        compression_ratio=1,
    )


def stretch_of(number: int) -> Stretch:
    return Stretch(
        start=10.0 * number,
        end=10.0 * number + 10,
        anew=number == 0,
        segments=(counted(number),),
        language="en",
        engine=make_engine(),
    )
