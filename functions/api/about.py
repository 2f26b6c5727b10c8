"""What anybody may read, without a key: the description of the API, and what its problems mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import BaseModel, Field

from functions.api.description import Answer, describe
from tiro.errors import ProblemNotFound, TiroError

router = Router()

KEEP = {"Cache-Control": "public, max-age=300"}  # it changes with a deployment


class ProblemType(BaseModel):
    """What a problem's code stands for, wherever it occurs."""

    type: str = Field(description="What stands in a problem's `type`.")
    code: str
    title: str
    status: int
    retryable: bool = Field(description="Whether the same call may succeed later.")
    meaning: str = Field(description="What it means, and what to do.")


@router.get("/openapi.json")
@describe(
    "The description of the API, for programs",
    about="OpenAPI 3.1: this very document.",
    scope=None,
    answers={200: Answer(model=dict[str, Any], headers=("Cache-Control",))},
)
def openapi() -> Response[str]:
    from functions.api import app  # which includes this very router
    from functions.api.openapi import render

    return Response(200, "application/json", render(app()), KEEP)


@router.get("/docs")
@describe(
    "The description of the API, for people",
    scope=None,
    answers={200: Answer(media_types=("text/html",), headers=("Cache-Control",))},
)
def docs() -> Response[str]:
    from functions.api import app, page
    from functions.api.openapi import document

    body = page.docs_page(document(app()), problem_types().values())
    return Response(200, page.CONTENT_TYPE, body, KEEP | page.SECURITY)


@router.get("/problems/<code>")
@describe(
    "What a problem means",
    about="Where every problem's `type` leads. A browser gets a page.",
    scope=None,
    answers={200: Answer(model=ProblemType, media_types=("text/html",), headers=("Cache-Control",))},
    problems=(ProblemNotFound,),
)
def problem(code: str) -> Response[str]:
    from functions.api import page

    found = problem_types().get(code)
    if found is None:
        raise ProblemNotFound(f"There is no problem {code!r}. All of them stand at /docs.")
    if "text/html" in (router.current_event.headers.get("accept") or ""):
        return Response(200, page.CONTENT_TYPE, page.problem_page(found), KEEP | page.SECURITY)
    told = ProblemType(
        type=f"/problems/{code}",
        code=code,
        title=found.title,
        status=found.status,
        retryable=found.retryable,
        meaning=page.meaning(found),
    )
    return Response(200, "application/json", told.model_dump_json(), KEEP)


def problem_types() -> dict[str, type[TiroError]]:
    """Return every problem there is by its code: the tree of errors, less its branches."""
    leaves = (kind for kind in _tree(TiroError) if "code" in kind.__dict__)
    return {kind.code: kind for kind in sorted(leaves, key=lambda kind: (kind.status, kind.code))}


def _tree(kind: type[TiroError]) -> Iterator[type[TiroError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _tree(below)
