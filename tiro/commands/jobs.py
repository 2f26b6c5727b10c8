"""`tiro jobs | show | cancel | delete | retry | transcript | batches | models`: what became of recordings."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tiro.commands.options import add_options, add_rules, check_options, read_options, read_rules
from tiro.commands.output import check_writable, clock, date, put, put_fields, put_json, put_table, say, write

if TYPE_CHECKING:
    from tiro.job import JobView

STATUSES = ("awaiting_media", "queued", "processing", "completed", "failed", "cancelled")
"""tiro.job.JobStatus', without the time it takes to import it. A test holds them together."""

Commands = argparse._SubParsersAction  # what argparse names it, and nobody else


def add_job_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    listed = add_command(commands, "jobs", "list your jobs, the newest first", list_jobs)
    listed.add_argument("--status", choices=STATUSES, help="only those")
    listed.add_argument(
        "--since", type=moment, metavar="TIME", help="made since: 2026-11-24T09:30, 2026-11-24, or 2d, 12h, 30m ago"
    )
    listed.add_argument("--until", type=moment, metavar="TIME", help="made before")
    listed.add_argument("--limit", type=_positive, default=20, metavar="N", help="so many at most, 20 unless told")
    shown = add_command(commands, "show", "tell all that is known of a job", show)
    shown.add_argument("id", metavar="ID")
    shown.add_argument("--wait", action="store_true", help="until it is at its end")
    for name, about, run in (
        ("cancel", "end jobs that are not at their end", cancel),
        ("delete", "remove jobs, their recordings and their transcripts", delete),
        ("retry", "make a new job of each that failed or was cancelled", retry),
    ):
        add_command(commands, name, about, run).add_argument("ids", metavar="ID", nargs="+")
    read = add_command(commands, "transcript", "print a job's transcript, in any format", transcript, json=False)
    read.add_argument("id", metavar="ID")
    add_rules(read, output="write there and not on standard output")
    played = add_command(commands, "media", "print an address to play a job's recording from, for an hour", media)
    played.add_argument("id", metavar="ID")
    batches = add_command(commands, "batches", "submit many recordings in one call; see how far they are", None)
    below = batches.add_subparsers(metavar="COMMAND", required=True)
    made = add_command(below, "submit", "make jobs of up to 1,000 recordings, or of all below a prefix", submit_batch)
    made.add_argument("sources", metavar="SOURCE", nargs="*", help="a file, https://… or s3://bucket/key")
    made.add_argument("--prefix", metavar="S3", help="instead: all that is below s3://bucket/prefix, however many")
    add_options(made)
    add_command(below, "show", "tell how far a batch is", show_batch).add_argument("id", metavar="ID")
    add_command(commands, "models", "list the models deployed", list_models)


def add_command(
    commands: Commands[argparse.ArgumentParser],
    name: str,
    about: str,
    run: Callable[[argparse.Namespace], object] | None,
    *,
    json: bool = True,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    if run:
        command.set_defaults(run=run)
        if json:
            command.add_argument("--json", action="store_true", help="print one JSON object a line, as the API has it")
    return command


def list_jobs(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    filters = {"status": args.status, "created_after": args.since, "created_before": args.until}
    with open_client() as client:
        found = list(islice(client.jobs(**filters, limit=min(args.limit, 100)), args.limit))
    if args.json:
        for job in found:
            put_json(job)
    elif found:
        rows = [(j.id, j.status.value, date(j.created_at), clock(j.duration), j.source, j.name or "") for j in found]
        put_table(("ID", "STATUS", "CREATED", "LENGTH", "SOURCE", "NAME"), rows)
    else:
        say("there are no such jobs")


def show(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        job = client.wait(args.id) if args.wait else client.job(args.id)
    if args.json:
        put_json(job)
    else:
        put_fields(_fields(job))


def _fields(job: JobView) -> dict[str, str | None]:
    media, told, took, made = job.media, job.progress, job.timings, job.lineage
    of = f" of {clock(told.total_seconds)}" if told and told.total_seconds else ""
    eta = f", {clock(told.eta_seconds)} to go" if told and told.eta_seconds else ""
    queued = took.queued_ms / 1000 if took and took.queued_ms is not None else None
    heard = took.processing_ms / 1000 if took and took.processing_ms is not None else None
    return {
        "id": job.id,
        "status": job.status.value + (", nobody speaks" if job.no_speech else ""),
        "problem": f"{job.problem.title}: {job.problem.detail} [{job.problem.code}]" if job.problem else None,
        "name": media.name if media else None,
        "source": job.source,
        "size": f"{media.size:,} bytes" if media and media.size else None,
        "length": clock(media.duration) if media and media.duration else None,
        "language": job.language,
        "heard": f"{clock(told.done_seconds)}{of}{eta}" if told and not job.status.terminal else None,
        "before it": f"{job.own_jobs_ahead} of your jobs" if job.own_jobs_ahead else None,
        "created": date(job.created_at),
        "finished": date(job.finished_at) if job.finished_at else None,
        "took": f"{queued or 0:.1f} s in the queue, {heard:.1f} s at work" if heard is not None else None,
        "attempts": str(job.attempts) if job.attempts > 1 else None,
        "model": f"{made.model}, {made.compute_type}, by {made.engine} {made.engine_version}" if made else None,
        "cost": f"{job.cost_usd:.6f} USD" if job.cost_usd is not None else None,
        "retry of": job.retry_of,
        "priority": job.priority.value if job.priority is not job.priority.INTERACTIVE else None,
        "deleted": f"on {date(job.expires_at)}" if job.expires_at else None,
        "recording": f"removed {date(job.media_deleted_at)}" if job.media_deleted_at else None,
        "metadata": ", ".join(f"{name}={value}" for name, value in job.metadata.items()),
    }


def cancel(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        for job_id in args.ids:
            job = client.cancel(job_id)
            put_json(job) if args.json else say(f"{job.id} is {job.status.value}")


def delete(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        for job_id in args.ids:
            client.delete(job_id)
            put_json({"id": job_id, "deleted": True}) if args.json else say(f"{job_id} is deleted")


def retry(args: argparse.Namespace) -> None:
    """Print the id of each new job. Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        for job_id in args.ids:
            job = client.retry(job_id)
            put_json(job) if args.json else put(f"{job.id}\n")


def transcript(args: argparse.Namespace) -> None:
    """Raises TiroError, OSError."""
    from tiro.commands.stack import open_client
    from tiro.commands.transcribe import format_of

    output = None if args.output in {None, "-"} else Path(args.output)
    if output:
        check_writable(output)
    with open_client() as client:
        text = client.transcript(args.id, format_of(args).name, **read_rules(args))
    write(text.encode(), output)


def media(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        link = client.media(args.id)
    put_json(link) if args.json else put(f"{link.url}\n")


def submit_batch(args: argparse.Namespace) -> None:
    """Print the batch's id; say what was refused. Raises TiroError, OSError."""
    from tiro.commands.stack import open_client
    from tiro.errors import InvalidRequest

    if bool(args.sources) == bool(args.prefix):
        raise InvalidRequest("Name recordings, or all of them by --prefix.")
    body, cursor = {**check_options(read_options(args)), "prefix": args.prefix}, None
    with open_client() as client:
        while True:
            made = client.submit_batch(args.sources, **body, cursor=cursor)
            for result in made.results:
                if result.problem:
                    name = result.source or args.sources[result.index]
                    say(f"{name}: {result.problem.detail} [{result.problem.code}]")
            if args.json:
                put_json(made)
            if not (cursor := made.next_cursor):
                break
    if not args.json:
        put(f"{made.id}\n")


def show_batch(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        batch = client.batch(args.id)
    if args.json:
        return put_json(batch)
    counts = ", ".join(f"{count} {status.value}" for status, count in batch.counts.items() if count)
    refused = str(batch.refused) if batch.refused else None
    done = "yes" if batch.done else "no"
    return put_fields(
        {"id": batch.id, "created": date(batch.created_at), "jobs": counts, "refused": refused, "done": done}
    )


def list_models(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        models = client.models()
    if args.json:
        for model in models:
            put_json(model)
        return
    rows = [(m.id, "yes" if m.default else "", str(len(m.languages)), "yes" if m.translates else "no") for m in models]
    put_table(("ID", "DEFAULT", "LANGUAGES", "TRANSLATES"), rows)


# ---------------------------------------------------------------- what is typed


def moment(text: str) -> datetime:
    """Read a time, or how long ago. Without a zone it is this machine's."""
    if match := re.fullmatch(r"(\d{1,6})([mhd])", text):
        unit = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[match[2]]
        return datetime.now(UTC) - int(match[1]) * unit
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-11-24T09:30, 2d or 12h") from None


def _positive(text: str) -> int:
    if not (text.isdigit() and 0 < int(text) < 1_000_000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)
