"""OpenAPI 3.1, written from the routes and what they say of themselves: the code is the one source.

`make openapi` writes it to docs/openapi.json; the API serves the very same at /openapi.json.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from inspect import getmodule
from pathlib import Path
from typing import Any, Literal

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from pydantic import TypeAdapter

from functions.api.comments import explain
from functions.api.description import Answer, Description, Parameter, description_of
from tiro import __version__
from tiro.errors import (
    PROBLEM_MEDIA_TYPE,
    BadRequest,
    Forbidden,
    InternalError,
    KeyRefused,
    PayloadTooLarge,
    Problem,
    RouteNotFound,
    ScopeMissing,
    ServiceUnavailable,
    Throttled,
    TiroError,
    UnsupportedMediaType,
)

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]

REF = "#/components/schemas/{model}"

ABOUT = """\
Recorded speech into text, in your own AWS account. Submit a recording, see what becomes of it, read its transcript.

Every call but those under "about" needs `Authorization: Bearer` with a key that `tiro keys create` made, or with a \
token of the issuer that the stack trusts. What a key opens is named by its scopes. Every error is problem+json \
(RFC 9457), and its `type` leads to what it means.

HEAD is answered as GET is, less the body. A method that a path does not take is a 405, whose `Allow` names those it \
takes; a body that is not of the described type is a 415, and a field or a parameter that is not described is refused.
"""

HEADERS = {
    "Access-Control-Allow-Origin": "Whose web pages may read this.",
    "Cache-Control": "For how long, and by whom, this may be kept.",
    "Content-Disposition": "What the file is to be called.",
    "ETag": "Names this very answer: send it as If-None-Match to be told 304 while it holds.",
    "Link": 'Where the next page is, as rel="next" (RFC 8288).',
    "Location": "Where the thing is, as a path.",
    "Preference-Applied": "The preferences that were honoured (RFC 7240).",
    "RateLimit": "What is left of the quota, and for how long (draft-ietf-httpapi-ratelimit-headers).",
    "RateLimit-Policy": "The quotas (draft-ietf-httpapi-ratelimit-headers).",
    "Retry-After": "Seconds to wait before the next call.",
    "Vary": "What else the answer depends on (RFC 9110, section 12.5.5).",
    "WWW-Authenticate": "How to be let in (RFC 6750).",
}

PATH_PARAMETERS = {
    "batch_id": "A batch's id.",
    "code": "A problem's code.",
    "delivery_id": "A delivery's id.",
    "endpoint_id": "A webhook endpoint's id.",
    "job_id": "A transcription's id.",
    "model": "A model's id.",
}


@dataclass(frozen=True)
class Route:
    """One method of one path. `path` is as OpenAPI and API Gateway write it: `/v1/things/{thing_id}`."""

    method: str
    path: str
    function: Callable[..., Any]
    description: Description | None

    @property
    def noun(self) -> str:
        return str(getattr(getmodule(self.function), "__name__", "")).rpartition(".")[2]

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)


def routes(app: APIGatewayRestResolver) -> Iterator[Route]:
    """Every route that the function answers, in the order in which they were written."""
    for registered in (*app._static_routes, *app._dynamic_routes):  # Powertools names them nowhere else
        methods = registered.method if isinstance(registered.method, (list, tuple, set)) else [registered.method]
        path = re.sub(r"<(\w+)>", r"{\1}", registered.path)
        for method in methods:
            yield Route(method, path, registered.func, description_of(registered.func))


@cache
def document(app: APIGatewayRestResolver) -> Json:
    """Return the whole document. A route that says nothing of itself is left out; a test finds it."""
    described = [(route, route.description) for route in routes(app) if route.description]
    schemas = Schemas()
    for _, description in described:
        schemas.want(description)
    components = schemas.resolve()
    explain(components)
    paths: dict[str, Json] = defaultdict(dict)
    for route, description in sorted(described, key=lambda pair: (pair[0].path, pair[0].method)):
        paths[route.path][route.method.lower()] = _operation(route, description, schemas)
    nouns = sorted({route.noun for route, _ in described}, key=lambda noun: (noun == "about", noun))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tiro",
            "version": __version__,
            "summary": "Recorded speech into text",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ".", "description": "Wherever this document lies."}],
        "tags": [{"name": noun} for noun in nouns],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, `tiro_` and 43 characters, or a JWT where an issuer is configured.",
                }
            },
        },
    }


def render(app: APIGatewayRestResolver) -> str:
    return json.dumps(document(app), indent=2, ensure_ascii=False) + "\n"


class Schemas:
    """The JSON schemas of everything that is sent or answered; a model used both ways may have two."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[str, Mode], TypeAdapter[Any]] = {}
        self._found: dict[tuple[str, Mode], Json] = {}
        self._add(Problem, "serialization")

    def want(self, description: Description) -> None:
        self._add(description.body, "validation")
        self._add(description.problem_model, "serialization")
        for parameter in description.parameters:
            self._add(parameter.type, "validation")
        for answer in description.answers.values():
            self._add(answer.model, "serialization")

    def _add(self, kind: Any, mode: Mode) -> None:
        if kind is not None:
            self._wanted.setdefault((repr(kind), mode), TypeAdapter(kind))

    def resolve(self) -> Json:
        """Return the components; from now on `of` answers."""
        inputs = [(key, mode, adapter) for (key, mode), adapter in self._wanted.items()]
        found, rest = TypeAdapter.json_schemas(inputs, ref_template=REF)
        self._found = dict(found)
        components: Json = rest.get("$defs", {})
        return dict(sorted(components.items()))

    def of(self, kind: Any, mode: Mode) -> Json:
        return self._found[repr(kind), mode]


def _operation(route: Route, description: Description, schemas: Schemas) -> Json:
    operation: Json = {
        "tags": [route.noun],
        "operationId": f"{route.noun}_{route.function.__name__}",
        "summary": description.summary,
        "description": _about(description),
        "parameters": list(_parameters(route, description, schemas)),
        "responses": _responses(route, description, schemas),
        "security": [{"bearer": [description.scope.value]}] if description.scope else [],
    }
    if description.body is not None:
        content: Json = {"schema": schemas.of(description.body, "validation")}
        if description.example is not None:
            content["example"] = description.example
        operation["requestBody"] = {"required": True, "content": {description.body_type: content}}
    return operation


def _about(description: Description) -> str:
    needed = f"Needs the scope `{description.scope}`." if description.scope else "Needs no key."
    return f"{description.about}\n\n{needed}".strip()


def _parameters(route: Route, description: Description, schemas: Schemas) -> Iterator[Json]:
    for name in route.parameters:
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_PARAMETERS[name],
            "schema": {"type": "string", "minLength": 1},
        }
    for parameter in description.parameters:
        yield _parameter(parameter, schemas)


def _parameter(parameter: Parameter, schemas: Schemas) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required,
        "description": parameter.about,
        "schema": schemas.of(parameter.type, "validation"),
    }


def _responses(route: Route, description: Description, schemas: Schemas) -> Json:
    responses = {str(status): _answer(status, answer, schemas) for status, answer in description.answers.items()}
    by_status: dict[int, list[type[TiroError]]] = defaultdict(list)
    for status, problem in (*_common(route, description), *((p.status, p) for p in description.problems)):
        told = by_status[description.retold.get(status, status)]
        if problem not in told:
            told.append(problem)
    for status, problems in sorted(by_status.items()):
        responses[str(status)] = _refusal(problems, description, schemas)
    return responses


def _common(route: Route, description: Description) -> Iterator[tuple[int, type[TiroError]]]:
    """What every route can answer, the gateway's own refusals among it."""
    yield 400, BadRequest
    if description.scope:
        yield 401, KeyRefused
        yield 403, ScopeMissing
        yield 403, Forbidden
    if route.parameters:
        yield 404, RouteNotFound
    if description.body is not None:
        yield 413, PayloadTooLarge
    if description.body is not None and description.body_type == "application/json":
        yield 415, UnsupportedMediaType
    yield 429, Throttled
    yield 500, InternalError
    yield 503, ServiceUnavailable
    yield 504, ServiceUnavailable


def _answer(status: int, answer: Answer, schemas: Schemas) -> Json:
    content: Json = {media_type: {"schema": {"type": "string"}} for media_type in answer.media_types}
    if answer.model is not None:
        content["application/json"] = {"schema": schemas.of(answer.model, "serialization")}
    told: Json = {"description": answer.about or HTTPStatus(status).phrase, "headers": _headers(answer.headers)}
    return told | ({"content": content} if content else {})


def _headers(names: Iterable[str]) -> Mapping[str, Json]:
    return {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in names}


def _refusal(problems: Iterable[type[TiroError]], description: Description, schemas: Schemas) -> Json:
    codes = [problem.code for problem in problems]
    told = "\n".join(f"- [`{p.code}`](problems/{p.code}): {p.title}." for p in problems)
    shape = {"allOf": [schemas.of(Problem, "serialization"), {"properties": {"code": {"enum": codes}}}]}
    content: Json = {PROBLEM_MEDIA_TYPE: {"schema": shape}}
    if description.problem_model:
        content["application/json"] = {"schema": schemas.of(description.problem_model, "serialization")}
    retryable = [problem for problem in problems if problem.retryable]
    names = (*(["Retry-After"] if retryable else []), *(["WWW-Authenticate"] if KeyRefused in problems else []))
    return {"description": told, "headers": _headers(names), "content": content}


if __name__ == "__main__":
    from functions.api import app

    Path(sys.argv[1]).write_text(render(app()), encoding="utf-8")
