"""Reads the form that OpenAI's SDKs send: the recording, and how it should be heard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import from_json
from python_multipart.exceptions import FormParserError, ParseError
from python_multipart.multipart import Field as FormField
from python_multipart.multipart import File as FormFile
from python_multipart.multipart import FormParser, parse_options_header

from tiro.errors import FieldProblem, InvalidRequest, MalformedBody, MediaEmpty, MediaTooLarge
from tiro.formats import Granularity
from tiro.request import Language, Options, invalid
from tiro.webhook import JobWebhook

LARGEST_FILE = 4_400_000
"""Bytes. A Lambda is called with 6 MB at most, and API Gateway makes base64 of the form, which takes a third more."""

MANY_FIELDS = 50
LONGEST_FIELD = 10_000

UNSUPPORTED = {
    "stream": "An answer comes in one piece: leave stream out.",
    "include": "Log-probabilities of tokens are not kept; verbose_json has avg_logprob of each segment.",
    "chunking_strategy": "A recording is always cut where nobody speaks: leave chunking_strategy out.",
    "languages": "One language can be named, as language.",
    "keywords": "Put the words to expect into the prompt.",
    "known_speaker_names": "Speakers are not told apart.",
    "known_speaker_references": "Speakers are not told apart.",
}
"""Fields that OpenAI has and that would change the answer. To ignore them would be to lie."""


def _as_json(value: Any) -> Any:
    try:
        return from_json(value, allow_inf_nan=False) if isinstance(value, str) else value
    except (ValueError, TypeError, RecursionError):  # TypeError: half of a surrogate pair
        raise ValueError("must be a JSON object") from None


class TranslationForm(BaseModel):
    """The fields beside `file`. What is said is written down in English; the language it is said in is detected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(description="`whisper-1`, which is whatever is deployed, or the id of the model deployed.")
    prompt: str | None = Field(None, max_length=2000)
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] = "json"
    temperature: float = Field(
        0.0, ge=0, le=1, description="Checked and not used: Tiro begins at 0 and rises where the text is bad."
    )
    webhook: Annotated[JobWebhook | None, BeforeValidator(_as_json)] = Field(
        None,
        description="Tiro's own: where this job's end is told, which is after this call when it takes longer. JSON, or "
        "fields such as `webhook[endpoint]`.",
    )

    @property
    def granularities(self) -> tuple[Granularity, ...]:
        return ("segment",)

    @property
    def options(self) -> Options:
        return Options(task="translate", prompt=self.prompt)


class TranscriptionForm(TranslationForm):
    """The fields beside `file`."""

    language: Language | None = None
    timestamp_granularities: tuple[Granularity, ...] = Field((), description="Of `verbose_json`.")

    @property
    def granularities(self) -> tuple[Granularity, ...]:
        return self.timestamp_granularities or ("segment",)

    @property
    def options(self) -> Options:
        return Options(language=self.language, prompt=self.prompt, words="word" in self.granularities)

    @field_validator("timestamp_granularities")
    @classmethod
    def _times_are_told_by_verbose_json(
        cls, value: tuple[Granularity, ...], form: ValidationInfo
    ) -> tuple[Granularity, ...]:
        if value and form.data.get("response_format") != "verbose_json":
            raise ValueError("only the response_format verbose_json tells times")
        return value


class TranslationBody(TranslationForm):
    """The whole form, for the description."""

    file: bytes = Field(description=f"The recording, {LARGEST_FILE:,} bytes at most.")


class TranscriptionBody(TranscriptionForm):
    """The whole form, for the description."""

    file: bytes = Field(description=f"The recording, {LARGEST_FILE:,} bytes at most.")


@dataclass(frozen=True)
class AudioCall:
    body: bytes
    filename: str | None
    form: TranslationForm


def read_call(body: bytes, content_type: str, form: type[TranslationForm]) -> AudioCall:
    """Raises MalformedBody, MediaEmpty, MediaTooLarge, InvalidRequest naming each field that is wrong."""
    files, texts = _parts(body, content_type)
    fields = _fields(texts, form)
    if len(files) != 1 or files[0].field_name != b"file":
        raise _wrong("file", "Send the recording as one file, in the field 'file'.")
    content = _content(files[0])
    name = files[0].file_name
    return AudioCall(content, name.decode(errors="replace")[:1024] if name else None, fields)


def _parts(body: bytes, content_type: str) -> tuple[list[FormFile], dict[str, list[str]]]:
    kind, parameters = parse_options_header(content_type)
    boundary = parameters.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        detail = "Send multipart/form-data with its boundary, as OpenAI's SDKs do."
        if kind.endswith(b"json"):
            detail = f"This call reads a form and got JSON. {detail} POST /v1/transcriptions takes JSON."
        raise MalformedBody(detail)
    files: list[FormFile] = []
    texts: dict[str, list[str]] = {}
    ended: list[bool] = []

    def on_field(field: FormField) -> None:
        name = (field.field_name or b"").decode(errors="replace").removesuffix("[]")
        texts.setdefault(name, []).append((field.value or b"").decode(errors="replace"))
        if len(texts[name]) + len(texts) > MANY_FIELDS or len(texts[name][-1]) > LONGEST_FIELD:
            raise _wrong(name[:80], "The form has too many fields, or one that is too long.")

    # What fits into a call fits into memory: nothing is written to a disk.
    config = {"MAX_MEMORY_FILE_SIZE": 1 << 30}
    try:
        parser = FormParser(
            "multipart/form-data", on_field, files.append, lambda: ended.append(True), boundary=boundary, config=config
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise MalformedBody(_broken(error)) from None
    if not ended:
        raise MalformedBody("The form breaks off before its end.")
    return files, texts


def _broken(error: FormParserError) -> str:
    if isinstance(error, ParseError) and error.offset >= 0:
        return f"The form cannot be read: it is broken at byte {error.offset:,}."
    return (
        "The form cannot be read: its boundary is too long, a field has no name or is too long, or its "
        "Content-Transfer-Encoding is unknown."
    )


def _content(file: FormFile) -> bytes:
    """Raises MediaEmpty, MediaTooLarge."""
    if file.size == 0:
        raise MediaEmpty("The file has no bytes in it.")
    if file.size > LARGEST_FILE:
        raise MediaTooLarge(
            f"The file has {file.size:,} bytes, and a call can carry {LARGEST_FILE:,}. Larger ones go another way: "
            'POST /v1/transcriptions with {"source": {"upload": {}}} makes a job and answers where to PUT the file.'
        )
    file.file_object.seek(0)
    content: bytes = file.file_object.read()
    return content


def _fields(texts: dict[str, list[str]], form: type[TranslationForm]) -> TranslationForm:
    values: dict[str, Any] = {}
    for name, said in texts.items():
        given: list[Any] = [value for value in said if value != ""]  # a client's way of saying nothing
        if name in UNSUPPORTED and given and given != ["false"]:
            raise _wrong(name, UNSUPPORTED[name])
        if given and name not in UNSUPPORTED:
            value = given if name == "timestamp_granularities" or len(given) > 1 else given[0]
            if inner := re.fullmatch(r"(\w+)\[(\w+)\]", name):  # an object, as SDKs flatten it
                if not isinstance(holder := values.setdefault(inner[1], {}), dict):
                    raise _wrong(inner[1], "It is said twice.")
                holder[inner[2]] = value
            else:
                values[name] = value
    try:
        return form.model_validate(values)
    except ValidationError as error:
        raise invalid(error, form) from None


def _wrong(name: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, errors=(FieldProblem(pointer=f"/{name}", detail=detail),))
