"""`python -m tests.bench CORPUS`: run what is not run yet, then write docs/bench.md and docs/bench.svg."""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tests.bench.figures import Figures, Recording
from tests.bench.peers import PEERS
from tests.bench.report import markdown, picture, summary
from tests.bench.stable import Horse, Lap, Unheard, append, read
from tests.bench.variant import write_variant
from tiro.errors import MediaError

QUIET = 1.5
"""Of the load of a core, up to which nobody else wanted the machine much."""

CATEGORIES = frozenset({"speech", "long"})


def main(argv: Sequence[str]) -> int:
    args = parse(argv)
    peers = [peer.strip() for peer in args.peers.split(";")] if args.peers else list(PEERS)
    if unknown := set(peers) - set(PEERS):
        raise SystemExit(f"bench: there is no {sorted(unknown)}. There are, to be parted by ;: {'; '.join(PEERS)}")
    recordings = choose(args.corpus, args.files)
    if not recordings:
        raise SystemExit(f"bench: no recording with an exact reference in {args.corpus} is like {args.files!r}")
    race(args, recordings, peers)
    laps = [lap for lap in read(args.results) if lap.peer in peers]
    figures = Figures(recordings, laps, quiet=QUIET * (os.cpu_count() or 1))
    if not args.dry:
        (args.out / "bench.md").write_text(markdown(figures, machine()), "utf-8")
        (args.out / "bench.svg").write_text(picture(figures), "utf-8")
    Console().print(markdown(figures, machine()), markup=False, highlight=False, soft_wrap=True)
    print(summary(figures))
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--files", default="*", metavar="GLOB", help="of the paths in the manifest")
    parser.add_argument("--peers", default="", metavar="NAME;NAME", help="all of them, if none is named")
    parser.add_argument("--laps", type=int, default=1, help="how often each hears each recording (1)")
    parser.add_argument("--results", type=Path, default=Path("build/bench.jsonl"), help="what earlier runs measured")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where table and picture go")
    parser.add_argument("--dry", action="store_true", help="write neither")
    return parser.parse_args(argv)


def choose(corpus: Path, files: str) -> list[Recording]:
    """Return the recordings whose text is known exactly, long ones first: their figures are the ones waited for."""
    lines = [json.loads(line) for line in (corpus / "manifest.jsonl").read_text("utf-8").splitlines()]
    found = [
        Recording(line["path"], line["language"], line["duration"], line["text"])
        for line in lines
        if line["category"] in CATEGORIES and line["ref_quality"] == "exact" and fnmatch(line["path"], files)
    ]
    return sorted(found, key=lambda recording: -recording.seconds)


def race(args: argparse.Namespace, recordings: Sequence[Recording], peers: Sequence[str]) -> None:
    """Run every lap that lacks a peer, anew for all of them: a pair is of one time, or it is none.

    The first is of the recordings as they are, each of the others of a variant of them.
    """
    known = {(lap.path, lap.lap, lap.peer) for lap in read(args.results)}
    heats = [
        (recording, lap)
        for lap in range(args.laps)
        for recording in recordings
        if any((recording.path, lap, peer) not in known for peer in peers)
    ]
    if not heats:
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with ExitStack() as stack, Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("loading", total=sum(recording.seconds for recording, _ in heats) * len(peers))
        horses = [stack.enter_context(Horse(peer)) for peer in peers]
        folder = Path(stack.enter_context(TemporaryDirectory()))
        for recording, lap in heats:
            random.Random(f"{recording.path} {lap}").shuffle(horses)  # noqa: S311
            done: list[Lap] = []
            file = args.corpus / recording.path
            try:
                if lap:
                    file = write_variant(file, lap, folder)
                for horse in horses:
                    bar.update(task, description=f"{recording.path[:32]}: {horse.peer}")
                    done.append(horse.run(file, recording.path, lap))
                    bar.advance(task, recording.seconds)
            except (Unheard, MediaError) as why:
                bar.console.print(f"left out: {recording.path}: {why}", markup=False, soft_wrap=True)
                continue
            append(args.results, done)


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
