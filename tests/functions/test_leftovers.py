"""What never came, came late, lost its message or went: the schedule and the dead letters leave nothing of it."""

from __future__ import annotations

import json

import boto3
import pytest

from functions import on_dead_letter, on_schedule, wiring
from tests.functions.conftest import Stack, sqs_event
from tests.functions.container_worker import Hears, raises, work
from tests.functions.jobs import JOBS, KEY, LONG_AGO, all_jobs, arrive, ask, drop, fetch, late
from tests.web import serving, status
from tiro.errors import EngineFailed
from tiro.job import JobStatus
from tiro.message import JobMessage


def test_a_drop_that_could_not_be_queued_expires_with_a_word(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    event = stack.put(KEY, b"speech")
    with monkeypatch.context() as patch:
        patch.setattr("tiro.service.arrive._enqueue", lambda job, *_, **__: job)
        arrive(event)
    [job] = all_jobs(stack)
    late(job, upload_expires_at=LONG_AGO)
    assert on_schedule.handler({}, None)["expired"] == 1
    assert stack.s3.get_object(Bucket=stack.settings.transcript_bucket, Key=f"{KEY}.problem.json")


@pytest.mark.parametrize("ends", ["cancelled", "expired"])
def test_the_parts_of_what_never_came_are_thrown_away(stack: Stack, ends: str) -> None:
    job_id = ask(stack, upload={"size": 120_000_000})
    if ends == "expired":
        late(wiring.jobs().get(job_id), upload_expires_at=LONG_AGO)
        assert on_schedule.handler({}, None)["expired"] == 1
    else:
        for _ in range(2):
            stack.call("POST", f"{JOBS}/{job_id}/cancel")
    assert "Uploads" not in stack.s3.list_multipart_uploads(Bucket=stack.settings.media_bucket)


def test_what_comes_after_its_job_was_deleted_is_removed(stack: Stack) -> None:
    job_id = ask(stack)
    assert stack.call("DELETE", f"{JOBS}/{job_id}")["statusCode"] == 204
    arrive(stack.put(f"uploads/ada/{job_id}", b"speech"))
    assert "Versions" not in stack.s3.list_object_versions(Bucket=stack.settings.media_bucket)


@pytest.mark.parametrize("by", ["its owner", "the clock"])
def test_a_deleted_job_leaves_nothing(stack: Stack, by: str) -> None:
    job = drop(stack)
    work(stack, Hears())
    bucket = stack.settings.transcript_bucket
    for prefix in ("renderings", "checkpoints"):
        stack.s3.put_object(Bucket=bucket, Key=f"{prefix}/ada/{job.id}/x", Body=b"x")
    if by == "its owner":
        stack.call("DELETE", f"{JOBS}/{job.id}")
    else:
        done = wiring.jobs().get(job.id)
        kept = done.handling.model_copy(update={"retention_seconds": 86400})
        late(done, handling=kept, finished_at=LONG_AGO)
        assert on_schedule.handler({}, None)["tidied"] == 1
    assert stack.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_batch_counts_what_expires_and_what_is_buried(stack: Stack) -> None:
    sources = [{"upload": {}}, {"upload": {}}, {"url": "https://media.example/a.mp3"}]
    made = stack.call("POST", "/v1/batches", body=json.dumps({"sources": sources}))["body"]
    expires, buried, fetched = [item["job_id"] for item in made["results"]]
    late(wiring.jobs().get(expires), upload_expires_at=LONG_AGO)
    on_schedule.handler({}, None)
    arrive(stack.put(f"uploads/ada/{buried}", b"speech"))
    work(stack, Hears(raises(EngineFailed())))
    letter = JobMessage.of(wiring.jobs().get(buried)).model_dump_json()
    on_dead_letter.handler(sqs_event(letter, json.dumps({"job_id": fetched, "round": 1})), None)
    assert stack.call("GET", f"/v1/batches/{made['id']}")["body"]["counts"]["failed"] == 3


def test_a_job_whose_worker_died_each_time_is_buried_with_its_lease(stack: Stack) -> None:
    job = drop(stack)

    def dies() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        work(stack, Hears(dies))
    held = wiring.runs().get(job.id)
    assert held
    wiring.runs().renew(job.id, held.model_copy(update={"lease_expires_at": LONG_AGO}))
    on_dead_letter.handler(sqs_event(JobMessage.of(wiring.jobs().get(job.id)).model_dump_json()), None)
    assert (wiring.jobs().get(job.id).status, wiring.runs().get(job.id)) == (JobStatus.FAILED, None)


def test_what_lost_its_message_is_sent_again_to_where_it_was(stack: Stack, fetching: None) -> None:
    job_id = ask(stack, priority="batch")
    arrive(stack.put(f"uploads/ada/{job_id}", b"speech"))
    queue = wiring.queue(stack.settings.queue_url, stack.settings.batch_queue_url)
    received = queue.receive(wait_seconds=0)
    assert received
    queue.delete(received)
    late(wiring.jobs().get(job_id), sent_at=LONG_AGO)
    with serving() as site:
        site.pages["/a"] = status(503)
        fetched = ask(stack, url=site.url("/a"))
        fetch(fetched)
    lost = wiring.fetches().get(fetched)
    assert lost
    wiring.fetches().save(
        lost, lost.model_copy(update={"sent_at": LONG_AGO, "begun_at": LONG_AGO, "revision": lost.revision + 1})
    )
    boto3.client("sqs").purge_queue(QueueUrl=stack.settings.fetch_queue_url)
    counts = on_schedule.handler({}, None)
    assert (counts["sent_again"], counts["fetched_again"]) == (1, 1)
