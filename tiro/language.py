"""Languages: BCP 47 comes in, Whisper's codes stay inside."""

from __future__ import annotations

from difflib import get_close_matches
from typing import overload

from tiro.errors import FieldProblem, InvalidRequest

WHISPER_LANGUAGES = dict(
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
"""What Whisper large-v3 knows, by its code: its own English names, which are those that OpenAI answers with
(openai/whisper, tokenizer.py: LANGUAGES). Older models lack yue."""

_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Written without spaces between words (openai/whisper, tokenizer.py: split_to_word_tokens)."""

NO_LANGUAGE = "zxx"
"""The BCP 47 tag of what is no language (ISO 639-2)."""

_ALIASES = {"jv": "jw", "nb": "no", "iw": "he", "fil": "tl", "cmn": "zh", "in": "id", "ji": "yi", "mo": "ro"}
"""BCP 47 primary subtags that Whisper spells otherwise, or that are deprecated (IANA registry)."""


_OTHER_NAMES = (
    "burmese=my valencian=ca flemish=nl haitian=ht letzeburgesch=lb pushto=ps panjabi=pa moldavian=ro moldovan=ro "
    "sinhalese=si castilian=es mandarin=zh farsi=fa filipino=tl us=en gb=en cn=zh tw=zh jp=ja kr=ko cz=cs dk=da gr=el "
    "ua=uk vn=vi ir=fa rs=sr eng=en deu=de ger=de fra=fr fre=fr spa=es ita=it por=pt rus=ru zho=zh chi=zh jpn=ja "
    "kor=ko ara=ar hin=hi nld=nl dut=nl pol=pl tur=tr ukr=uk swe=sv deutsch=de español=es français=fr italiano=it "
    "português=pt"
)
"""Names that Whisper's tokenizer takes too (openai/whisper, tokenizer.py: TO_LANGUAGE_CODE), countries' codes that are
no language's (ISO 3166), three-letter codes where BCP 47 has two (ISO 639-2), and languages' names in themselves."""

_DETECTED = frozenset(
    {"auto", "autodetect", "detect", "any", "multi", "multilingual", "unknown", "und", "none", "null", ""}
)
"""What other services take, in the place of a language, as the wish to detect it."""


def parse_language(tag: str) -> str:
    """Return Whisper's code for a BCP 47 tag, whatever its case, script or region.

    Raises InvalidRequest when the language is not one that Whisper knows; a name such as 'English' is told its code.
    """
    primary = tag.strip().replace("_", "-").split("-")[0].lower()
    code = _ALIASES.get(primary, primary)
    if code not in WHISPER_LANGUAGES:
        detail = _unknown(tag, primary)
        raise InvalidRequest(detail, errors=(FieldProblem(pointer="/language", detail=detail),))
    return code


def _unknown(tag: str, primary: str) -> str:
    shown = repr(tag if len(tag) <= 40 else f"{tag[:40]}…")
    if primary in _DETECTED:
        return f"{shown} is not a language Tiro knows: leave it out, and the language is detected"
    if code := _code_of(primary):
        return f"{shown} is not a language Tiro knows by that name: did you mean {to_bcp47(code)!r}? Send a BCP 47 tag."
    return f"{shown} is not a language Tiro knows. Send a BCP 47 tag such as 'en' or 'pt-BR', or leave it out."


def _code_of(name: str) -> str | None:
    """Return Whisper's code for a name of a language, with a letter or two wrong, or a region behind it."""
    name = name.partition("(")[0].strip()
    codes = {english.replace("_", " "): code for code, english in WHISPER_LANGUAGES.items()}
    codes |= dict(pair.split("=") for pair in _OTHER_NAMES.split())
    found = (
        [name]
        if name in codes
        else get_close_matches(name[:40], [one for one in codes if len(one) > 4], n=1, cutoff=0.8)
    )
    return codes[found[0]] if found else None


@overload
def to_bcp47(code: str) -> str: ...
@overload
def to_bcp47(code: None) -> None: ...
def to_bcp47(code: str | None) -> str | None:
    """Return the BCP 47 tag for one of Whisper's codes."""
    return "jv" if code == "jw" else code


def is_spaced(tag: str) -> bool:
    """Return whether the language puts spaces between words, by its BCP 47 tag or Whisper's code."""
    return tag not in _UNSPACED
