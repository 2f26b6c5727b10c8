"""Reads the JSON of a request's body strictly (RFC 8259), and says in Tiro's words where it is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tiro.errors import FieldProblem, InvalidRequest, MalformedBody

MAX_DEPTH = 64
"""Levels of lists and objects. The deepest body that Tiro reads has five."""

MAX_EXACT = 2**53
"""Up to here every integer has one float (IEEE 754, binary64)."""

EXAMPLE = '{"source": {"upload": {}}}'

_EXPECTED = {
    "Expecting value": "a value",
    "Expecting property name enclosed in double quotes": "a name in double quotes",
    "Expecting ':' delimiter": "a colon",
    "Expecting ',' delimiter": "a comma or a closing bracket",
    "Illegal trailing comma before end of object": "no comma",
    "Illegal trailing comma before end of array": "no comma",
    "Extra data": "the end of the body",
    "Invalid control character at": "an escape such as \\n",
    "Invalid \\escape": "an escape that JSON has",
    "Invalid \\uXXXX escape": "four hexadecimal digits",
}
"""What should be at the place that the standard library names, by the first words of its message (json/decoder.py)."""


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its names came twice."""

    twice: str | None = None


def read_json(body: str | bytes | None) -> Any:
    """Return the value that a body holds; a number without a fraction, such as `1.0`, is an int.

    Raises MalformedBody where it is not JSON, with the line and column; InvalidRequest, with a JSON pointer, where a
    name appears twice in an object or a number is not finite.
    """
    text = _decode(body)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_number)
    except json.JSONDecodeError as error:
        raise MalformedBody(_where(text, error)) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # of int(): sys.int_info.default_max_str_digits
        raise MalformedBody("The body has a number with too many digits.") from None
    _check(value, "", 0)
    return value


def escape(name: str) -> str:
    """Return a name as a JSON pointer writes it (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _decode(body: str | bytes | None) -> str:
    try:
        text = body.decode() if isinstance(body, bytes) else body or ""
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8.") from None
    if text.startswith("\ufeff"):
        raise MalformedBody("The body begins with a byte order mark. Send UTF-8 without one.")
    if not text.strip():
        raise MalformedBody(f"The body is empty. Send a JSON object, such as {EXAMPLE}.")
    return text


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    value = _Object(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        value.twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    return value


def _number(text: str) -> int | float:
    """JSON Schema calls any number without a fraction an integer (2020-12, Core, section 4.2.3)."""
    number = float(text)
    return int(number) if abs(number) < MAX_EXACT and number.is_integer() else number


def _where(text: str, error: json.JSONDecodeError) -> str:
    place = f"line {error.lineno}, column {error.colno}"
    expected = next((ours for theirs, ours in _EXPECTED.items() if error.msg.startswith(theirs)), None)
    if error.msg.startswith("Unterminated string"):
        detail = f"the string that begins at {place} has no end"
    elif expected is None:
        detail = f"it cannot be read at {place}"
    elif error.pos >= len(text):
        detail = f"it ends at {place}; expected: {expected}"
    else:
        detail = f"{place} has {_shown(text[error.pos])}; expected: {expected}{_hint(text, error.pos)}"
    return f"The body is not JSON: {detail}. Send a JSON object, such as {EXAMPLE}."


def _hint(text: str, place: int) -> str:
    rest = text[place : place + 8]
    if rest.startswith("'"):
        return " (a string has double quotes)"
    if rest.startswith(("True", "False", "None")):
        return " (JSON writes true, false and null)"
    if rest[0] in "}]" and text[:place].rstrip().endswith(","):
        return " (remove the comma before it)"
    return ""


def _shown(character: str) -> str:
    return character if character.isprintable() and character != " " else f"U+{ord(character):04X}"


def _check(value: Any, pointer: str, depth: int) -> None:
    """Raises MalformedBody, InvalidRequest for what JSON's grammar allows and no field of Tiro's can hold."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, str):
        _check_text(value, pointer)
    elif isinstance(value, float) and (value != value or abs(value) == float("inf")):
        raise _wrong(pointer, "must be a finite number")
    elif isinstance(value, _Object) and value.twice is not None:
        raise _wrong(f"{pointer}/{escape(value.twice)}", "appears twice in its object: send it once")
    for name, inner in _members(value):
        _check(inner, f"{pointer}/{escape(name)}", depth + 1)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name, "")
            yield name, inner
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield str(number), inner


def _check_text(text: str, pointer: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MalformedBody(f"{pointer or 'A name'} has half of a surrogate pair, which is no character.") from None


def _too_deep() -> MalformedBody:
    return MalformedBody(f"The body has more than {MAX_DEPTH} levels of lists and objects.")


def _wrong(pointer: str, detail: str) -> InvalidRequest:
    pointer = pointer if len(pointer) <= 300 else f"{pointer[:300]}…"
    return InvalidRequest(f"{pointer or '/'}: {detail}", errors=(FieldProblem(pointer=pointer, detail=detail),))
