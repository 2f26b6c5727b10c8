"""The base of every stored model, and the one way to write it: strict JSON that its own schema reads back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError

from tiro.errors import NotStorable


class StoredModel(BaseModel):
    """A value that is kept: it does not change, and its numbers are finite."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


def encode(model: BaseModel, *, exclude_defaults: bool = False) -> str:
    """Return a model as JSON that its own schema reads back as an equal value. Raises NotStorable.

    A model can hold what JSON or UTF-8 cannot although its schema forbids it: `model_copy` validates nothing, and a
    Python string may hold half a surrogate pair. Pydantic writes NaN as null, which no number is read from.
    """
    try:
        text = model.model_dump_json(
            exclude_defaults=exclude_defaults, warnings=False
        )  # what is odd does not read back
        reads_back = type(model).model_validate_json(text) == model
    except (PydanticSerializationError, ValidationError) as error:
        raise _not_storable(model) from error
    if not reads_back:
        raise _not_storable(model)
    return text


def _not_storable(model: BaseModel) -> NotStorable:
    defect = next(_defects(model, ""), "it reads back as another value")
    return NotStorable(
        f"What Tiro made cannot be stored ({type(model).__name__}: {defect}). This is a defect of Tiro's, not of the "
        "recording. Try the job again; if it fails again, report its id."
    )


def _defects(value: Any, path: str) -> Iterator[str]:
    """Yield in words each value below `path` that strict JSON cannot hold."""
    match value:
        case float() if not math.isfinite(value):
            yield f"{path} is {value}, not a finite number"
        case str() if not _is_unicode(value):
            yield f"{path} is not valid Unicode"
        case BaseModel():
            for name, each in value:
                yield from _defects(each, f"{path}/{name}")
        case Mapping():
            for key, each in value.items():
                yield from _defects(each, f"{path}/{key!a}")
        case list() | tuple():
            for place, each in enumerate(value):
                yield from _defects(each, f"{path}/{place}")


def _is_unicode(text: str) -> bool:
    """Whether a text is free of lone surrogates, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
