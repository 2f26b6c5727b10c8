"""What a reader asks for, in a query and an `Accept` header, becomes a format and what to make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tiro.errors import FieldProblem, FormatNotAcceptable, InvalidRequest
from tiro.foreign_fields import suggest_value
from tiro.formats import FORMATS, Format, Granularity, Rules, Wishes
from tiro.validation import invalid, shown

NEGOTIABLE = tuple(FORMATS[name] for name in ("json", "txt", "vtt", "srt", "tsv"))
"""What `Accept` may choose, the one first that is meant by `*/*`."""


def _listed(value: Any) -> Any:
    parts = value.split(",") if isinstance(value, str) else value
    return [part.strip() for part in parts] if all(isinstance(part, str) for part in parts) else parts


class TranscriptQuery(BaseModel):
    """The query of `GET /v1/transcriptions/{id}/transcript`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str | None = Field(None, description=f"One of {', '.join(FORMATS)}. Left out, `Accept` decides.")
    max_chars_per_line: int = Field(
        42, ge=10, le=200, description="Of a subtitle. A wide character, such as a Chinese one, counts as two."
    )
    max_lines: int = Field(2, ge=1, le=10, description="Of a subtitle.")
    max_cue_seconds: float = Field(
        7.0, ge=0.5, le=3600, description="The longest time that a subtitle is shown, default 7. A longer one is cut."
    )
    max_cps: float | None = Field(
        None,
        ge=1,
        le=1000,
        description="The highest reading speed, in characters per second; a wide character counts as two. A faster "
        "subtitle is extended into the pause beside it or joined with its neighbour. Default: the speed of Netflix's "
        "guide for the language: 20; of wide characters 7 in Japanese, 14 in Korean, 11 in Chinese.",
    )
    timestamp_granularities: Annotated[tuple[Granularity, ...], BeforeValidator(_listed)] = Field(
        ("segment",), min_length=1, description="Of `verbose_json`: `word`, `segment` or both, comma-separated."
    )


_BELONGS_TO = {
    **dict.fromkeys(("max_chars_per_line", "max_lines", "max_cue_seconds", "max_cps"), ("srt", "vtt")),
    "timestamp_granularities": ("verbose_json",),
}


@dataclass(frozen=True)
class Choice:
    form: Format
    wishes: Wishes


def choose(query: Mapping[str, Sequence[str]], accept: str = "") -> Choice:
    """Return what is asked for; a `format` in the query has the last word.

    Raises FormatNotAcceptable, InvalidRequest naming each parameter that is wrong or of another format's.
    """
    try:
        asked = TranscriptQuery.model_validate({k: v[0] if len(v) == 1 else v for k, v in query.items()})
    except ValidationError as error:
        raise invalid(error, TranscriptQuery) from None
    form = _named(asked.format) if asked.format is not None else negotiate(accept)
    _check_belonging(asked, form)
    rules = Rules(asked.max_chars_per_line, asked.max_lines, asked.max_cue_seconds, asked.max_cps)
    return Choice(form, Wishes(rules=rules, granularities=asked.timestamp_granularities))


def _named(name: str) -> Format:
    if name not in FORMATS:
        meant = suggest_value(name, FORMATS).removeprefix("; ")
        detail = f"There is no format {shown(name)}. Ask for one of {', '.join(FORMATS)}."
        raise FormatNotAcceptable(f"{detail} {meant[:1].upper()}{meant[1:]}".rstrip())
    return FORMATS[name]


def _check_belonging(asked: TranscriptQuery, form: Format) -> None:
    """A wish that the format cannot grant is refused: silence would look as if it had been granted."""
    strange = [name for name in _BELONGS_TO if name in asked.model_fields_set and form.name not in _BELONGS_TO[name]]
    problems = tuple(
        FieldProblem(
            pointer=f"/{name}",
            detail=f"{form.name} does not take it: leave it out, or ask for {' or '.join(_BELONGS_TO[name])}",
        )
        for name in strange
    )
    if problems:
        raise InvalidRequest("; ".join(f"{p.pointer}: {p.detail}" for p in problems), errors=problems)


def negotiate(accept: str) -> Format:
    """Return the format that an `Accept` header likes best (RFC 9110, section 12.5.1).

    Of two liked equally, the one it names more exactly, then the one it names first. Raises FormatNotAcceptable.
    """
    ranges = [_Range.parse(part, place) for place, part in enumerate(accept.split(",")) if part.strip()]
    if not ranges:
        return NEGOTIABLE[0]
    liked = [(found, form) for form in NEGOTIABLE if (found := _most_exact(ranges, form)) and found.quality > 0]
    if not liked:
        offered = ", ".join(form.media_type for form in NEGOTIABLE)
        raise FormatNotAcceptable(f"No type of the header Accept is there. Send one of {offered}, or name a format.")
    _, best = max(liked, key=lambda pair: (pair[0].quality, pair[0].exactness, -pair[0].place))
    return best


@dataclass(frozen=True)
class _Range:
    """One media range of an `Accept` header."""

    type: str
    subtype: str
    quality: float  # 0 to 1; 0: not this
    place: int  # in the header

    @classmethod
    def parse(cls, text: str, place: int) -> _Range:
        media_range, *parameters = (part.strip().lower() for part in text.split(";"))
        kind, _, subtype = media_range.partition("/")
        weights = [p.partition("=")[2] for p in parameters if p.partition("=")[0].strip() == "q"]
        return cls(kind, subtype, _quality(weights[0]) if weights else 1.0, place)

    @property
    def exactness(self) -> int:
        return (self.type != "*") + (self.subtype != "*")

    def covers(self, form: Format) -> bool:
        kind, subtype = form.media_type.split("/")
        return self.type in ("*", kind) and self.subtype in ("*", subtype)


def _most_exact(ranges: list[_Range], form: Format) -> _Range | None:
    return max((r for r in ranges if r.covers(form)), key=lambda r: r.exactness, default=None)


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0  # what cannot be read is no reason to send something
