"""Both ends of the workers stack's life, as CloudFormation calls: it waits for an answer at an address of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.functions.conftest import Stack
from tiro.settings import DeploySettings

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient


class CloudFormation:
    def __init__(self, url: str) -> None:
        self.url, self.answers = url, list[dict[str, Any]]()

    def calls(self, request: str) -> dict[str, Any]:
        """Call the handler; return the answer that it sent."""
        from functions.on_deploy import handler

        ids = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Deployed"}
        handler({"RequestType": request, "ResponseURL": self.url, **ids}, None)
        return self.answers.pop()


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    class Listens(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.answers.append(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Listens)
    there = CloudFormation(f"http://127.0.0.1:{server.server_port}/signed")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield there
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ecs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> ECSClient:
    ecs = boto3.client("ecs")
    ecs.create_cluster(clusterName="going")
    for name, value in DeploySettings.to_env(table=stack.settings.table, cluster="going").items():
        monkeypatch.setenv(name, value)
    return ecs


def test_at_first_there_is_nothing_to_do(ecs: ECSClient, cloudformation: CloudFormation) -> None:
    answer = cloudformation.calls("Create")
    assert (answer["Status"], answer["Reason"]) == ("SUCCESS", "Nothing to do.")
    assert answer["PhysicalResourceId"] == "Deployed"


def test_at_last_every_worker_is_stopped(ecs: ECSClient, cloudformation: CloudFormation) -> None:
    ecs.register_task_definition(
        family="worker",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="1024",
        memory="2048",
        containerDefinitions=[{"name": "worker", "image": "worker", "memory": 2048}],
    )
    subnet = boto3.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.run_task(
        cluster="going",
        taskDefinition="worker",
        count=3,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": ["sg-1"]}},
    )
    answer = cloudformation.calls("Delete")
    assert (answer["Status"], answer["Reason"]) == ("SUCCESS", "Every worker and machine is gone.")
    assert not ecs.list_tasks(cluster="going", desiredStatus="RUNNING")["taskArns"]


def test_an_image_that_cannot_be_built_fails_the_deployment(
    ecs: ECSClient, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIRO_PROJECT", "there-is-none")
    answer = cloudformation.calls("Update")
    assert answer["Status"] == "FAILED"
    assert "StartBuild" in answer["Reason"]
