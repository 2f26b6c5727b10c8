"""Saying it: token after token for a batch of windows, until each of them has come to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from container.engines.decoder import Batch
from container.engines.rules import Rules
from container.engines.tokens import MAX_SAMPLED

COMPACT = 0.75
"""A batch is made smaller when no more than this share of its rows still speaks: the copy costs two or three steps."""


@dataclass
class Said:
    """What was said in one window."""

    no_speech: float  # probability, 0 to 1, of nothing at all
    tokens: list[int] = field(default_factory=list)  # text and timestamps, without the end
    logprob: float = 0.0  # of all of it, the end included
    ended: bool = False

    def take(self, token: int, logprob: float, eot: int) -> None:
        if self.ended:
            return
        self.logprob += logprob
        if token == eot:
            self.ended = True
        else:
            self.tokens.append(token)


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen: the likeliest at temperature 0, else by lot."""

    temperature: float
    seed: int

    def draws(self) -> list[float]:
        """Return a number of [0, 1) for each step. Every window has the same, so that no neighbour matters."""
        drawn: list[float] = torch.rand(MAX_SAMPLED, generator=torch.Generator().manual_seed(self.seed)).tolist()
        return drawn

    def choose(self, logits: Tensor, draw: float) -> Tensor:
        if self.temperature <= 0:
            return logits.argmax(dim=-1)
        # In float64, lest the many small chances of a large vocabulary be lost.
        chances = (logits.double() / self.temperature).softmax(dim=-1).cumsum(dim=-1)
        return torch.searchsorted(chances, chances[:, -1:] * draw, right=True)[:, 0]


def generate(batch: Batch, tokenizer: Any, sampling: Sampling) -> list[Said]:
    """Return what is said in each row of a batch that has not begun; a tokenizer of openai-whisper."""
    logits, at_start = batch.start(len(tokenizer.sot_sequence))
    silence: list[float] = at_start.softmax(dim=-1)[:, tokenizer.no_speech].tolist()
    every = [Said(no_speech) for no_speech in silence]
    rules = Rules(tokenizer, len(every), logits.shape[1], logits.device)
    rows = every  # that the batch still has
    for step, draw in enumerate(sampling.draws(), 1):
        rules.apply(logits)
        chosen = sampling.choose(logits, draw)
        logprobs = logits.gather(1, chosen[:, None])[:, 0] - logits.logsumexp(dim=-1)
        for said, token, logprob in zip(rows, chosen.tolist(), logprobs.tolist(), strict=True):
            said.take(token, logprob, tokenizer.eot)
        speaking = [i for i, said in enumerate(rows) if not said.ended]
        if not speaking or step == MAX_SAMPLED:
            break
        rules.follow(chosen)
        if len(speaking) <= COMPACT * len(rows):
            kept = torch.tensor(speaking, device=chosen.device)
            batch.keep(kept, kept)
            rules.keep(kept)
            rows, chosen = [rows[i] for i in speaking], chosen[kept]
        logits = batch.step(chosen)
    return every
