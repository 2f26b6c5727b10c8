"""The guard against hearing worse: it lets through what is no worse, and says what is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cpu import cpu_kind
from tests.quality import KEPT
from tests.regression import BAND, NARROW, KeptElsewhere, Release, Result, changes, read, worse, write


def heard(
    path: str, wrong: int, *, language: str = "en", words: int = 200, text: str = "", **changes: object
) -> Result:
    result = Result(path, "speech", language, 10.0, 1.0, text=text or f"{wrong} wrong", words=words, wrong=wrong)
    for name, value in changes.items():
        setattr(result, name, value)
    return result


BEFORE = [heard("a", 4), heard("b", 10, language="fr", words=900), heard("c", 0, words=0, category="awkward")]


HERE, ELSEWHERE = "x86_64 AuthenticAMD avx2", "x86_64 GenuineIntel avx512_vnni"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    write(tmp_path / "golden" / "quality.jsonl", BEFORE, HERE)
    return tmp_path / "golden" / "quality.jsonl"


def test_the_same_is_no_worse_and_no_change(kept: Path) -> None:
    assert worse(read(kept), BEFORE) == []
    assert changes(read(kept), BEFORE) == []


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ([heard("a", 6), BEFORE[1]], []),
        ([heard("a", 7), BEFORE[1]], ["en: 4 wrong before, 7 now; at most 2 more"]),
        ([heard("a", 0), heard("b", 14, language="fr", words=900)], ["fr: 10 wrong before, 14 now; at most 2 more"]),
        ([heard("a", 6)], ["all together: 2.00 % wrong before, 3.00 % now; at most 0.5 points more"]),
        (
            [heard("a", 0, error="engine_failed")],
            ["a was heard before, and now: failed with engine_failed, flags none"],
        ),
        ([heard("d", 99)], []),
        ([heard("c", 50, words=60, category="awkward")], []),
    ],
)
def test_what_is_worse_than_it_may_be_is_said(kept: Path, now: list[Result], says: list[str]) -> None:
    assert worse(read(kept), now) == says


def test_each_change_is_a_line(kept: Path) -> None:
    now = [heard("a", 5, text="Hello word"), heard("b", 10, language="fr", words=900, flags={"loop": 1}), heard("d", 1)]
    assert changes(read(kept), now) == [
        "worse    a: 4 of 200 wrong, flags none -> 5 of 200 wrong, flags none\n           Hello word",
        "other    b: 10 of 900 wrong, flags none -> 10 of 900 wrong, flags loop 1",
        "new      d: 1 of 200 wrong, flags none",
    ]


def test_what_was_not_heard_this_time_stays_as_it_is_kept(kept: Path) -> None:
    write(kept, [heard("a", 1)], HERE)
    assert [(each.path, each.wrong) for each in read(kept).heard.values()] == [("a", 1), ("b", 10), ("c", 0)]


def test_nothing_kept_is_nothing_to_be_worse_than(tmp_path: Path) -> None:
    nothing = read(tmp_path / "none.jsonl")
    assert worse(nothing, BEFORE) == []
    assert nothing.comparison(HERE) == "comparison: none, since no results are accepted yet"


# ---------------------------------------------------------------- another kind of CPU


def test_results_say_of_which_kind_of_cpu_they_are_and_how_they_are_compared(kept: Path) -> None:
    release = read(kept)
    assert release.cpu == HERE
    assert release.limits(HERE) is NARROW
    assert release.comparison(HERE) == (
        f"comparison: text by text, accepted on this kind of CPU ({HERE}); "
        "at most 0.5 points in all, 2 words in a language worse"
    )
    assert release.limits(ELSEWHERE) is BAND
    assert release.comparison(ELSEWHERE) == (
        f"comparison: within a band, accepted on another kind of CPU ({HERE}; here {ELSEWHERE}); "
        "at most 1 points in all, 5 words or 3 % in a language worse"
    )
    assert Release(release.heard).limits(HERE) is BAND, "a kind that is not recorded is not known to be the same"


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ([heard("a", 9), heard("b", 12, language="fr", words=900)], []),
        ([heard("a", 4), heard("b", 20, language="fr", words=900)], []),
        ([heard("a", 11), heard("b", 3, language="fr", words=900)], ["en: 4 wrong before, 11 now; at most 6 more"]),
        ([heard("b", 38, language="fr", words=900)], ["fr: 10 wrong before, 38 now; at most 27 more"]),
        ([heard("a", 7)], ["all together: 2.00 % wrong before, 3.50 % now; at most 1.0 points more"]),
        ([heard("a", 4, error="not_audio")], ["a was heard before, and now: failed with not_audio, flags none"]),
    ],
)
def test_elsewhere_sums_are_held_within_a_band(kept: Path, now: list[Result], says: list[str]) -> None:
    found = worse(read(kept), now, BAND)
    assert [line for line in found if not (line.startswith("all") and len(found) > len(says))] == says


def test_elsewhere_only_what_is_beyond_the_band_is_a_line(kept: Path) -> None:
    now = [heard("a", 10, text="other"), heard("b", 38, language="fr", words=900, text="beyond"), heard("d", 1)]
    assert changes(read(kept), now, BAND) == [
        "worse    b: 10 of 900 wrong, flags none -> 38 of 900 wrong, flags none\n           beyond",
        "new      d: 1 of 200 wrong, flags none",
    ]


def test_results_of_two_kinds_of_cpu_never_stand_in_one_file(kept: Path) -> None:
    with pytest.raises(KeptElsewhere, match=f"{HERE}; here {ELSEWHERE}.*whole corpus"):
        write(kept, [heard("a", 1)], ELSEWHERE)
    assert [each.wrong for each in read(kept).heard.values()] == [4, 10, 0]
    write(kept, [heard("a", 1), *BEFORE[1:]], ELSEWHERE)
    assert read(kept).cpu == ELSEWHERE


@pytest.mark.parametrize(
    ("cpuinfo", "environ", "kind"),
    [
        ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu sse4_1 avx avx2 fma\n", {}, "AuthenticAMD avx2"),
        ("vendor_id\t: AuthenticAMD\nflags\t: avx avx2 avx512f avx512_vnni\n", {}, "AuthenticAMD avx512_vnni"),
        ("vendor_id\t: GenuineIntel\nflags\t: avx2 avx512_vnni amx_int8\n", {}, "GenuineIntel amx_int8"),
        (
            "vendor_id\t: AuthenticAMD\nflags\t: avx2\n\nvendor_id\t: Other\n",
            {"CT2_USE_MKL": "1", "HOME": "/"},
            "AuthenticAMD avx2 CT2_USE_MKL=1",
        ),
        ("processor\t: 0\nFeatures\t: fp asimd asimddp\nCPU implementer\t: 0x41\n", {}, "0x41 asimddp"),
    ],
)
def test_a_kind_of_cpu_is_its_vendor_and_widest_instructions(cpuinfo: str, environ: dict[str, str], kind: str) -> None:
    assert cpu_kind(cpuinfo, environ).split(" ", 1)[1] == kind


def test_without_cpuinfo_the_system_stands_for_the_vendor() -> None:
    assert len(cpu_kind("", {}).split()) == 2


def test_the_accepted_results_say_of_which_kind_of_cpu_they_are() -> None:
    assert read(KEPT).cpu
