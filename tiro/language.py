"""Languages: BCP 47 comes in, Whisper's codes stay inside."""

from __future__ import annotations

from typing import overload

from tiro.errors import FieldProblem, InvalidRequest

WHISPER_LANGUAGES = frozenset(
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur "
    "hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si "
    "km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha "
    "ba jw su yue".split()
)
"""What Whisper large-v3 knows (openai/whisper, tokenizer.py: LANGUAGES); older models lack yue."""

_ALIASES = {"jv": "jw", "nb": "no", "iw": "he", "fil": "tl", "cmn": "zh", "in": "id", "ji": "yi", "mo": "ro"}
"""BCP 47 primary subtags that Whisper spells otherwise, or that are deprecated (IANA registry)."""


def parse_language(tag: str) -> str:
    """Return Whisper's code for a BCP 47 tag, whatever its case, script or region.

    Raises InvalidRequest when the language is not one that Whisper knows.
    """
    primary = tag.strip().replace("_", "-").split("-")[0].lower()
    code = _ALIASES.get(primary, primary)
    if code not in WHISPER_LANGUAGES:
        detail = f"{tag!r} is not a language Tiro knows. Send a BCP 47 tag such as 'en' or 'pt-BR', or leave it out."
        raise InvalidRequest(detail, errors=(FieldProblem(pointer="/language", detail=detail),))
    return code


@overload
def to_bcp47(code: str) -> str: ...
@overload
def to_bcp47(code: None) -> None: ...
def to_bcp47(code: str | None) -> str | None:
    """Return the BCP 47 tag for one of Whisper's codes."""
    return "jv" if code == "jw" else code
