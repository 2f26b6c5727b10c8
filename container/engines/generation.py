"""Saying it: token after token for a batch of windows, until each of them has come to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from container.engines.decoder import Batch
from container.engines.recorded import Recorded
from container.engines.rules import Rules
from container.engines.tokens import MAX_SAMPLED

COMPACT = {"cpu": 0.75, "cuda": 0.5}
"""A batch is made smaller when no more than this share of its windows still speaks.

The copy costs two or three steps; a GPU has to record its steps again, which costs some more.
"""

SMALL = {"cpu": 1, "cuda": 8}
"""Windows from which on it stays as it is: a GPU's step takes hardly less for fewer."""


def is_too_large(windows: int, speaking: int, device: torch.device) -> bool:
    """Whether a batch of so many windows is to be made smaller, to those of them that still speak."""
    return windows > SMALL[device.type] and speaking <= COMPACT[device.type] * windows


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

    def draws(self, device: Any) -> Tensor:
        """Return a number of [0, 1) for each step. Every window has the same, so that no neighbour matters."""
        return torch.rand(MAX_SAMPLED, generator=torch.Generator().manual_seed(self.seed)).double().to(device)

    def choose(self, logits: Tensor, draw: Tensor) -> Tensor:
        if self.temperature <= 0:
            return logits.argmax(dim=-1)
        # In float64, lest the many small chances of a large vocabulary be lost.
        chances = (logits.double() / self.temperature).softmax(dim=-1).cumsum(dim=-1)
        chosen = torch.searchsorted(chances, chances[:, -1:] * draw, right=True)[:, 0]
        return chosen.clamp_max_(logits.shape[-1] - 1)  # where logits are no numbers, it would be beyond them


def generate(batch: Batch, tokenizer: Any, sampling: Sampling, *, most: int = MAX_SAMPLED) -> list[Said]:
    """Return what is said, in at most so many tokens, in each row of a batch that has not begun.

    Takes a tokenizer of openai-whisper.
    """
    logits, at_start = batch.start(len(tokenizer.sot_sequence))
    silence: list[float] = at_start.softmax(dim=-1)[:, tokenizer.no_speech].tolist()
    rows = every = [Said(no_speech) for no_speech in silence]  # rows: those that the batch still has
    rules = Rules(tokenizer, len(every), logits.shape[1], logits.device)
    draws = sampling.draws(logits.device)

    def choose(logits: Tensor, draw: Tensor) -> tuple[Tensor, Tensor]:
        rules.apply(logits)
        chosen = sampling.choose(logits, draw)
        return chosen, logits.gather(1, chosen[:, None])[:, 0] - logits.logsumexp(dim=-1)

    @Recorded
    def go_on(tokens: Tensor, draw: Tensor) -> tuple[Tensor, Tensor]:
        rules.follow(tokens)
        return choose(batch.step(tokens), draw)

    chosen, logprobs = choose(logits, draws[0])
    for step in range(1, most + 1):
        for said, token, logprob in zip(rows, chosen.tolist(), logprobs.tolist(), strict=True):
            said.take(token, logprob, tokenizer.eot)
        speaking = [i for i, said in enumerate(rows) if not said.ended]
        if not speaking or step == most:
            break
        if is_too_large(len(rows), len(speaking), chosen.device):
            kept = torch.tensor(speaking, device=chosen.device)
            batch.keep(kept)
            rules.keep(kept)
            rows, chosen = [rows[i] for i in speaking], chosen[kept]
        chosen, logprobs = go_on(chosen, draws[step])
    return every
