"""`python -m sandbox demo`: a recording goes through the front door, and what happened on its way is told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from sandbox.emulator import Emulator
from sandbox.machine import OWNER, Options, sandbox
from sandbox.state import SandboxError, read_env
from sandbox.steps import Steps
from sandbox.up import SAMPLE, short
from tiro.client import Client
from tiro.elapsed import elapsed
from tiro.errors import TiroError
from tiro.job import JobView
from tiro.progress import progress
from tiro.transcript import Transcript

RENDERED = ("json", "txt", "srt", "vtt")
"""What appears beside a dropped recording."""

PATIENCE_SECONDS = 60.0
"""How long the inbox may take for a sample that the front door has just done in a few."""


@dataclass(frozen=True)
class Running:
    """A sandbox to be used: its environment, and what to call now and then."""

    env: Mapping[str, str]
    watch: Callable[[], None]

    @property
    def s3(self) -> Any:
        return Emulator(urlsplit(self.env["AWS_ENDPOINT_URL"]).port or 0).client("s3")


def demo(file: Path | None, options: Options, environ: Mapping[str, str]) -> int:
    """Return 0 when a transcript came out, else 1. Raises SandboxError."""
    recording, console = file or SAMPLE, Console()
    try:
        with recording.open("rb"):
            pass
        with _running(options, Steps(console, quiet=True), environ) as running:
            if not front_door(recording, running, console):
                return 1
            if file is None:
                inbox(recording, running, console)
        return 0
    except TiroError as error:
        raise SandboxError(str(error)) from None
    except OSError as error:
        raise SandboxError(f"{recording} cannot be read: {error.strerror or error}.") from None


@contextlib.contextmanager
def _running(options: Options, steps: Steps, environ: Mapping[str, str]) -> Iterator[Running]:
    """The sandbox that runs, or else one of our own for as long as it takes."""
    if options.state.running() and options.state.env.exists():
        yield Running(read_env(options.state.env), watch=lambda: None)
    else:
        with sandbox(options, steps, environ) as ours:
            yield Running(ours.env, ours.watch)


def front_door(recording: Path, running: Running, console: Console) -> bool:
    """Send it by a presigned upload, wait, and tell what happened. Return whether there is a transcript."""
    console.print(Text(f"\n  {short(recording)}, {_size(recording)}, through the API\n"), soft_wrap=True)
    with Client(running.env["TIRO_API_URL"], running.env["TIRO_API_KEY"]) as client:
        with progress(quiet=not console.is_terminal) as bar:
            job = client.submit(recording, on_upload=bar.sent)
            uploaded = datetime.now(UTC)

            def seen(job: JobView) -> None:
                bar.seen(job)
                running.watch()

            job = client.wait(job.id, seen)
        _tell(job, uploaded, running, console)
        if job.transcript_url is None:
            return False
        transcript = Transcript.model_validate_json(client.transcript(job.id, "json"))
    text = "(nobody speaks in it)" if transcript.no_speech else transcript.text.strip()
    console.print(Padding(Text(text, style="bold"), (1, 2)))
    return True


def _tell(job: JobView, uploaded: datetime, running: Running, console: Console) -> None:
    """Print the job's way as a time line that begins with the job."""
    found = f"found {job.media.duration:.1f} s of audio and " if job.media and job.media.duration else ""
    events = [
        (job.created_at, "created", f"job {job.id}"),
        (uploaded, "uploaded", f"uploads/{OWNER}/{job.id} in the media bucket"),
        (job.queued_at, "queued", f"S3 told on_upload, which {found}sent a message"),
        (job.started_at, "claimed", f"by the worker, attempt {job.attempts}"),
    ]
    if job.transcript_url and job.progress and job.started_at and job.finished_at:
        took = elapsed(job.started_at, job.finished_at).total_seconds()
        prefix = f"transcripts/{OWNER}/{job.id}/"
        stored = max(_keys(running.s3, running.env["TIRO_TRANSCRIPT_BUCKET"], prefix))
        heard = f"{job.progress.done_seconds:.1f} s of audio in {took:.1f} s; the language is {job.language}"
        events += [(job.finished_at, "heard", heard), (job.finished_at, "stored", f"{stored} in the transcript bucket")]
    elif job.problem:
        events.append((job.finished_at, job.status, f"{job.problem.title}. {job.problem.detail}"))
    latest = job.created_at
    for at, what, where in events:
        if at is not None:
            # A worker goes by the table's clock, which tells whole seconds.
            latest = at = max(at, latest)
            _line(f"{elapsed(job.created_at, at).total_seconds():5.1f} s  {what:<9}", where, console)


def inbox(recording: Path, running: Running, console: Console) -> None:
    """Drop it in the inbox too, and show what appears. Raises SandboxError when nothing does."""
    bucket, prefix = running.env["TIRO_INBOX"].removeprefix("s3://").split("/", 1)
    key = f"{prefix}demo/{datetime.now(UTC):%H%M%S}/{recording.name}"
    transcripts = running.env["TIRO_TRANSCRIPT_BUCKET"]
    with console.status("Dropping it in the inbox …"):
        began = time.monotonic()
        running.s3.put_object(Bucket=bucket, Key=key, Body=recording.read_bytes())
        wanted = {f"{key}.{form}" for form in RENDERED}
        while not wanted <= (found := _keys(running.s3, transcripts, key)):
            running.watch()
            if time.monotonic() > began + PATIENCE_SECONDS:
                raise SandboxError(f"No transcript of s3://{bucket}/{key} came; there is {sorted(found) or 'nothing'}.")
            time.sleep(0.1)
        took = time.monotonic() - began
    console.print(Text("  The same file, dropped in the inbox\n"))
    _line("  0.0 s  dropped  ", f"{key} in the media bucket", console)
    for number, name in enumerate(sorted(wanted)):
        _line(f"{took:5.1f} s  found    " if number == 0 else " " * 18, f"{name} in the transcript bucket", console)
    console.print(
        Text(f"\n  media bucket       s3://{bucket}\n  transcript bucket  s3://{transcripts}\n"), soft_wrap=True
    )


def _keys(s3: Any, bucket: str, prefix: str) -> set[str]:
    return {found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())}


def _line(head: str, rest: str, console: Console) -> None:
    console.print(Text.assemble("  ", (head, "dim"), f" {rest}"), soft_wrap=True)


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB" if size >= 1e3 else f"{size} bytes"
