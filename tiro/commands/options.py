"""Every option of a request and every rule of a transcript as a flag: one table each, so that a new one is a line.

The API's names are the flags', with hyphens. What has no line yet can be said as `--option name=value`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Flag:
    """One field of the API's. A switch stands alone; a list and pairs may be said again."""

    name: str
    about: str
    metavar: str = ""
    parse: Callable[[str], Any] = str
    kind: Literal["value", "switch", "list", "pairs"] = "value"
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"


OPTIONS = (
    Flag("language", "such as en or pt-BR; without it, detected", "TAG"),
    Flag("if_unsure", "of the language: guess, which is the default, fail, or the tag of the one to take", "WHAT"),
    Flag("language_threshold", "so sure a detection must be: 0 to 1, 0.5 unless told", "P", float),
    Flag("multilingual", "detect the language anew wherever it may change", kind="switch"),
    Flag("task", "translate: into English, whatever is spoken", choices=("transcribe", "translate")),
    Flag("prompt", "names and words to expect, in the recording's language", "TEXT"),
    Flag("hotwords", "a name or word to expect; may be said again", "WORD", kind="list"),
    Flag("words", "tell when each word is spoken", kind="switch"),
    Flag("channels", "separate: each is heard by itself, and labelled", choices=("mix", "separate")),
    Flag("track", "number of the audio track to transcribe, from 1; without it, one that has speech", "N", int),
    Flag("tracks", "all: every audio track, with --channels separate", choices=("one", "all")),
    Flag("start", "seconds; where the part wanted begins", "S", float),
    Flag("end", "seconds; where the part wanted ends", "S", float),
    Flag("model", "the stack's own, by the name that 'tiro models' lists; any other is refused", "ID"),
    Flag("priority", "batch: heard when nothing interactive waits", choices=("interactive", "batch")),
    Flag("retention_seconds", "so long after its end the job is deleted; else it is kept", "S", int),
    Flag("delete_media", "remove the recording that was sent once there is a transcript", kind="switch"),
    Flag("metadata", "your own, to find again at the job; may be said again", "NAME=VALUE", kind="pairs"),
    Flag("webhook", "the id of the endpoint that alone is told of this job", "ID"),
)
"""A test holds them against tiro.request.TranscriptionRequest."""

RULES = (
    Flag("max_chars_per_line", "of a subtitle, 42 unless told; a wide character counts as two", "N", int),
    Flag("max_lines", "of a subtitle, 2 unless told", "N", int),
    Flag("max_cue_seconds", "the longest time that a subtitle is shown; default 7", "S", float),
    Flag("max_cps", "highest reading speed, characters per second; default 20, fewer for wide characters", "N", float),
    Flag("timestamp_granularities", "of verbose_json: word, segment or both, comma-separated", "WHAT"),
)
"""A test holds them against tiro.formats.choice.TranscriptQuery."""

FORMATS = ("txt", "json", "srt", "vtt", "tsv", "verbose_json", "transcribe")
"""tiro.formats.FORMATS', without the time it takes to import it. A test holds them together."""


def add_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("how it is heard")
    for flag in OPTIONS:
        _add(group, flag)
    group.add_argument(
        "--option",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="any other field of the request, as the API names it; a VALUE that is JSON is taken as JSON",
    )


def add_rules(command: argparse.ArgumentParser, *, output: str) -> None:
    group = command.add_argument_group("how it is written down")
    group.add_argument("--format", choices=FORMATS, help="else by the output's ending, else txt")
    group.add_argument("-o", "--output", metavar="PATH", help=output)
    for flag in RULES:
        _add(group, flag)


def _add(group: argparse._ArgumentGroup, flag: Flag) -> None:
    if flag.kind == "switch":
        group.add_argument(flag.flag, action="store_true", default=None, help=flag.about)
    elif flag.kind in ("list", "pairs"):
        group.add_argument(flag.flag, action="append", metavar=flag.metavar, help=flag.about)
    elif flag.choices:
        group.add_argument(flag.flag, choices=flag.choices, help=flag.about)
    else:
        group.add_argument(flag.flag, type=flag.parse, metavar=flag.metavar, help=flag.about)


def read_rules(args: argparse.Namespace) -> dict[str, str | float]:
    """Return the rules that were said, by the API's names."""
    return {flag.name: value for flag in RULES if (value := getattr(args, flag.name)) is not None}


def read_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a request that were said, by the API's names. Raises InvalidRequest."""
    said = {flag.name: value for flag in OPTIONS if (value := getattr(args, flag.name)) is not None}
    for flag in OPTIONS:
        if flag.kind == "pairs" and flag.name in said:
            said[flag.name] = dict(_pair(text, flag.flag) for text in said[flag.name])
    if isinstance(said.get("webhook"), str):
        said["webhook"] = {"endpoint": said["webhook"]}
    return {**said, **{name: _value(text) for name, text in (_pair(text, "--option") for text in args.option)}}


def check_options(said: dict[str, Any]) -> dict[str, Any]:
    """Return them as they are sent; what this version knows is checked. Raises InvalidRequest naming what is wrong."""
    from pydantic import ValidationError

    from tiro.request import Options, invalid

    known = {name: value for name, value in said.items() if name in Options.model_fields}
    try:
        checked = Options.model_validate(known).model_dump(mode="json", exclude_defaults=True)
    except ValidationError as error:
        raise invalid(error, Options) from None
    return {**checked, **{name: value for name, value in said.items() if name not in known}}


def _pair(text: str, flag: str) -> tuple[str, str]:
    from tiro.errors import InvalidRequest

    name, equals, value = text.partition("=")
    if not (name and equals):
        raise InvalidRequest(f"{flag} is said as name=value, and not as {text!r}.")
    return name, value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
