"""The numbers of a GPU: `python -m tests.bench.gpu`, in one go, on a machine that has one.

Two races against faster-whisper's batches, in the same precision on the same card, and how far that is from its limit:

1. the shape of large-v3-turbo, with weights by lot and a fixed number of tokens a window, since its own weights are not
   to be had everywhere; the peer gets the same ones, written by `ctranslate2_copy`;
2. with `--corpus`, Whisper base on its long recordings, and how many windows say something else in company than alone.

`--device cpu --shape tiny` tries the way without a card.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

from container.engines.beam import search
from container.engines.checkpoint import Loaded, place
from container.engines.decoder import Batch, Decoder
from container.engines.openai import OpenAIEngine
from container.engines.rules import NEVER, Rules
from tests.bench.ctranslate2_copy import write
from tests.bench.limits import Limit, Rates, ideal, measure
from tests.bench.on_corpus import Heard, long_ones, race
from tiro.ports import PCM, SAMPLE_RATE

SHAPES = {
    # openai/whisper's large-v3-turbo, but for the vocabulary, which is base's: one language fewer
    "turbo": ModelDimensions(128, 1500, 1280, 20, 32, 51865, 448, 1280, 20, 4),
    "tiny": ModelDimensions(80, 1500, 32, 2, 1, 51865, 448, 32, 2, 2),
}

WINDOW = 30 * SAMPLE_RATE


@dataclass(frozen=True)
class Terms:
    """What is run."""

    shape: str
    device: str
    compute_type: str
    windows: int
    batch: int  # windows at once
    tokens: int  # that each window says
    beams: int  # of both


@dataclass
class Times:
    """Seconds, by what they went for."""

    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.spent[what] = self.spent.get(what, 0.0) + time.perf_counter() - began

    @property
    def total(self) -> float:
        return sum(self.spent.values())


def main(argv: Sequence[str]) -> int:
    args = _parse(argv)
    terms = Terms(args.shape, args.device, args.compute_type, args.windows, args.batch, args.tokens, args.beams)
    model = build(terms)
    windows = noise(terms.windows)
    ours, theirs = min_of(lambda: run(model, terms, windows)), _peer(model, terms, windows)
    rates = measure(terms.device, getattr(torch, terms.compute_type))
    limit = ideal(model.dims, rates, windows=terms.windows, batch=terms.batch, tokens=terms.tokens)
    heard = (
        race(args.corpus, long_ones(args.corpus), terms.device, terms.compute_type, beams=terms.beams)
        if args.corpus
        else None
    )
    print(report(terms, ours, theirs, rates, limit, heard))
    if args.json:
        found = {"ours": ours.spent, "peer": theirs, "rates": vars(rates), "limit": vars(limit)}
        args.json.write_text(json.dumps({"terms": vars(terms), **found}, indent=1))
    return 0


def build(terms: Terms) -> Any:
    """Return the model on its device, with weights by lot."""
    torch.manual_seed(1)
    model = Whisper(SHAPES[terms.shape]).eval().requires_grad_(False)
    place(model, terms.device, getattr(torch, terms.compute_type))
    return model


def noise(windows: int) -> list[PCM]:
    lots = np.random.default_rng(1)
    return [lots.normal(0, 0.1, WINDOW).astype(np.float32) for _ in range(windows)]


def min_of(work: Callable[[], Times], runs: int = 3) -> Times:
    """Return the best of some runs, after one to warm up."""
    work()
    return min((work() for _ in range(runs)), key=lambda times: times.total)


def run(model: Any, terms: Terms, windows: Sequence[PCM]) -> Times:
    """Hear the windows by the product's own parts, but for the end, to which none may come."""
    engine = OpenAIEngine(Loaded(model, terms.shape, "", ()), device=terms.device, compute_type=terms.compute_type)
    decoder, times = Decoder(model), Times()
    with torch.inference_mode():
        for at in range(0, len(windows), terms.batch):
            some = windows[at : at + terms.batch]
            with times.of("mel and encoder"):
                (part,) = engine.encode(some)
            with times.of("keys and values of the audio"):
                cross = part.cross(decoder)
            speak(decoder, cross, terms, times)
    return times


def speak(decoder: Decoder, cross: Any, terms: Terms, times: Times) -> None:
    """Say so many tokens a window, as `generation.generate` does; or have `beam.search` say them."""
    tokenizer = get_tokenizer(True, num_languages=99, language="en", task="transcribe")
    batch = Batch(decoder, cross, [list(tokenizer.sot_sequence)] * len(cross[0][0]))
    if terms.beams > 1:
        with times.of("prompt and steps"):
            search(batch, tokenizer, terms.beams, most=terms.tokens)  # by lot, hardly any text comes to its end
        return
    with times.of("prompt"):
        logits, _ = batch.start(len(tokenizer.sot_sequence))
    with times.of("steps"):
        rules = Rules(tokenizer, len(logits), logits.shape[1], logits.device)
        for _ in range(terms.tokens):
            rules.apply(logits)
            logits[:, tokenizer.eot] = NEVER
            chosen = logits.argmax(dim=-1)
            (logits.gather(1, chosen[:, None])[:, 0] - logits.logsumexp(dim=-1)).tolist()
            chosen.tolist()
            rules.follow(chosen)
            logits = batch.step(chosen)


def _peer(model: Any, terms: Terms, windows: Sequence[PCM]) -> float:
    """Return the seconds that faster-whisper's batches take, mel and all; the best of three."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    with tempfile.TemporaryDirectory() as folder:
        directory = write(model, [(0, 0)], Path(folder) / "model")
        peer = WhisperModel(str(directory), device=terms.device, compute_type=terms.compute_type)
    batched = BatchedInferencePipeline(peer)
    sound = np.concatenate(list(windows))
    clips = [{"start": 30.0 * i, "end": 30.0 * (i + 1)} for i in range(len(windows))]

    def hear() -> Times:
        times = Times()
        with times.of("all"):
            segments, _ = batched.transcribe(
                sound,
                language="en",
                batch_size=terms.batch,
                beam_size=terms.beams,
                temperature=0.0,
                vad_filter=False,
                clip_timestamps=clips,
                max_new_tokens=terms.tokens,
                suppress_tokens=[peer.hf_tokenizer.token_to_id("<|endoftext|>")],
            )
            said = len(list(segments))
        if said < len(windows):
            raise SystemExit(f"gpu: the peer heard {said} of {len(windows)} windows")
        return times

    return min_of(hear).total


def report(terms: Terms, ours: Times, theirs: float, rates: Rates, limit: Limit, heard: Heard | None) -> str:
    """Return all of it in words."""
    name = torch.cuda.get_device_name() if terms.device == "cuda" else "the CPU"
    audio = 30.0 * terms.windows
    lines = [
        f"{name}, {terms.compute_type}, the shape of {terms.shape}, {terms.windows} windows, {terms.batch} at once, "
        f"{terms.tokens} tokens each, beam {terms.beams}",
        "",
        "| | s | % |",
        "|---|---|---|",
        *(f"| {what} | {seconds:.3f} | {100 * seconds / ours.total:.0f} |" for what, seconds in ours.spent.items()),
        f"| ours | {ours.total:.3f} | {audio / ours.total:.0f} × real time |",
        f"| faster-whisper, batched | {theirs:.3f} | {audio / theirs:.0f} × real time |",
        "",
        f"Measured of the card: {rates.flops / 1e12:.2f} TFLOP/s, {rates.bytes / 1e9:.0f} GB/s. Its limit: encoder "
        f"{limit.encoder:.3f} s, decoder {limit.decoder:.3f} s; we take {ours.total / limit.total:.1f} times that.",
    ]
    if heard:
        lines += ["", heard.line]
    return "\n".join([*lines, "", f"gpu: {theirs / ours.total:.2f} times as fast as faster-whisper batched"])


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    on_card = torch.cuda.is_available()
    parser = argparse.ArgumentParser(prog="gpu", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="a folder of speech with its manifest.jsonl")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="turbo" if on_card else "tiny")
    parser.add_argument("--device", default="cuda" if on_card else "cpu")
    parser.add_argument("--compute-type", default="float16" if on_card else "float32")
    parser.add_argument("--windows", type=int, default=256 if on_card else 4)
    parser.add_argument("--batch", type=int, default=64 if on_card else 2)
    parser.add_argument("--tokens", type=int, default=110)
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
