"""Recordings that Tiro once got wrong, from the bytes to the subtitles: the confined decoder and real Whisper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise

import pysubs2
import pytest

from container.decoding import Decoders
from container.transcriber import WindowTranscriber
from tests.conftest import CORPUS
from tests.files import LocalFiles
from tests.tolerance import MOST_WRONG, wrong_share
from tiro.formats.subtitles import srt
from tiro.ports import SpeechEngine
from tiro.request import Options
from tiro.transcript import Transcript

pytestmark = [pytest.mark.model, pytest.mark.corpus]

KENNEDY = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."

Transcribe = Callable[..., Transcript]


@pytest.fixture(scope="module")
def transcribe(real_engine: SpeechEngine) -> Iterator[Transcribe]:
    folder = CORPUS.parent / "cases"
    if not folder.is_dir():
        pytest.skip("there are no cases: they lie beside the speech corpus")
    with closing(Decoders()) as decoders:

        def transcribe(name: str, options: Options = Options()) -> Transcript:  # noqa: B008 - frozen
            files = LocalFiles(folder)
            transcriber = WindowTranscriber(media=files, engine=real_engine, open_sound=decoders.open)
            return transcriber.transcribe(
                files.media(name), options, max_seconds=3600, on_progress=lambda done, total: None
            )

        yield transcribe


@pytest.mark.parametrize(
    ("name", "seconds", "text"),
    [
        ("srt-subs.mkv", 11.0, KENNEDY),
        ("adts-est.aac", 14.0, KENNEDY),
        ("tones-8-channels.wav", 2.0, ""),
        ("tones-16-channels.m4a", 2.0, ""),
        ("sox-gsm.wav", 5.0, "And so my fellow Americans, ask not"),
        ("video.mxf", 2.0, "And so my fellow Americans"),
    ],
)
def test_it_is_transcribed_without_a_warning(transcribe: Transcribe, name: str, seconds: float, text: str) -> None:
    transcript = transcribe(name)
    assert transcript.duration == pytest.approx(seconds, abs=0.1)
    assert transcript.warnings == ()
    assert transcript.no_speech == (not text)
    if text:
        assert wrong_share(text, transcript.text) <= max(MOST_WRONG, 1 / len(text.split()))


def test_the_track_with_speech_is_transcribed_and_the_other_is_named(transcribe: Transcribe) -> None:
    transcript = transcribe("tracks-silent-first.mkv")
    assert wrong_share(KENNEDY, transcript.text) <= MOST_WRONG
    (warning,) = transcript.warnings
    assert "track 1" in warning


def test_two_who_talk_at_once_have_cues_that_overlap_and_can_be_read(transcribe: Transcribe) -> None:
    transcript = transcribe("stereo-crosstalk.opus", Options(channels="separate"))
    assert {segment.channel for segment in transcript.segments} == {"left", "right"}
    cues = pysubs2.SSAFile.from_string(srt(transcript), format_="srt")
    assert min(cue.duration for cue in cues) >= 1000 * 5 / 6 - 1
    assert any(after.start < before.end for before, after in pairwise(cues))
