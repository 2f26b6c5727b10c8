"""Whisper's model as the openai-whisper package builds it, from either of the two pinned kinds of file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import whisper
from whisper.model import LayerNorm, ModelDimensions, Whisper

from container.engines.convert import from_ctranslate2
from container.weights import Weights, WeightsUnavailable


@dataclass(frozen=True)
class Loaded:
    """A model on its device, in evaluation mode."""

    model: Any  # whisper.model.Whisper
    name: str
    sha256: str  # of the file that it came from
    heads: tuple[tuple[int, int], ...]  # (layer, head) of those that follow the audio word by word


def from_weights(weights: Weights) -> Loaded:
    """Build the model from CTranslate2's files, checked by `load_weights`. Raises WeightsUnavailable."""
    checkpoint = from_ctranslate2(weights)
    state = {name: torch.tensor(array) for name, array in checkpoint.state.items()}
    return Loaded(_build(checkpoint.dims, state), weights.model, weights.sha256, checkpoint.alignment_heads)


def from_file(name: str, path: Path) -> Loaded:
    """Build the model from OpenAI's own `{name}.pt`, if its SHA-256 is the one the package names.

    Raises WeightsUnavailable when it is another file, or there is no such model.
    """
    if name not in whisper._MODELS:
        raise WeightsUnavailable(f"There is no model {name!r}. Choose one of: {', '.join(whisper._MODELS)}.")
    url = whisper._MODELS[name]
    expected = url.split("/")[-2]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsUnavailable(f"{path} cannot be read ({error.strerror}). TIRO_MODEL_PATH names it.") from None
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise WeightsUnavailable(
            f"{path} is not OpenAI's model {name!r}: its SHA-256 is {found}, not {expected}. Fetch it from {url}."
        )
    held = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    model = _build(held["dims"], held["model_state_dict"])
    model.set_alignment_heads(whisper._ALIGNMENT_HEADS[name])
    heads = tuple((layer, head) for layer, head in model.alignment_heads.indices().T.tolist())
    return Loaded(model, name, found, heads)


def place(model: Any, device: str, dtype: Any) -> None:
    """Move a model to where it is to work, and make it do there what the package does, with fewer passes over memory.

    The package's layer norms go to float32 and back; PyTorch's do so inside. What its convolutions leave lies the other
    way round than all that follows reads it, up to the end: here it is turned once.
    """
    for module in model.modules():
        if isinstance(module, LayerNorm):
            module.forward = partial(torch.nn.LayerNorm.forward, module)
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
            if tensor.is_floating_point() and not tensor.is_sparse:
                tensor.data = tensor.data.to(dtype)
    model.to(device)
    model.encoder.blocks[0].register_forward_pre_hook(lambda _, given: (given[0].contiguous(), *given[1:]))


def _build(dims: Mapping[str, int], state: Mapping[str, Any]) -> Any:
    model = Whisper(ModelDimensions(**dims))
    model.load_state_dict(state, strict=True)
    return model.eval().requires_grad_(False)
