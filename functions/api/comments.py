"""The comment beside a model's field is its description in OpenAPI: it is written once, where the field is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

_FIELD = re.compile(r"^    (\w+): .*  # (.+)$", re.MULTILINE)
"""As ruff formats it: two spaces before the comment, one behind its sign."""


def explain(components: dict[str, Any]) -> None:
    """Add to every property without a description the comment beside its field, where there is one."""
    models = {model.__name__: model for model in _models(BaseModel)}
    for name, schema in components.items():
        # Pydantic names a model that comes in and goes out in two shapes X-Input and X-Output.
        if model := models.get(re.sub(r"-(Input|Output)$", "", name)):
            comments = _comments(model)
            for field, what in schema.get("properties", {}).items():
                if field in comments:
                    what.setdefault("description", comments[field])


def _models(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith(("tiro.", "functions.")):
            yield below
        yield from _models(below)


def _comments(model: type[BaseModel]) -> dict[str, str]:
    """Return the comments beside a model's fields, those that it inherits included."""
    found: dict[str, str] = {}
    for ours in reversed(model.__mro__):
        if ours.__module__.startswith(("tiro.", "functions.")):
            found |= dict(_FIELD.findall(inspect.getsource(ours)))
    return found
