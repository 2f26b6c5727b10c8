"""What tests of real hearing share: the model, loaded once."""

from __future__ import annotations

import pytest

from container.engines.faster_whisper import FasterWhisperEngine
from container.weights import WeightsUnavailable, load_weights
from tiro.ports import SpeechEngine


@pytest.fixture(scope="session")
def real_engine() -> SpeechEngine:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        try:
            return FasterWhisperEngine.load(load_weights("base"))
        except WeightsUnavailable as error:
            pytest.skip(str(error))
