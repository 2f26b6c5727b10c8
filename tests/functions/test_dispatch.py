"""The dispatcher as AWS calls it: by the clock, and with what the table's stream tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.moto_api import state_manager

from functions import wiring
from tests.functions.conftest import Stack
from tiro.job import Job, JobStatus, Media
from tiro.message import JobMessage
from tiro.request import Options
from tiro.settings import DispatchSettings

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient


@pytest.fixture
def ecs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> ECSClient:
    """A cluster on Fargate, whose tasks moto runs without a machine."""
    ecs = boto3.client("ecs")
    cluster = ecs.create_cluster(clusterName=stack.settings.table)["cluster"]["clusterArn"]
    task = ecs.register_task_definition(
        family="worker",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="1024",
        memory="2048",
        containerDefinitions=[{"name": "worker", "image": "worker", "memory": 2048}],
    )["taskDefinition"]["taskDefinitionArn"]
    environment = DispatchSettings.to_env(
        table=stack.settings.table,
        stage="test",
        queue_url=stack.settings.queue_url,
        batch_queue_url=stack.settings.batch_queue_url,
        cluster=cluster,
        task_definition=task,
        spot="FARGATE_SPOT",
        on_demand="FARGATE",
        subnets=(boto3.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"],),
        security_group="sg-1",
        worker_speed=10,
        target_wait_seconds=600,
    )
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return ecs


def queued(job_id: str, seconds: float, *, attempts: int = 0) -> dict[str, Any]:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    media = Media(bucket="media", key="uploads/ada/x", duration=seconds)
    job = Job(
        id=job_id,
        owner="ada",
        status=JobStatus.QUEUED,
        source="upload",
        options=Options(),
        created_at=at,
        attempts=attempts,
        media=media,
    )
    return {"eventName": "MODIFY", "dynamodb": {"NewImage": {"document": {"S": job.model_dump_json()}}}}


def tell(stack: Stack, messages: int) -> None:
    for number in range(messages):
        wiring.queue(stack.settings.queue_url, "").send(JobMessage(job_id=f"job-{number}", generation=1), owner="ada")


def test_by_the_clock_with_nothing_to_do_nobody_is_asked_for(stack: Stack, ecs: ECSClient) -> None:
    from functions.dispatch import handler

    told = handler({"source": "aws.events"}, None)
    assert (told["Waiting"], told["WorkersAsked"]) == (0, 0)


def test_what_is_queued_brings_workers_and_is_told_in_numbers(
    stack: Stack, ecs: ECSClient, capsys: pytest.CaptureFixture[str]
) -> None:
    from functions.dispatch import handler

    tell(stack, 20)
    told = handler({"Records": [queued(f"job-{number}", 600.0) for number in range(20)]}, None)
    assert told["WorkersAsked"] == 2  # 12,000 s of audio, ten a second, in ten minutes
    assert told["WaitingUnattended"] == 20
    assert len(ecs.list_tasks(cluster=stack.settings.table)["taskArns"]) >= 2
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Tiro"
    assert directive["Dimensions"] == [["stage"]]
    assert (line["stage"], line["WorkersAsked"]) == ("test", [2.0])


def test_how_long_recordings_are_is_remembered(stack: Stack, ecs: ECSClient) -> None:
    from functions.dispatch import handler

    handler({"Records": [queued(f"job-{number}", 60.0) for number in range(100)]}, None)
    assert 60 < (wiring.lengths().get() or 0) < 600


def test_of_one_that_is_tried_again_it_was_learnt_before(stack: Stack, ecs: ECSClient) -> None:
    from functions.dispatch import handler

    handler({"Records": [queued("job-1", 60.0, attempts=1)]}, None)
    assert wiring.lengths().get() is None


def test_a_worker_of_an_older_image_is_sent_home(stack: Stack, ecs: ECSClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from functions.dispatch import handler

    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 9})  # moto's run on while one looks
    settings = wiring.settings(DispatchSettings)
    ecs.run_task(
        cluster=settings.cluster,
        taskDefinition=settings.task_definition,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": list(settings.subnets), "securityGroups": ["sg-1"]}},
    )
    monkeypatch.setenv("TIRO_TASK_DEFINITION", "the next one")
    wiring.settings.cache_clear()
    assert handler({}, None)["WorkersRetired"] == 1
    state_manager.unset_transition("ecs::task")


def test_what_seldom_happens_is_no_metric_until_it_does(
    stack: Stack, ecs: ECSClient, capsys: pytest.CaptureFixture[str]
) -> None:
    from functions.dispatch import SELDOM, handler

    told = handler({"source": "aws.events"}, None)
    said = capsys.readouterr().out
    assert set(told) >= SELDOM
    assert '"WaitingUnattended":' in said  # the alarm takes the least of five minutes
    assert not [name for name in SELDOM if f'"{name}":' in said]


def test_how_things_stand_is_told_by_the_clock_alone(
    stack: Stack, ecs: ECSClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Worker hours are the sum of what is told each minute."""
    from functions.dispatch import handler

    handler({"Records": [queued("job-1", 60.0)]}, None)
    assert "_aws" not in capsys.readouterr().out
    handler({"source": "aws.events"}, None)
    assert '"WorkersRunning":' in capsys.readouterr().out


def test_each_of_its_numbers_is_explained(stack: Stack, ecs: ECSClient) -> None:
    from functions.dispatch import handler

    page = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text()
    assert not [name for name in handler({}, None) if f"`{name}`" not in page]
