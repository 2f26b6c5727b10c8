"""The workers as ECS tasks: one task is one worker, on a machine that ECS rents for it by a capacity provider."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tiro.adapters.aws import aws_errors, unavailable
from tiro.dispatch import Launch, Market, Refusal, Why, Worker
from tiro.ports import Clock, Fleet
from tiro.settings import DispatchSettings, variable

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient
    from mypy_boto3_ecs.literals import DesiredStatusType
    from mypy_boto3_ecs.type_defs import TaskTypeDef

MOST_AT_ONCE = 10  # tasks that one RunTask asks for
MOST_DESCRIBED = 100  # tasks that one DescribeTasks tells of

NO_QUOTA = ("vcpulimitexceeded", "maxspotinstancecountexceeded", "vcpu limit", "limit on the number of vcpus", "quota")
"""How EC2 and Fargate say that the account may not, in lower case (EC2 API reference, "Error codes")."""

NO_CAPACITY = ("capacity", "unfulfillable")
"""How they say that there is none left."""


class ECSWorkerFleet:
    """ports.WorkerFleet."""

    def __init__(self, client: ECSClient, settings: DispatchSettings, clock: Clock) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        self._providers = {Market.SPOT: settings.spot, Market.ON_DEMAND: settings.on_demand}

    def look(self) -> Fleet:
        with aws_errors():
            there = [(task["lastStatus"] == "RUNNING", self._worker(task)) for task in self._tasks("RUNNING")]
            refusals = [self._refusal(task) for task in self._tasks("STOPPED") if _never_started(task)]
        return Fleet(
            running=[worker for runs, worker in there if runs],
            pending=[worker for runs, worker in there if not runs],
            refusals=refusals,
        )

    def launch(self, launch: Launch) -> Sequence[Refusal]:
        refused: list[Refusal] = []
        for first in range(0, launch.count, MOST_AT_ONCE):
            try:
                refused += self._run(launch, min(MOST_AT_ONCE, launch.count - first))
            except ClientError as error:
                if _why(str(error)) is Why.OTHER:
                    raise unavailable(error) from error
                refused.append(self._refused(launch.market, str(error), self._clock.now()))
                break
            except BotoCoreError as error:
                raise unavailable(error) from error
        return refused

    def stop(self, ids: Collection[str], *, why: str) -> None:
        _stop(self._client, self._settings.cluster, ids, why)

    def _run(self, launch: Launch, count: int) -> list[Refusal]:
        settings = self._settings
        answer = self._client.run_task(
            cluster=settings.cluster,
            taskDefinition=settings.task_definition,
            count=count,
            capacityProviderStrategy=[{"capacityProvider": self._providers[launch.market], "weight": 1}],
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": list(settings.subnets),
                    "securityGroups": [settings.security_group],
                    "assignPublicIp": "ENABLED" if settings.public_ip else "DISABLED",
                }
            },
            overrides={
                "containerOverrides": [
                    {
                        "name": settings.container,
                        "environment": [{"name": variable("idle_exit_seconds"), "value": str(launch.linger_seconds)}],
                    }
                ]
            },
            propagateTags="TASK_DEFINITION",
        )
        at = self._clock.now()
        return [
            self._refused(launch.market, f"{failure.get('reason', '')} {failure.get('detail', '')}".strip(), at)
            for failure in answer["failures"]
        ]

    def _tasks(self, desired: DesiredStatusType) -> Iterator[TaskTypeDef]:
        pages = self._client.get_paginator("list_tasks").paginate(cluster=self._settings.cluster, desiredStatus=desired)
        arns = [arn for page in pages for arn in page["taskArns"]]
        for first in range(0, len(arns), MOST_DESCRIBED):
            some = arns[first : first + MOST_DESCRIBED]
            yield from self._client.describe_tasks(cluster=self._settings.cluster, tasks=some)["tasks"]

    def _worker(self, task: TaskTypeDef) -> Worker:
        return Worker(
            id=task["taskArn"],
            market=self._market(task),
            asked_at=task.get("createdAt", self._clock.now()),
            outdated=task["taskDefinitionArn"] != self._settings.task_definition,
        )

    def _market(self, task: TaskTypeDef) -> Market:
        return Market.SPOT if task.get("capacityProviderName") == self._settings.spot else Market.ON_DEMAND

    def _refusal(self, task: TaskTypeDef) -> Refusal:
        return self._refused(
            self._market(task), task.get("stoppedReason", ""), task.get("stoppedAt", self._clock.now())
        )

    def _refused(self, market: Market, words: str, at: datetime) -> Refusal:
        return Refusal(market=market, why=_why(words), words=words, at=at)


class ECSCrew:
    """ports.Crew."""

    def __init__(self, client: ECSClient, cluster: str) -> None:
        self._client, self._cluster = client, cluster

    def stop_all(self, *, why: str) -> None:
        with aws_errors():
            arns = _arns(self._client, self._cluster, "RUNNING")
        _stop(self._client, self._cluster, arns, why)

    def machines(self) -> int:
        with aws_errors():
            pages = self._client.get_paginator("list_container_instances").paginate(cluster=self._cluster)
            machines = sum(len(page["containerInstanceArns"]) for page in pages)
            return machines + len(_arns(self._client, self._cluster, "RUNNING"))


def _arns(client: ECSClient, cluster: str, desired: DesiredStatusType) -> list[str]:
    pages = client.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=desired)
    return [arn for page in pages for arn in page["taskArns"]]


def _stop(client: ECSClient, cluster: str, ids: Collection[str], why: str) -> None:
    for task in ids:
        with aws_errors(forgive=("InvalidParameterException",)):  # it is gone already
            client.stop_task(cluster=cluster, task=task, reason=why)


def _never_started(task: TaskTypeDef) -> bool:
    return task.get("stopCode") == "TaskFailedToStart"


def _why(words: str) -> Why:
    said = words.lower()
    if any(sign in said for sign in NO_QUOTA):
        return Why.QUOTA
    return Why.CAPACITY if any(sign in said for sign in NO_CAPACITY) else Why.OTHER
