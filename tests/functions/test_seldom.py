"""What seldom happens, on the real adapters: races, leftovers, other people's buckets, and a worker beside them.

tests/infra/test_roles.py runs these too, and asks whether whoever acts is allowed to.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from container.stopping import Stopping
from container.telemetry import Telemetry
from container.watchdog import Watchdog
from container.worker import Worker, World
from functions import on_dead_letter, on_delivery, on_fetch, on_job_change, on_schedule, on_upload, wiring
from tests.factories import make_transcript
from tests.fakes_checkpoints import stretch_of
from tests.fakes_delivery import FakeNotifier
from tests.functions.conftest import Stack, sqs_event
from tests.functions.test_deliveries import news
from tests.web import HERE, serving, status
from tiro.delivery import Delivery
from tiro.errors import EngineFailed, NotAudio
from tiro.fetch import Fetch
from tiro.job import Job, JobStatus, Media
from tiro.message import DeliveryMessage, JobMessage
from tiro.ports import Checkpoint, OnProgress
from tiro.request import Options
from tiro.service import end
from tiro.settings import WorkerSettings
from tiro.transcript import Transcript

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

JOBS = "/v1/transcriptions"
KEY = "inbox/ada/a.mp3"


def submit(stack: Stack, **source: Any) -> str:
    asked = {name: source.pop(name) for name in ("priority", "retention_seconds", "delete_media") if name in source}
    answer = stack.call("POST", JOBS, body=json.dumps({"source": source or {"upload": {}}, **asked}))
    assert answer["statusCode"] == 202, answer["body"]
    return str(answer["body"]["id"])


def arrive(*events: str) -> None:
    assert on_upload.handler(sqs_event(*events), None) == {"batchItemFailures": []}


def drop(stack: Stack, key: str = KEY, content: bytes = b"speech", **metadata: str) -> Job:
    """Have a file dropped; return the job that it makes."""
    arrive(stack.put(key, content, **metadata))
    [job] = [one for one in all_jobs(stack) if one.drop and one.drop.key == key]
    return job


def all_jobs(stack: Stack) -> list[Job]:
    listed = stack.call("GET", JOBS)["body"]["data"]
    return [wiring.jobs().get(one["id"]) for one in listed]


def late(job: Job, **changes: Any) -> Job:
    """Save a job as if it had been made long ago."""
    past = job.model_copy(update={**changes, "revision": job.revision + 1})
    wiring.jobs().save(job, past)
    return past


LONG_AGO = datetime.now(UTC) - timedelta(days=2)


# ---------------------------------------------------------------- a worker


class Hears:
    """A transcriber that reads all, notes what it heard so far, and lets something happen before it ends."""

    def __init__(self, happens: Callable[[], object] = lambda: None) -> None:
        self._happens = happens
        self.resumed = 0

    def transcribe(
        self,
        media: Media,
        options: Options,
        *,
        max_seconds: float,
        on_progress: OnProgress,
        checkpoint: Checkpoint | None = None,
    ) -> Transcript:
        assert checkpoint
        wiring.media(media.bucket).read(media, 0, 10)
        self.resumed = len(checkpoint.stretches)
        checkpoint.add(stretch_of(self.resumed))
        self._happens()
        return make_transcript()


def work(stack: Stack, transcriber: Hears, **more: Any) -> None:
    names = ("table", "queue_url", "batch_queue_url", "media_bucket", "transcript_bucket")
    settings = WorkerSettings(**{name: getattr(stack.settings, name) for name in names}, **more)
    world = World(
        jobs=wiring.jobs(),
        runs=wiring.runs(),
        transcripts=wiring.transcripts(settings.transcript_bucket),
        checkpoints=wiring.checkpoints(),
        queue=wiring.queue(settings.queue_url, settings.batch_queue_url),
        transcriber=transcriber,
        clock=wiring.clock(),
        watchdog=Watchdog(600, log=_to_nobody),
        telemetry=Telemetry("test", wiring.clock(), write=lambda line: None),
    )
    worker = Worker(world, settings, Stopping(), _to_nobody)
    received = worker._receive()
    assert received
    worker.handle(received)


def _to_nobody(event: str, *, error: BaseException | None = None, **_: object) -> None:
    """Tests need no log."""


def raises(error: Exception) -> Callable[[], object]:
    def happen() -> None:
        raise error

    return happen


class TestWorker:
    def test_a_second_attempt_goes_on_and_clears_away(self, stack: Stack) -> None:
        job = drop(stack)
        first, second = Hears(raises(EngineFailed())), Hears()
        work(stack, first)
        wiring.queue(stack.settings.queue_url, "").send(JobMessage.of(wiring.jobs().get(job.id)), owner="ada")
        work(stack, second)
        assert (first.resumed, second.resumed) == (0, 1)
        assert wiring.jobs().get(job.id).status is JobStatus.COMPLETED
        found = stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["Contents"]
        assert {one["Key"].partition("/")[0] for one in found} == {"transcripts", "inbox"}

    def test_what_is_no_recording_is_said_beside_it(self, stack: Stack) -> None:
        drop(stack)
        work(stack, Hears(raises(NotAudio())))
        assert stack.s3.get_object(Bucket=stack.settings.transcript_bucket, Key=f"{KEY}.problem.json")

    def test_an_attempt_that_lost_its_job_takes_back_what_it_wrote(self, stack: Stack) -> None:
        job = drop(stack)
        work(stack, Hears(lambda: stack.call("POST", f"{JOBS}/{job.id}/cancel")))
        assert wiring.jobs().get(job.id).status is JobStatus.CANCELLED
        assert stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["KeyCount"] == 0

    @pytest.mark.parametrize("door", ["inbox", "uploads", "archive"])
    def test_it_hears_the_version_that_it_was_told_of(
        self, stack: Stack, door: str, archive: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if door == "archive":
            stack.s3.put_bucket_versioning(Bucket=archive, VersioningConfiguration={"Status": "Enabled"})
            stack.s3.put_object(Bucket=archive, Key="ada/a.mp3", Body=b"speech")
            job_id = submit(stack, s3=f"s3://{archive}/ada/a.mp3")
        elif door == "uploads":
            job_id = submit(stack)
            arrive(stack.put(f"uploads/ada/{job_id}", b"speech"))
        else:
            job_id = drop(stack).id
        media = wiring.jobs().get(job_id).media
        assert media
        stack.s3.put_object(Bucket=media.bucket, Key=media.key, Body=b"another")
        work(stack, Hears())
        assert wiring.jobs().get(job_id).status is JobStatus.COMPLETED

    def test_a_batch_that_may_wait_is_heard_from_its_own_queue(self, stack: Stack) -> None:
        sources: list[dict[str, Any]] = [{"upload": {}}]
        made = stack.call("POST", "/v1/batches", body=json.dumps({"sources": sources, "priority": "batch"}))["body"]
        job_id = made["results"][0]["job_id"]
        arrive(stack.put(f"uploads/ada/{job_id}", b"speech"))
        hears = Hears(raises(EngineFailed()))
        work(stack, hears)
        assert stack.call("GET", f"/v1/batches/{made['id']}")["body"]["counts"]["queued"] == 1
        wiring.queue(stack.settings.batch_queue_url, "").send(JobMessage.of(wiring.jobs().get(job_id)), owner="ada")
        work(stack, Hears())
        assert stack.call("GET", f"/v1/batches/{made['id']}")["body"]["counts"]["completed"] == 1


# ---------------------------------------------------------------- other people's buckets


@pytest.fixture
def archive(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of the caller's own, of which we were told."""
    name = f"{stack.settings.media_bucket}-archive"
    stack.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    monkeypatch.setenv("TIRO_SOURCE_BUCKETS", name)
    wiring.settings.cache_clear()
    return name


def test_a_recording_in_a_bucket_of_one_s_own(stack: Stack, archive: str) -> None:
    stack.s3.put_object(Bucket=archive, Key="ada/a.mp3", Body=b"speech")
    job_id = submit(stack, s3=f"s3://{archive}/ada/a.mp3")
    assert stack.call("GET", f"{JOBS}/{job_id}/media")["statusCode"] == 200
    work(stack, Hears())
    made = stack.call("POST", "/v1/batches", body=json.dumps({"prefix": f"s3://{archive}/ada/"}))
    assert made["body"]["accepted"] == 1
    stack.s3.put_bucket_versioning(Bucket=archive, VersioningConfiguration={"Status": "Enabled"})
    stack.s3.put_object(Bucket=archive, Key="ada/b.mp3", Body=b"speech")
    kept = submit(stack, s3=f"s3://{archive}/ada/b.mp3")
    assert stack.call("GET", f"{JOBS}/{kept}/media")["statusCode"] == 200


def test_what_was_uploaded_may_be_a_batch_too(stack: Stack) -> None:
    stack.put("uploads/ada/a", b"speech")
    prefix = f"s3://{stack.settings.media_bucket}/uploads/ada/"
    assert stack.call("POST", "/v1/batches", body=json.dumps({"prefix": prefix}))["body"]["accepted"] == 1


# ---------------------------------------------------------------- drops


def test_a_drop_is_played_and_deleted_with_what_lies_beside_it(stack: Stack) -> None:
    job = drop(stack)
    work(stack, Hears())
    assert stack.call("GET", f"{JOBS}/{job.id}/media")["statusCode"] == 200
    assert stack.call("DELETE", f"{JOBS}/{job.id}")["statusCode"] == 204
    assert stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["KeyCount"] == 0


def test_the_same_drop_told_twice_is_one_job(stack: Stack) -> None:
    event = stack.put(KEY, b"speech")
    arrive(event, event)
    assert len(all_jobs(stack)) == 1


def test_a_drop_that_asks_for_what_there_is_not_is_told_so(stack: Stack) -> None:
    job = drop(stack, language="klingon")
    assert job.status is JobStatus.FAILED
    assert stack.s3.get_object(Bucket=stack.settings.transcript_bucket, Key=f"{KEY}.problem.json")


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is about to fail a job finds that it was completed meanwhile."""
    publish = end._publish_problem

    def and_then(drop: Any, problem: Any, **ports: Any) -> None:
        publish(drop, problem, **ports)
        [job] = [one for one in seen if one.drop == drop]
        late(wiring.jobs().get(job.id), status=JobStatus.COMPLETED)

    seen: list[Job] = []
    create = wiring.jobs().create

    def remember(job: Job) -> Job:
        seen.append(job)
        return create(job)

    monkeypatch.setattr(wiring.jobs(), "create", remember)
    monkeypatch.setattr(end, "_publish_problem", and_then)


def test_a_problem_is_taken_back_when_the_job_was_completed_meanwhile(stack: Stack, overtaken: None) -> None:
    on_upload.handler(sqs_event(stack.put(KEY, b"speech", language="klingon")), None)
    arrive(stack.put("inbox/ada/b.mp3", b"speech"))
    [queued] = [one for one in all_jobs(stack) if one.status is JobStatus.QUEUED]
    on_dead_letter.handler(sqs_event(JobMessage.of(queued).model_dump_json()), None)
    assert stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["KeyCount"] == 0


# ---------------------------------------------------------------- what never came, came late, or went


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
    job_id = submit(stack, upload={"size": 120_000_000})
    if ends == "expired":
        late(wiring.jobs().get(job_id), upload_expires_at=LONG_AGO)
        assert on_schedule.handler({}, None)["expired"] == 1
    else:
        for _ in range(2):
            stack.call("POST", f"{JOBS}/{job_id}/cancel")
    assert "Uploads" not in stack.s3.list_multipart_uploads(Bucket=stack.settings.media_bucket)


def test_what_comes_after_its_job_was_deleted_is_removed(stack: Stack) -> None:
    job_id = submit(stack)
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


# ---------------------------------------------------------------- fetching


@pytest.fixture
def fetching(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIRO_ALLOW_NETWORKS", HERE)
    wiring.settings.cache_clear()


def fetch(job_id: str, round_: int = 1) -> None:
    told = sqs_event(json.dumps({"job_id": job_id, "round": round_}))
    assert on_fetch.handler(told, None) == {"batchItemFailures": []}


def begun(stack: Stack, job_id: str, **changes: Any) -> Fetch:
    """Have a fetch begun whose one part is there."""
    key = f"uploads/ada/{job_id}"
    upload_id = wiring.parts(stack.settings.media_bucket).begin(key, content_type=None)
    etag = wiring.parts(stack.settings.media_bucket).put(key, upload_id, 1, b"speech")
    new = Fetch(job_id=job_id, begun_at=datetime.now(UTC))
    grown = new.grown(upload_id=upload_id, etag=etag, size=6, whole=True)
    wiring.fetches().save(new, grown)
    return grown


def test_a_server_that_is_down_is_asked_again(stack: Stack, fetching: None) -> None:
    with serving() as site:
        site.pages["/a"] = status(503)
        made = stack.call("POST", "/v1/batches", body=json.dumps({"sources": [{"url": site.url("/a")}] * 2}))
        first, gone = [item["job_id"] for item in made["body"]["results"]]
        fetch(first)
        site.pages["/a"] = status(404)
        fetch(gone)
    assert wiring.jobs().get(first).status is JobStatus.AWAITING_MEDIA
    assert wiring.jobs().get(gone).status is JobStatus.FAILED


def test_what_was_fetched_is_joined_once(stack: Stack, fetching: None, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = submit(stack, url="https://media.example/a.mp3")
    grown = begun(stack, job_id)
    fetch(job_id, grown.round)
    assert wiring.fetches().get(job_id) is None
    wiring.fetches().save(Fetch(job_id=job_id, begun_at=grown.begun_at), grown)
    over = ClientError({"Error": {"Code": "NoSuchUpload"}}, "CompleteMultipartUpload")  # moto would join it again
    client = wiring.parts(stack.settings.media_bucket)._client
    monkeypatch.setattr(client, "complete_multipart_upload", lambda **_: raises(over)())
    fetch(job_id)  # who joined it died before it could say so
    assert wiring.fetches().get(job_id) is None
    assert wiring.jobs().get(job_id).status is JobStatus.AWAITING_MEDIA


def test_what_was_fetched_for_nobody_is_thrown_away(stack: Stack, fetching: None) -> None:
    job_id = submit(stack, url="https://media.example/a.mp3")
    begun(stack, job_id)
    stack.call("POST", f"{JOBS}/{job_id}/cancel")
    fetch(job_id)
    assert "Uploads" not in stack.s3.list_multipart_uploads(Bucket=stack.settings.media_bucket)


# ---------------------------------------------------------------- deliveries


@pytest.fixture
def notifier(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeNotifier:
    fake = FakeNotifier()
    monkeypatch.setattr(wiring, "notifier", lambda: fake)
    return fake


def told(stack: Stack, job_id: str, dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    """Have the stream bring what a job has to tell, on a bus that is there; return the delivery that is made of it."""
    bus = f"{stack.settings.table}-bus"
    boto3.client("events").create_event_bus(Name=bus)
    monkeypatch.setenv("TIRO_EVENT_BUS", bus)
    wiring.settings.cache_clear()
    assert on_job_change.handler(news(dynamodb, stack, job_id), None) == {"batchItemFailures": []}
    [delivery] = wiring.deliveries().of_job(job_id)
    return delivery


@pytest.mark.parametrize(("answer", "becomes"), [(500, "pending"), (410, "failed"), (429, "pending")])
def test_a_receiver_that_fails_is_asked_again_and_one_that_is_gone_is_not(
    stack: Stack,
    notifier: FakeNotifier,
    dynamodb: DynamoDBClient,
    monkeypatch: pytest.MonkeyPatch,
    answer: int,
    becomes: str,
) -> None:
    stack.call("POST", "/v1/webhooks", body='{"url": "https://example.com/"}')
    job_id = submit(stack)
    stack.call("POST", f"{JOBS}/{job_id}/cancel")
    delivery = told(stack, job_id, dynamodb, monkeypatch)
    notifier.answers = [answer]
    message = DeliveryMessage(job_id=job_id, delivery_id=delivery.id, revision=delivery.revision)
    assert on_delivery.handler(sqs_event(message.model_dump_json()), None) == {"batchItemFailures": []}
    after = wiring.deliveries().get(job_id, delivery.id)
    assert after.state == becomes
    if becomes == "pending":  # and its message is lost
        wiring.deliveries().save(after, after.model_copy(update={"due_at": LONG_AGO, "revision": after.revision + 1}))
        assert on_schedule.handler({}, None)["deliveries"] == 1


# ---------------------------------------------------------------- the reaper


def test_what_lost_its_message_is_sent_again_to_where_it_was(stack: Stack, fetching: None) -> None:
    job_id = submit(stack, priority="batch")
    arrive(stack.put(f"uploads/ada/{job_id}", b"speech"))
    queue = wiring.queue(stack.settings.queue_url, stack.settings.batch_queue_url)
    received = queue.receive(wait_seconds=0)
    assert received
    queue.delete(received)
    late(wiring.jobs().get(job_id), sent_at=LONG_AGO)
    with serving() as site:
        site.pages["/a"] = status(503)
        fetched = submit(stack, url=site.url("/a"))
        fetch(fetched)
    lost = wiring.fetches().get(fetched)
    assert lost
    wiring.fetches().save(
        lost, lost.model_copy(update={"sent_at": LONG_AGO, "begun_at": LONG_AGO, "revision": lost.revision + 1})
    )
    boto3.client("sqs").purge_queue(QueueUrl=stack.settings.fetch_queue_url)
    counts = on_schedule.handler({}, None)
    assert (counts["sent_again"], counts["fetched_again"]) == (1, 1)
