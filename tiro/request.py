"""What a caller may ask. Everything hostile stops here."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from tiro.address import Address
from tiro.errors import AddressRefused, FieldProblem, InvalidRequest, MalformedBody
from tiro.handling import Handling
from tiro.language import parse_language
from tiro.webhook import JobWebhook

OWNER_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
"""An owner's name stands in S3 keys and metrics: a DNS label (RFC 1123)."""


MAX_PROBLEMS = 20
MAX_PROBLEM_CHARS = 300


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _whisper_code(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_language(value)
    except InvalidRequest as error:
        raise ValueError(str(error)) from None


Language = Annotated[str, BeforeValidator(_whisper_code)]


def _guess_or_fail(value: Any) -> Any:
    return value if value in ("guess", "fail") else _whisper_code(value)


def _listed(value: Any) -> Any:
    """An object's metadata has no lists: there, words stand between commas."""
    return [word for part in value.split(",") if (word := part.strip())] if isinstance(value, str) else value


Hotword = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]

Metadata = dict[
    Annotated[str, StringConstraints(min_length=1, max_length=64)], Annotated[str, StringConstraints(max_length=512)]
]
"""What a caller wants to find again at the job: an order's number, a name. Tiro makes nothing of it."""


class Options(_Strict):
    """How the recording should be heard."""

    language: Language | None = None  # a BCP 47 tag; left out: detect it
    if_unsure: Annotated[str, BeforeValidator(_guess_or_fail)] = Field(
        default="guess",
        description="Where detection is less sure than `language_threshold`: `guess` takes the likeliest language, "
        "`fail` fails the job with `language_unsure`, and a BCP 47 tag is the language to take instead.",
    )
    language_threshold: float = Field(default=0.5, ge=0, le=1)  # the least probability of a detected language
    multilingual: bool = False  # whether to detect the language anew wherever it may change
    task: Literal["transcribe", "translate"] = "transcribe"  # translate: into English, whatever is spoken
    prompt: str | None = Field(default=None, max_length=2000)  # names and words to expect, in the recording's language
    hotwords: Annotated[tuple[Hotword, ...], BeforeValidator(_listed)] = Field(default=(), max_length=100)
    words: bool = False  # whether to tell when each word is spoken
    model: str | None = Field(default=None, max_length=64)  # of `GET /v1/models`, or left out: the one that hears
    channels: Literal["mix", "separate"] = "mix"  # separate: each is heard by itself, and labelled
    start: float = Field(default=0.0, ge=0, allow_inf_nan=False)  # seconds; where the part wanted begins
    end: float | None = Field(default=None, gt=0, allow_inf_nan=False)  # seconds; left out: the end

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("the part wanted must end after it starts")
        if self.language and self.multilingual:
            raise ValueError("a language that is named is not detected: send language or multilingual")
        return self


AnyModel = TypeVar("AnyModel", bound=BaseModel)


class UploadSource(_Strict):
    """The caller will PUT the recording to a presigned URL."""

    filename: str | None = Field(default=None, max_length=1024)  # echoed, never used as a path
    content_type: str | None = Field(default=None, max_length=255, pattern=r"^[\w.+-]+/[\w.+-]+(?:;[ -~]*)?$")
    size: int | None = Field(default=None, gt=0)  # bytes; when given, S3 refuses any other length


class S3Object(_Strict):
    """An object that is already in a bucket."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> S3Object:
        """Read `s3://bucket/key`; the key is taken as it stands, never percent-decoded.

        Raises ValueError when it is anything else.
        """
        match = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)", uri, re.DOTALL)
        if match is None or len(match[2].encode()) > 1024:
            raise ValueError("an object is named s3://bucket/key, with a key of at most 1,024 bytes")
        return cls(bucket=match[1], key=match[2])


def _readable_url(url: str) -> str:
    try:
        Address.parse(url)
    except AddressRefused as error:
        raise ValueError(str(error)) from None
    return url


def s3_object(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("an object is named by a string, s3://bucket/key")
    return S3Object.parse(value)


class Source(_Strict):
    """Where the recording comes from: exactly one of the fields."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    upload: UploadSource | None = None
    url: Annotated[str, AfterValidator(_readable_url)] | None = None  # http(s), open to everybody or signed
    s3: Annotated[S3Object, BeforeValidator(s3_object, json_schema_input_type=str)] | None = None  # s3://bucket/key

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if sum(given is not None for given in (self.upload, self.url, self.s3)) != 1:
            raise ValueError('send exactly one of "upload", "url" and "s3"')
        return self


class TranscriptionRequest(Options, Handling):
    """The body of `POST /v1/transcriptions`."""

    source: Source
    metadata: Metadata = Field(default={}, max_length=16)  # the caller's own, echoed
    webhook: JobWebhook | None = None  # where alone it is told what becomes of this one; else your endpoints hear

    @property
    def options(self) -> Options:
        return Options.model_validate(self.model_dump(include=set(Options.model_fields)))

    @property
    def handling(self) -> Handling:
        return Handling.model_validate(self.model_dump(include=set(Handling.model_fields)))


def parse_request(body: str | bytes | None) -> TranscriptionRequest:
    """Read a request from JSON.

    Raises MalformedBody when it is not JSON, InvalidRequest naming each field that is wrong.
    """
    try:
        return TranscriptionRequest.model_validate_json(body or b"")
    except ValidationError as error:
        if any(e["type"] == "json_invalid" for e in error.errors()):
            raise MalformedBody('Send a JSON object, such as {"source": {"upload": {}}}.') from None
        raise invalid(error) from None


def parse_body(kind: type[AnyModel], body: str | bytes | None) -> AnyModel:
    """Read the body of any other call; one that is not there is an empty object. Raises as `parse_request`."""
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        if any(e["type"] == "json_invalid" for e in error.errors()):
            raise MalformedBody("Send a JSON object.") from None
        raise invalid(error) from None


def parse_options(values: dict[str, str]) -> Options:
    """Read options from an object's metadata or tags, where others may stand beside ours.

    Raises InvalidRequest naming each option that is wrong.
    """
    try:
        return Options.model_validate({k: v for k, v in values.items() if k in Options.model_fields and v})
    except ValidationError as error:
        raise invalid(error) from None


def parse_handling(values: dict[str, str]) -> Handling:
    """Read from the same what is to become of a job. A dropped recording is its owner's, and theirs to delete.

    Raises InvalidRequest naming each that is wrong.
    """
    named = {name: values[name] for name in ("priority", "retention_seconds") if values.get(name)}
    try:
        return Handling.model_validate(named)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> InvalidRequest:
    """Translate pydantic's error into ours.

    What is wrong is told in part where it is endless: an answer has 6 MB at most, and a request 10.
    """
    problems = tuple(
        FieldProblem(pointer=_clip("".join(f"/{part}" for part in e["loc"])), detail=_clip(_say(e["type"], e["msg"])))
        for e in error.errors(include_url=False, include_context=False, include_input=False)[:MAX_PROBLEMS]
    )
    return InvalidRequest("; ".join(f"{p.pointer or '/'}: {p.detail}" for p in problems), errors=problems)


def _clip(text: str) -> str:
    return text if len(text) <= MAX_PROBLEM_CHARS else f"{text[:MAX_PROBLEM_CHARS]}…"


def _say(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such field"
    return message.removeprefix("Value error, ")
