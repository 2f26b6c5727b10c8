"""What is at its end does not stay for ever: recordings and jobs go when their owners said that they should."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tiro.errors import Conflict, TransientError
from tiro.job import Job
from tiro.ports import Clock, DeliveryStore, JobStore, MediaStore, PartStore, RunStore, TranscriptStore
from tiro.service.stop import delete, erase_media


@dataclass(frozen=True, kw_only=True)
class Tidier:
    """Looks at what the index `due` says is over."""

    jobs: JobStore
    runs: RunStore
    media: MediaStore
    transcripts: TranscriptStore
    parts: PartStore
    deliveries: DeliveryStore
    clock: Clock

    def tidy(self, *, limit: int = 1000, until: datetime | None = None) -> int:
        """Remove what is to be removed by now; return of how many jobs. Stops at `until`, and the next call goes on.

        Raises TransientError for the last job that could not be done, when all others have been.
        """
        tidied, trouble = 0, None
        for job in self.jobs.untidy(self.clock.now(), limit):
            if until and self.clock.now() >= until:
                break
            try:
                self._tidy(job)
                tidied += 1
            except Conflict:
                continue  # it changed just now
            except TransientError as one:
                trouble = one
        if trouble:
            raise trouble
        return tidied

    def _tidy(self, job: Job) -> None:
        now = self.clock.now()
        if job.expires_at and job.expires_at <= now:
            delete(
                job,
                jobs=self.jobs,
                runs=self.runs,
                media=self.media,
                transcripts=self.transcripts,
                parts=self.parts,
                deliveries=self.deliveries,
                clock=self.clock,
            )
        else:
            erase_media(job, media=self.media)
            self.jobs.save(job, job.without_media(at=now))
