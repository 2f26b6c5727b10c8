"""The template against the code: every function it names is there, and gets exactly the settings that it reads."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib import import_module
from ipaddress import ip_address
from typing import Any

import pytest

from infra.api import ANY, OPEN_ROUTES, ROUTES
from infra.config import STAGES
from tests.infra.conftest import Synthesized
from tiro.adapters.dynamodb import outbox
from tiro.address import Address, Reach
from tiro.errors import AddressRefused
from tiro.settings import (
    ApiSettings,
    AuthorizerSettings,
    ChangeSettings,
    DeadLetterSettings,
    DeliverySettings,
    DeploySettings,
    DispatchSettings,
    FetchSettings,
    ScheduleSettings,
    Settings,
    UploadSettings,
    variable,
)

SETTINGS: dict[str, type[Settings]] = {
    "functions.api.handler": ApiSettings,
    "functions.authorize.handler": AuthorizerSettings,
    "functions.on_upload.handler": UploadSettings,
    "functions.on_fetch.handler": FetchSettings,
    "functions.on_dead_letter.handler": DeadLetterSettings,
    "functions.on_delivery.handler": DeliverySettings,
    "functions.on_job_change.handler": ChangeSettings,
    "functions.on_schedule.handler": ScheduleSettings,
}

WORKERS: dict[str, type[Settings]] = {
    "functions.dispatch.handler": DispatchSettings,
    "functions.on_deploy.handler": DeploySettings,
}


def functions(stage: Synthesized) -> dict[str, dict[str, Any]]:
    """Return the properties of each function by its handler."""
    return {f["Handler"]: f for f in stage.of_type("AWS::Lambda::Function").values()}


def handler_of(stage: Synthesized, logical_id: str) -> str:
    handler: str = stage.of_type("AWS::Lambda::Function")[logical_id]["Handler"]
    return handler


def test_every_handler_is_there(prod: Synthesized, workers: Synthesized) -> None:
    assert set(functions(prod)) == set(SETTINGS)
    assert set(functions(workers)) == set(WORKERS)
    for name in SETTINGS | WORKERS:
        module, _, function = name.rpartition(".")
        assert callable(getattr(import_module(module), function))


def test_every_environment_is_what_its_function_reads(prod: Synthesized, workers: Synthesized) -> None:
    for name, function in (functions(prod) | functions(workers)).items():
        kind = (SETTINGS | WORKERS)[name]
        variables = function["Environment"]["Variables"]
        assert set(variables) == {variable(field.name) for field in fields(kind)}
        resolved = {key: value if isinstance(value, str) else "resolved-on-deploy" for key, value in variables.items()}
        settings = kind.from_env(resolved)
        unset = {"source_buckets", "allow_networks", "issuer", "audience", "usd_per_worker_hour"}
        unset |= {"project", "public_ip", "max_usd_per_hour", "warm_workers"}
        unset |= {"spot_usd_per_hour", "on_demand_usd_per_hour"}
        assert all(getattr(settings, f.name) or f.name in unset for f in fields(kind))


def test_names_point_to_the_right_resources(prod: Synthesized) -> None:
    variables = functions(prod)["functions.api.handler"]["Environment"]["Variables"]
    outputs = prod.outputs()
    assert variables["TIRO_TABLE"] == outputs["TableName"]
    assert variables["TIRO_QUEUE_URL"] == outputs["QueueUrl"]
    assert variables["TIRO_BATCH_QUEUE_URL"] == outputs["BatchQueueUrl"]
    assert variables["TIRO_MEDIA_BUCKET"] == outputs["MediaBucket"]
    assert variables["TIRO_TRANSCRIPT_BUCKET"] == outputs["TranscriptBucket"]


def test_routes_lead_to_the_api_function_and_nowhere_else(prod: Synthesized) -> None:
    paths = {}
    resources = prod.of_type("AWS::ApiGateway::Resource")
    for name, resource in resources.items():
        path, parent = resource["PathPart"], resource["ParentId"].get("Ref")
        while parent:
            path, parent = f"{resources[parent]['PathPart']}/{path}", resources[parent]["ParentId"].get("Ref")
        paths[name] = f"/{path}"
    called = {
        (method["HttpMethod"], paths[method["ResourceId"]["Ref"]])
        for method in prod.of_type("AWS::ApiGateway::Method").values()
        if method["Integration"]["Type"] == "AWS_PROXY"
    }
    routes = {*ROUTES, *OPEN_ROUTES}
    assert called == routes | {(ANY, path) for _, path in routes}
    for method in prod.of_type("AWS::ApiGateway::Method").values():
        if method["Integration"]["Type"] == "AWS_PROXY":
            [target] = [p["Fn::GetAtt"][0] for p in method["Integration"]["Uri"]["Fn::Join"][1] if "Fn::GetAtt" in p]
            assert handler_of(prod, target) == "functions.api.handler"


def test_queues_wake_their_functions_and_a_failure_goes_back_alone(prod: Synthesized) -> None:
    woken = set()
    for mapping in prod.of_type("AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        if "FilterCriteria" in mapping:
            continue  # the stream's
        most = 50 if mapping["EventSourceArn"]["Fn::GetAtt"][0].startswith("Deliveries") else 10
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": most}
        queue = mapping["EventSourceArn"]["Fn::GetAtt"][0]
        handler = handler_of(prod, mapping["FunctionName"]["Ref"])
        woken.add((handler, queue.rstrip("0123456789ABCDEF"), mapping["BatchSize"]))
    assert woken == {
        ("functions.on_upload.handler", "UploadsQueue", 10),
        ("functions.on_fetch.handler", "FetchesQueue", 1),
        ("functions.on_delivery.handler", "DeliveriesQueue", 1),
        ("functions.on_dead_letter.handler", "WorkDeadLetters", 10),
        ("functions.on_dead_letter.handler", "BatchWorkDeadLetters", 10),
        ("functions.on_dead_letter.handler", "FetchesDeadLetters", 10),
    }


def test_only_what_wakes_itself_may(prod: Synthesized) -> None:
    recursive = {name for name, function in functions(prod).items() if function.get("RecursiveLoop") == "Allow"}
    assert recursive == {"functions.on_fetch.handler", "functions.on_delivery.handler"}


def test_the_stream_brings_the_outbox_and_nothing_else(prod: Synthesized) -> None:
    [mapping] = [m for m in prod.of_type("AWS::Lambda::EventSourceMapping").values() if "FilterCriteria" in m]
    assert handler_of(prod, mapping["FunctionName"]["Ref"]) == "functions.on_job_change.handler"
    assert mapping["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn"
    [pattern] = mapping["FilterCriteria"]["Filters"]
    inserted = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": outbox.PREFIX}]}}}}
    assert json.loads(pattern["Pattern"]) == inserted
    assert mapping["DestinationConfig"]["OnFailure"]


def test_nothing_private_is_reached_but_in_the_sandbox(prod: Synthesized, sandbox: Synthesized) -> None:
    for stage, networks in ((prod, ""), (sandbox, "127.0.0.0/8,::1/128")):
        for name in ("functions.api.handler", "functions.on_fetch.handler"):
            assert functions(stage)[name]["Environment"]["Variables"]["TIRO_ALLOW_NETWORKS"] == networks


def test_in_the_sandbox_localhost_is_reached_whatever_it_resolves_to() -> None:
    address = Address.parse("http://localhost:8000/")
    loopback = [ip_address("::1"), ip_address("127.0.0.1")]
    Reach.of(STAGES["sandbox"].allow_networks).check(address, loopback)
    for private in ("10.0.0.1", "169.254.169.254", "fd00::1", "192.168.1.1"):
        with pytest.raises(AddressRefused):
            Reach.of(STAGES["sandbox"].allow_networks).check(address, [ip_address(private)])
    with pytest.raises(AddressRefused):
        Reach.of(STAGES["prod"].allow_networks).check(address, loopback)


def test_every_minute_the_schedule_runs(prod: Synthesized) -> None:
    rule = prod.one("AWS::Events::Rule", "EveryMinute")
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    [target] = rule["Targets"]
    assert handler_of(prod, target["Arn"]["Fn::GetAtt"][0]) == "functions.on_schedule.handler"


def test_s3_sends_an_event_for_every_object_once_it_may(prod: Synthesized) -> None:
    [(name, media)] = [
        (name, resource)
        for name, resource in prod.template["Resources"].items()
        if name.startswith("StorageMedia") and resource["Type"] == "AWS::S3::Bucket"
    ]
    told = media["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    assert [news["Event"] for news in told] == ["s3:ObjectCreated:*"]
    assert "Filter" not in told[0], "what is dropped under a wrong prefix leaves a trace, too"
    assert {news["Queue"]["Fn::GetAtt"][0].rstrip("0123456789ABCDEF") for news in told} == {"UploadsQueue"}
    assert any(dependency.startswith("UploadsQueuePolicy") for dependency in media["DependsOn"]), name
