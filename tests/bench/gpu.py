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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

from container.engines.beam import search
from container.engines.checkpoint import Loaded, place
from container.engines.decoder import Batch, Decoder
from container.engines.generation import Sampling, generate
from container.engines.openai import OpenAIEngine
from tests.bench import on_corpus
from tests.bench.ctranslate2_copy import write
from tests.bench.limits import Limit, Rates, ideal, measure
from tiro.ports import PCM, SAMPLE_RATE

SHAPES = {
    # openai/whisper's large-v3-turbo, but for the vocabulary, which is base's: one language fewer
    "turbo": ModelDimensions(128, 1500, 1280, 20, 32, 51865, 448, 1280, 20, 4),
    "tiny": ModelDimensions(80, 1500, 32, 2, 1, 51865, 448, 32, 2, 2),
}

WINDOW = 30 * SAMPLE_RATE

PROMPT = 4
"""Tokens that the peer starts a window with: it wants no timestamps."""

FAR = 10.0
"""A weight far from those by lot. The end and the times weigh its square less than text."""


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


@dataclass(frozen=True)
class Found:
    """What was measured."""

    terms: Terms
    ours: Times
    theirs: Times
    limit: Limit

    @property
    def times_as_fast(self) -> float:
        return self.theirs.total / self.ours.total


def main(argv: Sequence[str]) -> int:
    args = _parse(argv)
    model = build(args)
    peer = _peer(model, args)
    rates = measure(args.device, getattr(torch, args.compute_type))
    found = []
    for beams in args.beams:
        terms = Terms(args.shape, args.device, args.compute_type, args.windows, args.batch, args.tokens, beams)
        found.append(Found(terms, *race(model, peer, terms), limit_of(model, rates, terms)))
        print(report(found[-1], rates))
        if args.corpus:
            heard = on_corpus.race(args.corpus, args.device, args.compute_type, beams=beams)
            print(f"\n{heard.line}")
        print(f"\ngpu: {found[-1].times_as_fast:.2f} times as fast as faster-whisper batched, beam {beams}", flush=True)
    if args.json:
        args.json.write_text(json.dumps({"rates": vars(rates), "found": [asdict(each) for each in found]}, indent=1))
    return 0


def build(args: argparse.Namespace) -> Any:
    """Return the model on its device, with weights by lot, but for those that it would come to an end by."""
    torch.manual_seed(1)
    model = Whisper(SHAPES[args.shape]).eval().requires_grad_(False)
    decoder, tokenizer = model.decoder, _tokenizer()
    decoder.ln.bias[0] = FAR
    decoder.token_embedding.weight[[tokenizer.eot, *range(tokenizer.timestamp_begin, model.dims.n_vocab)], 0] = -FAR
    place(model, args.device, getattr(torch, args.compute_type))
    return model


def _tokenizer() -> Any:
    return get_tokenizer(True, num_languages=99, language="en", task="transcribe")


def limit_of(model: Any, rates: Rates, terms: Terms) -> Limit:
    shape = {"windows": terms.windows, "batch": terms.batch, "tokens": terms.tokens, "beams": terms.beams}
    return ideal(model.dims, rates, **shape)


def race(model: Any, peer: Any, terms: Terms) -> tuple[Times, Times]:
    """Return our times and the peer's: the best of three each."""
    windows = noise(terms.windows)
    mels, every = min_of(lambda: mel_of(peer, windows)).total, min_of(lambda: hear(peer, terms, windows)).total
    ours = min_of(lambda: run(model, terms, windows))
    return ours, Times({"mel, on the CPU": mels, "encoder and steps": every - mels})


def noise(windows: int) -> list[PCM]:
    lots = np.random.default_rng(1)
    return [lots.normal(0, 0.1, WINDOW).astype(np.float32) for _ in range(windows)]


def min_of(work: Callable[[], Times], runs: int = 3) -> Times:
    """Return the best of some runs, after one to warm up."""
    work()
    return min((work() for _ in range(runs)), key=lambda times: times.total)


def run(model: Any, terms: Terms, windows: Sequence[PCM]) -> Times:
    """Hear the windows by the product's own parts."""
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
    """Say so many tokens a window."""
    tokenizer = _tokenizer()
    with times.of("prompt and steps"):
        prompts = [list(tokenizer.sot_sequence)] * len(cross[0][0])
        batch = Batch(decoder, cross, prompts, beams=terms.beams)
        if terms.beams > 1:
            every = search(batch, tokenizer, terms.beams, most=terms.tokens)
        else:
            every = generate(batch, tokenizer, Sampling(0, 0), most=terms.tokens)
    if any(len(said.tokens) != terms.tokens for said in every):
        raise SystemExit(f"gpu: not every window says {terms.tokens} tokens")


def _peer(model: Any, args: argparse.Namespace) -> Any:
    """Return faster-whisper with the same weights."""
    from faster_whisper import WhisperModel

    with tempfile.TemporaryDirectory() as folder:
        directory = write(model, [(0, 0)], Path(folder) / "model")
        return WhisperModel(str(directory), device=args.device, compute_type=args.compute_type)


def mel_of(peer: Any, windows: Sequence[PCM]) -> Times:
    times = Times()
    with times.of("mel"):
        for pcm in windows:
            peer.feature_extractor(pcm)
    return times


def hear(peer: Any, terms: Terms, windows: Sequence[PCM]) -> Times:
    """Hear the windows by the peer's batches, mel and all."""
    from faster_whisper import BatchedInferencePipeline

    times = Times()
    with times.of("all"):
        segments, _ = BatchedInferencePipeline(peer).transcribe(
            np.concatenate(list(windows)),
            language="en",
            batch_size=terms.batch,
            beam_size=terms.beams,
            temperature=0.0,
            vad_filter=False,
            clip_timestamps=[{"start": 30.0 * i, "end": 30.0 * (i + 1)} for i in range(len(windows))],
            max_new_tokens=2 * terms.tokens - PROMPT,  # CTranslate2 halves what this and the prompt come to
            suppress_tokens=[],
        )
        said = [len(segment.tokens) for segment in segments]
    if len(said) != len(windows) or set(said) != {terms.tokens}:
        raise SystemExit(f"gpu: the peer heard {len(said)} of {len(windows)} windows, tokens {sorted(set(said))}")
    return times


def report(found: Found, rates: Rates) -> str:
    """Return all of it in words."""
    terms, ours, theirs, limit = found.terms, found.ours, found.theirs, found.limit
    name = torch.cuda.get_device_name() if terms.device == "cuda" else "the CPU"
    audio = 30.0 * terms.windows
    rows = [
        *((what, seconds, f"{100 * seconds / ours.total:.0f} %") for what, seconds in ours.spent.items()),
        ("ours", ours.total, f"{audio / ours.total:.0f} × real time"),
        *((f"faster-whisper: {what}", s, f"{100 * s / theirs.total:.0f} %") for what, s in theirs.spent.items()),
        ("faster-whisper, batched", theirs.total, f"{audio / theirs.total:.0f} × real time"),
    ]
    return "\n".join(
        [
            f"\n{name}, {terms.compute_type}, the shape of {terms.shape}, {terms.windows} windows, {terms.batch} at "
            f"once, {terms.tokens} tokens each, beam {terms.beams}",
            "",
            "| | s | |",
            "|---|---|---|",
            *(f"| {what} | {seconds:.3f} | {part} |" for what, seconds, part in rows),
            "",
            f"Measured of the card: {rates.flops / 1e12:.2f} TFLOP/s, {rates.bytes / 1e9:.0f} GB/s. Its limit: encoder "
            f"{limit.encoder:.3f} s, decoder {limit.decoder:.3f} s; we take {ours.total / limit.total:.1f} times that.",
        ]
    )


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
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
