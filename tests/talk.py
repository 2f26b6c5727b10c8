"""Transcripts of people who talk as people do, at random: for tests of what is made of their words."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.factories import make_segment, make_transcript
from tiro.transcript import Segment, Transcript, Word

WORDS = st.sampled_from(["a", "Yes.", "no,", "went", "country", "the", "well;", "internationally", "1813", "D'accord."])


@st.composite
def _segments(draw: st.DrawFn, channel: str | None, with_words: bool) -> list[Segment]:
    """Segments of one voice, one after the other, with pauses of any length or none."""
    found: list[Segment] = []
    at = draw(st.floats(0, 2))
    for _ in range(draw(st.integers(0, 12))):
        words = []
        for text in draw(st.lists(WORDS, min_size=1, max_size=25)):
            end = at + draw(st.floats(0.02, 0.6))
            words.append(Word(start=round(at, 3), end=round(end, 3), text=text, probability=0.9))
            at = end
        text = " ".join(word.text for word in words)
        segment = make_segment(text, start=words[0].start, end=words[-1].end, words=tuple(words), channel=channel)
        found.append(segment if with_words else segment.model_copy(update={"words": ()}))
        at += draw(st.sampled_from([0.0, 0.0, 0.1, 0.5, 0.9, 2.0, 8.0]))
    return found


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Transcripts of one voice, or of two on channels of their own that talk over each other."""
    channels = draw(st.sampled_from([(None,), ("left", "right")]))
    with_words = draw(st.booleans())
    segments = [s for channel in channels for s in draw(_segments(channel, with_words))]
    segments.sort(key=lambda s: (s.start, s.end))
    last = max((s.end for s in segments), default=1.0)
    return make_transcript(
        segments=tuple(segments),
        text="",
        no_speech=not segments,
        duration=last + draw(st.sampled_from([0.0, 0.3, 5.0])),
    )
