"""How well Tiro hears: `python -m tests.quality CORPUS_DIR` transcribes a corpus and says what was not expected.

Words are compared without case and punctuation, English numbers spelled out; other languages' numbers are
not, so a digit against a word counts as an error there. Japanese, Chinese and Korean count characters.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import sys
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jiwer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from container.engines.faster_whisper import FasterWhisperEngine
from container.transcriber import WindowTranscriber
from container.weights import load_weights
from tests import regression
from tests.cpu import cpu_kind
from tests.files import LocalFiles
from tests.regression import Result
from tiro.errors import TiroError
from tiro.formats import FORMATS
from tiro.request import Options
from tiro.settings import Limits
from tiro.transcript import Transcript

BY_CHARACTER = frozenset({"ja", "zh", "ko"})
SCORED = frozenset({"exact", "book", "corrected-asr"})
"""Reference qualities (the corpus's README) that an error rate means something for."""

KEPT = Path(__file__).parent / "golden" / "quality.jsonl"
"""The results accepted last, and beside it the kind of CPU that they are of. `--accept` replaces both."""

HEADERLESS = {"outcome": "error"}
"""What is expected of raw samples: nothing in the file says that it is sound."""


def normalise(text: str, language: str) -> str:
    """Return the words of a text, lower case, one space between them."""
    text = unicodedata.normalize("NFKC", text).lower()
    if language == "en":
        text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
        text = re.sub(r"\d+", lambda m: f" {spell(int(m[0]))} ", text)
    text = re.sub(r"['’`]", "", text)
    text = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return "".join(text.split()) if language in BY_CHARACTER else " ".join(text.split())


_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def spell(number: int) -> str:
    """Return an English number as it is most often said; 1100 to 1999 are taken for years."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        return f"{_TENS[number // 10 - 2]} {_ONES[number % 10] if number % 10 else ''}".strip()
    if 1100 <= number < 2000:
        rest = number % 100
        return f"{spell(number // 100)} {('oh ' if rest < 10 else '') + spell(rest) if rest else 'hundred'}"
    for size, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            return f"{spell(number // size)} {name} {spell(rest) if rest else ''}".strip()
    raise AssertionError(number)


def count_errors(reference: str, text: str, language: str) -> tuple[int, int]:
    """Return how many words (or characters) the reference has, and how many edits lead from it to `text`."""
    reference, text = normalise(reference, language), normalise(text, language)
    process: Any = jiwer.process_characters if language in BY_CHARACTER else jiwer.process_words
    out = process(reference, text)
    return out.hits + out.substitutions + out.deletions, out.substitutions + out.deletions + out.insertions


def check(line: Mapping[str, Any], result: Result, rss_mb: float) -> list[str]:
    """Return in words what of a manifest line's `check` is not met."""
    rules: Mapping[str, Any] = line.get("check") or (
        HEADERLESS if line["container"] == "s16le" else {"outcome": _outcome_of(line)}
    )
    words = len(normalise(result.text, "").split())
    outcome = "error" if result.error else "text" if words else "empty"
    wrong = []
    if rules["outcome"] != "any" and outcome not in rules["outcome"].split("_or_"):
        wrong.append(f"ended in {outcome} {result.error or result.text[:60]!r}, not {rules['outcome']}")
    if outcome == "text" and result.wer is not None and result.wer > rules.get("max_wer", 1e9):
        wrong.append(f"wer {result.wer:.2f}, at most {rules['max_wer']}: {result.text[:80]!r}")
    if words > rules.get("max_words", words):
        wrong.append(f"{words} words, at most {rules['max_words']}")
    if result.first_start is not None and result.first_start < rules.get("first_start_min", 0):
        wrong.append(f"begins at {result.first_start:.1f} s, not before {rules['first_start_min']}")
    if result.seconds > rules.get("max_duration", result.seconds):
        wrong.append(f"{result.seconds:.1f} s long, at most {rules['max_duration']}")
    if rss_mb > rules.get("max_rss_mb", rss_mb):
        wrong.append(f"{rss_mb:.0f} MB of memory, at most {rules['max_rss_mb']}")
    return wrong


def _outcome_of(line: Mapping[str, Any]) -> str:
    return "text" if line["text"] else "any"


def hear(
    transcriber: WindowTranscriber,
    files: LocalFiles,
    line: Mapping[str, Any],
    options: Options,
    keep: Path | None = None,
) -> Result:
    """Transcribe one file of the corpus and compare it with what its manifest line expects.

    `keep`: a folder to write the transcript into, as JSON.
    """
    started = time.monotonic()
    result = Result(line["path"], line["category"], line["language"], 0.0, 0.0)

    def on_progress(done: float, total: float | None) -> None:
        result.seconds = done

    try:
        transcript = transcriber.transcribe(
            files.media(line["path"]), options, max_seconds=Limits.max_media_seconds, on_progress=on_progress
        )
        _fill(result, transcript)
        if keep:
            path = keep / f"{line['path']}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FORMATS["json"].render(transcript), encoding="utf-8")
    except TiroError as error:
        result.error = error.code
    result.wall = time.monotonic() - started
    if line["text"] and line["ref_quality"] in SCORED and not result.error:
        result.words, result.wrong = count_errors(line["text"], result.text, line["language"])
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result.unexpected = check(line, result, peak_mb)
    return result


def _fill(result: Result, transcript: Transcript) -> None:
    result.text, result.seconds, result.heard_language = transcript.text, transcript.duration, transcript.language
    result.segments, result.dropped = len(transcript.segments), len(transcript.dropped)
    result.first_start = transcript.segments[0].start if transcript.segments else None
    counts: dict[str, int] = defaultdict(int)
    for segment in (*transcript.segments, *transcript.dropped):
        for flag in segment.flags:
            counts[flag] += 1
    result.flags = dict(counts)


def table(results: Sequence[Result]) -> Table:
    """Return a row per category and language: speed is x real time, astray counts files heard in another language."""
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result.category, result.language].append(result)
    rows = Table("category", "language", "files", "minutes", "words", "wrong", "wer %", "speed", "astray")
    for (category, language), group in sorted(groups.items()):
        words, wrong = _pool(group)
        seconds, wall = sum(r.seconds for r in group), sum(r.wall for r in group)
        astray = sum(r.heard_language not in ("", "zxx", language) for r in group)
        rows.add_row(
            category,
            language,
            str(len(group)),
            f"{seconds / 60:.1f}",
            str(words or ""),
            str(wrong) if words else "",
            f"{100 * wrong / words:.1f}" if words else "",
            f"{seconds / wall:.1f}",
            str(astray or ""),
        )
    return rows


def _pool(results: Iterable[Result]) -> tuple[int, int]:
    results = list(results)
    return sum(r.words for r in results), sum(r.wrong for r in results)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="quality", description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--only", default="*", metavar="GLOB", help="of the paths in the manifest")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every result there")
    parser.add_argument("--transcripts", type=Path, metavar="DIR", help="write every transcript there, as JSON")
    parser.add_argument("--words", action="store_true", help="with the times of words")
    parser.add_argument("--tell-language", action="store_true", help="name each file's language, not detect it")
    parser.add_argument("--kept", type=Path, default=KEPT, metavar="FILE", help="the results accepted last")
    parser.add_argument("--accept", action="store_true", help="keep these results instead")
    parser.add_argument("--model", default="base")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--beam-size", type=int, default=5)
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    args = parse(argv)
    lines = [json.loads(line) for line in (args.corpus / "manifest.jsonl").read_text("utf-8").splitlines()]
    lines = [line for line in lines if fnmatch(line["path"], args.only)]
    files = LocalFiles(args.corpus)
    engine = FasterWhisperEngine.load(load_weights(args.model))
    transcriber = WindowTranscriber(media=files, engine=engine, batch_size=args.batch_size, beam_size=args.beam_size)
    console = Console()
    console.width = max(console.width, 100)  # a log has no width of its own
    results = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=sum(line["duration"] or 1 for line in lines))
        for line in lines:
            bar.update(task, description=line["path"][:50])
            known = args.tell_language and line["language"] not in ("mul", "zxx")
            options = Options(language=line["language"] if known else None, words=args.words)
            results.append(hear(transcriber, files, line, options, args.transcripts))
            bar.advance(task, line["duration"] or 1)
    if args.json:
        args.json.write_text(json.dumps([asdict(r) for r in results], ensure_ascii=False, indent=1))
    status = report(console, results)
    return compare_with_accepted(console, args.kept, results, cpu_kind(), accept=args.accept) or status


def compare_with_accepted(console: Console, kept: Path, results: Sequence[Result], cpu: str, *, accept: bool) -> int:
    """Print what changed since the results accepted last; return the exit status. `accept` keeps these instead."""
    before = regression.read(kept)
    limits = before.limits(cpu)
    console.print(before.comparison(cpu), markup=False, highlight=False, soft_wrap=True)
    for line in regression.changes(before, results, limits) if before.heard else ():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if accept:
        return _accept(console, kept, results, cpu)
    found = regression.worse(before, results, limits)
    for line in found:
        console.print(f"worse than it may be: {line}", markup=False, highlight=False, soft_wrap=True)
    compared = sum(result.path in before.heard for result in results)
    console.print(f"regression: {compared} files compared, {len(found)} worse than they may be", highlight=False)
    return 1 if found else 0


def _accept(console: Console, kept: Path, results: Sequence[Result], cpu: str) -> int:
    try:
        regression.write(kept, results, cpu)
    except regression.KeptElsewhere as refused:
        console.print(f"not kept: {refused}", markup=False, highlight=False, soft_wrap=True)
        return 1
    console.print(f"kept: {len(results)} results in {kept.name}", highlight=False)
    return 0


def report(console: Console, results: Sequence[Result]) -> int:
    """Print it all; return the exit status."""
    console.print(table(results))
    unexpected = [r for r in results if r.unexpected]
    for result in unexpected:
        console.print(f"unexpected: {result.path}: {'; '.join(result.unexpected)}", markup=False, soft_wrap=True)
    words, wrong = _pool(r for r in results if r.category != "awkward")  # those may hold half of their reference
    wer = f"{100 * wrong / words:.2f} %" if words else "no"
    console.print(f"quality: {len(results)} files, {wer} wer, {len(unexpected)} unexpected", highlight=False)
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
