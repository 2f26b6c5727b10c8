"""Writes a Whisper of openai-whisper's as CTranslate2 has it: the way back from `container/engines/convert.py`.

So the peer has the very weights that we have, also where they are by lot. Needs PyTorch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import WhisperSpec

from container.weights import load_weights


def write(model: Any, heads: Sequence[tuple[int, int]], directory: Path) -> Path:
    """Write a `whisper.model.Whisper` with the vocabulary of base to a new directory; return that."""
    dims = model.dims
    spec = WhisperSpec(dims.n_audio_layer, dims.n_audio_head, dims.n_text_layer, dims.n_text_head)
    state = {name: tensor.float().cpu().numpy() for name, tensor in model.state_dict().items()}
    _encoder(spec.encoder, state)
    _decoder(spec.decoder, state)
    base = load_weights("base").files
    vocabulary = base["vocabulary.txt"].decode().split("\n")[: dims.n_vocab]
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.alignment_heads = [list(head) for head in heads]
    spec.config.lang_ids = [i for i, token in enumerate(vocabulary) if token[:2] == "<|" and token[-2:] == "|>"][2:101]
    spec.validate()
    spec.optimize()
    directory.mkdir(parents=True)
    spec.save(str(directory))
    (directory / "tokenizer.json").write_bytes(base["tokenizer.json"])
    (directory / "preprocessor_config.json").write_text(json.dumps({"feature_size": dims.n_mels}))
    return directory


def _encoder(spec: Any, state: Mapping[str, Any]) -> None:
    for conv in ("conv1", "conv2"):
        _linear(getattr(spec, conv), state, f"encoder.{conv}")
    spec.position_encodings.encodings = state["encoder.positional_embedding"]
    for i, layer in enumerate(spec.layer):
        _block(layer, state, f"encoder.blocks.{i}")
    _norm(spec.layer_norm, state, "encoder.ln_post")


def _decoder(spec: Any, state: Mapping[str, Any]) -> None:
    spec.embeddings.weight = spec.projection.weight = state["decoder.token_embedding.weight"]
    spec.position_encodings.encodings = state["decoder.positional_embedding"]
    for i, layer in enumerate(spec.layer):
        _block(layer, state, f"decoder.blocks.{i}")
        name = f"decoder.blocks.{i}.cross_attn"
        _norm(layer.attention.layer_norm, state, f"{name}_ln")
        query, both, out = layer.attention.linear
        _linear(query, state, f"{name}.query")
        _stack(both, state, name, "key", "value")
        _linear(out, state, f"{name}.out")
    _norm(spec.layer_norm, state, "decoder.ln")


def _block(spec: Any, state: Mapping[str, Any], name: str) -> None:
    _norm(spec.self_attention.layer_norm, state, f"{name}.attn_ln")
    every, out = spec.self_attention.linear
    _stack(every, state, f"{name}.attn", "query", "key", "value")
    _linear(out, state, f"{name}.attn.out")
    _norm(spec.ffn.layer_norm, state, f"{name}.mlp_ln")
    _linear(spec.ffn.linear_0, state, f"{name}.mlp.0")
    _linear(spec.ffn.linear_1, state, f"{name}.mlp.2")


def _linear(spec: Any, state: Mapping[str, Any], name: str) -> None:
    spec.weight, spec.bias = state[f"{name}.weight"], state[f"{name}.bias"]


def _norm(spec: Any, state: Mapping[str, Any], name: str) -> None:
    spec.gamma, spec.beta = state[f"{name}.weight"], state[f"{name}.bias"]


def _stack(spec: Any, state: Mapping[str, Any], name: str, *parts: str) -> None:
    weights = [state[f"{name}.{part}.weight"] for part in parts]
    nothing = np.zeros(len(weights[0]), np.float32)  # Whisper's keys have no bias
    spec.weight = np.concatenate(weights)
    spec.bias = np.concatenate([state.get(f"{name}.{part}.bias", nothing) for part in parts])
