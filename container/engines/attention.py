"""Where in the audio each token was heard: one more pass over a text that is known, with the weights in the open.

Fused attention never shows its weights, so this is apart from decoding, and only the heads that are known to follow
the audio are computed twice. The method is that of openai/whisper's timing.py: find_alignment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, pad, scaled_dot_product_attention

from container.alignment import AlignedTokens, cheapest_path, times_of
from container.engines.decoder import Cross, Decoder, join
from container.engines.tokens import TIMESTAMP

MEDIAN = 7
"""Width of the median filter over time, in states of the encoder (openai/whisper, timing.py)."""


class Listener:
    """Finds the times of texts. Has no state of its own."""

    def __init__(self, decoder: Decoder, heads: Sequence[tuple[int, int]], tokenizer: Any) -> None:
        """`heads` are the (layer, head) that follow the audio; a tokenizer of openai-whisper."""
        self._decoder, self._tokenizer = decoder, tokenizer
        self._heads = [[head for at, head in heads if at == layer] for layer in range(len(decoder.layers))]

    def align(self, cross: Cross, texts: Sequence[Sequence[int]], seconds: Sequence[float]) -> list[AlignedTokens]:
        """Return the times of the tokens of each window's text, which must not be empty."""
        start = [*self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        rows = [[*start, *text, self._tokenizer.eot] for text in texts]
        longest = max(map(len, rows))
        padded = [[*row, *[self._tokenizer.eot] * (longest - len(row))] for row in rows]
        states, attention = self._read(torch.tensor(padded, device=cross[0][0].device), cross)
        aligned = []
        for i, (text, row) in enumerate(zip(texts, rows, strict=True)):
            states_heard = max(1, min(round(seconds[i] / TIMESTAMP), attention.shape[-1]))
            matrix = _matrix(attention[i, :, : len(row), :states_heard])[len(start) - 1 : -1]
            times = times_of(cheapest_path(-matrix.double().cpu().numpy()), TIMESTAMP)
            aligned.append(AlignedTokens(times, self._probabilities(states[i, len(start) - 1 :], text)))
        return aligned

    def _read(self, tokens: Tensor, cross: Cross) -> tuple[Tensor, Tensor]:
        """Return the last states, (rows, columns, state), and the heads' scores, (rows, heads, columns, 1500)."""
        decoder, found = self._decoder, []
        states = decoder.embed(tokens, torch.arange(tokens.shape[1], device=tokens.device))
        for layer, heads, (keys, values) in zip(decoder.layers, self._heads, cross, strict=True):
            block = layer.block
            projected = linear(block.attn_ln(states), layer.weight, layer.bias).chunk(3, dim=-1)
            said = scaled_dot_product_attention(*map(decoder.split, projected), is_causal=True)
            states = states + block.attn.out(join(said))
            if heads:
                query = decoder.split(block.cross_attn.query(block.cross_attn_ln(states)))[:, heads]
                found.append((query * query.shape[-1] ** -0.5 @ keys[:, heads].transpose(-1, -2)).float())
            states = decoder.attend(layer, states, (keys, values))
        return states, torch.cat(found, dim=1)

    def _probabilities(self, states: Tensor, text: Sequence[int]) -> list[float]:
        """Return how likely each token of `text` was among all tokens that are text."""
        logits = self._decoder.logits(states[: len(text)])[:, : self._tokenizer.eot]
        chosen = torch.tensor(text, device=logits.device)
        found: list[float] = logits.softmax(dim=-1).gather(1, chosen[:, None])[:, 0].tolist()
        return found


def _matrix(scores: Tensor) -> Tensor:
    """Return how much each token listens to each state, from (heads, tokens, states) to (tokens, states)."""
    weights = scores.softmax(dim=-1)
    deviation, mean = torch.std_mean(weights, dim=-2, keepdim=True, unbiased=False)
    weights = (weights - mean) / deviation.clamp_min(torch.finfo(weights.dtype).tiny)
    if weights.shape[-1] > MEDIAN // 2:
        beside = pad(weights, (MEDIAN // 2, MEDIAN // 2), mode="reflect")
        weights = beside.unfold(-1, MEDIAN, 1).sort()[0][..., MEDIAN // 2]
    return weights.mean(dim=0)
