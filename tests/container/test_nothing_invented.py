"""Without speech, real Whisper writes nothing: not of noises, not with names to expect, not of the corpus' music.

Of thirty noises one may come out as a few words, on a CPU that rounds otherwise; the guards themselves are tested
exactly, with a stub engine (test_judge.py, test_transcriber.py).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from container.transcriber import WindowTranscriber
from tests.container.noises import thirty
from tests.container.sound import write
from tests.files import LocalFiles
from tiro.ports import SpeechEngine
from tiro.request import Options
from tiro.transcript import Transcript

pytestmark = pytest.mark.model

Hear = Callable[[Path, Options], Transcript]

WISHES = (Options(), Options(words=True, prompt="Tiro, a letter to Cicero and to Atticus.", hotwords=("Terentia",)))


MOST_SOUNDS = 1
MOST_WORDS = 5
"""How many of the thirty sounds may have words, and how many words."""


@pytest.fixture(scope="module")
def hear(real_engine: SpeechEngine) -> Hear:
    def hear(file: Path, options: Options) -> Transcript:
        files = LocalFiles(file.parent)
        transcriber = WindowTranscriber(media=files, engine=real_engine)
        media = files.media(file.name)
        return transcriber.transcribe(media, options, max_seconds=3600, on_progress=lambda done, total: None)

    return hear


@pytest.mark.parametrize("options", WISHES, ids=["plain", "with names"])
def test_thirty_sounds_that_are_no_speech_have_hardly_a_word(hear: Hear, tmp_path: Path, options: Options) -> None:
    invented = {}
    for name, pcm in thirty().items():
        transcript = hear(write(tmp_path / f"{name}.flac", pcm, codec="flac"), options)
        if not transcript.no_speech:
            invented[name] = transcript.text
    assert len(invented) <= MOST_SOUNDS, invented
    assert sum(len(text.split()) for text in invented.values()) <= MOST_WORDS, invented


@pytest.mark.corpus
@pytest.mark.parametrize(
    "name", ["silence-60s.flac", "white-noise-60s.opus", "tones-60s.flac", "music-instrumental.ogg", "one-sample.wav"]
)
def test_the_corpus_s_files_without_speech_have_hardly_a_word(hear: Hear, corpus: Path, name: str) -> None:
    texts = [hear(corpus / "awkward" / name, options).text for options in WISHES]
    assert sum(len(text.split()) for text in texts) <= MOST_WORDS, texts
