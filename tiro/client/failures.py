"""What an answer that says no becomes: an error of the tree that it names, carrying the problem as it came."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from tiro.errors import PROBLEM_MEDIA_TYPE, Problem, TiroError
from tiro.job import JobView

M = TypeVar("M", bound=BaseModel)

PASSING = frozenset({429, 502, 503, 504})
"""Answers that say no more than "not now"."""


class RequestFailed(TiroError):
    """The answer was a problem; it is carried as it came, and so are its code and its status.

    What is raised is also of the class that the tree of tiro/errors.py has for the code, so that
    `except JobNotFound`, `except RequestFailed` and `except TransientError` all catch what they say.
    """

    def __init__(self, answer: Problem, *, retry_after: float | None = None) -> None:
        TiroError.__init__(self, answer.detail, errors=answer.errors)  # whatever a leaf's own constructor wants
        self.answer = answer
        self.retry_after = retry_after  # seconds, where the answer said so

    def problem(self, *, instance: str | None = None, request_id: str | None = None) -> Problem:
        """Return the answer, which knows best where it happened."""
        known = {"instance": self.answer.instance or instance, "request_id": self.answer.request_id or request_id}
        return self.answer.model_copy(update=known)


class JobFailed(RequestFailed):
    """The job came to its end without a transcript; its problem is carried."""


F = TypeVar("F", bound=RequestFailed)


def failure(answer: Problem, base: type[F], *, retry_after: float | None = None) -> F:
    """Return what to raise: a `base`, and of the tree's class too where this version knows the code."""
    leaf = _leaf(answer.code)
    kind: type[F] = base if leaf is None else type(leaf.__name__, (base, leaf), {"__doc__": leaf.__doc__})
    return kind(answer, retry_after=retry_after)


@cache
def _leaf(code: str) -> type[TiroError] | None:
    leaf = next((kind for kind in _tree(TiroError) if kind.__dict__.get("code") == code), None)
    below = leaf.__subclasses__() if leaf else ()  # InvalidRequest has its code from above
    return next((kind for kind in below if kind.code == code and not issubclass(kind, RequestFailed)), leaf)


def _tree(kind: type[TiroError]) -> Iterator[type[TiroError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _tree(below)


def job_failure(job: JobView) -> JobFailed:
    """Return what to raise of a job that ended without a transcript."""
    status = job.status.value
    without = Problem(
        type="/problems/transcript_unavailable",
        title="This job has no transcript",
        status=HTTPStatus.CONFLICT,
        detail=f"Job {job.id} is {status}.",
        code="transcript_unavailable",
        retryable=False,
    )
    return failure(job.problem or without, JobFailed)


# ---------------------------------------------------------------- reading an answer


def checked(answer: httpx.Response) -> httpx.Response:
    """Raises RequestFailed when it is no success."""
    if not answer.is_success:
        raise _read_failure(answer)
    return answer


def read(kind: type[M], answer: httpx.Response) -> M:
    """Raises RequestFailed when it is something else: somebody else may live at this address."""
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        what = "a job" if kind is JobView else f"what it should be ({kind.__name__})"
        detail = f"The answer is not {what}. Is this the address of a Tiro API?"
        raise unexpected(answer.status_code, detail) from None


def retry_after_of(answer: httpx.Response) -> float:
    """Return the seconds to wait; 0 without the header, or for the form with a date, which Tiro never sends."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0


def unexpected(status: int, detail: str) -> RequestFailed:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "no known status"
    return _problem("unexpected_answer", f"Something else answered, with {status} {phrase}", status, detail)


def _read_failure(answer: httpx.Response) -> RequestFailed:
    """Read Tiro's own words, or S3's, or say that these are neither's."""
    if answer.headers.get("Content-Type", "").startswith(PROBLEM_MEDIA_TYPE):
        try:
            return failure(
                Problem.model_validate_json(answer.content), RequestFailed, retry_after=retry_after_of(answer) or None
            )
        except ValidationError:
            pass
    said = re.search(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", answer.text, re.DOTALL)
    if said and "Authorization" not in answer.request.headers:  # S3 where the API should be is somebody else
        sent = answer.request.method == "PUT"
        code, title = (
            ("upload_refused", "S3 refused the upload") if sent else ("copy_refused", "S3 keeps the copy back")
        )
        return _problem(code, title, answer.status_code, f"{said[2]} ({said[1]})")
    words = " ".join(answer.text.split())[:200]
    return unexpected(answer.status_code, f"The answer was not in Tiro's words: {words or 'it was empty'}")


def _problem(code: str, title: str, status: int, detail: str) -> RequestFailed:
    retryable = status in PASSING
    kind = f"urn:tiro:problem:{code}"
    return RequestFailed(Problem(type=kind, title=title, status=status, detail=detail, code=code, retryable=retryable))
