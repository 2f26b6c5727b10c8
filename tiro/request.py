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
    ValidationInfo,
    model_validator,
)

from tiro.address import Address
from tiro.errors import AddressRefused, InvalidRequest
from tiro.foreign_fields import suggest_value
from tiro.handling import Handling
from tiro.language import parse_language
from tiro.validation import invalid as invalid
from tiro.validation import parse_json, shown
from tiro.webhook import JobWebhook

LATEST = 31_536_000.0
"""Seconds: a year. No recording is that long, and a decoder cannot count to any number."""

MAX_TRACK = 1000
"""Number of an audio track; a file that has more is no recording."""

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

GUESSES = ("guess", "fail")
"""What to do about a language that is not certain, besides taking one that is named."""

MEDIA_TYPES = re.compile(
    r"(?:(?:audio|video)/[\w.+-]+|application/(?:octet-stream|ogg|x-ogg|mp4|mxf|vnd\.ms-asf|vnd\.rn-realmedia(?:-vbr)?)|"
    r"binary/octet-stream)(?:;[ -~]*)?",
    re.ASCII | re.IGNORECASE,
)
"""The media types of an upload: recordings, or bytes of any kind (IANA's registry; `binary/octet-stream` is S3's own).

A browser that opens the recording's address gets it by this type, so no type is accepted that a browser runs.
"""


def _guess_or_fail(value: Any) -> Any:
    if value in GUESSES:
        return value
    try:
        return _whisper_code(value)
    except ValueError as error:
        raise ValueError(
            f"must be 'guess', 'fail' or a language: {str(error).rstrip('.')}{suggest_value(value, GUESSES)}"
        ) from None


def _listed(value: Any, info: ValidationInfo) -> Any:
    """Return a tuple: of a JSON list, and of the words between commas in an object's metadata, which has no lists."""
    if isinstance(value, str) and info.mode == "python":
        return tuple(word for part in value.split(",") if (word := part.strip()))
    # What a function returns is checked as a Python value, of which strict types take no list for a tuple.
    return tuple(value) if isinstance(value, list) else value


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
    track: int | None = Field(
        default=None,
        ge=1,
        le=MAX_TRACK,
        description="Number of the audio track to transcribe, from 1 in the order of the file. Left out: one that can "
        "be decoded and has speech; `warnings` names the others.",
    )
    tracks: Literal["one", "all"] = Field(
        default="one",
        description="`all` transcribes every audio track, each channel separately and labelled; it needs "
        "`channels: separate`.",
    )
    start: float = Field(default=0.0, ge=0, le=LATEST, allow_inf_nan=False)  # seconds; where the part wanted begins
    end: float | None = Field(default=None, gt=0, le=LATEST, allow_inf_nan=False)  # seconds; left out: the end

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("the part wanted must end after it starts")
        if self.language and self.multilingual:
            raise ValueError("a language that is named is not detected: send language or multilingual")
        if self.tracks == "all" and self.channels != "separate":
            raise ValueError(
                "tracks: all needs channels: separate, since tracks are never mixed: send both, or a track"
            )
        if self.tracks == "all" and self.track is not None:
            raise ValueError("tracks: all takes every track: send track or tracks")
        return self


AnyModel = TypeVar("AnyModel", bound=BaseModel)


def _media_type(value: str) -> str:
    if MEDIA_TYPES.fullmatch(value) is None:
        raise ValueError(
            f"must be a media type of a recording, not {shown(value)}: audio/* or video/* such as 'audio/mpeg', "
            "'application/ogg', 'application/mp4', 'application/mxf' or 'application/octet-stream' (the pattern is "
            "type/subtype). Leave it out where it is not known"
        )
    return value


ContentType = Annotated[
    str,
    Field(max_length=255, json_schema_extra={"pattern": f"^(?:{MEDIA_TYPES.pattern})$"}),
    AfterValidator(_media_type),
]


class UploadSource(_Strict):
    """The caller will PUT the recording to a presigned URL."""

    filename: str | None = Field(default=None, max_length=1024)  # echoed, never used as a path
    content_type: ContentType | None = None  # audio/*, video/*, application/octet-stream and a few more
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
            raise ValueError(
                f"an object is named s3://bucket/key, not {shown(uri.partition('?')[0])}: a bucket's name has 3 to 63 "
                "of a-z, 0-9, '.' and '-', and the key at most 1,024 bytes"
            )
        return cls(bucket=match[1], key=match[2])


def _readable_url(url: str) -> str:
    try:
        Address.parse(url)
    except AddressRefused as error:
        raise ValueError(str(error)) from None
    return url


def s3_object(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f"an object is named by a string, s3://bucket/key, not {shown(value)}")
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
    """Return the request that a JSON body holds.

    Raises MalformedBody when it is not JSON, InvalidRequest naming each field that is wrong.
    """
    return parse_json(TranscriptionRequest, body)


def parse_body(kind: type[AnyModel], body: str | bytes | None) -> AnyModel:
    """Return the body of any other call; without one, of an empty object. Raises as `parse_request`."""
    return parse_json(kind, body or "{}")


def parse_options(values: dict[str, str]) -> Options:
    """Read options from an object's metadata or tags, where others may stand beside ours.

    Raises InvalidRequest naming each option that is wrong.
    """
    try:
        return Options.model_validate({k: v for k, v in values.items() if k in Options.model_fields and v})
    except ValidationError as error:
        raise invalid(error, Options) from None


def parse_handling(values: dict[str, str]) -> Handling:
    """Read from the same what is to become of a job. A dropped recording is its owner's, and theirs to delete.

    Raises InvalidRequest naming each that is wrong.
    """
    named = {name: values[name] for name in ("priority", "retention_seconds") if values.get(name)}
    try:
        return Handling.model_validate(named)
    except ValidationError as error:
        raise invalid(error, Handling) from None
