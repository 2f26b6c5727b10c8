"""`tiro admin show | retry`: what an operator types about jobs, and what is said back.

Only the standard library is imported up here, as in tiro/cli.py.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tiro.key_commands import Said

if TYPE_CHECKING:
    from tiro.job import Job
    from tiro.repair import Workshop


def add_repair_commands(command: argparse.ArgumentParser) -> None:
    """Each sets `keys`, a function of the arguments that returns Said. Those raise TiroError."""
    commands = command.add_subparsers(metavar="COMMAND", required=True)
    show = commands.add_parser(
        "show", help="say all that is known of a job", description="Say all that is known of a job, whosever it is."
    )
    show.add_argument("id", metavar="ID")
    show.set_defaults(keys=show_job)
    retry = commands.add_parser(
        "retry",
        help="have jobs that failed tried again",
        description="Have jobs that failed tried again, each as a new job, whosever they are.",
    )
    retry.add_argument("ids", metavar="ID", nargs="*")
    retry.add_argument("--code", metavar="CODE", help="all that failed so, such as attempts_exhausted; needs --owner")
    retry.add_argument("--owner", metavar="NAME", help="whose")
    retry.add_argument("--month", metavar="YYYY-MM", help="of their making; else this month")
    retry.set_defaults(keys=retry_jobs, parser=retry)


def show_job(args: argparse.Namespace) -> Said:
    job, run, deliveries = _workshop().look(args.id)
    lines = [f"{name:<16} {value}" for name, value in _facts(job)]
    if run:
        lines.append(
            f"{'held':<16} by attempt {run.attempt} until {run.lease_expires_at:%F %T}, {run.done:.1f} s heard"
        )
    lines += [f"{'told':<16} {line}" for line in deliveries]
    return Said("\n".join(lines) + "\n")


def _facts(job: Job) -> Iterator[tuple[str, object]]:
    yield "job", job.id
    for name in ("owner", "status", "source", "attempts", "generation", "created_at", "queued_at", "sent_at"):
        if (value := getattr(job, name)) is not None:
            yield name, value
    for name in ("started_at", "finished_at", "retry_of"):
        if (value := getattr(job, name)) is not None:
            yield name, value
    if job.problem:
        yield "problem", f"{job.problem.code}: {job.problem.detail}"


def retry_jobs(args: argparse.Namespace) -> Said:
    if bool(args.ids) == bool(args.code) or (args.code and not args.owner):
        args.parser.error("name jobs by their ids, or all that failed in one way by --code and --owner")
    workshop = _workshop()
    month = args.month or f"{datetime.now(UTC):%Y-%m}"
    jobs = (
        list(workshop.failed(args.owner, month, args.code)) if args.code else [workshop.jobs.get(i) for i in args.ids]
    )
    lines, refused = [], 0
    for job in jobs:
        new = workshop.retry(job)
        if isinstance(new, Exception):
            refused += 1
            lines.append(f"{job.id}  not tried again: {new}")
        else:
            lines.append(f"{job.id}  {new.id}")
    return Said("".join(f"{line}\n" for line in lines), f"{len(jobs) - refused} tried again, {refused} not")


def _workshop() -> Workshop:
    """Raises NotConfigured where nothing names a stack."""
    from tiro.repair import open_workshop

    return open_workshop(os.environ, Path.cwd())
