"""The function that fetches, when a server is down or a fetch was over before: joined once, and kept for nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import wiring
from tests.functions.conftest import Stack
from tests.functions.container_worker import raises
from tests.functions.jobs import JOBS, ask, fetch
from tests.web import serving, status
from tiro.fetch import Fetch
from tiro.job import JobStatus


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
    job_id = ask(stack, url="https://media.example/a.mp3")
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
    job_id = ask(stack, url="https://media.example/a.mp3")
    begun(stack, job_id)
    stack.call("POST", f"{JOBS}/{job_id}/cancel")
    fetch(job_id)
    assert "Uploads" not in stack.s3.list_multipart_uploads(Bucket=stack.settings.media_bucket)
