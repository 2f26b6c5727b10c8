"""The drawn tree is the real tree, and every leaf tells a caller what a caller needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tiro import errors
from tiro.errors import PermanentError, TiroError, TransientError


def every(kind: type[TiroError]) -> Iterator[type[TiroError]]:
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield below
            yield from every(below)


DRAWN = {
    name: (code, int(status))
    for name, code, status in re.findall(r"[├└]── (\w+) +([a-z_]+) +(\d{3})", errors.__doc__ or "")
}


def test_the_drawing_is_the_code() -> None:
    assert set(DRAWN) <= {kind.__name__ for kind in every(TiroError)}
    for kind in every(TiroError):
        if not kind.__subclasses__():
            assert DRAWN[kind.__name__] == (kind.code, kind.status), kind


def test_codes_are_unique() -> None:
    leaves = [kind for kind in every(TiroError) if kind.__name__ in DRAWN]
    assert len({kind.code for kind in leaves}) == len(leaves)


@pytest.mark.parametrize("kind", [k for k in every(TiroError) if k.__name__ in DRAWN], ids=lambda kind: kind.__name__)
def test_every_leaf_has_a_page_of_its_own_that_says_what_to_do(kind: type[TiroError]) -> None:
    assert kind.__dict__.get("__doc__"), "it is what /problems/{code} says"


@pytest.mark.parametrize("kind", list(every(TiroError)), ids=lambda kind: kind.__name__)
def test_every_error_says_whether_to_try_again(kind: type[TiroError]) -> None:
    problem = kind("what to do").problem(instance="/v1/transcriptions/x", request_id="r")
    assert problem.retryable is issubclass(kind, TransientError) is not issubclass(kind, PermanentError)
    assert problem.detail == "what to do"
    assert problem.title
    assert 400 <= problem.status < 600
    assert problem.type == f"/problems/{problem.code}"
    assert (problem.instance, problem.request_id) == ("/v1/transcriptions/x", "r")
