"""One trace from the call to the receiver."""

from __future__ import annotations

import re

import pytest

from tests.factories import NOW, make_queued_job
from tests.house import House
from tiro.delivery import event_of
from tiro.job import JobStatus
from tiro.message import JobMessage
from tiro.request import parse_request
from tiro.trace import owner_hash, root_of, trace_of, traceparent

CALL = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    ("header", "root"),
    [
        (f"Root={CALL}", CALL),
        (f"Self=1-67891234-12456789abcdef012345678;Root={CALL};Sampled=1", CALL),
        ("Root=1-5759e988-bd862e3fe1be46a99427279", None),
        (f"Root={CALL}0", None),
        (f"NotRoot={CALL}", None),
        ("", None),
    ],
)
def test_a_call_s_trace_is_read_from_its_header(header: str, root: str | None) -> None:
    assert root_of(header) == root


def test_a_job_has_one_trace_wherever_it_is_told_of() -> None:
    house = House()
    key = "inbox/ada/a.mp3"
    house.put(key)
    request = parse_request(f'{{"source": {{"s3": "s3://media/{key}"}}}}')
    job = house.make(request, trace=CALL)
    received = house.queue.receive(wait_seconds=0)
    assert received
    assert JobMessage.parse(received.body).trace == CALL
    told = event_of(None, job)
    assert told
    assert told.trace == CALL


def test_a_job_that_no_call_made_has_a_trace_of_its_own() -> None:
    job = make_queued_job()
    assert job.trace_id == trace_of(job.id, NOW) == job.claimed(at=NOW).trace_id
    assert root_of(f"Root={job.trace_id}") == job.trace_id, "which X-Ray would take"
    assert make_queued_job(id="01kdy3q7ze0000000000000002").trace_id != job.trace_id
    assert job.status is JobStatus.QUEUED


def test_a_receiver_is_told_the_same_trace_in_w3c_s_words() -> None:
    header = traceparent(CALL, "dlv_1")
    assert re.fullmatch(r"00-5759e988bd862e3fe1be46a994272793-[0-9a-f]{16}-01", header)
    assert header != traceparent(CALL, "dlv_2")


def test_a_message_of_yesterday_has_no_trace() -> None:
    assert JobMessage.parse('{"version": "1", "job_id": "a", "generation": 1}').trace is None


def test_an_owner_in_a_log_is_no_name() -> None:
    assert owner_hash("ada") == owner_hash("ada") != owner_hash("bob")
    assert "ada" not in owner_hash("ada")
