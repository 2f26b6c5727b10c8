"""What did not change is not told again, by its ETag: a job, and a transcript in each format."""

from __future__ import annotations

from tests.functions.conftest import Stack
from tests.functions.jobs import end_one, header, path, queue_one, submit


class TestConditional:
    def test_a_job_that_did_not_change_is_not_told_again(self, stack: Stack) -> None:
        job_id = queue_one(stack)
        first = stack.call("GET", path(job_id))
        tag = header(first, "ETag")
        assert tag
        submit(stack)  # one more of its owner's in flight
        for asked in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
            same = stack.call("GET", path(job_id), headers={"If-None-Match": asked})
            assert (same["statusCode"], same["body"], header(same, "ETag")) == (304, "", tag)
            assert "Content-Type" not in same["multiValueHeaders"]
        stack.call("POST", path(job_id, "cancel"))
        changed = stack.call("GET", path(job_id), headers={"If-None-Match": tag})
        assert (changed["statusCode"], changed["body"]["status"]) == (200, "cancelled")

    def test_a_transcript_is_told_once_in_each_format(self, stack: Stack) -> None:
        where = path(end_one(stack), "transcript")
        tags = {form: header(stack.call("GET", where, format=form), "ETag") for form in ("txt", "vtt", "json")}
        assert len(set(tags.values())) == 3
        for form, tag in tags.items():
            assert tag
            answer = stack.call("GET", where, format=form, headers={"If-None-Match": tag})
            assert (answer["statusCode"], answer["body"]) == (304, "")
        other = stack.call("GET", where, format="vtt", headers={"If-None-Match": str(tags["txt"])})
        assert other["statusCode"] == 200
