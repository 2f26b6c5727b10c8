"""What the deployed stack promises. Who may do what is in test_iam, what calls what in test_wiring."""

from __future__ import annotations

import filecmp
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.api import ANY, OPEN_ROUTES, ROUTES
from tests.infra.conftest import ROOT, Synthesized, synthesize
from tiro.admin import TOLD

FORTNIGHT = 14 * 24 * 3600


def test_the_sandbox_has_the_very_resources_of_prod(prod: Synthesized, sandbox: Synthesized) -> None:
    assert kinds(prod) == kinds(sandbox)


def test_outputs_are_what_the_other_parts_ask_for(prod: Synthesized) -> None:
    told = {name for name in prod.outputs() if not name.startswith("Exports")}  # those are for the other stacks
    assert told == {
        *("ApiUrl", "TableName", "MediaBucket", "TranscriptBucket"),
        *("QueueUrl", "BatchQueueUrl", "DeadLetterQueueUrl", "UploadQueueUrl", "FetchQueueUrl"),
        "EventBusName",
    }
    assert set(TOLD) <= told  # of which `tiro configure` reads these


class TestSynth:
    def test_twice_is_the_same_and_needs_nothing_on_the_path(self, sandbox: Synthesized, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "infra", "--stage=sandbox", "--no-validation", f"--output={tmp_path / 'out'}"]
        bare = {"PATH": "/nowhere", "HOME": os.environ["HOME"], "UV_OFFLINE": "1"}  # no node, docker, git, aws
        subprocess.run(command, cwd=ROOT, env=bare, check=True)
        compared = filecmp.dircmp(sandbox.folder, tmp_path / "out", ignore=[])
        assert not compared.left_only + compared.right_only + compared.diff_files

    def test_a_setting_reaches_the_template(self, tmp_path: Path) -> None:
        stage = synthesize(tmp_path, stage="dev", upload_days=3, max_media_seconds=60, source_buckets="archive")
        [rule] = [r for r in rules(stage, "StorageMedia") if r["Id"] == "uploads"]
        assert rule["ExpirationInDays"] == 3
        function = stage.one("AWS::Lambda::Function", "FunctionsApi")
        assert function["TracingConfig"] == {"Mode": "Active"}  # which `dev` asks for
        environment = function["Environment"]["Variables"]
        assert environment["TIRO_MAX_MEDIA_SECONDS"] == "60.0"
        assert environment["TIRO_SOURCE_BUCKETS"] == "archive"

    def test_cdks_own_command_line_has_the_last_word(self, tmp_path: Path) -> None:
        said = {"stage": "dev", "upload_days": "3", "aws:cdk:enable-path-metadata": True}
        environment = os.environ | {"CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": json.dumps(said)}
        subprocess.run([sys.executable, "-m", "infra", "--no-validation"], cwd=ROOT, env=environment, check=True)
        [rule] = [r for r in rules(Synthesized(tmp_path, "tiro-dev-service"), "StorageMedia") if r["Id"] == "uploads"]
        assert rule["ExpirationInDays"] == 3

    def test_a_slip_is_told_without_a_stack_trace(self) -> None:
        command = [sys.executable, "-m", "infra", "-c", "max_media_secs=60"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "There is no setting max_media_secs" in done.stderr
        assert "Traceback" not in done.stderr


class TestQueues:
    def test_work_is_retried_long_and_never_lost(self, prod: Synthesized) -> None:
        work = prod.one("AWS::SQS::Queue", "WorkQueue")
        assert work["RedrivePolicy"]["maxReceiveCount"] == 20
        assert work["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith("WorkDeadLetters")
        assert work["VisibilityTimeout"] == 120

    def test_every_queue_keeps_a_fortnight_encrypts_and_wants_tls(self, prod: Synthesized) -> None:
        queues = prod.of_type("AWS::SQS::Queue")
        assert len(queues) == 11
        for queue in queues.values():
            assert queue["MessageRetentionPeriod"] == FORTNIGHT
            assert queue["SqsManagedSseEnabled"] is True
        assert tls_wanted(prod, "AWS::SQS::QueuePolicy", "Queues") == set(queues)

    def test_a_queue_hides_a_message_six_times_as_long_as_its_function_may_take(self, prod: Synthesized) -> None:
        for mapping in prod.of_type("AWS::Lambda::EventSourceMapping").values():
            if "FilterCriteria" in mapping:
                continue  # the stream's
            queue = prod.of_type("AWS::SQS::Queue")[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
            function = prod.of_type("AWS::Lambda::Function")[mapping["FunctionName"]["Ref"]]
            assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


class TestStorage:
    def test_the_table_is_as_the_adapter_uses_it(self, prod: Synthesized) -> None:
        table = prod.one("AWS::DynamoDB::Table", "StorageTable")
        assert table["KeySchema"] == [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ]
        indexes = {
            index["IndexName"]: ([key["AttributeName"] for key in index["KeySchema"]], index["Projection"])
            for index in table["GlobalSecondaryIndexes"]
        }
        assert indexes == {
            "due": (["due_shard", "due_at"], {"ProjectionType": "KEYS_ONLY"}),
            "by_owner": (
                ["owner_month", "job_id"],
                {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["summary"]},
            ),
        }
        kinds = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
        assert kinds == {
            "pk": "S",
            "sk": "S",
            "due_shard": "S",
            "due_at": "N",
            "owner_month": "S",
            "job_id": "S",
        }
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        assert table["BillingMode"] == "PAY_PER_REQUEST"

    def test_prod_keeps_what_the_sandbox_throws_away(self, prod: Synthesized, sandbox: Synthesized) -> None:
        for stage, policy, kept in ((prod, "Retain", True), (sandbox, "Delete", False)):
            table = stage.one("AWS::DynamoDB::Table", "StorageTable")
            assert table["DeletionProtectionEnabled"] is kept
            assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is kept
            stores = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Logs::LogGroup")
            resources = [r for r in stage.template["Resources"].values() if r["Type"] in stores]
            assert {r["DeletionPolicy"] for r in resources} == {policy}

    def test_no_bucket_is_public_in_clear_or_without_tls(self, prod: Synthesized) -> None:
        buckets = prod.of_type("AWS::S3::Bucket")
        assert len(buckets) == 3
        for bucket in buckets.values():
            assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
            assert bucket["BucketEncryption"]
            assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert tls_wanted(prod, "AWS::S3::BucketPolicy", "Bucket") == set(buckets)

    def test_media_is_versioned_and_nothing_forgotten_stays(self, prod: Synthesized) -> None:
        assert prod.one("AWS::S3::Bucket", "StorageMedia")["VersioningConfiguration"] == {"Status": "Enabled"}
        by_name = {rule["Id"]: rule for rule in rules(prod, "StorageMedia")}
        assert by_name["uploads"]["Prefix"] == "uploads/"
        assert by_name["uploads"]["ExpirationInDays"] == 7
        assert "Prefix" not in by_name["replaced"]
        assert by_name["replaced"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
        for bucket in ("StorageMedia", "StorageTranscripts"):
            [abandoned] = [rule for rule in rules(prod, bucket) if rule["Id"] == "abandoned"]
            assert abandoned["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}

    def test_a_lent_copy_and_a_checkpoint_go_and_a_transcript_stays(self, prod: Synthesized) -> None:
        expiring = [rule for rule in rules(prod, "StorageTranscripts") if "ExpirationInDays" in rule]
        assert [(rule["Prefix"], rule["ExpirationInDays"]) for rule in expiring] == [
            ("renderings/", 1),
            ("checkpoints/", 15),
        ]

    def test_a_recording_in_the_inbox_is_its_owners_to_delete(self, prod: Synthesized) -> None:
        expiring = [rule for rule in rules(prod, "StorageMedia") if "ExpirationInDays" in rule]
        assert [rule["Prefix"] for rule in expiring] == ["uploads/"]

    def test_a_page_may_put_media_and_get_transcripts(self, tmp_path: Path) -> None:
        stage = synthesize(tmp_path, stage="dev", origins="https://a.example")
        [put] = stage.one("AWS::S3::Bucket", "StorageMedia")["CorsConfiguration"]["CorsRules"]
        assert put["AllowedMethods"] == ["PUT", "GET"]
        assert put["AllowedOrigins"] == ["https://a.example"]
        assert put["ExposedHeaders"] == ["ETag"]
        [get] = stage.one("AWS::S3::Bucket", "StorageTranscripts")["CorsConfiguration"]["CorsRules"]
        assert get["AllowedMethods"] == ["GET"]
        assert get["AllowedOrigins"] == ["https://a.example"]


class TestFunctions:
    def test_each_logs_json_for_as_long_as_configured(self, prod: Synthesized) -> None:
        for function in prod.of_type("AWS::Lambda::Function").values():
            assert function["LoggingConfig"]["LogFormat"] == "JSON"
            assert function["LoggingConfig"]["LogGroup"]["Ref"] in prod.of_type("AWS::Logs::LogGroup")
        assert {log["RetentionInDays"] for log in prod.of_type("AWS::Logs::LogGroup").values()} == {365}

    def test_nothing_is_traced_unasked_and_lambda_itself_logs_what_fails(
        self, prod: Synthesized, sandbox: Synthesized
    ) -> None:
        for function in (f for stage in (prod, sandbox) for f in stage.of_type("AWS::Lambda::Function").values()):
            assert "TracingConfig" not in function
            assert function["LoggingConfig"]["SystemLogLevel"] == "WARN"


class TestApi:
    def test_no_call_is_let_in_unasked(self, prod: Synthesized) -> None:
        methods = prod.of_type("AWS::ApiGateway::Method").values()
        asked = [method["HttpMethod"] for method in methods if method["AuthorizationType"] == "CUSTOM"]
        unasked = [method["HttpMethod"] for method in methods if method["AuthorizationType"] != "CUSTOM"]
        assert sorted(asked) == sorted([method for method, _ in ROUTES] + [ANY] * len({path for _, path in ROUTES}))
        open_methods = [method for method, _ in OPEN_ROUTES] + [ANY] * len({path for _, path in OPEN_ROUTES})
        assert sorted(m for m in unasked if m != "OPTIONS") == sorted(open_methods)

    @pytest.mark.parametrize(("stage", "seconds"), [("prod", 60), ("sandbox", 0)])
    def test_the_authorizer_looks_at_the_key(self, stage: str, seconds: int, request: pytest.FixtureRequest) -> None:
        authorizer = request.getfixturevalue(stage).one("AWS::ApiGateway::Authorizer", "Api")
        assert authorizer["Type"] == "REQUEST"
        assert authorizer["IdentitySource"] == "method.request.header.Authorization"
        assert authorizer["AuthorizerResultTtlInSeconds"] == seconds

    def test_a_recording_inside_a_call_arrives_whole(self, prod: Synthesized) -> None:
        assert prod.one("AWS::ApiGateway::RestApi", "Api")["BinaryMediaTypes"] == ["multipart/form-data"]

    def test_calls_are_logged_and_throttled_but_bodies_are_not_logged(self, prod: Synthesized) -> None:
        stage = prod.one("AWS::ApiGateway::Stage", "Api")
        assert stage["StageName"] == "prod"
        assert stage["AccessLogSetting"]["DestinationArn"]
        assert "Authorization" not in stage["AccessLogSetting"]["Format"]
        [settings] = stage["MethodSettings"]
        assert settings["DataTraceEnabled"] is False
        assert settings["ThrottlingRateLimit"] == 50
        assert settings["ThrottlingBurstLimit"] == 100

    def test_the_gateway_may_log_before_it_is_told_to(self, prod: Synthesized) -> None:
        [stage] = [r for r in prod.template["Resources"].values() if r["Type"] == "AWS::ApiGateway::Stage"]
        assert set(prod.of_type("AWS::ApiGateway::Account")) <= set(stage["DependsOn"])


def kinds(stage: Synthesized) -> list[tuple[str, str]]:
    """Return name and type of each resource, less the hashes and the stack's name that CDK puts into some."""
    resources = stage.template["Resources"].items()
    mine = stage.stack.replace("-", "")
    return sorted((re.sub(rf"{mine}|[0-9A-F]{{8}}", "", name), resource["Type"]) for name, resource in resources)


def rules(stage: Synthesized, bucket: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.one("AWS::S3::Bucket", bucket)["LifecycleConfiguration"]["Rules"]
    return found


def tls_wanted(stage: Synthesized, policy_type: str, member: str) -> set[str]:
    """Return what refuses a call without TLS, by logical id."""
    found = set()
    for policy in stage.of_type(policy_type).values():
        for statement in policy["PolicyDocument"]["Statement"]:
            refuses = statement["Effect"] == "Deny" and statement["Principal"] == {"AWS": "*"}
            if refuses and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}:
                named = policy[member]
                found |= {one["Ref"] for one in (named if isinstance(named, list) else [named])}
    return found
