"""Where a line may end: between grapheme clusters, and in scripts without spaces rather between whole syllables."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import make_segment, make_transcript
from tiro.formats.cues import cues
from tiro.formats.graphemes import clusters
from tiro.formats.lines import pieces, tidy, width, wrap
from tiro.formats.rules import Rules
from tiro.transcript import Word

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "line-breaks.json").read_text(encoding="utf-8")
)
"""Text, and where it is cut. Another program that cuts lines, in another language, can be held to the same file."""

LEADING = "เแโใไເແໂໃໄ"
DEPENDENT = "ะาำๅະາຳຽ"  # letters by their category, which no line begins with
REPEATS = "ๆฯໆຯៗ"

SCRIPTS = {
    "Thai": "กขคงจชดตทนบปผพมยรลวสหอฮะาำเแโใไๆฯ\u0e31\u0e34\u0e35\u0e37\u0e38\u0e47\u0e48\u0e49\u0e4c",
    "Lao": "ກຂຄງຈຊດຕທນບປຜພມຍລວສຫອຮະາຳຽເແໂໃໄໆຯ\u0eb1\u0eb4\u0eb5\u0eb7\u0ebb\u0ebc\u0ec8\u0ec9\u0ecc",
    "Khmer": "កខគងចជដតទនបបពមយរលវសហអ។ៗ\u17b6\u17b7\u17bb\u17c1\u17c6\u17c7\u17cd\u17d2",
    "Burmese": "ကခဂငစဇညတထဒနပဖဗမယရလဝသဟအ။၊\u102b\u102c\u102d\u102f\u1031\u1036\u1037\u1038\u1039\u103a\u103b\u103c\u103e",
}
"""Letters, vowels, tone marks, signs that stack or silence letters, repetition marks and stops."""

UNSPACED = st.sampled_from(sorted(SCRIPTS)).flatmap(
    lambda name: st.text(st.sampled_from(SCRIPTS[name] * 4 + " \u200b2a"), max_size=120)
)


def is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['language']}-{vector['columns']}")
def test_text_is_cut_as_the_vectors_say(vector: dict[str, Any]) -> None:
    assert clusters(vector["text"]) == vector["clusters"]
    assert wrap(pieces(vector["text"], vector["columns"]), vector["columns"]) == vector["lines"]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("เมือง", "เมือ|ง"),
        ("น้ำใจ", "น้ำ|ใจ"),
        ("กัน", "กัน"),
        ("จันทร์", "จัน|ทร์"),
        ("เสียง", "เสีย|ง"),
        ("กรรม", "กรร|ม"),
        ("ມື້ນີ້", "ມື້|ນີ້"),
        ("ຫົວໃຈ", "ຫົວ|ໃຈ"),
        ("ស្ត្រី", "ស្ត្រី"),
        ("មនុស្ស", "ម|នុ|ស្ស"),
        ("မြန်မာ", "မြန်|မာ"),
        ("တက္ကသိုလ်", "တက္က|သိုလ်"),
        ("အင်္ဂလိပ်", "အင်္ဂ|လိပ်"),
        ("န့်", "န့်"),
        ("ကော်ဖီ", "ကော်|ဖီ"),
        ("क्षत्रिय", "क्ष|त्रि|य"),
        ("\u1112\u1161\u11ab\u1100\u116d", "\u1112\u1161\u11ab|\u1100\u116d"),
        ("🇩🇪🇫🇷", "🇩🇪|🇫🇷"),
        ("👩\u200d👧👍🏽", "👩\u200d👧|👍🏽"),
        ("ja\u0308mm", "j|a\u0308|m|m"),
    ],
)
def test_clusters(text: str, units: str) -> None:
    assert clusters(text) == units.split("|")


@given(UNSPACED, st.integers(10, 42))
def test_no_line_of_an_unspaced_script_is_cut_inside_a_letter(said: str, columns: int) -> None:
    text = tidy(said)
    lines = wrap(pieces(text, columns), columns)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(line) <= columns for line in lines)
    if any(width(unit) > columns for unit in clusters(text)):
        return  # no text: letters that stack for ever
    for line in lines[1:]:
        assert not is_mark(line[0]), "a vowel or tone mark begins a line"
        assert line[0] not in DEPENDENT + REPEATS + "។៕၊။"
    for line in lines[:-1]:
        assert line[-1] not in LEADING, "a vowel stands apart from its consonant"
        assert line[-1] not in "\u17d2\u1039", "a stacked letter stands apart from its own"


@given(st.text(max_size=80), st.integers(10, 42))
def test_no_line_of_any_script_begins_with_a_mark(said: str, columns: int) -> None:
    lines = wrap(pieces(tidy(said), columns), columns)
    assert all(width(line) <= columns for line in lines)
    assert not any(is_mark(line[0]) and width(line[0]) == 0 for line in lines[1:])


def test_a_run_that_fits_a_line_is_not_cut() -> None:
    text = "สวัสดีครับ ผมชื่อสมชาย"
    assert pieces(text, 20) == ["สวัสดีครับ ", "ผมชื่อสมชาย"]


def test_spaces_that_are_not_seen_end_lines() -> None:
    assert pieces("ភាសា\u200bខ្មែរ", 10) == ["ភាសា\u200b", "ខ្មែរ"]
    assert pieces("བོད་ཡིག།", 10) == ["བོད་", "ཡིག།"]


def test_words_whose_limits_are_inside_a_cluster_do_not_cut_it() -> None:
    text = "ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอนหรือวรรณยุกต์เช่นเดียวกับภาษาจีน"
    words = tuple(
        Word(start=0.3 * i, end=0.3 * (i + 1), text=character, probability=0.5) for i, character in enumerate(text)
    )
    segment = make_segment(text, start=0.0, end=words[-1].end, words=words)
    found = cues(make_transcript(segment, language="th"), Rules(columns=12, lines=1, seconds=2.0))
    assert "".join(line for cue in found for line in cue.lines) == text
    assert len(found) > 5
    for cue in found:
        assert not is_mark(cue.lines[0][0])
        assert cue.lines[0][0] not in DEPENDENT
        assert cue.lines[0][-1] not in LEADING
