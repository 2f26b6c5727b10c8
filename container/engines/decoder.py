"""Whisper's text decoder over a batch of windows, with a key/value cache that is allocated once.

openai-whisper's own hangs a hook on every projection and grows its cache by a copy in each step. Here the forward
pass is written out over the same weights: a step writes one column of the cache and reads those before it.

Prompts of different length end in the same column: the shorter are padded on the left, the padding is hidden from
attention, and each row counts its positions from its own first token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention

from container.engines.tokens import MAX_SAMPLED

FEW = 8
"""Rows, up to which a large matrix is better multiplied from its own side (MKL in PyTorch 2.13, measured)."""

Cross = list[tuple[Tensor, Tensor]]
"""Keys and values of the audio, for each layer (windows, heads, 1500, width of a head)."""


@dataclass(frozen=True)
class _Layer:
    """A block of the decoder, with the three projections of what was said in one matrix."""

    block: Any  # whisper.model.ResidualAttentionBlock
    weight: Tensor  # of query, key, value: (3 x state, state)
    bias: Tensor


class Decoder:
    """The weights, laid out for decoding. Has no state of its own."""

    def __init__(self, model: Any) -> None:
        """Take a `whisper.model.Whisper`."""
        self._decoder, self._heads = model.decoder, model.dims.n_text_head
        self.layers = [_layer(block) for block in model.decoder.blocks]

    def cross(self, features: Tensor) -> Cross:
        """Return the keys and values of encoded windows, (windows, 1500, state)."""
        return [
            (self.split(attention.key(features)).contiguous(), self.split(attention.value(features)).contiguous())
            for attention in (block.cross_attn for block in self._decoder.blocks)
        ]

    def embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        return self._decoder.token_embedding(tokens) + self._decoder.positional_embedding[positions]

    def logits(self, states: Tensor) -> Tensor:
        """(rows, state) to (rows, vocabulary), in float32."""
        return _product(self._decoder.ln(states), self._decoder.token_embedding.weight).float()

    def split(self, states: Tensor) -> Tensor:
        """(rows, columns, state) to (rows, heads, columns, width of a head)."""
        return states.unflatten(-1, (self._heads, -1)).transpose(1, 2)

    def attend(self, layer: _Layer, states: Tensor, cross: tuple[Tensor, Tensor]) -> Tensor:
        """Add what the audio says, and what is made of it: the two thirds of a layer that need no cache."""
        block = layer.block
        query = self.split(block.cross_attn.query(block.cross_attn_ln(states)))
        states = states + block.cross_attn.out(join(_listen(query, *cross)))
        return states + block.mlp(block.mlp_ln(states))


def _listen(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend from all rows of a window, (rows, heads, columns, width), to its one audio, (windows, heads, ...)."""
    apart = query.unflatten(0, (len(keys), -1)).transpose(1, 2)  # (windows, heads, rows of each, columns, width)
    heard = scaled_dot_product_attention(apart.flatten(2, 3), keys, values)
    return heard.unflatten(2, apart.shape[2:4]).transpose(1, 2).flatten(0, 1)


def _product(rows: Tensor, weight: Tensor) -> Tensor:
    """Return rows @ weight.T. A CPU does it in a fifth of the time for 2 or 3 rows, half for 8, from the other side."""
    if rows.device.type == "cpu" and len(rows) <= FEW:
        return (weight @ rows.T).T.contiguous()
    return linear(rows, weight)


def join(heads: Tensor) -> Tensor:
    """(rows, heads, columns, width of a head) to (rows, columns, state)."""
    return heads.transpose(1, 2).flatten(2)


def _layer(block: Any) -> _Layer:
    attention = block.attn
    query, key, value = attention.query, attention.key, attention.value
    bias = torch.cat([query.bias, torch.zeros_like(query.bias), value.bias])  # Whisper's keys have none
    return _Layer(block, torch.cat([query.weight, key.weight, value.weight]), bias)


class Batch:
    """Rows that are decoded together: what was said in each, as keys and values."""

    def __init__(self, decoder: Decoder, cross: Cross, prompts: Sequence[Sequence[int]]) -> None:
        """`cross` and `prompts` have an entry a window. The cross keys and values are read, never changed."""
        self._decoder, self._cross = decoder, cross
        key = cross[0][0]
        longest = max(map(len, prompts))
        self._padding = torch.tensor([longest - len(prompt) for prompt in prompts], device=key.device)
        self._padded = bool(self._padding.any())
        self._column = 0
        shape = (2, len(prompts), key.shape[1], longest + MAX_SAMPLED, key.shape[3])
        self._said = [torch.zeros(shape, dtype=key.dtype, device=key.device) for _ in cross]
        padded = [[0] * (longest - len(prompt)) + [*prompt] for prompt in prompts]
        self._prompts = torch.tensor(padded, device=key.device)

    def start(self, at: int) -> tuple[Tensor, Tensor]:
        """Read the prompts; return the logits after their last token, and `at` so many tokens from their end.

        Each has the shape (rows, vocabulary).
        """
        states = self._forward(self._prompts)
        return self._decoder.logits(states[:, -1]), self._decoder.logits(states[:, -at])

    def step(self, tokens: Tensor) -> Tensor:
        """Read a token a row, (rows,); return the logits of the next, (rows, vocabulary)."""
        return self._decoder.logits(self._forward(tokens[:, None])[:, 0])

    def keep(self, rows: Tensor, windows: Tensor | None = None) -> None:
        """Go on with these rows, each as often as it stands there, and with these windows only, if any are named.

        All windows have as many rows as each other, which stand together and in their order.
        """
        if windows is not None:
            self._cross = [(keys[windows], values[windows]) for keys, values in self._cross]
        if len(rows) == len(self._padding):
            moved = (rows != torch.arange(len(rows), device=rows.device)).nonzero()[:, 0]
            for said in self._said:
                said[:, moved, :, : self._column] = said[:, rows[moved], :, : self._column]
        else:
            self._said = [said[:, rows] for said in self._said]
        self._padding = self._padding[rows]

    def _forward(self, tokens: Tensor) -> Tensor:
        start, end = self._column, self._column + tokens.shape[1]
        self._column = end
        columns = torch.arange(start, end, device=tokens.device)
        positions = (columns - self._padding[:, None]).clamp_min(0)
        mask = self._mask(columns, end)
        states = self._decoder.embed(tokens, positions)
        for layer, said, cross in zip(self._decoder.layers, self._said, self._cross, strict=True):
            normed = layer.block.attn_ln(states)
            query, *new = map(self._decoder.split, linear(normed, layer.weight, layer.bias).chunk(3, dim=-1))
            said[0, :, :, start:end], said[1, :, :, start:end] = new
            keys, values = said[:, :, :, :end]
            spoken = scaled_dot_product_attention(query, keys, values, attn_mask=mask)
            states = self._decoder.attend(layer, states + layer.block.attn.out(join(spoken)), cross)
        return states

    def _mask(self, columns: Tensor, end: int) -> Tensor | None:
        """Return which columns before `end` each of `columns` may see, (rows, 1, columns, end); None: all."""
        if len(columns) == 1 and not self._padded:
            return None
        past = torch.arange(end, device=columns.device)
        seen = (past <= columns[:, None]) & (past >= self._padding[:, None, None])
        # What pads must see something, or its softmax is no number; nobody looks at what comes of it.
        return (seen | (past == columns[:, None]))[:, None]
