"""Jobs by HTTP: listed, cancelled, deleted, tried again, counted, and told of while they are heard."""

from __future__ import annotations

import pytest

from functions import on_upload, wiring
from tests.fakes_checkpoints import stretch_of
from tests.functions.conftest import Stack, sqs_event
from tests.functions.jobs import FAILS, HEARS, end_one, header, of_s3, path, queue_one, submit
from tests.functions.working import work
from tests.house import breaks
from tiro import service
from tiro.adapters.sqs import SQSJobQueue
from tiro.checkpoint import Written
from tiro.job import JobStatus
from tiro.message import JobMessage


class TestList:
    def test_pages_lead_to_each_other(self, stack: Stack) -> None:
        made = [submit(stack)["body"]["id"] for _ in range(3)]
        submit(stack, owner="bob")
        first = stack.call("GET", "/v1/transcriptions", limit="2")
        assert first["statusCode"] == 200
        assert {job["id"] for job in first["body"]["data"]} <= set(made)
        cursor = first["body"]["next_cursor"]
        assert header(first, "Link") == f'</v1/transcriptions?limit=2&cursor={cursor}>; rel="next"'
        second = stack.call("GET", "/v1/transcriptions", limit="2", cursor=cursor)
        assert sorted(job["id"] for page in (first, second) for job in page["body"]["data"]) == sorted(made)
        assert (second["body"]["next_cursor"], header(second, "Link")) == (None, None)

    def test_another_owner_s_cursor_is_refused(self, stack: Stack) -> None:
        for owner in ("ada", "ada", "bob"):
            submit(stack, owner=owner)
        cursor = stack.call("GET", "/v1/transcriptions", limit="1")["body"]["next_cursor"]
        answer = stack.call("GET", "/v1/transcriptions", owner="bob", limit="1", cursor=cursor)
        assert (answer["statusCode"], answer["body"]["code"]) == (422, "invalid_request")


class TestEnds:
    def test_cancelled_stays_cancelled(self, stack: Stack) -> None:
        job_id = queue_one(stack)
        for _ in range(2):
            answer = stack.call("POST", path(job_id, "cancel"))
            assert (answer["statusCode"], answer["body"]["status"]) == (200, "cancelled")
        assert work(HEARS, stack.settings), "the message is a leftover"
        assert stack.call("GET", path(job_id))["body"]["status"] == "cancelled"
        assert stack.call("POST", path(job_id, "cancel"), owner="bob")["statusCode"] == 404

    def test_what_is_completed_is_not_cancelled(self, stack: Stack) -> None:
        answer = stack.call("POST", path(end_one(stack), "cancel"))
        assert (answer["statusCode"], answer["body"]["code"]) == (409, "job_finished")

    def test_deleted_is_gone_for_its_owner_and_was_never_there_for_others(self, stack: Stack) -> None:
        job_id = end_one(stack)
        assert stack.call("DELETE", path(job_id), owner="bob")["statusCode"] == 404
        for _ in range(2):
            assert stack.call("DELETE", path(job_id))["statusCode"] == 204
        for method, where in (
            ("GET", path(job_id)),
            ("GET", path(job_id, "transcript")),
            ("POST", path(job_id, "retry")),
        ):
            answer = stack.call(method, where)
            assert (answer["statusCode"], answer["body"]["code"]) == (410, "job_gone")
        assert stack.call("GET", path(job_id), owner="bob")["body"]["code"] == "job_not_found"
        assert stack.call("GET", "/v1/transcriptions")["body"]["data"] == []
        media = stack.s3.list_object_versions(Bucket=stack.settings.media_bucket, Prefix="uploads/")
        assert not [*media.get("Versions", []), *media.get("DeleteMarkers", [])]
        assert stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["KeyCount"] == 0

    def test_a_failed_job_is_tried_again(self, stack: Stack) -> None:
        job_id = end_one(stack, FAILS)
        answer = stack.call("POST", path(job_id, "retry"))
        assert answer["statusCode"] == 202
        again = answer["body"]
        assert (again["status"], again["retry_of"]) == ("queued", job_id)
        assert header(answer, "Location") == path(again["id"])
        while work(HEARS, stack.settings):
            pass
        assert stack.call("GET", path(again["id"]))["body"]["status"] == "completed"
        assert stack.call("POST", path(again["id"], "retry"))["body"]["code"] == "not_retryable"


class TestQuota:
    def test_what_is_left_is_told_and_what_is_too_much_is_refused(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TIRO_MAX_JOBS_IN_FLIGHT", "2")
        wiring.settings.cache_clear()
        first = submit(stack)
        assert header(first, "RateLimit-Policy") == '"jobs-in-flight";q=2, "audio-seconds";q=3600000;w=86400'
        assert str(header(first, "RateLimit")).startswith('"jobs-in-flight";r=1, "audio-seconds";r=3600000;t=')
        second = submit(stack)
        refused = submit(stack)
        assert (refused["statusCode"], refused["body"]["code"]) == (429, "quota_exceeded")
        assert refused["body"]["retryable"]
        assert header(refused, "Retry-After") == "30"
        assert str(header(refused, "RateLimit")).startswith('"jobs-in-flight";r=0')
        assert submit(stack, owner="bob")["statusCode"] == 202
        stack.call("POST", path(second["body"]["id"], "cancel"))
        assert submit(stack)["statusCode"] == 202

    def test_a_job_tells_how_many_of_one_s_own_may_come_before_it(self, stack: Stack) -> None:
        queue_one(stack)
        job = stack.call("GET", path(queue_one(stack)))["body"]
        assert job["own_jobs_ahead"] == 1
        assert job["estimated_wait_seconds"] is None

    def test_and_how_long_it_may_wait_once_somebody_worked(self, stack: Stack) -> None:
        queue_one(stack)
        job_id = queue_one(stack)
        wiring.pace().note(4.0, at=wiring.clock().now())
        job = stack.call("GET", path(job_id))["body"]
        assert (job["estimated_wait_seconds"], bool(job["estimated_wait_basis"])) == (4.0, True)


def test_what_a_job_tells_at_its_end(stack: Stack) -> None:
    submitted = submit(stack, body='{"source": {"upload": {}}, "metadata": {"order": "7"}}')["body"]
    on_upload.handler(sqs_event(stack.put(f"uploads/ada/{submitted['id']}", b"speech")), None)
    work(HEARS, stack.settings)
    job = stack.call("GET", path(submitted["id"]))["body"]
    assert job["status"] == JobStatus.COMPLETED
    assert job["metadata"] == {"order": "7"}
    assert job["lineage"]["model"] == "base"
    assert job["lineage"]["media_etag"]
    assert job["timings"]["processing_ms"] >= 0
    assert job["cost_usd"] is None


def claim_one(stack: Stack) -> service.Claim:
    queue_one(stack)
    received = wiring.queue(stack.settings.queue_url, "").receive(wait_seconds=0)
    assert received
    claim = service.claim(
        JobMessage.parse(received.body),
        receives=1,
        jobs=wiring.jobs(),
        runs=wiring.runs(),
        transcripts=wiring.transcripts(stack.settings.transcript_bucket),
        clock=wiring.clock(),
        terms=service.LeaseTerms(120, 3),
    )
    assert isinstance(claim, service.Claim)
    return claim


class TestNiceToHave:
    """What a job tells of its surroundings is worth no error: who is told of one instead of a job makes another."""

    def test_a_job_that_was_made_is_answered_without_it(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(SQSJobQueue, "depth", breaks)
        monkeypatch.setattr(wiring, "waiting_room", breaks)
        wiring.pace().note(4.0, at=wiring.clock().now())
        answer = submit(stack, body=of_s3(stack), headers={"Prefer": "wait=1"})
        assert (answer["statusCode"], answer["body"]["estimated_wait_seconds"]) == (202, None)
        assert header(answer, "Preference-Applied") is None

    @pytest.mark.parametrize("piece", ["pace", "usage"])
    def test_a_job_that_waits_is_told_of_without_it(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch, piece: str
    ) -> None:
        job_id = queue_one(stack)
        monkeypatch.setattr(wiring, piece, breaks)
        answer = stack.call("GET", path(job_id))
        assert (answer["statusCode"], answer["body"]["status"]) == (200, "queued")
        assert None in (answer["body"]["own_jobs_ahead"], answer["body"]["estimated_wait_seconds"])

    def test_a_job_that_is_heard_is_told_of_without_it(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        job_id = claim_one(stack).job.id
        assert stack.call("GET", path(job_id))["body"]["progress"]["done_seconds"] == 0
        monkeypatch.setattr(wiring, "runs", breaks)
        answer = stack.call("GET", path(job_id))
        assert (answer["statusCode"], answer["body"]["progress"]) == (200, None)


class TestHeardSoFar:
    def hear(self, claim: service.Claim, *numbers: int) -> service.Notebook:
        notebook = service.Notebook(claim.job, claim.run, store=wiring.checkpoints(), clock=wiring.clock())
        notebook.note = lambda trail: wiring.runs().renew(
            claim.job.id, claim.run.model_copy(update={"checkpoint": trail})
        )
        for number in numbers:
            notebook.add(stretch_of(number))
            notebook.write()
        return notebook

    def test_it_is_told_while_a_worker_hears_and_when_it_gave_the_job_back(self, stack: Stack) -> None:
        claim = claim_one(stack)
        assert stack.call("GET", path(claim.job.id))["body"]["partial"] is None
        notebook = self.hear(claim, 0, 1, 2)
        partial = {"text": "0 1 2", "is_whole": True, "end_seconds": 30.0}
        assert stack.call("GET", path(claim.job.id))["body"]["partial"] == partial
        service.give_back(claim, counted=False, runs=wiring.runs(), checkpoint=notebook.trail)
        assert stack.call("GET", path(claim.job.id))["body"]["partial"] == partial

    def test_it_is_deleted_with_its_job(self, stack: Stack) -> None:
        claim = claim_one(stack)
        self.hear(claim, 0, 1)
        assert stack.call("DELETE", path(claim.job.id))["statusCode"] == 204
        assert not service.Notebook(
            claim.job,
            claim.run.model_copy(update={"checkpoint": (Written(attempt=claim.run.attempt, parts=1),)}),
            store=wiring.checkpoints(),
            clock=wiring.clock(),
        ).stretches
