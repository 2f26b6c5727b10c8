"""How a command ends: the exit status that a script relies on, and what a person is told who is refused."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tiro.errors import TiroError


class Exit(IntEnum):
    """What a shell script may rely on. `STATUSES` says the same to a person."""

    DONE = 0
    FAILED = 1
    USAGE = 2  # argparse's own
    UNREACHABLE = 3
    FILE = 4
    LEFT_OUT = 5
    INTERRUPTED = 130  # 128 + SIGINT
    PIPE_CLOSED = 141  # 128 + SIGPIPE


STATUSES = """\
  0    it is done; a recording in which nobody speaks has an empty transcript
  1    it was refused, or a job failed; of several recordings, at least one has no transcript
  2    the command line is wrong
  3    Tiro cannot be reached, has trouble of its own, is not set up here, or does not know the key
  4    a file cannot be read or written
  5    all that was sent is done, but files of a folder were left out that may be recordings: their names do not say
       so, and standard error names them (not counted: hidden files, text, subtitles, pictures, documents, archives)
  130  interrupted; a job that was begun goes on, and the same command goes on with it
  141  whoever read standard output went away
"""

_ADDRESS = "check TIRO_API_URL, which is {url}: it ends where /v1 follows, as in https://….amazonaws.com/prod"

HINTS = {
    "unauthorized": "check TIRO_API_KEY; whoever runs the stack makes keys with 'tiro keys create'",
    "scope_missing": "ask whoever runs the stack for a key with that scope: 'tiro keys create --scope …'",
    "route_not_found": _ADDRESS,
    "method_not_allowed": _ADDRESS,
    "unexpected_answer": _ADDRESS,
    "unreachable": "check TIRO_API_URL, which is {url}, and whether a proxy stands between",
    "job_not_found": "'tiro jobs' lists those there are",
    "transcript_not_ready": "'tiro show ID' says how far it is",
    "transcript_unavailable": "'tiro show ID' says why",
    "webhook_not_found": "'tiro webhooks list' lists those there are",
    "model_not_found": "leave --model out: one model hears in each stack, and 'tiro models' names it",
    "not_retryable": "submit the recording anew with 'tiro transcribe'",
}
"""What to do, by a problem's code, where its detail does not say so."""

NOWHERE = frozenset({"unexpected_answer", "route_not_found", "method_not_allowed"})
"""What says that the address is not that of a Tiro API."""


def exit_of(error: TiroError) -> Exit:
    from tiro.client import JobFailed, RequestFailed
    from tiro.errors import InvalidRequest

    problem = error.problem()
    if isinstance(error, JobFailed):
        return Exit.FAILED
    if isinstance(error, InvalidRequest) and not isinstance(error, RequestFailed):
        return Exit.USAGE  # it was not even sent
    kept_out = problem.code in {"unauthorized", *NOWHERE} or problem.status == 429 or problem.status >= 500
    return Exit.UNREACHABLE if kept_out else Exit.FAILED


def complaint(error: TiroError, url: str) -> Iterator[str]:
    """Yield what was wrong, whether to try again, and what to do, a line each."""
    problem = error.problem()
    detail = f": {problem.detail}" if problem.detail != problem.title else ""
    yield f"{problem.title}{detail} [{problem.code}]"
    if problem.request_id:
        yield f"the request was {problem.request_id}"
    if problem.retryable:
        seconds = getattr(error, "retry_after", None)
        yield f"this may pass: try the same command again {f'in {seconds:.0f} s' if seconds else 'in a while'}"
    if hint := HINTS.get(problem.code):
        yield hint.format(url=url or "not set")
