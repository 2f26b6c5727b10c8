"""What a caller may ask. Everything hostile stops here."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tiro.errors import FieldProblem, InvalidRequest, MalformedBody
from tiro.language import parse_language

OWNER_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
"""An owner's name stands in S3 keys and metrics: a DNS label (RFC 1123)."""


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


class Options(_Strict):
    """How the recording should be heard."""

    language: Language | None = None  # Whisper's code; None: detect it


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


def _s3_object(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("an object is named by a string, s3://bucket/key")
    return S3Object.parse(value)


class Source(_Strict):
    """Where the recording comes from: exactly one of the fields."""

    upload: UploadSource | None = None
    s3: Annotated[S3Object, BeforeValidator(_s3_object)] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if (self.upload is None) == (self.s3 is None):
            raise ValueError('send exactly one of "upload" and "s3"')
        return self


class TranscriptionRequest(Options):
    """The body of `POST /v1/transcriptions`."""

    source: Source

    @property
    def options(self) -> Options:
        return Options.model_validate(self.model_dump(include=set(Options.model_fields)))


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


def parse_options(values: dict[str, str]) -> Options:
    """Read options from an object's metadata or tags, where others may stand beside ours.

    Raises InvalidRequest naming each option that is wrong.
    """
    try:
        return Options.model_validate({k: v for k, v in values.items() if k in Options.model_fields and v})
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> InvalidRequest:
    """Translate pydantic's error into ours."""
    problems = tuple(
        FieldProblem(pointer="".join(f"/{part}" for part in e["loc"]), detail=_say(e["type"], e["msg"]))
        for e in error.errors(include_url=False, include_context=False, include_input=False)
    )
    return InvalidRequest("; ".join(f"{p.pointer or '/'}: {p.detail}" for p in problems), errors=problems)


def _say(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such field"
    return message.removeprefix("Value error, ")
