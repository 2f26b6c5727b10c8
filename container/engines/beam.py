"""Saying it by beam search: the likeliest beginnings of each window are followed side by side, the best end is taken.

The rules are those of openai/whisper's decoding.py, BeamSearchDecoder and MaximumLikelihoodRanker, which holds the
keys and values of the audio once a beam, and copies all of its cache in each step. Here the beams of a window
share its audio and its cache, and nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from container.engines.decoder import Batch
from container.engines.generation import Said, is_too_large
from container.engines.recorded import Recorded
from container.engines.rules import NEVER, Rules
from container.engines.tokens import MAX_SAMPLED


class _Text(NamedTuple):
    """What may have been said so far."""

    tokens: tuple[int, ...] = ()
    logprob: float = 0.0  # of all of it, and of its end, if that was said
    parent: int = 0  # the beam in which it stood before its last token


class _Window:
    """The texts of one window: those that go on, a beam each, and those that came to their end."""

    def __init__(self, beams: int, no_speech: float) -> None:
        self._beams, self._no_speech = beams, no_speech
        self.open = [_Text()]  # before the first token all beams would be the same
        self._ended: list[_Text] = []

    @property
    def is_done(self) -> bool:
        return len(self._ended) == self._beams or all(text.logprob == NEVER for text in self.open)

    def advance(self, likeliest: Iterable[tuple[int, float]], eot: int, size: int) -> None:
        """Take what may come next: (beam x `size` + token, log probability of all the text), twice as many as beams."""
        going: list[_Text] = []
        for index, logprob in likeliest:
            beam, token = divmod(index, size)
            tokens = self.open[beam].tokens
            if token != eot:
                going.append(_Text((*tokens, token), logprob, beam))
            elif logprob > NEVER and len(self._ended) < self._beams:
                self._ended.append(_Text(tokens, logprob))
            if len(going) == self._beams:
                break
        self.open = going

    def best(self) -> Said:
        """Return the text that is the likeliest by the token; one without an end counts where too few have one."""
        unended = sorted(self.open, key=lambda text: -text.logprob)
        texts = [*self._ended, *unended][: self._beams]
        best = max(texts, key=lambda text: text.logprob / max(1, len(text.tokens)))
        return Said(self._no_speech, list(best.tokens), best.logprob, ended=best in self._ended)


def search(batch: Batch, tokenizer: Any, beams: int, *, most: int = MAX_SAMPLED) -> list[Said]:
    """Return what is said, in at most so many tokens, in each window of a batch that has not begun.

    The batch must have room for so many beams. Takes a tokenizer of openai-whisper.
    """
    logits, at_start = batch.start(len(tokenizer.sot_sequence))
    device, size = logits.device, logits.shape[1]
    silence: list[float] = at_start.softmax(dim=-1)[:, tokenizer.no_speech].tolist()
    windows = every = [_Window(beams, no_speech) for no_speech in silence]  # windows: those that the batch still has
    rules = Rules(tokenizer, len(every), size, device)

    def choose(logits: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        rules.apply(logits)
        totals = logits.log_softmax(dim=-1).unflatten(0, before.shape).add_(before[:, :, None])
        likeliest = totals.flatten(1).topk(2 * beams)
        return likeliest.indices, likeliest.values

    @Recorded
    def go_on(parents: Tensor, tokens: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        batch.branch(parents)
        rules.branch(parents)
        rules.follow(tokens.flatten())
        return choose(batch.step(tokens.flatten()), before)

    likeliest = choose(logits, torch.zeros(len(every), 1, device=device))
    for step in range(1, most + 1):
        for window, *found in zip(windows, *(each.tolist() for each in likeliest), strict=True):
            window.advance(zip(*found, strict=True), tokenizer.eot, size)
        speaking = [i for i, window in enumerate(windows) if not window.is_done]
        if not speaking or step == most:
            break
        if is_too_large(len(windows), len(speaking), device):
            kept = torch.tensor(speaking, device=device)
            batch.keep(kept)
            rules.keep(kept)
            windows = [windows[i] for i in speaking]
        texts = [[(text.parent, text.tokens[-1], text.logprob) for text in window.open] for window in windows]
        go = torch.tensor(texts, dtype=torch.float64, device=device)
        likeliest = go_on(go[..., 0].long(), go[..., 1].long(), go[..., 2].float())
    return [window.best() for window in every]
