"""A large file goes in parts, a few at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tiro.sending import Sending
from tiro.upload import PartUrl

BODY = bytes(range(256)) * 4  # of 1,024 bytes, in parts of 100: eleven, the last of 24


@dataclass
class There:
    """What the parts are sent to."""

    parts: dict[int, bytes] = field(default_factory=dict)
    signed: list[list[int]] = field(default_factory=list)
    fails: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, part: PartUrl, chunks: Callable[[], Iterator[bytes]]) -> str:
        body = b"".join(chunks())
        assert len(body) == part.size
        with self.lock:
            if part.number in self.fails:
                raise ConnectionError(f"part {part.number}")
            self.parts[part.number] = body
        return f"etag-{part.number}"

    def sign(self, numbers: Sequence[int]) -> Sequence[PartUrl]:
        self.signed.append(list(numbers))
        return [PartUrl(number=n, size=min(100, 1024 - (n - 1) * 100), url=f"https://s3.test/{n}") for n in numbers]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "talk.wav"
    file.write_bytes(BODY)
    return file


def test_all_parts_are_sent_and_make_the_whole(path: Path) -> None:
    there, told = There(), list[tuple[int, int]]()
    sending = Sending(path, 1024, 100, there.put, there.sign, lambda done, total: told.append((done, total)))
    etags = sending.send(there.sign([1, 2, 3]))
    assert b"".join(there.parts[number] for number in range(1, 12)) == BODY
    assert dict(etags) == {number: f"etag-{number}" for number in range(1, 12)}
    assert told[-1] == (1024, 1024)
    assert all(total == 1024 and done <= 1024 for done, total in told)
    assert [number for numbers in there.signed for number in numbers] == list(range(1, 12))  # each but once


def test_what_is_there_is_not_sent_again(path: Path) -> None:
    there, told = There(), list[int]()
    sending = Sending(path, 1024, 100, there.put, there.sign, lambda done, _: told.append(done))
    sending.etags |= {1: "etag-1", 11: "etag-11"}
    etags = sending.send()
    assert sorted(there.parts) == list(range(2, 11))
    assert sorted(etags) == list(range(1, 12))
    assert (told[0], told[-1]) == (124, 1024)


def test_a_part_that_fails_ends_it_and_what_was_sent_is_known(path: Path) -> None:
    there = There(fails={3})
    sending = Sending(path, 1024, 100, there.put, there.sign)
    with pytest.raises(ConnectionError, match="part 3"):
        sending.send()
    assert set(sending.etags) == set(there.parts)
    assert 3 not in there.parts
    there.fails.clear()
    again = Sending(path, 1024, 100, there.put, there.sign, etags=dict(sending.etags))
    again.send()
    assert b"".join(there.parts[number] for number in range(1, 12)) == BODY


def test_a_file_that_shrinks_is_an_error_of_the_file(path: Path) -> None:
    there = There()
    sending = Sending(path, 2048, 100, there.put, there.sign)
    with pytest.raises(OSError, match="became shorter"):
        sending.send()
