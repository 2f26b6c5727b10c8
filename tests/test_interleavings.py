"""Whatever happens to a job, in whatever order and how often: it ends in a legal state, and nothing is lost.

hypothesis makes up the days of an owner: submissions, uploads, S3's events (late, twice, or in the wrong order),
workers that claim, go on, die, give back, complete and fail, cancelling, deleting, dead letters, messages that are
lost, and the reaper. What a job was is compared with what it becomes after every step; in the end everybody who still
can goes on working, and then no job may be left that is not at its end.
"""

from __future__ import annotations

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from tests.factories import make_transcript
from tests.fakes import FakeTranscriber
from tests.house import TERMS, House
from tiro import service
from tiro.errors import Conflict, EngineFailed, JobFinished, JobHeld, MediaNotFound, NotAudio, NotRetryable
from tiro.job import TRANSITIONS, Job, JobStatus
from tiro.message import JobMessage
from tiro.ports import Received
from tiro.quota import Usage
from tiro.service import Claim, ObjectCreated

UPLOAD = '{"source": {"upload": {}}}'


class Days(RuleBasedStateMachine):
    jobs = Bundle("jobs")  # ids
    events = Bundle("events")
    hands = Bundle("hands")  # a message that a worker received, and the claim that it got

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.known: dict[str, Job] = {}

    # ------------------------------------------------------------ what may happen

    @rule(target=jobs)
    def submit(self) -> str:
        job, _ = self.house.submit(UPLOAD)
        return job.id

    @rule(target=events, job_id=jobs)
    def upload(self, job_id: str) -> ObjectCreated:
        return self.house.put(f"uploads/ada/{job_id}")

    @rule(event=events)
    def event(self, event: ObjectCreated) -> None:
        self.house.arrived(event)

    @rule(target=jobs, name=st.sampled_from(["a", "b"]))
    def drop(self, name: str) -> str:
        return self.house.drop(f"inbox/ada/{name}.mp3").id

    @rule(target=hands)
    def claim(self) -> tuple[Received, Claim] | None:
        received = self.house.queue.receive(wait_seconds=0)
        if received is None:
            return None
        got = self.house.claim(JobMessage.parse(received.body), receives=received.receives)
        if isinstance(got, Claim):
            return received, got
        if got.hide_seconds is None:
            self.house.queue.delete(received)
        else:
            self.house.queue.extend(received, seconds=got.hide_seconds)
        return None

    @rule(hand=hands, done=st.floats(0, 100))
    def progress(self, hand: tuple[Received, Claim] | None, done: float) -> None:
        if hand is None:
            return
        try:
            self.house.runs.renew(hand[1].job.id, hand[1].run.model_copy(update={"done": done}))
        except Conflict:
            assert self.house.jobs.get(hand[1].job.id) != hand[1].job, "only who lost the job is told so"

    @rule(hand=consumes(hands), end=st.sampled_from(["complete", "fail", "return", "stop", "die"]))
    def end(self, hand: tuple[Received, Claim] | None, end: str) -> None:
        if hand is None or end == "die":
            return
        received, claim = hand
        house = self.house
        try:
            match end:
                case "complete":
                    self._transcribe(claim)
                case "fail":
                    self._fail(claim)
                case _:
                    service.give_back(claim, counted=end == "return", runs=house.runs)
        except Conflict:
            return  # the message comes back by itself
        if end in ("return", "stop"):
            house.queue.extend(received, seconds=0)
        else:
            house.queue.delete(received)

    def _transcribe(self, claim: Claim) -> None:
        service.transcribe(
            claim,
            transcriber=FakeTranscriber(make_transcript()),
            jobs=self.house.jobs,
            runs=self.house.runs,
            transcripts=self.house.transcripts,
            clock=self.house.clock,
            limits=self.house.worker_settings,
            on_progress=lambda done, total: None,
        )

    def _fail(self, claim: Claim) -> None:
        service.fail(
            claim.job,
            NotAudio(),
            jobs=self.house.jobs,
            transcripts=self.house.transcripts,
            clock=self.house.clock,
            held=(self.house.runs, claim.run.attempt),
        )

    @rule(job_id=jobs, late=st.booleans())
    def cancel(self, job_id: str, late: bool) -> None:
        job = self.known.get(job_id) if late else None  # as it was seen before the last step
        house = self.house
        job = job or house.jobs.get(job_id)
        try:
            house.cancel(job)
        except JobFinished:
            assert house.jobs.get(job_id).status in (JobStatus.COMPLETED, JobStatus.FAILED)
        else:
            assert house.jobs.get(job_id).status is JobStatus.CANCELLED

    @rule(job_id=jobs)
    def delete(self, job_id: str) -> None:
        self.house.delete(self.house.jobs.get(job_id))

    @rule(target=jobs, job_id=jobs)
    def retry(self, job_id: str) -> str:
        job = self.house.jobs.get(job_id)
        if job.deleted_at:
            return job_id
        try:
            return self.house.retry(job).id
        except (NotRetryable, MediaNotFound):
            return job_id

    @rule(job_id=jobs)
    def duplicate(self, job_id: str) -> None:
        job = self.house.jobs.get(job_id)
        if job.generation:
            self.house.queue.send(JobMessage(job_id=job_id, generation=job.generation), owner="ada")

    @rule(job_id=jobs)
    def bury(self, job_id: str) -> None:
        job = self.house.jobs.get(job_id)
        if job.generation:
            self._bury(job)

    def _bury(self, job: Job) -> None:
        with suppress(JobHeld):  # whoever holds it may yet finish it; the dead letter comes again
            self.house.bury(JobMessage(job_id=job.id, generation=job.generation))

    @rule(seconds=st.sampled_from([1, 61, 121, 3 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.house.clock.advance(seconds)

    @rule(number=st.integers(0, 5))
    def lose(self, number: int) -> None:
        """A message is gone, which no queue should do."""
        self.house.queue.lose(number)

    @rule()
    def reap(self) -> None:
        assert not self.house.reap().troubles

    # ------------------------------------------------------------ what must hold

    @invariant()
    def every_step_is_legal(self) -> None:
        for job_id, job in self.house.jobs.jobs.items():
            before = self.known.get(job_id, job)
            if before.status.terminal:
                assert job.status is before.status, "an end is an end"
            assert job.status is before.status or _reachable(before.status, job.status)
            assert job.revision >= before.revision
        assert set(self.known) <= set(self.house.jobs.jobs), "no job is forgotten"
        self.known = dict(self.house.jobs.jobs)

    @invariant()
    def what_is_there_fits_together(self) -> None:
        house = self.house
        for job in house.jobs.jobs.values():
            held = house.runs.get(job.id)
            assert (held is not None) == (job.status is JobStatus.PROCESSING), "who processes holds, and nobody else"
            assert job.attempts <= TERMS.max_attempts
            if job.deleted_at:
                assert job.status.terminal
                assert not [key for key in house.transcripts.objects if f"/{job.id}/" in key]
            elif job.status is JobStatus.COMPLETED:
                assert job.transcript
                assert house.transcripts.get(job.transcript.key)
            assert (job.problem is not None) == (job.status is JobStatus.FAILED and not job.deleted_at)
        open_jobs = sum(not job.status.terminal for job in house.jobs.jobs.values())
        assert house.jobs.usage.get("ada", Usage()).jobs == open_jobs, "what is in flight is counted"

    def teardown(self) -> None:
        """Let everybody go on, and see that every job comes to its end."""
        house = self.house
        house.transcriber = FakeTranscriber(EngineFailed(), make_transcript())
        for _ in range(60):
            house.clock.advance(901)
            house.work()
            self.reap()
        while len(house.queue):
            house.clock.advance(901)
            house.work()
            self.reap()
        self.every_step_is_legal()
        self.what_is_there_fits_together()
        left = [job for job in house.jobs.jobs.values() if not job.status.terminal]
        assert not left, "no job is stuck"


def _reachable(here: JobStatus, there: JobStatus) -> bool:
    """Return whether a job may have come there by one step or several."""
    seen, ahead = {here}, {here}
    while ahead:
        ahead = {status for known in ahead for status in TRANSITIONS[known]} - seen
        seen |= ahead
    return there in seen


TestDays = Days.TestCase
TestDays.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
