"""Whisper's text decoder over a batch of windows, with a key/value cache that is allocated once.

openai-whisper's own hangs a hook on every projection and grows its cache by a copy in each step. Here the forward
pass is written out over the same weights: a step writes one column of the cache and reads those before it.

Prompts of different length end in the same column: the shorter are padded on the left, the padding is hidden from
attention, and each row counts its positions from its own first token.

A window may have several beams: each takes a column of its own in each step, and sees those of the steps that it came
from. To go on from another beam is to see other columns; nothing is copied.

On a GPU a step is the same work on the same memory each time, so that it can be recorded: it reads all columns, those
to come under a mask. A CPU reads those that there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, pad, scaled_dot_product_attention

from container.engines.recorded import renewed
from container.engines.rules import NEVER
from container.engines.tokens import MAX_SAMPLED

FEW = 8
"""Rows, up to which a large matrix is better multiplied from its own side (MKL in PyTorch 2.13, measured)."""

ALIGNED = 8
"""What rows of a matrix are a multiple of, where a GPU is to be fast with it: numbers of 2 bytes, 16 at a time."""

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
        self._vocabulary, self._size = model.decoder.token_embedding.weight, model.dims.n_vocab
        self.is_fixed = self._vocabulary.is_cuda  # whether each step is the same work
        if self.is_fixed:
            self._vocabulary = pad(self._vocabulary, (0, 0, 0, -self._size % ALIGNED))

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
        return _product(self._decoder.ln(states), self._vocabulary)[:, : self._size].float()

    def split(self, states: Tensor) -> Tensor:
        """(rows, columns, state) to (rows, heads, columns, width of a head)."""
        return states.unflatten(-1, (self._heads, -1)).transpose(1, 2)

    def attend(self, layer: _Layer, states: Tensor, cross: tuple[Tensor, Tensor]) -> Tensor:
        """Add what the audio says, and what is made of it: the two thirds of a layer that need no cache."""
        block = layer.block
        query = self.split(block.cross_attn.query(block.cross_attn_ln(states)))
        states = states + block.cross_attn.out(join(scaled_dot_product_attention(query, *cross)))
        return states + block.mlp(block.mlp_ln(states))


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
    """Windows that are decoded together: what was said in each, by one beam or several, as keys and values.

    A row is a beam of a window. Those of a window stand together, and all windows have as many.
    """

    def __init__(
        self,
        decoder: Decoder,
        cross: Cross,
        prompts: Sequence[Sequence[int]],
        *,
        beams: int = 1,
        most: int = MAX_SAMPLED,
    ) -> None:
        """`cross` and `prompts` have an entry a window. The cross keys and values are read, never changed.

        There is room for `most` tokens after the prompt, by at most so many beams.
        """
        self._decoder, self._cross = decoder, cross
        key = cross[0][0]
        longest = max(map(len, prompts))
        columns = -(-(longest + beams * most) // ALIGNED) * ALIGNED
        shape = (2, len(prompts), key.shape[1], columns, key.shape[3])
        self._said = [torch.zeros(shape, dtype=key.dtype, device=key.device) for _ in cross]
        self._padding = torch.tensor([longest - len(prompt) for prompt in prompts], device=key.device)
        self._padded = bool(self._padding.any())
        self._column = torch.zeros(1, dtype=torch.long, device=key.device)  # that is written next
        self._position = torch.full((1,), longest, device=key.device)  # of the next token, with what pads
        self._end = columns if decoder.is_fixed else 0  # columns before it are read
        past = torch.arange(columns, device=key.device)
        self._seen = ((past < longest) & (past >= self._padding[:, None]))[:, None]  # (windows, beams, columns)
        padded = [[0] * (longest - len(prompt)) + [*prompt] for prompt in prompts]
        self._prompts = torch.tensor(padded, device=key.device)

    def start(self, at: int) -> tuple[Tensor, Tensor]:
        """Read the prompts; return the logits after their last token, and `at` so many tokens from their end.

        Each has the shape (windows, vocabulary): so far there is one beam.
        """
        columns = torch.arange(self._prompts.shape[1], device=self._prompts.device)
        past = torch.arange(self._seen.shape[2], device=columns.device)
        seen = self._seen & (past <= columns[:, None])
        # What pads must see something, or its softmax is no number; nobody looks at what comes of it.
        seen |= past == columns[:, None]
        states = self._forward(self._prompts, (columns - self._padding[:, None]).clamp_min(0), seen)
        return self._decoder.logits(states[:, -1]), self._decoder.logits(states[:, -at])

    def step(self, tokens: Tensor) -> Tensor:
        """Read a token a row, (rows,); return the logits of the next, (rows, vocabulary)."""
        beams = self._seen.shape[1]
        own = torch.eye(beams, dtype=torch.bool, device=tokens.device).expand(len(self._seen), -1, -1)
        self._seen.index_copy_(2, self._columns(beams), own)
        positions = (self._position - self._padding)[:, None].expand(-1, beams)
        states = self._forward(tokens.unflatten(0, (-1, beams)), positions, self._seen)
        self._position += 1
        return self._decoder.logits(states.flatten(0, 1))

    def branch(self, parents: Tensor) -> None:
        """Go on from these beams of each window, (windows, beams). As many as before stay in their memory."""
        self._seen = renewed(self._seen, self._seen.gather(1, parents[:, :, None].expand(-1, -1, self._seen.shape[2])))

    def keep(self, windows: Tensor) -> None:
        """Forget all windows but these."""
        self._cross = [(keys[windows], values[windows]) for keys, values in self._cross]
        for i, said in enumerate(self._said):  # one after the other, so that memory need not hold all of it twice
            self._said[i] = said[:, windows]
        self._padding, self._seen = self._padding[windows], self._seen[windows]

    def _forward(self, tokens: Tensor, positions: Tensor, seen: Tensor) -> Tensor:
        """Read tokens, (windows, columns), each of which sees some of those before and itself; return their states."""
        columns = self._columns(tokens.shape[1])
        if not self._decoder.is_fixed:
            self._end += len(columns)
        mask = self._mask(seen[:, :, : self._end])
        states = self._decoder.embed(tokens, positions)
        for layer, said, cross in zip(self._decoder.layers, self._said, self._cross, strict=True):
            normed = layer.block.attn_ln(states)
            query, *new = map(self._decoder.split, linear(normed, layer.weight, layer.bias).chunk(3, dim=-1))
            for held, one in zip(said, new, strict=True):
                held.index_copy_(2, columns, one)
            keys, values = said[:, :, :, : self._end]
            spoken = scaled_dot_product_attention(query, keys, values, attn_mask=mask)
            states = self._decoder.attend(layer, states + layer.block.attn.out(join(spoken)), cross)
        self._column += len(columns)
        return states

    def _columns(self, count: int) -> Tensor:
        return self._column + torch.arange(count, device=self._column.device)

    def _mask(self, seen: Tensor) -> Tensor | None:
        """Return what is added to the scores of what is not seen, (windows, 1, columns, end); None: nothing."""
        if seen.shape[1] == 1 and not self._padded and not self._decoder.is_fixed:
            return None
        mask = torch.zeros(seen.shape, dtype=self._said[0].dtype, device=seen.device)
        return mask.masked_fill_(~seen, NEVER)[:, None]
