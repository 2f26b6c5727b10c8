"""The queue's contract."""

from __future__ import annotations

import pytest

from tiro.errors import MalformedMessage
from tiro.message import JobMessage


def test_round_trip() -> None:
    message = JobMessage(job_id="j", generation=2)
    assert JobMessage.parse(message.model_dump_json()) == message


def test_a_newer_worker_s_extra_field_is_no_harm() -> None:
    assert JobMessage.parse('{"version":"1","job_id":"j","generation":1,"later":"x"}').job_id == "j"


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"version":"2","job_id":"j","generation":1}', "s3:TestEvent"])
def test_anything_else_is_malformed(body: str) -> None:
    with pytest.raises(MalformedMessage):
        JobMessage.parse(body)
