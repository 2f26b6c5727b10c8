"""What a route says of itself: its scope is enforced from this, and OpenAPI is written from it.

    @router.get("/v1/things/<thing_id>")
    @describe("See a thing", scope=Scope.READ, answers={200: Thing}, problems=(ThingNotFound,))
    def get(thing_id: str) -> Response[str]: ...

A test fails for a route without one. docs/api/README.md says what each field is for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel

from functions.api.bodies import check_json, check_no_query
from tiro.errors import ScopeMissing, TiroError
from tiro.key import ALL_SCOPES, Scope, parse_scopes

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One in the query or a header. `type` is anything pydantic knows: `int`, `Literal["a", "b"]`, Annotated."""

    name: str
    type: Any = str
    about: str
    where: Literal["query", "header"] = "query"
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status that is no problem, and what comes with it."""

    model: Any = None  # anything pydantic knows, for application/json; None: no JSON
    media_types: tuple[str, ...] = ()  # others, as text
    headers: tuple[str, ...] = ()  # names out of openapi.HEADERS
    about: str = ""  # else the status's own phrase


@dataclass(frozen=True, kw_only=True)
class Description:
    summary: str
    scope: Scope | None  # None: open to everybody, without a key
    answers: Mapping[int, Answer]
    about: str = ""
    body: Any = None  # a pydantic model; None: the route reads no body
    body_type: str = "application/json"
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[type[TiroError], ...] = ()  # but for those that every route can answer
    problem_model: type[BaseModel] | None = None  # where a route speaks another error shape (OpenAI's)
    retold: Mapping[int, int] = field(default_factory=dict, hash=False)  # and where that has other statuses
    example: Any = field(default=None, hash=False)  # of the body


def describe(summary: str, *, scope: Scope | None, answers: Mapping[int, Any], **more: Any) -> Callable[[F], F]:
    """Describe the route below. An answer is an Answer, or only its model; `more` is Description's."""
    known = {status: what if isinstance(what, Answer) else Answer(model=what) for status, what in answers.items()}
    description = Description(summary=summary, scope=scope, answers=known, **more)

    def attach(function: F) -> F:
        function.description = description  # type: ignore[attr-defined]
        return function

    return attach


def description_of(function: Callable[..., Any]) -> Description | None:
    return getattr(function, "description", None)


def check_request(app: Any, go_on: Callable[[Any], Response[Any]]) -> Response[Any]:
    """Run the route if its query and body are of the kind that it reads: a middleware of Powertools'.

    API Gateway passes bytes on as they are, in base64, where a call says that it is multipart/form-data.

    Raises InvalidRequest for a query where only a body is read, UnsupportedMediaType for a form or a file instead of
    JSON, MalformedBody for JSON that is not UTF-8.
    """
    description = description_of(app.context["_route"].func)
    if description and description.body is not None:
        check_no_query(app.current_event["multiValueQueryStringParameters"] or {})
        if description.body_type == "application/json":
            check_json(app.current_event)
    return go_on(app)


def check_scope(app: Any, go_on: Callable[[Any], Response[Any]]) -> Response[Any]:
    """Run the route if the caller's scopes open it: a middleware of Powertools'. Raises ScopeMissing."""
    route = app.context["_route"]
    description = description_of(route.func)
    if description is None and route not in (*app._static_routes, *app._dynamic_routes):
        return go_on(app)  # to say that there is no such route
    # What nobody described takes every scope there is: forgetting closes the door and does not open it.
    needed = {description.scope} - {None} if description else ALL_SCOPES
    authorizer = app.current_event["requestContext"].get("authorizer") or {}
    if missing := needed - parse_scopes(authorizer.get("scopes", "")):
        names = " and ".join(sorted(f"'{scope}'" for scope in missing if scope))
        raise ScopeMissing(f"This call needs the scope {names}, which your key does not have.")
    return go_on(app)
