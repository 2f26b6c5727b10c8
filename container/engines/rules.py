"""Which token may come next: Whisper's own rules, for all rows of a batch at once.

They are SuppressBlank, SuppressTokens and ApplyTimestampRules of openai/whisper's decoding.py, which go row by row.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from container.engines.recorded import renewed

FIRST_TIMESTAMP = 50
"""The latest timestamp that may begin a window, in steps of 0.02 s (openai/whisper: max_initial_timestamp=1.0)."""

NEVER = float("-inf")


class Rules:
    """What was said so far in each row, a beam of a window, as far as it restricts what may be said next."""

    def __init__(self, tokenizer: Any, windows: int, size: int, device: Any) -> None:
        """Take a tokenizer of openai-whisper, and the `size` of its vocabulary."""
        self._eot, self._begin = tokenizer.eot, tokenizer.timestamp_begin
        self._unspoken = torch.tensor(_unspoken(tokenizer), device=device)
        self._times = torch.arange(size - self._begin, device=device)  # every timestamp, in steps
        self._is_first = True
        # Of each window and beam: whether the last token is a timestamp; whether the one before is, or is not there;
        # the latest timestamp, in steps, -1 for none yet.
        self._said = torch.tensor([1, 1, -1], device=device)[:, None, None].repeat(1, windows, 1)

    def apply(self, logits: Tensor) -> None:
        """Make impossible, in place, what may not come next. `logits`: (rows, vocabulary)."""
        text, times = logits[:, : self._begin], logits[:, self._begin :]
        if self._is_first:
            text.fill_(NEVER)
            times[:, FIRST_TIMESTAMP + 1 :] = NEVER
            return
        logits.index_fill_(1, self._unspoken, NEVER)
        last_is_time, one_before_is_time, latest = self._said.flatten(1)
        # Timestamps come in pairs, except right before the end: after one a second or the end, after two a text.
        single, paired = last_is_time > one_before_is_time, last_is_time + one_before_is_time == 2
        logits[:, : self._eot].masked_fill_(single[:, None], NEVER)
        # They never go back, and only where one stretch ends and the next begins may they stand still.
        least = latest + 1 - single.long()
        times.masked_fill_((self._times < least[:, None]) | paired[:, None], NEVER)
        # Where all timestamps together are likelier than any one text, it is time for one.
        due = times.logsumexp(dim=-1) > text.amax(dim=-1)
        text.masked_fill_(due[:, None], NEVER)

    def follow(self, tokens: Tensor) -> None:
        """Note what was chosen in each row. `tokens`: (rows,)."""
        self._is_first = False
        last_is_time, _, latest = self._said
        tokens = tokens.view_as(latest)
        is_time = tokens >= self._begin
        latest = torch.where(is_time, tokens - self._begin, latest)
        self._said.copy_(torch.stack([is_time.long(), last_is_time, latest]))

    def branch(self, parents: Tensor) -> None:
        """Go on from these beams of each window, (windows, beams). As many as before stay in their memory."""
        self._said = renewed(self._said, self._said.gather(2, parents.expand(3, -1, -1)))

    def keep(self, windows: Tensor) -> None:
        """Forget all windows but these."""
        self._said = self._said[:, windows]


def _unspoken(tokenizer: Any) -> list[int]:
    """Return the tokens that are never text: music notes and brackets, and what only a prompt may hold."""
    special = ("sot", "sot_prev", "sot_lm", "transcribe", "translate", "no_speech", "no_timestamps")
    return sorted({*tokenizer.non_speech_tokens, *(getattr(tokenizer, name) for name in special)})
