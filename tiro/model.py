"""Whisper's models, as far as a caller must know them: what each understands, and whether it translates."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tiro.errors import FieldProblem, InvalidRequest, ModelNotFound
from tiro.language import WHISPER_LANGUAGES, to_bcp47

_RELEASED = {"large-v2": (2022, 12, 5), "large-v3": (2023, 11, 6), "large-v3-turbo": (2024, 9, 30)}
"""When OpenAI published the weights (openai/whisper, CHANGELOG.md); the others came first, together."""

_FIRST = (2022, 9, 21)

WHISPER = "whisper-1"
"""What OpenAI calls Whisper large-v2; in its calls it stands for the model that transcribes here."""

_ALIASES = {"turbo": "large-v3-turbo", "large": "large-v3"}


class Model(BaseModel):
    """One model of the stack's. The first four fields are OpenAI's."""

    model_config = ConfigDict(frozen=True)

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="When its weights were published, in seconds since 1970.")
    owned_by: str = "openai"
    languages: tuple[str, ...] = Field(description="BCP 47 tags.")
    translates: bool = Field(description="Whether it can write down in English what is said in another language.")
    default: bool = Field(description="Whether it is the one that hears where none is named.")


class ModelList(BaseModel):
    """OpenAI's list."""

    model_config = ConfigDict(frozen=True)

    object: Literal["list"] = "list"
    data: tuple[Model, ...]


def list_models(names: tuple[str, ...]) -> ModelList:
    """Return what is known of the models deployed; the first is the default."""
    return ModelList(data=tuple(_model(name, default=name == names[0]) for name in names))


def find_model(model_id: str, names: tuple[str, ...]) -> Model:
    """Return a model by an id that a call may name: of those deployed, or OpenAI's `whisper-1`.

    Raises ModelNotFound.
    """
    if model_id == WHISPER:
        return _model(names[0], default=True).model_copy(update={"id": WHISPER})
    for model in list_models(names).data:
        if model.id == model_id:
            return model
    known = ", ".join((*names, WHISPER))
    raise ModelNotFound(f"There is no model {model_id[:80]!r} here. There are: {known}.{suggest(model_id, names)}")


def suggest(model_id: str, names: tuple[str, ...]) -> str:
    """Return a question for a name that is like one deployed, or an empty string."""
    meant = get_close_matches(model_id.lower()[:80], names, n=1, cutoff=0.75)
    return f" Did you mean {meant[0]!r}?" if meant else ""


def check_understood(name: str, *, language: str | None, task: str) -> None:
    """Raises InvalidRequest for what a model cannot do: a language (Whisper's code), or to translate."""
    model = _model(name, default=True)
    if task == "translate" and not model.translates:
        why = "knows English alone" if model.languages == ("en",) else "was never taught to translate"
        raise _cannot("/task", f"The model {name} {why}: leave task out, or ask a stack with another model.")
    if language and to_bcp47(language) not in model.languages:
        raise _cannot("/language", f"The model {name} does not know the language {to_bcp47(language)!r}.")


def _cannot(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, errors=(FieldProblem(pointer=pointer, detail=detail),))


def _model(name: str, *, default: bool) -> Model:
    known = _ALIASES.get(name, name)
    english = known.endswith(".en")
    yue = known.startswith("large-v3")  # Cantonese came with it
    languages = {"en"} if english else WHISPER_LANGUAGES.keys() - (set() if yue else {"yue"})
    return Model(
        id=name,
        created=int(datetime(*_RELEASED.get(known, _FIRST), tzinfo=UTC).timestamp()),
        languages=tuple(sorted(to_bcp47(language) for language in languages)),
        # The turbo model was trained without translation (openai/whisper, README.md).
        translates=not english and known != "large-v3-turbo",
        default=default,
    )
