"""A language as others name it: OpenAI by its English name, Amazon Transcribe with a region."""

from __future__ import annotations

from tiro.language import parse_language

_NAMES = dict(
    pair.split("=")
    for pair in (
        "en=english zh=chinese de=german es=spanish ru=russian ko=korean fr=french ja=japanese pt=portuguese "
        "tr=turkish pl=polish ca=catalan nl=dutch ar=arabic sv=swedish it=italian id=indonesian hi=hindi fi=finnish "
        "vi=vietnamese he=hebrew uk=ukrainian el=greek ms=malay cs=czech ro=romanian da=danish hu=hungarian ta=tamil "
        "no=norwegian th=thai ur=urdu hr=croatian bg=bulgarian lt=lithuanian la=latin mi=maori ml=malayalam cy=welsh "
        "sk=slovak te=telugu fa=persian lv=latvian bn=bengali sr=serbian az=azerbaijani sl=slovenian kn=kannada "
        "et=estonian mk=macedonian br=breton eu=basque is=icelandic hy=armenian ne=nepali mn=mongolian bs=bosnian "
        "kk=kazakh sq=albanian sw=swahili gl=galician mr=marathi pa=punjabi si=sinhala km=khmer sn=shona yo=yoruba "
        "so=somali af=afrikaans oc=occitan ka=georgian be=belarusian tg=tajik sd=sindhi gu=gujarati am=amharic "
        "yi=yiddish lo=lao uz=uzbek fo=faroese ht=haitian_creole ps=pashto tk=turkmen nn=nynorsk mt=maltese "
        "sa=sanskrit lb=luxembourgish my=myanmar bo=tibetan tl=tagalog mg=malagasy as=assamese tt=tatar haw=hawaiian "
        "ln=lingala ha=hausa ba=bashkir jw=javanese su=sundanese yue=cantonese"
    ).split()
)
"""Whisper's own names (openai/whisper, tokenizer.py: LANGUAGES), which are the ones that OpenAI answers with."""

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

_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Written without spaces between words (openai/whisper, tokenizer.py: split_to_word_tokens)."""


def english_name(tag: str) -> str:
    """Return the English name of a transcript's language, in lower case."""
    if tag == "zxx":
        return "no linguistic content"  # ISO 639-2's own words for it
    return _NAMES[parse_language(tag)].replace("_", " ")


def amazon_code(tag: str) -> str:
    """Return Amazon's code, or the tag itself for a language that Amazon Transcribe does not know."""
    if tag == "yue":
        return "zh-HK"
    return f"{tag}-{_REGIONS[tag]}" if tag in _REGIONS else tag


def spaced(tag: str) -> bool:
    """Return whether the language puts spaces between words."""
    return tag not in _UNSPACED
