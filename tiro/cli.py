"""The command `tiro`: a recording in, a transcript on standard output, all else on standard error.

Only the standard library is imported up here. The rest takes half a second, which `tiro --help` need not cost.
"""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from tiro import __version__
from tiro.key_commands import add_key_commands
from tiro.repair_commands import add_repair_commands

if TYPE_CHECKING:
    from tiro.client import Client
    from tiro.errors import TiroError
    from tiro.formats import Format
    from tiro.job import JobView
    from tiro.request import Options, S3Object


class Exit(IntEnum):
    """What a shell script may rely on. `EPILOG` says the same to a person."""

    DONE = 0
    FAILED = 1
    USAGE = 2  # argparse's own
    UNREACHABLE = 3
    FILE = 4
    INTERRUPTED = 130  # 128 + SIGINT
    PIPE_CLOSED = 141  # 128 + SIGPIPE


EPILOG = """\
environment:
  TIRO_API_URL, TIRO_API_KEY   the API's address and your key; without both, those of the sandbox that runs
                               in this directory or in one above it are used
exit status:
  0    there is a transcript, or a key; a recording in which nobody speaks has an empty one
  1    no transcript: the request was refused, or the job failed
  2    the command line is wrong
  3    Tiro cannot be reached, has trouble of its own, is not set up here, or does not know the key
  4    a file cannot be read or written
  130  interrupted; a job that was begun goes on
  141  whoever read standard output went away
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    args = _parser().parse_args(argv)
    from tiro.errors import TiroError

    try:
        args.run(args)
    except TiroError as error:
        return _complain(error)
    except BrokenPipeError:
        # What Python would still flush at exit has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE_CLOSED
    except OSError as error:
        _say(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
        return Exit.FILE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.DONE


# ---------------------------------------------------------------- tiro transcribe


def transcribe(args: argparse.Namespace) -> None:
    """Raises TiroError, OSError."""
    from tiro.client import Client
    from tiro.environ import find_environ

    form, options = _format(args), _options(args)
    output = None if args.output in {None, "-"} else Path(args.output)
    if output:
        _check_writable(output)  # better now than after an hour's work
    found = find_environ(["TIRO_API_URL", "TIRO_API_KEY"], environ=os.environ, directory=Path.cwd())
    with _source(args.path) as source, Client(found["TIRO_API_URL"], found["TIRO_API_KEY"]) as client:
        job = _carry(client, source, options, quiet=args.quiet)
        text = client.transcript(job.id, form.name)
    if job.no_speech and not args.quiet:
        _say("nobody speaks in this recording")
    _write(text.encode(), output)


def _carry(client: Client, source: Path | S3Object, options: Options, *, quiet: bool) -> JobView:
    """See a recording through to its transcript. Raises JobFailed when there comes none."""
    from tiro.client import JobFailed
    from tiro.errors import TranscriptUnavailable, Unreachable
    from tiro.progress import progress

    job = None
    try:
        with progress(quiet=quiet) as shown:
            job = client.submit(source, options, on_upload=shown.sent)
            job = client.wait(job.id, shown.seen)
    except (KeyboardInterrupt, Unreachable):
        if job:
            _say(f"no longer waiting; job {job.id} goes on")
        raise
    if job.transcript_url is None:
        raise JobFailed(job.problem or TranscriptUnavailable(f"Job {job.id} is {job.status}.").problem())
    return job


def _options(args: argparse.Namespace) -> Options:
    from tiro.language import parse_language
    from tiro.request import Options

    return Options(language=parse_language(args.language) if args.language else None)


def _format(args: argparse.Namespace) -> Format:
    """What was asked for; else what the output's name ends in; else plain text."""
    from tiro.formats import FORMATS

    if args.format:
        return FORMATS[args.format]
    ending = Path(args.output or "").suffix.removeprefix(".").lower()
    return next((form for form in FORMATS.values() if form.extension == ending), FORMATS["txt"])


@contextmanager
def _source(path: str) -> Iterator[Path | S3Object]:
    """Give the recording as the client takes it. What can be read only once is copied to a file first."""
    from tiro.errors import InvalidRequest
    from tiro.request import S3Object

    if path.startswith("s3://"):
        try:
            yield S3Object.parse(path)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
    elif path == "-" or stat.S_ISFIFO(Path(path).stat().st_mode):
        with tempfile.TemporaryDirectory(prefix="tiro-") as directory:
            spool = Path(directory, "stdin")
            with spool.open("wb") as file, sys.stdin.buffer if path == "-" else Path(path).open("rb") as stream:
                shutil.copyfileobj(stream, file)
            yield spool
    else:
        yield Path(path)


def _check_writable(output: Path) -> None:
    """Raises OSError when the output could not be written later on."""
    target = output.resolve()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(output))
    if target.exists() and not target.is_file():
        return  # /dev/null, a pipe
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such directory to write to", str(output.parent))
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "nothing can be written there", str(output.parent))


def _write(body: bytes, output: Path | None) -> None:
    """Write all of it or nothing: a file that was there before stays until the new one is whole."""
    if output is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    target = output.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(body)
        return
    part = target.with_name(f".tiro-{os.getpid()}.part")
    try:
        part.write_bytes(body)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


# ---------------------------------------------------------------- tiro keys


def keys(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    said = args.keys(args)
    _write(said.out.encode(), None)
    if said.note:
        _say(said.note)


# ---------------------------------------------------------------- what is said, and how it is asked


def _complain(error: TiroError) -> Exit:
    from tiro.client import JobFailed
    from tiro.errors import InvalidRequest

    problem = error.problem()
    _say(f"{problem.title}: {problem.detail} [{problem.code}]")
    if problem.request_id:
        _say(f"the request was {problem.request_id}")
    if problem.retryable:
        _say("this may pass: try the same command again in a while")
    if isinstance(error, JobFailed):
        return Exit.FAILED
    if isinstance(error, InvalidRequest):
        return Exit.USAGE  # it was not even sent
    kept_out = problem.status in {401, 429} or problem.status >= 500 or problem.code == "unexpected_answer"
    return Exit.UNREACHABLE if kept_out else Exit.FAILED


def _say(text: str) -> None:
    # What a server says is not to move the cursor.
    print("tiro:", "".join(c if c.isprintable() else " " for c in text), file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tiro",
        description="Recorded speech into text, in your own AWS account.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tiro {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_transcribe(commands.add_parser("transcribe", help="print what is said in a recording"))
    key_commands = commands.add_parser("keys", help="make, list and revoke API keys, with AWS credentials")
    add_key_commands(key_commands)
    key_commands.set_defaults(run=keys)
    repair_commands = commands.add_parser(
        "admin", help="look into jobs and have them tried again, with AWS credentials"
    )
    add_repair_commands(repair_commands)
    repair_commands.set_defaults(run=keys)
    return parser


def _add_transcribe(command: argparse.ArgumentParser) -> None:
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = EPILOG
    command.add_argument("path", metavar="PATH", help="an audio or video file, s3://bucket/key, or - for stdin")
    command.add_argument("--language", metavar="TAG", help="such as en or pt-BR; without it, detected")
    command.add_argument(
        "--format",
        choices=("txt", "json", "srt", "vtt", "tsv", "verbose_json", "transcribe"),
        help="else by FILE's ending, else txt",
    )
    command.add_argument("-o", "--output", metavar="FILE", help="write there and not on standard output")
    command.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    command.set_defaults(run=transcribe)


if __name__ == "__main__":
    sys.exit(main())
