"""Jobs listed, waited for, cancelled, deleted and tried again in the running sandbox, by its own gateway and table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.up import SAMPLE
from tests.sandbox.conftest import RunningSandbox
from tests.sandbox.stack import Stack, eventually

pytestmark = [pytest.mark.sandbox, pytest.mark.model]


@pytest.fixture(scope="module")
def stack(running_sandbox: RunningSandbox) -> Iterator[Stack]:
    with Stack(running_sandbox) as stack:
        yield stack


def test_a_job_that_is_waited_for_is_listed_deleted_and_gone(stack: Stack) -> None:
    key = "jobs/waited.ogg"
    stack.drop(key, SAMPLE.read_bytes())
    stack.all_four(key)
    body = {"source": {"s3": f"{stack.env['TIRO_INBOX']}{key}"}, "metadata": {"order": "7"}}
    made = stack.call("POST", "transcriptions", json=body, headers={"Prefer": "wait=20", "Idempotency-Key": "jobs-1"})
    job = made.json()
    assert (made.status_code, job["status"], made.headers["Preference-Applied"]) == (200, "completed", "wait=20")
    again = stack.call("POST", "transcriptions", json=body, headers={"Idempotency-Key": '"jobs-1"'})
    assert again.json()["id"] == job["id"]
    assert job["lineage"]["model"] == "base"

    def listed() -> bool:
        return job["id"] in [one["id"] for one in stack.call("GET", "transcriptions?status=completed").json()["data"]]

    assert eventually(listed)
    tag = stack.call("GET", f"transcriptions/{job['id']}").headers["ETag"]
    assert stack.call("GET", f"transcriptions/{job['id']}", headers={"If-None-Match": tag}).status_code == 304
    assert [stack.call("DELETE", f"transcriptions/{job['id']}").status_code for _ in range(2)] == [204, 204]
    assert stack.call("GET", f"transcriptions/{job['id']}").json()["code"] == "job_gone"
    assert stack.s3.list_objects_v2(Bucket=stack.transcripts, Prefix=f"transcripts/me/{job['id']}/")["KeyCount"] == 0
    assert stack.found(key), "what was dropped, and what lies beside it, is of another job"


def test_a_cancelled_job_is_tried_again_once_its_recording_is_there(stack: Stack) -> None:
    job = stack.submit({"upload": {}})
    for _ in range(2):
        ended = stack.call("POST", f"transcriptions/{job['id']}/cancel")
        assert (ended.status_code, ended.json()["status"]) == (200, "cancelled")
    assert stack.call("POST", f"transcriptions/{job['id']}/retry").json()["code"] == "media_not_found"
    stack.s3.put_object(Bucket=stack.media, Key=f"uploads/me/{job['id']}", Body=SAMPLE.read_bytes())
    again = stack.call("POST", f"transcriptions/{job['id']}/retry").json()
    assert again["retry_of"] == job["id"]
    assert stack.wait(again["id"])["status"] == "completed"
    assert stack.call("GET", f"transcriptions/{job['id']}").json()["status"] == "cancelled"
