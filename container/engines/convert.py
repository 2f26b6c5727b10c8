"""OpenAI's names for the weights in a CTranslate2 file, so that one pinned file serves both engines."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from container.weights import Weights, WeightsUnavailable

Arrays = dict[str, Any]
"""numpy arrays by name."""

VERSION = 6
"""Of CTranslate2's binary format (CTranslate2, python/ctranslate2/specs/model_spec.py: CURRENT_BINARY_VERSION)."""

TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
"""CTranslate2's numbers for them (CTranslate2, include/ctranslate2/types.h: DataType)."""

VOCABULARIES = (51864, 51865, 51866)
"""English-only, multilingual, large-v3. CTranslate2 fills the table up to a multiple of eight."""


@dataclass(frozen=True)
class Checkpoint:
    """A model as the openai-whisper package has it: `whisper.model.Whisper(ModelDimensions(**dims))` and its state."""

    dims: Mapping[str, int]
    state: Arrays
    alignment_heads: tuple[tuple[int, int], ...]  # (layer, head) of those that follow the audio word by word


def from_ctranslate2(weights: Weights) -> Checkpoint:
    """Return what `model.bin` and `config.json` hold. The arrays are views of the file in memory.

    Raises WeightsUnavailable when it is not a Whisper model in float16 or float32.
    """
    name, variables = _read(weights.files["model.bin"])
    rounded = any(array.ndim and array.dtype == np.int8 for array in variables.values())
    if name != "WhisperSpec" or rounded:
        raise WeightsUnavailable(
            f"model.bin of {weights.model!r} is {name}, not a Whisper model in float16 or float32."
        )
    state = _Renaming(variables).state()
    heads = json.loads(weights.files["config.json"])["alignment_heads"]
    return Checkpoint(_dims(variables, state), state, tuple((layer, head) for layer, head in heads))


def _read(data: bytes) -> tuple[str, Arrays]:
    """Parse a model.bin, little-endian: version, name, revision, variables, aliases (CTranslate2, model_spec.py)."""
    at = 0

    def number(kind: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(f"<{kind}", data, at)
        at += struct.calcsize(f"<{kind}")
        return int(value)

    def string() -> str:
        nonlocal at
        size = number("H")
        at += size
        return data[at - size : at - 1].decode()  # without the NUL at its end

    if (version := number("I")) != VERSION:
        raise WeightsUnavailable(f"model.bin has CTranslate2's format {version}; only {VERSION} is known here.")
    name, _revision = string(), number("I")
    variables: Arrays = {}
    for _ in range(number("I")):
        key = string()
        shape = [number("I") for _ in range(number("B"))]
        dtype, size = np.dtype(TYPES[number("B")]), number("I")
        variables[key] = np.frombuffer(data, dtype, size // dtype.itemsize, at).reshape(shape)
        at += size
    for _ in range(number("I")):
        alias, target = string(), string()
        variables[alias] = variables[target]
    return name, variables


class _Renaming:
    """CTranslate2 stacks the projections that are multiplied together; here they come apart again."""

    def __init__(self, variables: Arrays) -> None:
        self._from, self._to = variables, Arrays()

    def state(self) -> Arrays:
        for conv in ("conv1", "conv2"):
            self._linear(f"encoder/{conv}", f"encoder.{conv}")
        self._to["encoder.positional_embedding"] = self._from["encoder/position_encodings/encodings"]
        for i in range(_layers(self._from, "encoder")):
            self._block(f"encoder/layer_{i}", f"encoder.blocks.{i}", crosses=False)
        self._norm("encoder/layer_norm", "encoder.ln_post")
        table = self._from["decoder/embeddings/weight"]  # and the last projection: they are one
        size = max(size for size in VOCABULARIES if size <= len(table))
        self._to["decoder.token_embedding.weight"] = table[:size]
        self._to["decoder.positional_embedding"] = self._from["decoder/position_encodings/encodings"]
        for i in range(_layers(self._from, "decoder")):
            self._block(f"decoder/layer_{i}", f"decoder.blocks.{i}", crosses=True)
        self._norm("decoder/layer_norm", "decoder.ln")
        return self._to

    def _block(self, source: str, to: str, *, crosses: bool) -> None:
        self._norm(f"{source}/self_attention/layer_norm", f"{to}.attn_ln")
        self._split(f"{source}/self_attention/linear_0", f"{to}.attn", "query", "key", "value")
        self._linear(f"{source}/self_attention/linear_1", f"{to}.attn.out")
        if crosses:
            self._norm(f"{source}/attention/layer_norm", f"{to}.cross_attn_ln")
            self._split(f"{source}/attention/linear_0", f"{to}.cross_attn", "query")
            self._split(f"{source}/attention/linear_1", f"{to}.cross_attn", "key", "value")
            self._linear(f"{source}/attention/linear_2", f"{to}.cross_attn.out")
        self._norm(f"{source}/ffn/layer_norm", f"{to}.mlp_ln")
        self._linear(f"{source}/ffn/linear_0", f"{to}.mlp.0")
        self._linear(f"{source}/ffn/linear_1", f"{to}.mlp.2")

    def _linear(self, source: str, to: str) -> None:
        self._to[f"{to}.weight"], self._to[f"{to}.bias"] = self._from[f"{source}/weight"], self._from[f"{source}/bias"]

    def _norm(self, source: str, to: str) -> None:
        self._to[f"{to}.weight"], self._to[f"{to}.bias"] = self._from[f"{source}/gamma"], self._from[f"{source}/beta"]

    def _split(self, source: str, to: str, *names: str) -> None:
        weights = np.split(self._from[f"{source}/weight"], len(names))
        biases = np.split(self._from[f"{source}/bias"], len(names))
        for name, weight, bias in zip(names, weights, biases, strict=True):
            self._to[f"{to}.{name}.weight"] = weight
            if name != "key":  # Whisper's keys have no bias, and CTranslate2 keeps zeros for it
                self._to[f"{to}.{name}.bias"] = bias


def _layers(variables: Arrays, part: str) -> int:
    return 1 + max(int(found[1]) for key in variables if (found := re.match(rf"{part}/layer_(\d+)/", key)))


def _dims(variables: Arrays, state: Arrays) -> dict[str, int]:
    audio, text = state["encoder.positional_embedding"].shape, state["decoder.positional_embedding"].shape
    return {
        "n_mels": state["encoder.conv1.weight"].shape[1],
        "n_audio_ctx": audio[0],
        "n_audio_state": audio[1],
        "n_audio_head": int(variables["encoder/num_heads"]),
        "n_audio_layer": _layers(variables, "encoder"),
        "n_vocab": len(state["decoder.token_embedding.weight"]),
        "n_text_ctx": text[0],
        "n_text_state": text[1],
        "n_text_head": int(variables["decoder/num_heads"]),
        "n_text_layer": _layers(variables, "decoder"),
    }
