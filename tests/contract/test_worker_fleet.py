"""WorkerFleet: the fake and ECS."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.contract.worker_fleet import WorkerFleetContract, launch
from tests.fakes import FakeClock
from tests.fakes_fleet import FakeWorkerFleet
from tests.tiro.test_dispatcher import SETTINGS
from tiro.adapters import aws
from tiro.adapters.ecs import ECSWorkerFleet
from tiro.ports import WorkerFleet

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient

_numbers = itertools.count(1)


class TestFakeWorkerFleet(WorkerFleetContract):
    @pytest.fixture
    def fleet(self) -> WorkerFleet:
        return FakeWorkerFleet(FakeClock())


class TestECSWorkerFleet(WorkerFleetContract):
    """By Fargate, whose tasks moto runs without a machine. What is refused is in tests/tiro/adapters/test_ecs.py."""

    @pytest.fixture
    def ecs(self, _region: None) -> ECSClient:
        return aws.ecs_client()

    @pytest.fixture
    def fleet(self, ecs: ECSClient) -> ECSWorkerFleet:
        cluster = f"cluster-{next(_numbers)}"
        subnets = boto3.client("ec2").describe_subnets()["Subnets"]
        ecs.create_cluster(clusterName=cluster)
        worker = ecs.register_task_definition(
            family="worker",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="1024",
            memory="2048",
            containerDefinitions=[{"name": "worker", "image": "worker", "memory": 2048}],
        )
        settings = replace(
            SETTINGS,
            cluster=cluster,
            task_definition=worker["taskDefinition"]["taskDefinitionArn"],
            subnets=(subnets[0]["SubnetId"],),
            spot="FARGATE_SPOT",
            on_demand="FARGATE",
        )
        return ECSWorkerFleet(ecs, settings, FakeClock())

    def test_of_another_image_is_outdated(self, fleet: ECSWorkerFleet, ecs: ECSClient) -> None:
        fleet.launch(launch(1))
        newer = replace(fleet._settings, task_definition="worker:99")
        for outdated, view in ((True, ECSWorkerFleet(ecs, newer, FakeClock())), (False, fleet)):
            seen = view.look()
            assert [worker.outdated for worker in (*seen.running, *seen.pending)] == [outdated]
