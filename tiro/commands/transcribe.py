"""`tiro transcribe`: a recording in, a transcript on standard output, all else on standard error."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiro.commands.endings import Exit
from tiro.commands.options import add_options, add_rules, check_options, read_options, read_rules
from tiro.commands.output import check_writable, put, put_json, say, write

if TYPE_CHECKING:
    from tiro.client import Begun, Client, Memory
    from tiro.commands.stack import Found
    from tiro.formats import Format
    from tiro.job import JobView
    from tiro.request import S3Object

AT_ONCE = 16
"""Recordings on their way, of many. A worker hears several at once, and each waits for its upload and its turn."""


def add_transcribe(command: argparse.ArgumentParser) -> None:
    command.usage = "%(prog)s [options] SOURCE [SOURCE ...]"
    command.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="an audio or video file, a folder, https://…, s3://bucket/key, or - for standard input",
    )
    add_options(command)
    add_rules(command, output="write there and not on standard output; of several recordings, into this folder")
    group = command.add_argument_group("how it is gone about")
    group.add_argument("--no-wait", action="store_true", help="print the job's id once its recording is sent")
    group.add_argument("--skip-existing", action="store_true", help="of several: leave out what has its transcript")
    group.add_argument(
        "--at-once",
        type=_count,
        default=AT_ONCE,
        metavar="N",
        help=f"of several: so many at a time, {AT_ONCE} unless told",
    )
    group.add_argument("--json", action="store_true", help="print one JSON object a recording: its job, and its text")
    group.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    command.set_defaults(run=transcribe)


def transcribe(args: argparse.Namespace) -> Exit:
    """Raises TiroError, OSError."""
    from tiro.commands.stack import find_stack

    body = check_options(read_options(args))
    if len(args.sources) > 1 or Path(args.sources[0]).is_dir():
        from tiro.commands.many import transcribe_many

        return transcribe_many(args, body)
    form = format_of(args)
    output = None if args.output in {None, "-"} else Path(args.output)
    if output:
        check_writable(output)  # better now than after an hour's work
    _one(args, body, form, output, find_stack())
    return Exit.DONE


def _one(args: argparse.Namespace, body: dict[str, Any], form: Format, output: Path | None, stack: Found) -> None:
    from tiro.client import Client
    from tiro.commands.stack import open_memory

    with source_of(args.sources[0]) as (source, words), Client(*stack) as client:
        remembered = Remembered(open_memory(), (*stack, *words, json.dumps(body, sort_keys=True))) if words else None
        begun = remembered.begin() if remembered else None
        job = _carry(client, source, body, begun, remembered, args)
        if begun and args.no_wait:
            begun.ended()  # there is nothing to go on with
        if args.no_wait:
            return put_json(job) if args.json else put(f"{job.id}\n")
        text = client.transcript(job.id, form.name, **read_rules(args))
        if job.no_speech and not args.quiet:
            say("nobody speaks in this recording")
        if output or not args.json:
            write(text.encode(), output)
        if args.json:
            put_json(outcome(args.sources[0], job, output, None if output else text))
    if begun:
        begun.ended()
    return None


class Remembered:
    """One recording's place in the memory, by all that makes the call what it is."""

    def __init__(self, memory: Memory, words: tuple[object, ...]) -> None:
        self._memory, self._words = memory, words

    def begin(self) -> Begun:
        return self._memory.begin(*self._words)


def _carry(
    client: Client,
    source: Path | S3Object | str,
    body: dict[str, Any],
    begun: Begun | None,
    remembered: Remembered | None,
    args: argparse.Namespace,
) -> JobView:
    """See a recording through to its transcript. Raises JobFailed when there comes none."""
    from tiro.client import job_failure
    from tiro.errors import Unreachable
    from tiro.progress import progress

    job = None
    if begun and begun.job_id and not args.quiet:
        say(f"going on with job {begun.job_id}, which was begun before")
    try:
        with progress(quiet=args.quiet) as shown:
            job = client.submit(source, begun=begun, on_upload=shown.sent, **body)
            if args.no_wait:
                return job
            job = client.wait(job.id, shown.seen)
    except (KeyboardInterrupt, Unreachable):
        if job:
            say(f"no longer waiting; job {job.id} goes on, and the same command goes on with it")
        elif remembered and (known := remembered.begin().job_id):
            say(f"the upload of job {known} broke off; the same command goes on where it stopped")
        raise
    if job.transcript_url is None:
        if begun:
            begun.ended()
        raise job_failure(job)
    return job


def outcome(source: str, job: JobView | None, output: Path | None, text: str | None = None) -> dict[str, Any]:
    """Return what `--json` says of a recording."""
    return {
        "source": source,
        "output": str(output) if output else None,
        "text": text,
        "job": job.model_dump(mode="json") if job else None,
    }


def format_of(args: argparse.Namespace) -> Format:
    """What was asked for; else what the output's name ends in; else plain text."""
    from tiro.formats import FORMATS

    if args.format:
        return FORMATS[args.format]
    ending = Path(args.output or "").suffix.removeprefix(".").lower()
    return next((form for form in FORMATS.values() if form.extension == ending), FORMATS["txt"])


@contextmanager
def source_of(text: str) -> Iterator[tuple[Path | S3Object | str, tuple[object, ...]]]:
    """Give the recording as the client takes it, and the words by which it is remembered: none for a stream.

    What can be read only once is copied to a file first.
    """
    from tiro.client import parse_source

    source = Path(text) if text == "-" else parse_source(text)
    if not isinstance(source, Path):
        yield source, (text,)
    elif text == "-" or stat.S_ISFIFO(source.stat().st_mode):
        with tempfile.TemporaryDirectory(prefix="tiro-") as directory:
            spool = Path(directory, "stdin")
            with spool.open("wb") as file, sys.stdin.buffer if text == "-" else source.open("rb") as stream:
                shutil.copyfileobj(stream, file)
            yield spool, ()
    else:
        yield source, file_words(source)


def file_words(path: Path) -> tuple[object, ...]:
    """Return what makes a file this very file. Raises OSError."""
    known = path.stat()
    return os.fspath(path.resolve()), known.st_size, known.st_mtime_ns


def _count(text: str) -> int:
    if not (text.isdigit() and 1 <= int(text) <= 256):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 256")
    return int(text)
