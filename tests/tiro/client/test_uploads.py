"""A large file goes in parts; what breaks off goes on, in the same process or in the next one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fake_api import PART, FakeApi
from tiro.client import Client, Memory, RequestFailed, state_directory
from tiro.errors import InvalidRequest, NotAudio

BODY = os.urandom(11_500_000)  # twelve parts, the last one of half the size


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(BODY)
    return path


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "state" / "tiro")


def puts(api: FakeApi) -> list[int]:
    return sorted(int(asked.path.rsplit("/", 1)[-1]) for asked in api.calls("PUT"))


def test_all_parts_are_sent_and_make_the_whole(client: Client, api: FakeApi, large: Path) -> None:
    told: list[tuple[int, int]] = []
    job = client.submit(large, on_upload=lambda done, total: told.append((done, total)))
    assert api.objects[job.id] == BODY
    assert puts(api) == list(range(1, 13))
    assert told[-1] == (len(BODY), len(BODY))
    assert all(0 <= done <= total == len(BODY) for done, total in told)
    assert all("authorization" not in asked.headers for asked in api.calls("PUT"))


def test_an_address_that_expired_is_renewed(client: Client, api: FakeApi, large: Path) -> None:
    expired = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    api.fail("PUT", 403, body=expired)
    assert api.objects[client.submit(large).id] == BODY


def test_a_part_that_breaks_off_is_sent_again(client: Client, api: FakeApi, large: Path) -> None:
    api.fail("PUT", None, times=3)
    assert api.objects[client.submit(large).id] == BODY


def test_what_is_there_is_not_sent_again(client: Client, api: FakeApi, large: Path) -> None:
    api.fail("PUT", 400)
    with pytest.raises(RequestFailed):
        client.submit(large)
    [job_id] = api.jobs
    kept = set(api.parts.get(job_id, {}))
    api.asked.clear()
    client.resume(job_id, large)
    assert api.objects[job_id] == BODY
    assert set(puts(api)) == set(range(1, 13)) - kept


def test_another_file_is_not_sent_into_the_first(client: Client, api: FakeApi, large: Path) -> None:
    api.fail("PUT", 400)
    with pytest.raises(RequestFailed):
        client.submit(large)
    large.write_bytes(BODY[:PART])
    with pytest.raises(InvalidRequest, match="another file"):
        client.resume(next(iter(api.jobs)), large)


def test_a_file_that_shrinks_is_an_error_of_the_file(client: Client, large: Path) -> None:
    def cut(done: int, total: int) -> None:
        os.truncate(large, 10)

    with pytest.raises(OSError, match="became shorter"):
        client.submit(large, on_upload=cut)


# ---------------------------------------------------------------- the next process


@pytest.mark.parametrize("size", [600_000, len(BODY)])
def test_the_same_call_again_goes_on(client: Client, api: FakeApi, large: Path, memory: Memory, size: int) -> None:
    large.write_bytes(BODY[:size])
    api.fail("PUT", 400)
    with pytest.raises(RequestFailed):
        client.submit(large, begun=memory.begin("here", large))
    kept = set(next(iter(api.parts.values()), {}))
    api.asked.clear()
    job = client.submit(large, begun=memory.begin("here", large))
    assert list(api.jobs) == [job.id]
    assert api.objects[job.id] == BODY[:size]
    assert not kept & set(puts(api) if size > PART else ())


def test_a_job_that_goes_on_is_not_made_again(client: Client, api: FakeApi, large: Path, memory: Memory) -> None:
    first = client.submit(large, begun=memory.begin("here", large))
    api.asked.clear()
    begun = memory.begin("here", large)
    assert client.submit(large, begun=begun).id == first.id
    assert not api.calls("PUT")
    begun.ended()
    assert client.submit(large, begun=memory.begin("here", large)).id != first.id


@pytest.mark.parametrize("end", ["failed", "deleted"])
def test_what_came_to_nothing_is_begun_anew(
    client: Client, api: FakeApi, large: Path, memory: Memory, end: str
) -> None:
    first = client.submit(large, begun=memory.begin("here", large))
    if end == "failed":
        api.error = NotAudio()
        client.wait(first.id)
    else:
        client.delete(first.id)
    again = client.submit(large, begun=memory.begin("here", large))
    assert again.id != first.id
    assert api.objects[again.id] == BODY
    assert memory.begin("here", large).job_id == again.id


def test_other_words_are_another_call(memory: Memory) -> None:
    first = memory.begin("here", "a.mp3", 5)
    assert memory.begin("here", "a.mp3", 5).key == first.key
    assert memory.begin("here", "a.mp3", 6).key != first.key


def test_a_memory_is_a_day_long_and_its_owner_s(tmp_path: Path) -> None:
    now = [0.0]
    memory = Memory(tmp_path / "x" / "y", now=lambda: now[0])
    first = memory.begin("a")
    [file] = memory.directory.iterdir()
    assert memory.directory.stat().st_mode & 0o077 == 0
    now[0] = file.stat().st_mtime + 23 * 3600
    assert memory.begin("a").key == first.key
    now[0] += 2 * 3600
    assert memory.begin("a").key != first.key


def test_without_a_place_nothing_is_remembered_and_all_goes_well(
    client: Client, api: FakeApi, large: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    memory = Memory(tmp_path / "file" / "below")
    assert api.objects[client.submit(large, begun=memory.begin("a")).id] == BODY


def test_a_memory_that_is_garbage_is_none(memory: Memory) -> None:
    first = memory.begin("a")
    for file in memory.directory.iterdir():
        file.write_text("{")
    assert memory.begin("a").key != first.key


def test_where_it_is_kept(tmp_path: Path) -> None:
    assert state_directory({}, tmp_path) == tmp_path / ".local/state/tiro/unfinished"
    assert state_directory({"XDG_STATE_HOME": "/s"}, tmp_path) == Path("/s/tiro/unfinished")
    assert state_directory({"XDG_STATE_HOME": "not/absolute"}, tmp_path) == tmp_path / ".local/state/tiro/unfinished"
