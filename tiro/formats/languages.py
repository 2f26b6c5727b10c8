"""A language as others name it: OpenAI by its English name, Amazon Transcribe with a region."""

from __future__ import annotations

from tiro.language import NO_LANGUAGE, WHISPER_LANGUAGES, parse_language

_REGIONS = dict(
    code.split("-")
    for code in (
        "af-ZA am-ET ar-SA az-AZ ba-RU be-BY bg-BG bn-IN bs-BA ca-ES cs-CZ cy-GB da-DK de-DE el-GR en-US es-ES et-EE "
        "eu-ES fa-IR fi-FI fr-FR gl-ES gu-IN ha-NG he-IL hi-IN hr-HR ht-HT hu-HU hy-AM id-ID is-IS it-IT ja-JP jv-ID "
        "ka-GE kk-KZ km-KH kn-IN ko-KR lt-LT lv-LV mi-NZ mk-MK ml-IN mn-MN mr-IN ms-MY mt-MT my-MM ne-NP nl-NL no-NO "
        "pa-IN pl-PL ps-AF pt-BR ro-RO ru-RU si-LK sk-SK sl-SI so-SO sq-AL sr-RS su-ID sv-SE sw-KE ta-IN te-IN th-TH "
        "tl-PH tr-TR tt-RU uk-UA uz-UZ vi-VN zh-CN"
    ).split()
)
"""Amazon's codes (botocore, transcribe/2017-10-26: LanguageCode). Whisper tells no regions apart, so that of
several the one with most speakers stands here."""


def english_name(tag: str) -> str:
    """Return the English name of a transcript's language, in lower case."""
    if tag == NO_LANGUAGE:
        return "no linguistic content"  # ISO 639-2's own words for it
    return WHISPER_LANGUAGES[parse_language(tag)].replace("_", " ")


def amazon_code(tag: str) -> str:
    """Return Amazon's code, or the tag itself for a language that Amazon Transcribe does not know."""
    if tag == "yue":
        return "zh-HK"
    return f"{tag}-{_REGIONS[tag]}" if tag in _REGIONS else tag
