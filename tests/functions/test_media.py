"""The recording of a job, lent to its owner to be played, and never as a page."""

from __future__ import annotations

import requests

from functions import on_upload
from tests.functions.conftest import Stack, sqs_event
from tests.functions.jobs import end_one, path, submit


class TestMedia:
    def test_a_recording_is_played_by_whoever_has_its_address(self, stack: Stack) -> None:
        job_id = end_one(stack)
        answer = stack.call("GET", path(job_id, "media"))
        assert answer["statusCode"] == 200
        assert requests.get(answer["body"]["url"], timeout=5).content == b"speech"
        assert stack.call("GET", path(job_id, "media"), owner="bob")["statusCode"] == 404

    def test_before_it_came_there_is_none(self, stack: Stack) -> None:
        answer = stack.call("GET", path(submit(stack)["body"]["id"], "media"))
        assert (answer["statusCode"], answer["body"]["code"]) == (404, "media_not_found")

    def test_a_page_that_was_sent_as_a_recording_is_not_shown_as_one(self, stack: Stack) -> None:
        job_id = str(submit(stack)["body"]["id"])
        event = stack.put(f"uploads/ada/{job_id}", b"<script>")
        stack.s3.put_object(
            Bucket=stack.settings.media_bucket, Key=f"uploads/ada/{job_id}", Body=b"<script>", ContentType="text/html"
        )
        on_upload.handler(sqs_event(event.replace('"versionId"', '"ignored"')), None)
        answer = stack.call("GET", path(job_id, "media"))
        assert answer["body"]["content_type"] == "application/octet-stream"
        played = requests.get(answer["body"]["url"], timeout=5)
        assert played.headers["Content-Type"] == "application/octet-stream"
