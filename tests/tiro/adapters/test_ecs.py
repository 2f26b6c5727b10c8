"""What ECS says when no worker comes, as botocore's own stubs say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.fakes import FakeClock
from tests.tiro.test_dispatcher import SETTINGS
from tiro.adapters.ecs import ECSWorkerFleet
from tiro.dispatch import Launch, Market, Why
from tiro.errors import ServiceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient

SPOT = Launch(market=Market.SPOT, count=1, linger_seconds=300)
WORKER = "arn:aws:ecs:eu-west-1:123456789012:task-definition/worker:1"


@pytest.fixture
def ecs() -> ECSClient:
    return boto3.client("ecs", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def stubs(ecs: ECSClient) -> Iterator[Stubber]:
    with Stubber(ecs) as stubs:
        yield stubs
        stubs.assert_no_pending_responses()


@pytest.fixture
def fleet(ecs: ECSClient) -> ECSWorkerFleet:
    return ECSWorkerFleet(ecs, replace(SETTINGS, task_definition=WORKER), FakeClock())


def task(**properties: Any) -> dict[str, Any]:
    return {"taskArn": "arn", "taskDefinitionArn": WORKER, "createdAt": datetime(2026, 1, 2, tzinfo=UTC), **properties}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            "VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 0 allows",
            Why.QUOTA,
        ),
        ("MaxSpotInstanceCountExceeded: Max spot instance count exceeded", Why.QUOTA),
        ("You've reached the limit on the number of vCPUs you can run concurrently", Why.QUOTA),
        ("Capacity is unavailable at this time. Please try again later", Why.CAPACITY),
        ("InsufficientInstanceCapacity: We currently do not have sufficient g6.xlarge capacity", Why.CAPACITY),
        ("CannotPullContainerError: no such image", Why.OTHER),
    ],
)
def test_why_a_worker_never_started_is_read_from_its_words(
    words: str, why: Why, fleet: ECSWorkerFleet, stubs: Stubber
) -> None:
    never = task(lastStatus="STOPPED", stopCode="TaskFailedToStart", stoppedReason=words, capacityProviderName="spot")
    ended = task(lastStatus="STOPPED", stopCode="EssentialContainerExited", stoppedReason="exit 0")
    stubs.add_response("list_tasks", {"taskArns": []})
    stubs.add_response("list_tasks", {"taskArns": ["a", "b"]}, {"cluster": "cluster", "desiredStatus": "STOPPED"})
    stubs.add_response("describe_tasks", {"tasks": [never, ended]})
    [refusal] = fleet.look().refusals
    assert (refusal.market, refusal.why, refusal.words) == (Market.SPOT, why, words)


def test_who_waits_for_a_machine_is_pending(fleet: ECSWorkerFleet, stubs: Stubber) -> None:
    tasks = [
        task(lastStatus="PROVISIONING", capacityProviderName="spot"),
        task(lastStatus="RUNNING", capacityProviderName="on-demand", taskDefinitionArn="worker:0"),
    ]
    stubs.add_response("list_tasks", {"taskArns": ["a", "b"]})
    stubs.add_response("describe_tasks", {"tasks": tasks})
    stubs.add_response("list_tasks", {"taskArns": []})
    seen = fleet.look()
    assert [(worker.market, worker.outdated) for worker in seen.pending] == [(Market.SPOT, False)]
    assert [(worker.market, worker.outdated) for worker in seen.running] == [(Market.ON_DEMAND, True)]


def test_a_launch_says_where_and_how_long_to_linger(fleet: ECSWorkerFleet, stubs: Stubber) -> None:
    asked = {
        "cluster": "cluster",
        "taskDefinition": WORKER,
        "count": 1,
        "capacityProviderStrategy": [{"capacityProvider": "spot", "weight": 1}],
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["subnet"], "securityGroups": ["group"], "assignPublicIp": "DISABLED"}
        },
        "overrides": {
            "containerOverrides": [
                {"name": "worker", "environment": [{"name": "TIRO_IDLE_EXIT_SECONDS", "value": "300"}]}
            ]
        },
        "propagateTags": "TASK_DEFINITION",
    }
    stubs.add_response("run_task", {"tasks": [], "failures": []}, asked)
    assert not fleet.launch(SPOT)


def test_a_refusal_on_the_spot_is_told_and_not_raised(fleet: ECSWorkerFleet, stubs: Stubber) -> None:
    stubs.add_response("run_task", {"tasks": [], "failures": [{"reason": "Capacity is unavailable at this time."}]})
    stubs.add_client_error("run_task", "ClientException", "You've reached the limit on the number of vCPUs")
    assert [refusal.why for refusal in fleet.launch(SPOT)] == [Why.CAPACITY]
    assert [refusal.why for refusal in fleet.launch(SPOT)] == [Why.QUOTA]


def test_whatever_else_ecs_says_is_no_foreign_error(fleet: ECSWorkerFleet, stubs: Stubber) -> None:
    stubs.add_client_error("run_task", "ClusterNotFoundException", "no such cluster")
    stubs.add_client_error("list_tasks", "ThrottlingException")
    with pytest.raises(ServiceUnavailable):
        fleet.launch(SPOT)
    with pytest.raises(ServiceUnavailable):
        fleet.look()
