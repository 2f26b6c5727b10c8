"""A Whisper of a few thousand weights, all of them by lot: it says nonsense, but all the ways through it are there.

Import it only where PyTorch is.
"""

from __future__ import annotations

from typing import Any

import torch
from whisper.model import ModelDimensions, Whisper

from container.engines.checkpoint import Loaded

HEADS = ((0, 1), (1, 0))

DIMS = ModelDimensions(
    n_mels=80,
    n_audio_ctx=1500,
    n_audio_state=32,
    n_audio_head=2,
    n_audio_layer=1,
    n_vocab=51865,
    n_text_ctx=448,
    n_text_state=32,
    n_text_head=2,
    n_text_layer=2,
)


def tiny(dims: ModelDimensions = DIMS, *, seed: int = 1) -> Any:
    """Return a `whisper.model.Whisper` whose weights are large enough to have an opinion."""
    torch.manual_seed(seed)
    model = Whisper(dims).eval().requires_grad_(False)
    for name, tensor in model.state_dict().items():
        if "ln" not in name and "positional" not in name:
            tensor.copy_(torch.randn(tensor.shape) * tensor.shape[-1] ** -0.5)
    model.decoder.positional_embedding.copy_(torch.randn(dims.n_text_ctx, dims.n_text_state))
    return model


def loaded(model: Any) -> Loaded:
    return Loaded(model, "tiny", "0" * 64, HEADS)
