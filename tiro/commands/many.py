"""`tiro transcribe` of several recordings: a few at a time, each into a file of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tiro.commands.endings import Exit, exit_of
from tiro.commands.folders import Folder, left_out
from tiro.commands.options import read_rules
from tiro.commands.output import clock, printable, put_json, say, write
from tiro.commands.transcribe import file_words, format_of, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tiro.board import Board
    from tiro.client import AsyncClient, Memory
    from tiro.commands.stack import Found
    from tiro.errors import TiroError
    from tiro.job import JobView

SENDING_AT_ONCE = 4
"""Uploads on their way. One seldom fills a line; more than a few only make each slower."""

CONCERNS_ALL = frozenset({"unauthorized", "scope_missing", "unreachable", "route_not_found", "unexpected_answer"})
"""What one recording is refused for, and every other would be: there is no point in going on."""


@dataclass(frozen=True)
class Wanted:
    """A recording, and where its transcript goes."""

    source: str
    output: Path


@dataclass
class Run:
    client: AsyncClient
    memory: Memory
    stack: Found
    args: argparse.Namespace
    body: dict[str, Any]
    shown: Board
    sending: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SENDING_AT_ONCE))
    ends: list[Exit] = field(default_factory=list)


def transcribe_many(args: argparse.Namespace, body: dict[str, Any]) -> Exit:
    """Raises TiroError for what concerns all of them, OSError, and InvalidRequest when there is nothing to do."""
    from tiro.errors import InvalidRequest

    folder = Path(args.output or ".")
    folders = {source: Folder.read(Path(source)) for source in args.sources if _is_folder(source)}
    extension = format_of(argparse.Namespace(format=args.format, output=None)).extension
    wanted = list(plan(args.sources, folder, extension, folders))
    unknown = _say_left_out(folders, quiet=args.quiet)
    if not wanted:
        raise InvalidRequest(f"There is no recording in {', '.join(args.sources)}.")
    todo = [one for one in wanted if not (args.skip_existing and one.output.exists())]
    if len(todo) < len(wanted) and not args.quiet:
        say(f"{len(wanted) - len(todo)} of {len(wanted)} have their transcript")
    try:
        done = asyncio.run(_all(args, body, todo)) if todo else Exit.DONE
    except KeyboardInterrupt:
        say("broken off; what was begun goes on, and the same command goes on with it")
        raise
    return Exit.LEFT_OUT if unknown and done is Exit.DONE else done


def _say_left_out(folders: Mapping[str, Folder], *, quiet: bool) -> int:
    """Name what is not sent. Return how many of these files may be recordings."""
    unknown = [file for folder in folders.values() for file in folder.unknown]
    others = [file for folder in folders.values() for file in folder.others]
    if others and not quiet:
        say(printable(f"left out {left_out(others)}"))
    if unknown and not quiet:
        say(printable(f"left out, though they may be recordings, {left_out(unknown)}"))
        say("a file that is named by itself is sent whatever it is called")
    return len(unknown)


def plan(
    sources: Sequence[str], folder: Path, extension: str, folders: Mapping[str, Folder] | None = None
) -> Iterator[Wanted]:
    """Yield each recording with the place of its transcript: under its name, and under folders' own structure.

    Where two would be written to one file, both keep their recording's ending, and then get a number.
    """
    known = folders if folders is not None else {each: Folder.read(Path(each)) for each in sources if _is_folder(each)}
    found = [pair for source in sources for pair in _found(source, known.get(source))]
    short = Counter(name.with_suffix("") for _, name in found)
    taken: Counter[Path] = Counter()
    for source, name in found:
        stem = name.with_suffix("") if short[name.with_suffix("")] == 1 else name
        taken[stem] += 1
        number = "" if taken[stem] == 1 else f"-{taken[stem]}"
        yield Wanted(source, folder / f"{stem}{number}.{extension}")


def _found(source: str, folder: Folder | None) -> Iterator[tuple[str, Path]]:
    if folder:
        for file in folder.recordings:
            yield str(file), file.relative_to(source)
    elif _is_remote(source):
        name = unquote(urlsplit(source).path.rstrip("/").rpartition("/")[2]).replace("/", "_")
        yield source, Path(name or "recording")
    else:
        yield source, Path(Path(source).name)


def _is_remote(source: str) -> bool:
    return source.startswith("s3://") or source.lower().startswith(("http://", "https://"))


def _is_folder(source: str) -> bool:
    return not _is_remote(source) and Path(source).is_dir()


async def _all(args: argparse.Namespace, body: dict[str, Any], wanted: Sequence[Wanted]) -> Exit:
    from tiro.board import board
    from tiro.client import AsyncClient
    from tiro.commands.stack import find_stack, open_memory

    stack, room = find_stack(), asyncio.Semaphore(args.at_once)
    with board(len(wanted), quiet=args.quiet) as shown:
        async with AsyncClient(*stack) as client:
            run = Run(client, open_memory(), stack, args, body, shown)

            async def take_turns(one: Wanted) -> None:
                async with room:
                    await _see_through(run, one)

            tasks = [asyncio.ensure_future(take_turns(one)) for one in wanted]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    bad = [end for end in run.ends if end is not Exit.DONE]
    if bad and not args.quiet:
        say(f"{len(bad)} of {len(wanted)} recordings have no transcript")
    return Exit.FAILED if bad else Exit.DONE


async def _see_through(run: Run, one: Wanted) -> None:
    """Raises TiroError for what concerns all."""
    from tiro.errors import TiroError

    name, job = printable(one.source), None
    run.shown.begun(name)
    try:
        job = await _carry(run, one, name)
    except TiroError as error:
        if error.problem().code in CONCERNS_ALL:
            raise
        _ended_ill(run, one, name, error)
    except OSError as error:
        run.ends.append(Exit.FILE)
        run.shown.ended(name, error.strerror or str(error), well=False)
        if run.args.json:
            put_json({**outcome(one.source, None, None), "error": str(error)})
    else:
        run.ends.append(Exit.DONE)
        what = job.id if run.args.no_wait else "nobody speaks" if job.no_speech else str(one.output)
        length = f", {clock(job.progress.total_seconds)}" if job.progress else ""
        run.shown.ended(name, printable(f"{what}{length}"), well=True)
        if run.args.json:
            put_json(outcome(one.source, job, None if run.args.no_wait else one.output))


def _ended_ill(run: Run, one: Wanted, name: str, error: TiroError) -> None:
    problem = error.problem()
    again = " It may pass: try again." if problem.retryable else ""
    run.ends.append(exit_of(error))
    run.shown.ended(name, printable(f"{problem.detail}{again} [{problem.code}]"), well=False)
    if run.args.json:
        put_json({**outcome(one.source, None, None), "problem": problem.model_dump(mode="json")})


async def _carry(run: Run, one: Wanted, name: str) -> JobView:
    """Raises TiroError, OSError."""
    from tiro.client import job_failure, parse_source

    source = parse_source(one.source)
    words = file_words(source) if isinstance(source, Path) else (one.source,)
    begun = run.memory.begin(*run.stack, *words, json.dumps(run.body, sort_keys=True))
    async with run.sending:
        job = await run.client.submit(
            source, begun=begun, on_upload=lambda done, total: run.shown.sent(name, done, total), **run.body
        )
    run.shown.seen(name, job)
    if run.args.no_wait:
        begun.ended()  # there is nothing to go on with
        return job
    job = await run.client.wait(job.id, lambda seen: run.shown.seen(name, seen))
    if job.transcript_url is None:
        begun.ended()
        raise job_failure(job)
    form = format_of(argparse.Namespace(format=run.args.format, output=None))
    text = await run.client.transcript(job.id, form.name, **read_rules(run.args))
    one.output.parent.mkdir(parents=True, exist_ok=True)
    write(text.encode(), one.output)
    begun.ended()
    return job
