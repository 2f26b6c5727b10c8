"""The one stored result. Every format is rendered from it at read time."""

from __future__ import annotations

from typing import Literal

from tiro.stored import StoredModel as _Model


class Word(_Model):
    """One word, on the recording's clock."""

    start: float  # seconds
    end: float  # seconds
    text: str
    probability: float  # 0 to 1


class Segment(_Model):
    """A stretch of speech that fits a subtitle or two, on the recording's clock."""

    start: float  # seconds
    end: float  # seconds
    text: str
    words: tuple[Word, ...] = ()
    avg_logprob: float  # mean log-probability of the text's tokens; 0 is certain
    no_speech_prob: float  # 0 to 1, Whisper's own
    compression_ratio: float  # bytes of text / bytes of it zlib-compressed; a loop compresses well
    temperature: float = 0.0  # the one that this text was sampled at
    flags: tuple[str, ...] = ()  # each guard that fired, by name
    language: str | None = None  # BCP 47, where it was detected for this stretch alone
    channel: str | None = None  # which of the recording's channels it was heard on, where they were heard apart


class DroppedSegment(Segment):
    """Text that was heard and judged to be invented, kept here so that nothing goes silently."""


class Engine(_Model):
    """What did the hearing: enough to do it again."""

    name: str
    version: str
    model: str
    model_sha256: str
    compute_type: str


class Transcript(_Model):
    """What was said, by whom it was heard, and how sure that is. `no_speech` is a success."""

    version: Literal["1"] = "1"
    text: str
    language: str  # BCP 47; "zxx" when there is no speech (ISO 639-2)
    language_probability: float | None  # None when the caller named the language
    duration: float  # seconds of audio that could be decoded
    no_speech: bool
    segments: tuple[Segment, ...]
    dropped: tuple[DroppedSegment, ...] = ()
    warnings: tuple[str, ...] = ()  # what a person should know, such as damage in the file
    engine: Engine
    media_sha256: str | None = None  # of the recording's bytes, in hexadecimal; null where it could not be told
