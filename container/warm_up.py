"""The worker hears a moment of nothing before it takes the first job.

What is loaded on first use is loaded then, and an engine that cannot hear, or a machine on which nothing can be
decoded, is known before anybody waits for it.
"""

from __future__ import annotations

import numpy as np

from container.decoding import Decoders
from tiro.ports import SAMPLE_RATE, DecodeOptions, SpeechEngine


def warm_up(engine: SpeechEngine, decoders: Decoders) -> None:
    """Raises EngineFailed or DecoderFailed."""
    decoders.warm_up()
    engine.decode(engine.encode([np.zeros(SAMPLE_RATE, np.float32)]), DecodeOptions(language="en"))
