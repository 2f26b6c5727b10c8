"""A recording read in ranges is the same file, in few reads and little memory."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.files import LocalFiles
from tiro.adapters.range_file import BudgetSpent, RangeFile
from tiro.errors import MediaNotFound
from tiro.job import Media

CONTENT = bytes(i * 7 % 251 for i in range(10_000))


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    (tmp_path / "media").write_bytes(CONTENT)
    return LocalFiles(tmp_path)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 5000)),
        st.tuples(st.just("start"), st.integers(0, 12_000)),
        st.tuples(st.just("end"), st.integers(-10_000, 100)),
    ),
    max_size=40,
)


@given(steps=STEPS, block=st.integers(1, 3000), cache_blocks=st.integers(1, 6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_it_reads_like_a_file(
    files: LocalFiles, steps: Sequence[tuple[str, int]], block: int, cache_blocks: int
) -> None:
    file = RangeFile(files, files.media("media"), block=block, cache_blocks=cache_blocks)
    real = io.BytesIO(CONTENT)
    for what, number in steps:
        if what == "read":
            assert file.read(number) == real.read(number)
        else:
            whence = io.SEEK_SET if what == "start" else io.SEEK_END
            assert file.seek(number, whence) == real.seek(number, whence)
        assert file.tell() == real.tell()


def test_opening_reads_nothing(files: LocalFiles) -> None:
    RangeFile(files, files.media("media"))
    assert files.reads == []


def test_reading_straight_on_asks_for_more_and_more_at_once(files: LocalFiles) -> None:
    file = RangeFile(files, files.media("media"), block=100, cache_blocks=32)
    while file.read(50):
        pass
    assert len(files.reads) < 15
    assert sum(end - start for start, end in files.reads) == len(CONTENT), "nothing is read twice"
    assert max(end - start for start, end in files.reads) == 1600


def test_a_seek_reads_one_block_only(files: LocalFiles) -> None:
    file = RangeFile(files, files.media("media"), block=100)
    file.seek(-10, io.SEEK_END)
    assert file.read() == CONTENT[-10:]
    assert files.reads == [(9900, 10_000)]


def test_what_was_just_read_is_not_read_again(files: LocalFiles) -> None:
    file = RangeFile(files, files.media("media"), block=100)
    for _ in range(3):
        file.seek(0)
        file.read(100)
    assert len(files.reads) == 1


def test_memory_is_bounded(files: LocalFiles) -> None:
    file = RangeFile(files, files.media("media"), block=100, cache_blocks=4)
    file.read()
    reads = len(files.reads)
    file.seek(0)
    file.read(1)
    assert len(files.reads) == reads + 1, "the first block was let go"


def test_a_budget_ends_in_an_error_not_in_a_short_file(files: LocalFiles) -> None:
    file = RangeFile(files, files.media("media"), block=100, budget=1000)
    assert file.read(900) == CONTENT[:900]
    with pytest.raises(BudgetSpent, match="1000"):
        file.read(200)
    assert file.fetched <= 1000


def test_an_object_that_is_gone_says_so(files: LocalFiles) -> None:
    file = RangeFile(files, Media(bucket="disk", key="gone", size=10))
    with pytest.raises(MediaNotFound):
        file.read(1)


def test_the_size_must_be_known(files: LocalFiles) -> None:
    with pytest.raises(ValueError, match="size"):
        RangeFile(files, Media(bucket="disk", key="media"))


def test_no_position_is_before_the_start(files: LocalFiles) -> None:
    with pytest.raises(ValueError, match="negative"):
        RangeFile(files, files.media("media")).seek(-1)
