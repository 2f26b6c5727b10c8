"""What the workers stack promises: machines nobody reaches, workers that may do little, a dispatcher that wakes."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from infra.config import STAGES, StageConfig
from tests.infra.conftest import Synthesized, synthesize
from tiro.settings import DispatchTerms, WorkerSettings, variable


@pytest.fixture(scope="module")
def cpu(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """With CDK's own validation: of Fargate, only some cores go with some memory."""
    folder = tmp_path_factory.mktemp("cpu")
    stage = synthesize(folder, validate=True, stage="dev", workers="cpu", image="codebuild", zones=2)
    return stage.beside("workers")


def container(stack: Synthesized) -> dict[str, Any]:
    task = stack.one("AWS::ECS::TaskDefinition", "FleetTask")
    [worker] = task["ContainerDefinitions"]
    return dict(worker)


class TestNetwork:
    def test_nobody_comes_in(self, workers: Synthesized) -> None:
        groups = workers.of_type("AWS::EC2::SecurityGroup")
        assert not [group for group in groups.values() if group.get("SecurityGroupIngress")]
        [ingress] = workers.of_type("AWS::EC2::SecurityGroupIngress").values()
        assert (ingress["FromPort"], ingress["ToPort"]) == (443, 443)
        assert ingress["GroupId"]["Fn::GetAtt"][0].startswith("NetworkSqsGroup")
        assert ingress["SourceSecurityGroupId"]["Fn::GetAtt"][0].startswith("NetworkTaskGroup")

    def test_a_task_has_no_way_out_but_three_endpoints(self, workers: Synthesized) -> None:
        assert not workers.of_type("AWS::EC2::NatGateway")
        [*routes] = workers.of_type("AWS::EC2::Route").values()
        assert len(routes) == 3
        assert all("Machines" in route["RouteTableId"]["Ref"] for route in routes)
        endpoints = workers.of_type("AWS::EC2::VPCEndpoint").values()
        kinds = {e["ServiceName"]["Fn::Join"][1][-1]: e["VpcEndpointType"] for e in endpoints}
        assert kinds == {".s3": "Gateway", ".dynamodb": "Gateway", ".sqs": "Interface"}

    def test_an_endpoint_leads_to_what_is_tiros_and_no_further(self, workers: Synthesized) -> None:
        for endpoint in workers.of_type("AWS::EC2::VPCEndpoint").values():
            [statement] = endpoint["PolicyDocument"]["Statement"]
            assert "ImportValue" in json.dumps(statement["Resource"])
            assert "*" not in statement["Resource"]

    def test_machines_and_tasks_are_in_every_zone_and_the_endpoint_in_two(self, workers: Synthesized) -> None:
        assert len(workers.of_type("AWS::EC2::Subnet")) == 6
        assert len(workers.one("AWS::EC2::VPCEndpoint", "NetworkVpcSqs")["SubnetIds"]) == 2

    def test_a_fargate_task_fetches_its_image_itself(self, cpu: Synthesized) -> None:
        assert cpu.environment("dispatch")["TIRO_PUBLIC_IP"] == "1"
        assert len(cpu.of_type("AWS::EC2::Subnet")) == 2
        assert not [e for e in cpu.of_type("AWS::EC2::VPCEndpoint").values() if e["VpcEndpointType"] == "Interface"]


class TestWorker:
    def test_it_may_do_nothing_on_its_machine(self, workers: Synthesized) -> None:
        worker = container(workers)
        assert worker["ReadonlyRootFilesystem"] is True
        assert worker["Privileged"] is False
        assert worker["User"] == "10001:10001"
        assert worker["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
        assert worker["MountPoints"] == [{"ContainerPath": "/scratch", "ReadOnly": False, "SourceVolume": "scratch"}]
        task = workers.one("AWS::ECS::TaskDefinition", "FleetTask")
        assert task["Volumes"] == [{"Name": "scratch"}]
        assert task["NetworkMode"] == "awsvpc"

    def test_it_has_a_gpu_and_two_minutes_to_stop(self, workers: Synthesized) -> None:
        worker = container(workers)
        assert worker["ResourceRequirements"] == [{"Type": "GPU", "Value": "1"}]
        assert worker["StopTimeout"] == 120

    def test_it_is_asked_whether_it_is_well(self, workers: Synthesized) -> None:
        worker = container(workers)
        assert worker["HealthCheck"]["Command"] == ["CMD", "python", "-m", "container.health"]
        told = {pair["Name"]: pair["Value"] for pair in worker["Environment"]}
        assert told["TIRO_HEARTBEAT_FILE"].startswith("/scratch/")

    def test_its_environment_is_what_it_reads_and_no_secret(self, workers: Synthesized) -> None:
        told = {pair["Name"]: pair["Value"] for pair in container(workers)["Environment"]}
        assert set(told) == {variable(f.name) for f in fields(WorkerSettings)} | {
            "AWS_DEFAULT_REGION",
            "TMPDIR",
            "HOME",
        }
        WorkerSettings.from_env({name: v if isinstance(v, str) else "on-deploy" for name, v in told.items()})
        assert "Secrets" not in container(workers)

    def test_it_hears_by_what_it_has(self, workers: Synthesized, cpu: Synthesized) -> None:
        heard = []
        for stack in (workers, cpu):
            told = {pair["Name"]: pair["Value"] for pair in container(stack)["Environment"]}
            heard.append((told["TIRO_ENGINE"], told["TIRO_BATCH_SIZE"]))
        assert heard == [("openai", "32"), ("faster-whisper", "8")]

    def test_its_log_does_not_stay_for_ever(self, workers: Synthesized) -> None:
        assert {log["RetentionInDays"] for log in workers.of_type("AWS::Logs::LogGroup").values()} == {365}

    def test_machines_are_asked_for_by_what_they_have(self, workers: Synthesized) -> None:
        providers = workers.of_type("AWS::ECS::CapacityProvider").values()
        markets = set()
        for provider in providers:
            template = provider["ManagedInstancesProvider"]["InstanceLaunchTemplate"]
            markets.add(template["CapacityOptionType"])
            wanted = template["InstanceRequirements"]
            assert wanted["AcceleratorManufacturers"] == ["nvidia"]
            assert wanted["AcceleratorCount"] == {"Min": 1, "Max": 1}
            assert len(template["NetworkConfiguration"]["Subnets"]) == 3
        assert markets == {"SPOT", "ON_DEMAND"}

    def test_without_gpus_it_runs_on_fargate(self, cpu: Synthesized) -> None:
        assert "ResourceRequirements" not in container(cpu)
        assert not cpu.of_type("AWS::ECS::CapacityProvider")
        [providers] = cpu.of_type("AWS::ECS::ClusterCapacityProviderAssociations").values()
        assert set(providers["CapacityProviders"]) == {"FARGATE", "FARGATE_SPOT"}
        told = cpu.environment("dispatch")
        assert (told["TIRO_SPOT"], told["TIRO_ON_DEMAND"]) == ("FARGATE_SPOT", "FARGATE")


class TestDispatcher:
    def test_it_looks_every_minute_and_when_a_job_is_queued(self, workers: Synthesized) -> None:
        assert workers.one("AWS::Events::Rule", "EveryMinute")["ScheduleExpression"] == "rate(1 minute)"
        [mapping] = workers.of_type("AWS::Lambda::EventSourceMapping").values()
        assert mapping["MaximumBatchingWindowInSeconds"] == 5
        assert mapping["FilterCriteria"]  # which test_filters.py holds against the table

    def test_it_is_told_all_of_its_terms(self, workers: Synthesized) -> None:
        told = workers.environment("dispatch")
        assert {variable(field.name) for field in fields(DispatchTerms)} <= set(told)
        assert told["TIRO_TASK_DEFINITION"]["Ref"].startswith(
            "FleetTask"
        )  # with its revision: a new one outdates others

    def test_a_stage_sets_them(self, tmp_path: Path) -> None:
        workers = synthesize(
            tmp_path, stage="dev", max_workers=3, warm_workers=1, warm_days="sat,sun", beam_size=1, jobs_at_once=2
        ).beside("workers")
        told = workers.environment("dispatch")
        assert (told["TIRO_MAX_WORKERS"], told["TIRO_WARM_WORKERS"]) == ("3", "1")
        assert told["TIRO_WARM_DAYS"] == "sat,sun"
        hears = {pair["Name"]: pair["Value"] for pair in container(workers)["Environment"]}
        assert (hears["TIRO_BEAM_SIZE"], hears["TIRO_JOBS_AT_ONCE"]) == ("1", "2")

    def test_when_the_stack_goes_it_falls_silent_first_and_the_workers_stop_next(self, workers: Synthesized) -> None:
        """What depends on a resource is deleted before it."""
        resources = workers.template["Resources"]
        wakes = [r for r in resources.values() if r["Type"] in {"AWS::Events::Rule", "AWS::Lambda::EventSourceMapping"}]
        assert all("Deployed" in resource["DependsOn"] for resource in wakes)
        stands_on = resources["Deployed"]["DependsOn"]
        kinds = {resources[name]["Type"] for name in stands_on}
        assert {"AWS::ECS::CapacityProvider", "AWS::ECS::Cluster", "AWS::EC2::VPC", "AWS::IAM::Policy"} <= kinds


class TestImage:
    def test_docker_builds_it_from_what_is_named_and_nothing_else(self, workers: Synthesized) -> None:
        assets = json.loads((workers.folder / f"{workers.stack}.assets.json").read_text())
        [image] = assets["dockerImages"].values()
        assert image["source"]["dockerFile"] == "container/Dockerfile"
        assert image["source"]["dockerBuildArgs"] == {"MODEL": "base", "DEVICE": "gpu"}
        assert image["source"]["platform"] == "linux/amd64"
        tree = workers.folder / image["source"]["directory"]
        files = {file.relative_to(tree).as_posix() for file in tree.rglob("*") if file.is_file()}
        assert {"container/worker.py", "tiro/job.py", "requirements/worker-gpu.txt"} <= files
        tops = {name.partition("/")[0] for name in files}
        assert tops == {".dockerignore", "container", "tiro", "requirements"}
        assert not [name for name in files if "__pycache__" in name]

    def test_or_the_account_builds_it_without_docker_here(self, cpu: Synthesized) -> None:
        project = cpu.one("AWS::CodeBuild::Project", "ImageProject")
        steps = json.dumps(project["Source"]["BuildSpec"])
        assert "docker build --platform linux/amd64" in steps
        assert "--build-arg DEVICE=cpu" in steps
        assert cpu.one("AWS::ECR::Repository", "Image")["ImageTagMutability"] == "IMMUTABLE"
        assert cpu.one("Custom::TiroWorkers", "Deployed")["Image"] in json.dumps(container(cpu)["Image"])
        assert cpu.environment("on_deploy")["TIRO_PROJECT"]["Ref"].startswith("ImageProject")


def test_the_sandbox_hears_by_itself(sandbox: Synthesized) -> None:
    assert not sandbox.beside("workers").file.exists()


def test_stages_differ_by_configuration_alone(tmp_path: Path, prod: Synthesized) -> None:
    """dev, told to be like prod in all that a stage may set, is prod under another name."""
    like_prod = {f.name: getattr(STAGES["prod"], f.name) for f in fields(StageConfig) if f.name != "stage"}
    given: dict[str, Any] = {
        name: ",".join(value) if isinstance(value, tuple) else value for name, value in like_prod.items()
    }
    dev = synthesize(tmp_path, stage="dev", **given)
    for part in ("service", "workers", "edge"):
        assert named_alike(dev.beside(part)) == named_alike(prod.beside(part))


def named_alike(stack: Synthesized) -> str:
    """Write a template without its stage's name, and without the hashes that CDK makes of it."""
    text = re.sub(r"tiro(dev|prod)", "tiro", json.dumps(stack.template, sort_keys=True))
    return re.sub(r"[0-9A-F]{8,}", "", re.sub(r"\b(dev|prod)\b", "stage", text))
