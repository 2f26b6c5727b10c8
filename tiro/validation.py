"""Translates pydantic's errors into Tiro's sentences: where, what was sent, what is accepted, what was probably meant.

A detail continues the field's name: "/source/upload/size: must be a whole number, not true".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tiro.errors import FieldProblem, InvalidRequest
from tiro.foreign_fields import suggest_field, suggest_value
from tiro.json_body import escape, read_json

MAX_PROBLEMS = 20
MAX_PROBLEM_CHARS = 300
MAX_SHOWN = 40
"""Characters of a value that are repeated to its sender."""

SECRETS = frozenset({"secret"})
"""Fields whose value is never repeated."""

AnyModel = TypeVar("AnyModel", bound=BaseModel)


def parse_json(kind: type[AnyModel], body: str | bytes | None) -> AnyModel:
    """Return the model that a JSON body holds, by strict types: `"5"` is no number and `1` is no boolean.

    Raises MalformedBody where the body is not JSON, InvalidRequest naming each field that is wrong.
    """
    value = read_json(body)
    try:
        return kind.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise invalid(error, kind) from None


def invalid(error: ValidationError, kind: type[BaseModel] | None = None) -> InvalidRequest:
    """Return what a caller is told of fields that are wrong; with their model, names like theirs are suggested too.

    Only the first twenty are named, each in part where it is long: an answer has 6 MB at most, and a request 10.
    """
    found = error.errors(include_url=False)
    broken = {tuple(e["loc"][:n]) for e in found for n in range(len(e["loc"]))}
    # pydantic counts the items that are right: a list of one wrong item is also "too short".
    told = [e for e in found if not (e["type"] == "too_short" and tuple(e["loc"]) in broken)]
    problems = tuple(_problem(e, kind) for e in told[:MAX_PROBLEMS])
    return InvalidRequest("; ".join(f"{p.pointer or '/'}: {p.detail}" for p in problems), errors=problems)


def _problem(error: ErrorDetails, kind: type[BaseModel] | None) -> FieldProblem:
    *names, last = error["loc"] or ("",)
    of_key = last == "[key]"  # pydantic's way to say that a name in a dict is wrong, not its value
    pointer = "".join(f"/{escape(str(part))}" for part in (names if of_key else error["loc"]))
    detail = ("its name " if of_key else "") + _say(error, kind)
    return FieldProblem(pointer=_clip(pointer), detail=_clip(detail))


def _clip(text: str) -> str:
    text = text.encode(errors="replace").decode()  # half of a surrogate pair cannot be sent back
    return text if len(text) <= MAX_PROBLEM_CHARS else f"{text[:MAX_PROBLEM_CHARS]}…"


def _say(error: ErrorDetails, kind: type[BaseModel] | None) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such field" + suggest_field(str(error["loc"][-1]), _model_at(kind, error["loc"][:-1]))
    say = SENTENCES.get(error["type"])
    return say(error) if say else f"is not accepted{_instead(error)}"


# ---------------------------------------------------------------- what was sent


def shown(value: Any) -> str:
    """Return a value as a message repeats it: JSON, in part where it is long; of lists and objects only the kind."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None or isinstance(value, (bool, int, float, str)):
        text = json.dumps(value[: MAX_SHOWN + 1] if isinstance(value, str) else value, ensure_ascii=False)
        # A terminal must not obey what a message repeats: escape sequences, marks that turn the direction of text.
        text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
        return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
    return "this"


def _instead(error: ErrorDetails) -> str:
    if error["loc"] and error["loc"][-1] in SECRETS:
        return ""
    return f", not {shown(error['input'])}"


def _length(error: ErrorDetails) -> str:
    return f"; it has {len(error['input']):,}" if isinstance(error["input"], (str, list, tuple, dict)) else ""


# ---------------------------------------------------------------- a sentence for each type of error


def _must(be: str) -> Callable[[ErrorDetails], str]:
    return lambda error: f"must be {be}{_instead(error)}"


def _bound(words: str, limit: str) -> Callable[[ErrorDetails], str]:
    return lambda error: f"must be {words} {error['ctx'][limit]:,}{_instead(error)}"


def _sized(words: str, limit: str, unit: str) -> Callable[[ErrorDetails], str]:
    def say(error: ErrorDetails) -> str:
        most = error["ctx"][limit]
        return f"must have {words} {most:,} {unit}{'' if most == 1 else 's'}{_length(error)}"

    return say


def _choice(error: ErrorDetails) -> str:
    expected = str(error["ctx"]["expected"])
    accepted = [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(",")]
    return f"must be {expected}{_instead(error)}{suggest_value(error['input'], accepted)}"


_OBJECTS = {
    "upload": 'send {}, or {"filename": "talk.mp3"}',
    "webhook": 'send {"url": "https://…", "secret": "whsec_…"} or {"endpoint": "wh_…"}',
    "metadata": 'send {"name": "value"}',
}
"""Examples of objects that callers tend to send as a string, by their field's name."""


def _object(error: ErrorDetails) -> str:
    if not error["loc"]:
        return f"must be a JSON object{_instead(error)}"
    name, sent = error["loc"][-1], error["input"]
    example = _source_of(sent) if name == "source" and isinstance(sent, str) else _OBJECTS.get(str(name))
    return f"must be an object{_instead(error)}{f': {example}' if example else ''}"


def _source_of(text: str) -> str:
    if text.startswith("s3://"):
        return 'send {"s3": "s3://bucket/key"}'
    if text.lower().startswith(("http://", "https://")):
        return 'send {"url": "https://…"}'
    return 'send one of {"upload": {}}, {"url": "https://…"} and {"s3": "s3://bucket/key"}'


def _time(error: ErrorDetails) -> str:
    detail = f"must be a time such as 2026-01-31T12:00:00Z (RFC 3339){_instead(error)}"
    if isinstance(error["input"], str) and _lost_its_plus(error["input"]):
        detail += ". In a URL + means a space: write %2B, or a time in UTC, which ends in Z"
    return detail


def _lost_its_plus(text: str) -> bool:
    before, space, after = text.rpartition(" ")
    try:
        return bool(space) and datetime.fromisoformat(f"{before}+{after}").tzinfo is not None
    except ValueError:
        return False


def _whole(error: ErrorDetails) -> str:
    return f"must be a whole number{_instead(error)}"


_PATTERNS = {
    "etag": "must be the ETag that S3 answered: 32 to 70 hexadecimal digits, with or without quotes",
}
"""What a pattern asks for, by the name of its field; a regular expression is no help to most readers."""


def _pattern(error: ErrorDetails) -> str:
    said = _PATTERNS.get(str(error["loc"][-1]), "does not match the pattern of this field")
    return f"{said}{_instead(error)}"


SENTENCES: dict[str, Callable[[ErrorDetails], str]] = {
    "missing": lambda _: "is required",
    "value_error": lambda error: str(error["ctx"]["error"]),
    "enum": _choice,
    "literal_error": _choice,
    "model_type": _object,
    "dict_type": _object,
    "tuple_type": _must("a list"),
    "list_type": _must("a list"),
    "string_type": _must("a string"),
    "string_unicode": lambda _: "must be text, without halves of surrogate pairs",
    "string_pattern_mismatch": _pattern,
    "bool_type": _must("true or false"),
    "bool_parsing": _must("true or false"),
    "int_type": _whole,
    "int_parsing": _whole,
    "int_parsing_size": lambda _: "must be a whole number with fewer digits",
    "int_from_float": _whole,
    "float_type": _must("a number"),
    "float_parsing": _must("a number"),
    "finite_number": _must("a finite number"),
    "greater_than": _bound("greater than", "gt"),
    "greater_than_equal": _bound("greater than or equal to", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("less than or equal to", "le"),
    "too_short": _sized("at least", "min_length", "item"),
    "too_long": _sized("at most", "max_length", "item"),
    "string_too_short": _sized("at least", "min_length", "character"),
    "string_too_long": _sized("at most", "max_length", "character"),
    "datetime_type": _time,
    "datetime_parsing": _time,
    "datetime_from_date_parsing": _time,
    "datetime_object_invalid": _time,
    "timezone_aware": _time,
}
"""By pydantic's names of its errors (`pydantic_core.ErrorType`): those that a request's models can give."""


# ---------------------------------------------------------------- which model a place is in


def _model_at(kind: type[BaseModel] | None, place: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model that holds a place, such as `('sources', 3, 'upload')`; None where there is none."""
    for name in place:
        if kind is None or isinstance(name, int):
            continue
        field = kind.model_fields.get(name)
        kind = next(_models(field.annotation), None) if field else None
    return kind


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
