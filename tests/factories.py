"""Values for tests, whole and valid, of which a test says only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tiro.job import Drop, Job, JobStatus, Media, Run, TranscriptRef
from tiro.request import Options
from tiro.transcript import Engine, Segment, Transcript, Word

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def make_media(**changes: Any) -> Media:
    return Media(
        **{
            "bucket": "media",
            "key": "inbox/ada/interview.mp3",
            "version": "v1",
            "etag": '"0123"',
            "size": 1_234_567,
            "duration": 12.345678901234567,
            "content_type": "audio/mpeg",
            "name": "interview.mp3",
            **changes,
        }
    )


def make_drop(**changes: Any) -> Drop:
    return Drop(**{"bucket": "media", "key": "inbox/ada/interview.mp3", "sequencer": "0055AED6DCD90281E5", **changes})


def make_job(**changes: Any) -> Job:
    """Return a job that awaits its upload."""
    return Job(
        **{
            "id": "01kdy3q7ze0000000000000001",
            "owner": "ada",
            "status": JobStatus.AWAITING_MEDIA,
            "source": "upload",
            "options": Options(),
            "created_at": NOW,
            "upload_expires_at": NOW + timedelta(hours=1),
            **changes,
        }
    )


def make_queued_job(**changes: Any) -> Job:
    return make_job(
        **{
            "status": JobStatus.QUEUED,
            "generation": 1,
            "media": make_media(),
            "queued_at": NOW,
            "upload_expires_at": None,
            **changes,
        }
    )


def make_run(**changes: Any) -> Run:
    return Run(**{"attempt": "attempt-1", "lease_expires_at": NOW + timedelta(minutes=2), **changes})


def make_ref(**changes: Any) -> TranscriptRef:
    return TranscriptRef(
        **{
            "key": "transcripts/ada/01kdy3q7ze0000000000000001/attempt-1.json",
            "language": "en",
            "duration": 12.345678901234567,
            "no_speech": False,
            **changes,
        }
    )


def make_engine(**changes: Any) -> Engine:
    return Engine(
        **{
            "name": "fake",
            "version": "1",
            "model": "base",
            "model_sha256": "0" * 64,
            "compute_type": "int8",
            **changes,
        }
    )


def make_segment(text: str = "Dictate, and it is written.", *, start: float = 0.5, **changes: Any) -> Segment:
    """Return a segment whose words last 0.4 s each."""
    said = text.split()
    words = tuple(
        Word(start=start + 0.4 * i, end=start + 0.4 * (i + 1), text=word, probability=0.9)
        for i, word in enumerate(said)
    )
    return Segment(
        **{
            "start": start,
            "end": start + 0.4 * len(said),
            "text": text,
            "words": words,
            "avg_logprob": -0.2,
            "no_speech_prob": 0.01,
            "compression_ratio": 1.1,
            **changes,
        }
    )


def make_transcript(*segments: Segment, **changes: Any) -> Transcript:
    """Return a transcript of these segments, or of one that says something."""
    segments = segments or (make_segment(),)
    return Transcript(
        **{
            "text": " ".join(segment.text for segment in segments),
            "language": "en",
            "language_probability": 0.98,
            "duration": max(segment.end for segment in segments) + 0.3,
            "no_speech": False,
            "segments": segments,
            "engine": make_engine(),
            **changes,
        }
    )
