"""Every other call of the client's: what it asks, and what it makes of the answer."""

from __future__ import annotations

import inspect
from datetime import datetime
from pathlib import Path

import pytest

from infra.api import OPEN_ROUTES, ROUTES
from tests.factories import NOW
from tests.fake_api import FakeApi, body_of
from tests.fake_routes import SECRET
from tiro import errors
from tiro.client import AsyncClient, Client, JobFailed, RequestFailed, calls, job_failure, uploads
from tiro.job import JobStatus
from tiro.request import Options, S3Object
from tiro.webhook import JobWebhook

THING = S3Object(bucket="media", key="inbox/ada/a.mp3")


def test_a_url_is_named_and_not_sent(client: Client, api: FakeApi) -> None:
    client.submit("https://example.com/a.mp3", metadata={"order": "17"}, webhook=JobWebhook(endpoint="wh_0"))
    assert body_of(api.calls("POST")[0]) == {
        "source": {"url": "https://example.com/a.mp3"},
        "metadata": {"order": "17"},
        "webhook": {"endpoint": "wh_0"},
    }


def test_a_key_of_the_caller_s_is_taken(client: Client, api: FakeApi) -> None:
    first = client.submit(THING, key="order-17")
    assert client.submit(THING, key="order-17").id == first.id
    assert len(api.jobs) == 1


def test_the_list_is_read_page_by_page(client: Client, api: FakeApi) -> None:
    made = [client.submit(THING).id for _ in range(5)]
    assert [job.id for job in client.jobs(limit=2)] == made[::-1]
    pages = [asked.path for asked in api.calls("GET")]
    assert pages == [f"/prod/v1/transcriptions?limit=2{more}" for more in ("", "&cursor=2", "&cursor=4")]


def test_filters_go_into_the_query(client: Client, api: FakeApi) -> None:
    list(client.jobs(status=JobStatus.FAILED, created_after=NOW, limit=None))
    assert datetime.fromisoformat(NOW.isoformat()) == NOW
    assert api.asked[-1].path.startswith("/prod/v1/transcriptions?status=failed&created_after=2026-")


def test_a_call_can_be_held_open(client: Client, api: FakeApi) -> None:
    client.job(client.submit(THING).id, wait=20)
    assert api.asked[-1].headers["prefer"] == "wait=20"


def test_waiting_has_an_end(client: Client, api: FakeApi, slept: list[float]) -> None:
    api.looks = 1000
    with pytest.raises(errors.StillProcessing, match="goes on"):
        client.wait(client.submit(THING).id, timeout=10)
    assert 10 <= sum(slept) < 14


def test_cancel_retry_delete(client: Client, api: FakeApi) -> None:
    job = client.submit(THING)
    assert client.cancel(job.id).status is JobStatus.CANCELLED
    api.fail("POST", None)
    again = client.retry(job.id)
    assert again.retry_of == job.id
    assert len(api.jobs) == 2
    client.delete(job.id)
    with pytest.raises(errors.JobGone):
        client.job(job.id)


def test_a_batch_of_everything(client: Client, api: FakeApi, recording: Path) -> None:
    large = recording.with_name("large.wav")
    large.write_bytes(bytes(11_000_000))
    made = client.submit_batch([recording, large, "s3://media/a", "https://example.com/b"], Options(language="en"))
    assert made.accepted == 4
    assert sorted(map(len, api.objects.values())) == [600_000, 11_000_000]
    assert client.batch(made.id).sources == 4


def test_models(client: Client) -> None:
    assert [model.id for model in client.models()] == ["base", "large-v3"]
    assert client.model("base").default
    with pytest.raises(errors.ModelNotFound):
        client.model("small")


def test_a_recording_can_be_played(client: Client) -> None:
    assert client.media(client.submit(THING).id).content_type == "audio/mpeg"


def test_webhooks(client: Client, api: FakeApi) -> None:
    made = client.add_webhook("https://example.com/tiro", ["transcription.failed"], description="on call")
    assert made.secret == SECRET
    assert client.webhook(made.id).events == ("transcription.failed",)
    assert [one.id for one in client.webhooks()] == [made.id]
    assert client.test_webhook(made.id).status == 500
    assert client.rotate_webhook(made.id).id == made.id
    [delivery] = client.deliveries("j")
    assert client.redeliver("j", delivery.id).state == "delivered"
    client.remove_webhook(made.id)
    with pytest.raises(errors.WebhookNotFound):
        client.webhook(made.id)


# ---------------------------------------------------------------- errors


def test_an_error_is_what_the_tree_calls_it(client: Client) -> None:
    with pytest.raises(errors.JobNotFound) as failed:
        client.job("x")
    assert isinstance(failed.value, RequestFailed)
    assert isinstance(failed.value, errors.PermanentError)
    assert failed.value.answer.request_id == "r-1"


def test_every_leaf_can_be_raised_from_an_answer(client: Client, api: FakeApi) -> None:
    for kind in (errors.QuotaExceeded, errors.InvalidRequest, errors.Throttled, errors.NotAudio, errors.InternalError):
        body = kind("So it is.").problem().model_dump_json().encode()
        api.fail("GET", 418, body=body, kind="application/problem+json", retry_after=7)
        with pytest.raises(kind, match="So it is") as failed:
            client.job("x")
        assert isinstance(failed.value, RequestFailed)
        assert failed.value.retry_after == 7


def test_a_code_of_a_later_version_is_carried(client: Client, api: FakeApi) -> None:
    body = errors.JobNotFound().problem().model_copy(update={"code": "of_tomorrow"}).model_dump_json().encode()
    api.fail("GET", 418, body=body, kind="application/problem+json")
    with pytest.raises(RequestFailed) as failed:
        client.job("x")
    assert failed.value.problem().code == "of_tomorrow"


def test_s3_at_the_api_s_address_is_a_stranger(client: Client, api: FakeApi) -> None:
    api.fail("GET", 404, body=b"<Error><Code>NoSuchBucket</Code><Message>There is no such bucket</Message></Error>")
    with pytest.raises(RequestFailed) as failed:
        client.job("x")
    assert failed.value.problem().code == "unexpected_answer"


def test_a_failed_job_can_be_raised(client: Client, api: FakeApi) -> None:
    api.error = errors.NotAudio("This is a text file.")
    failed = job_failure(client.wait(client.submit(THING).id))
    assert isinstance(failed, JobFailed)
    assert isinstance(failed, errors.NotAudio)


# ---------------------------------------------------------------- all of it


def test_both_clients_have_every_call() -> None:
    flows = {
        name: thing
        for module in (calls, uploads)
        for name, thing in vars(module).items()
        if inspect.isgeneratorfunction(thing) and thing.__module__ == module.__name__
    }
    told = {name for name in flows if not name.startswith("_")}
    for client in (Client, AsyncClient):
        assert told <= set(vars(client))


def test_every_route_has_a_call() -> None:
    """But OpenAI's, which have a client of their own, and those that need no key."""
    source = "".join(inspect.getsource(module) for module in (calls, uploads))
    helpers = {"/v1/transcriptions/{id}": "{job_path(job_id)}", "/v1/webhooks/{id}": "{_webhook_path(endpoint_id)}"}
    for _, path in {*ROUTES} - {*OPEN_ROUTES}:
        base = next((base for base in helpers if path.startswith(base)), "")
        wanted = path.replace(base, helpers[base]) if base else path
        piece = wanted.partition("{delivery}")[0].partition("{id}")[0].partition("{model}")[0]
        known = piece in source or (base == path and helpers[base].strip("{}") in source)
        assert known or path.startswith("/v1/audio/"), path
