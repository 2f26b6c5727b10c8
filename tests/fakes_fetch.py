"""What fetching needs, in memory: a queue, a memory, a place for parts, and a web of recordings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes import FakeClock
from tests.fakes_media import FakeMediaStore
from tiro.errors import Conflict, FetchFailed, InvalidRequest, NoUploadOpen, PeerUnavailable, TiroError
from tiro.fetch import Fetch
from tiro.message import FetchMessage
from tiro.ports import Part, Stream


class FakeFetchQueue:
    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.waiting: list[tuple[datetime, FetchMessage]] = []  # from when on, and what

    def send(self, message: FetchMessage, *, owner: str, delay_seconds: int = 0) -> None:
        assert owner
        assert 0 <= delay_seconds <= 900
        self.waiting.append((self._clock.now() + timedelta(seconds=delay_seconds), message))

    def cleared_until(self, now: datetime) -> datetime | None:
        """Tell, as ports.Backlog, of this very queue, which does not know how old a message is."""
        return None if self.waiting else now

    def receive(self) -> FetchMessage | None:
        """Wait for the next message, and take it for good."""
        if not self.waiting:
            return None
        at, message = self.waiting.pop(self.waiting.index(min(self.waiting, key=lambda entry: entry[0])))
        self._clock.advance(max(0.0, (at - self._clock.now()).total_seconds()))
        return message


class FakeFetchStore:
    def __init__(self) -> None:
        self.fetches: dict[str, Fetch] = {}

    def get(self, job_id: str) -> Fetch | None:
        return self.fetches.get(job_id)

    def save(self, before: Fetch, after: Fetch) -> None:
        stored = self.fetches.get(after.job_id)
        if (stored.revision if stored else 0) != before.revision and stored != after:
            raise Conflict
        self.fetches[after.job_id] = after

    def forget(self, job_id: str) -> None:
        self.fetches.pop(job_id, None)

    def silent(self, before: datetime, limit: int) -> Sequence[Fetch]:
        silent = [fetch for fetch in self.fetches.values() if fetch.quiet_since < before]
        return sorted(silent, key=lambda fetch: fetch.quiet_since)[:limit]


@dataclass
class _Open:
    key: str
    content_type: str | None
    parts: dict[int, bytes] = field(default_factory=dict)


class FakePartStore:
    """Uploads in parts; what is complete goes into a FakeMediaStore."""

    def __init__(self, media: FakeMediaStore) -> None:
        self.open: dict[str, _Open] = {}
        self._media = media
        self._begun = 0
        self._done: dict[str, str] = {}

    def begin(self, key: str, *, content_type: str | None) -> str:
        self._begun += 1
        upload_id = f"upload-{self._begun}"
        self.open[upload_id] = _Open(key, content_type)
        return upload_id

    def put(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        self._find(key, upload_id).parts[number] = body
        return _etag(body)

    def parts(self, key: str, upload_id: str) -> Sequence[Part]:
        found = sorted(self._find(key, upload_id).parts.items())
        return [Part(number, _etag(body), len(body)) for number, body in found]

    def presign(self, key: str, upload_id: str, number: int, *, size: int, seconds: int) -> str:
        return f"https://media.test/{key}?uploadId={upload_id}&partNumber={number}&size={size}&for={seconds}"

    def complete(self, key: str, upload_id: str, etags: Sequence[str]) -> None:
        if self._done.get(upload_id) == key:
            return
        found = self._find(key, upload_id)
        bodies = [found.parts.get(number, b"") for number in range(1, len(etags) + 1)]
        if not bodies or [_etag(body) for body in bodies] != list(etags):
            raise InvalidRequest
        self._media.put(key, b"".join(bodies), content_type=found.content_type or "binary/octet-stream")
        self._done[upload_id] = key
        del self.open[upload_id]

    def abandon(self, key: str, upload_id: str) -> None:
        if upload_id in self.open and self.open[upload_id].key == key:
            del self.open[upload_id]

    def _find(self, key: str, upload_id: str) -> _Open:
        if upload_id not in self.open or self.open[upload_id].key != key:
            raise NoUploadOpen
        return self.open[upload_id]


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


@dataclass
class FakeStream:
    body: bytes
    offset: int
    size: int | None
    tag: str | None
    content_type: str | None
    name: str | None
    web: FakeWeb
    host: str = "media.example"
    status: int = 200

    def read(self, size: int) -> bytes:
        self.web.clock.advance(self.web.seconds_per_read)
        if self.web.breaks:
            raise self.web.breaks.pop(0)
        piece, self.body = self.body[:size], self.body[size:]
        return piece


@dataclass
class FakeWeb:
    """One recording at every address. `fails` are raised by the next calls, `breaks` by the next reads."""

    clock: FakeClock
    body: bytes = b"speech"
    tag: str | None = '"1"'
    content_type: str | None = "audio/mpeg"
    name: str | None = "talk.mp3"
    host: str = "media.example"
    says_size: bool = True
    goes_on: bool = True  # from where it is asked to
    seconds_per_read: float = 0.0
    fails: list[TiroError] = field(default_factory=list)
    breaks: list[PeerUnavailable] = field(default_factory=list)
    asked: list[tuple[str, int, str | None]] = field(default_factory=list)

    @contextmanager
    def open(self, url: str, *, offset: int, tag: str | None) -> Iterator[Stream]:
        self.asked.append((url, offset, tag))
        if self.fails:
            raise self.fails.pop(0)
        start = offset if self.goes_on and tag == self.tag else 0
        size = len(self.body) if self.says_size else None
        yield FakeStream(self.body[start:], start, size, self.tag, self.content_type, self.name, self, self.host)


NOT_FOUND = FetchFailed("The server answered 404 Not Found.")
DOWN = PeerUnavailable("The server answered 503 Service Unavailable.")
