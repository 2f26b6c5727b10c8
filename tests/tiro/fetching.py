"""A house that fetches: what its fakes of the web, of parts and of fetches make of a `url`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes_fetch import FakeWeb
from tests.house import NAMES, House
from tiro.job import Job
from tiro.message import FetchMessage
from tiro.request import S3Object
from tiro.service import Fetcher
from tiro.service.fetch import PART_BYTES
from tiro.settings import FetchSettings

URL = "https://media.example/x/my%20talk.mp3?sig=secret"

LONG = bytes(range(256)) * (PART_BYTES // 256) * 3 + b"the end"
"""Three parts and a little."""


@dataclass
class Fetching(House):
    limits: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.web = FakeWeb(self.clock)
        names = {name: value for name, value in NAMES.items() if name not in ("queue_url", "delivery_queue_url")}
        self.fetcher = Fetcher(
            jobs=self.jobs,
            fetches=self.fetches,
            web=self.web,
            parts=self.parts,
            media=self.media,
            queue=self.fetch_queue,
            transcripts=self.transcripts,
            clock=self.clock,
            settings=FetchSettings(**names, **self.limits),
        )

    def ask(self, url: str = URL) -> Job:
        job, upload = self.submit(f'{{"source": {{"url": "{url}"}}}}')
        assert upload is None
        return job

    def next_message(self) -> FetchMessage:
        message = self.fetch_queue.receive()
        assert message
        return message

    def run(self) -> list[str]:
        """Take messages until there are none; return what came of each."""
        came = []
        while message := self.fetch_queue.receive():
            came.append(self.fetcher.take(message))
        return came

    def fetched(self, job: Job) -> bytes:
        """Return what lies where S3 will say that it was written."""
        found = self.media.head(S3Object(bucket="media", key=f"uploads/ada/{job.id}")).media
        return self.media.read(found, 0, found.size or 0)

    def left(self) -> int:
        return len(self.parts.open) + len(self.fetches.fetches) + len(self.fetch_queue.waiting)
