"""The workers stack on one page: where they run, who asks for them, and all that they are allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, CustomResource, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct, IDependable

from infra.config import StageConfig
from infra.fleet import CONTAINER, SCRATCH, Fleet, FleetOptions
from infra.functions import Function, Runtime
from infra.image import WorkerImage
from infra.nag import acknowledge
from infra.network import Network
from infra.service import DOORS, ServiceStack
from infra.watch import Watch, Watched
from tiro.settings import DeploySettings, DispatchSettings, DispatchTerms, WorkerSettings

QUEUED = {"dynamodb": {"NewImage": {"sk": {"S": ["job"]}, "due_shard": {"S": [{"prefix": "queued#"}]}}}}
"""Of all that changes in the table a job that is queued (tiro/adapters/dynamodb/jobs.py); again too, since the worker
that gave it back may be missing now."""

GATHER_SECONDS = 5
"""So long, or until there are a hundred, what was queued is gathered before the dispatcher looks."""

DISPATCH_SECONDS = 60
DRAIN_SECONDS = 900


class WorkersStack(Stack):
    """Network, fleet and dispatcher. It stands on the service stack, which knows nothing of it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, config: StageConfig, code: Path, root: Path, service: ServiceStack
    ) -> None:
        super().__init__(scope, construct_id, description="Tiro: the workers and who asks for them")
        self._config, self._service = config, service
        self.media = self._import_bucket("Media", service.storage.media)
        self.transcripts = self._import_bucket("Transcripts", service.storage.transcripts)
        self._runtime = Runtime(
            code=code,
            log_retention=config.log_retention,
            retain=config.retain,
            tracing=config.tracing,
            key=service.key,
        )
        self.network = Network(
            self,
            "Network",
            zones=config.zones,
            isolated=config.workers == "gpu",
            log_retention=config.log_retention,
            key=service.key,
        )
        self.image = WorkerImage(
            self,
            "Image",
            root=root,
            source=config.image,
            arguments={"MODEL": config.models[0], "DEVICE": config.workers},
            log_retention=config.log_retention,
        )
        self.fleet = Fleet(
            self,
            "Fleet",
            network=self.network,
            image=self.image.image,
            environment=self._tell_worker(),
            options=FleetOptions(
                gpu=config.workers == "gpu",
                instance_types=config.instance_types,
                cpu=config.worker_cpu or (3072 if config.workers == "gpu" else 4096),
                memory=config.worker_memory,
                log_retention=config.log_retention,
                key=service.key,
            ),
        )
        self.dispatch = self._function("dispatch", self._tell_dispatcher(), DISPATCH_SECONDS)
        self.on_deploy = self._function(
            "on_deploy",
            DeploySettings.to_env(
                **self._common,
                cluster=self.fleet.cluster.cluster_arn,
                project=self.image.build.project.project_name if self.image.build else "",
            ),
            DRAIN_SECONDS,
        )
        self._open_network()
        self._grant_worker()
        self._grant_dispatcher()
        self._grant_deploy()
        deployed = self._call_on_deploy()
        self._wake_dispatcher(after=deployed)
        self.watch = Watch(self, "Watch", watched=self._watched, email=config.alarm_email, budget_usd=config.budget_usd)
        self._tell_outputs()

    def _import_bucket(self, name: str, bucket: s3.IBucket) -> s3.IBucket:
        """By the name of the export: what grants are acknowledged by."""
        return s3.Bucket.from_bucket_arn(self, name, self._service.export_value(bucket.bucket_arn))

    # ------------------------------------------------------------ what they are told

    @property
    def _common(self) -> dict[str, str]:
        return {
            "table": self._service.storage.table.table_name,
            "log_level": self._config.log_level,
            "stage": self._config.stage,
        }

    def _tell_worker(self) -> Mapping[str, str]:
        config = self._config
        on_gpu = config.workers == "gpu"
        return WorkerSettings.to_env(
            **self._common,
            engine="openai" if on_gpu else WorkerSettings.engine,
            batch_size=32 if on_gpu else WorkerSettings.batch_size,
            queue_url=self._service.work.queue.queue_url,
            batch_queue_url=self._service.batch_work.queue.queue_url,
            media_bucket=self.media.bucket_name,
            transcript_bucket=self.transcripts.bucket_name,
            max_media_bytes=config.max_media_bytes,
            max_media_seconds=config.max_media_seconds,
            model=config.models[0],
            beam_size=config.beam_size,
            jobs_at_once=config.jobs_at_once,
            model_path="/opt/tiro/weights",
            visibility_seconds=config.visibility_seconds,
            heartbeat_file=f"{SCRATCH}/heartbeat",
            idle_exit_seconds=float(config.linger_seconds),
            usd_per_worker_hour=config.usd_per_worker_hour,
        ) | {"AWS_DEFAULT_REGION": self.region}

    def _tell_dispatcher(self) -> Mapping[str, str]:
        fleet, network = self.fleet, self.network
        return DispatchSettings.to_env(
            **self._common,
            **{field.name: getattr(self._config, field.name) for field in fields(DispatchTerms)},
            queue_url=self._service.work.queue.queue_url,
            batch_queue_url=self._service.batch_work.queue.queue_url,
            cluster=fleet.cluster.cluster_arn,
            task_definition=fleet.task.task_definition_arn,
            container=CONTAINER,
            spot=fleet.spot,
            on_demand=fleet.on_demand,
            subnets=tuple(subnet.subnet_id for subnet in network.tasks),
            security_group=network.task_group.security_group_id,
            public_ip=int(self._config.workers == "cpu"),
        )

    def _function(self, module: str, environment: Mapping[str, str], timeout: int) -> Function:
        return Function(self, module, runtime=self._runtime, environment=environment, timeout=timeout, memory=512)

    # ------------------------------------------------------------ who is allowed what

    def _open_network(self) -> None:
        storage = self._service.storage
        sources = [f"arn:{self.partition}:s3:::{name}" for name in self._config.source_buckets]
        self.network.open_to(
            buckets=[self.media.bucket_arn, self.transcripts.bucket_arn, *sources],
            table=storage.table.table_arn,
            queues=self._queues,
        )

    def _grant_worker(self) -> None:
        worker, storage = self.fleet, self._service.storage
        for queue in self._queues:
            worker.allow("sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", on=queue)
            worker.allow("sqs:SendMessage", on=queue)  # in the place of one that SQS soon takes away
        worker.allow_items("GetItem", "PutItem", "DeleteItem", of=storage.table, under=["job#*"])
        worker.allow_items("UpdateItem", of=storage.table, under=["owner#*", "batch#*"])
        worker.allow_items("GetItem", of=storage.table, under=["object#*"])  # whether a drop is still the newest
        worker.allow_objects("GetObject", "GetObjectVersion", of=self.media, under=[f"{door}*" for door in DOORS])
        for name in self._config.source_buckets:
            worker.allow_objects(
                "GetObject",
                "GetObjectVersion",
                of=s3.Bucket.from_bucket_name(self, f"Source-{name}", name),
                under=["*/*"],
            )
        written = ["transcripts/*", "inbox/*", "checkpoints/*"]
        worker.allow_objects("PutObject", "DeleteObject", of=self.transcripts, under=written)
        worker.allow_objects("GetObject", of=self.transcripts, under=["inbox/*", "checkpoints/*"])
        worker.allow_listing("ListBucket", of=self.transcripts, under=["checkpoints/*"])  # to clear them away

    def _grant_dispatcher(self) -> None:
        dispatcher, fleet = self.dispatch, self.fleet
        ours = {"ArnEquals": {"ecs:cluster": fleet.cluster.cluster_arn}}
        for queue in self._queues:
            dispatcher.allow("sqs:GetQueueAttributes", on=queue)
        dispatcher.allow_items("GetItem", "PutItem", of=self._service.storage.table, under=["fleet"])
        for action in ("GetRecords", "GetShardIterator", "DescribeStream"):
            dispatcher.allow(f"dynamodb:{action}", on=self._service.storage.stream_arn)
        dispatcher.allow("ecs:RunTask", on=fleet.task.task_definition_arn, where=ours)
        dispatcher.allow("ecs:TagResource", on=self._tasks, where={"StringEquals": {"ecs:CreateAction": "RunTask"}})
        for role in (fleet.role, fleet.task.obtain_execution_role()):
            dispatcher.allow(
                "iam:PassRole",
                on=role.role_arn,
                where={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            )
        dispatcher.allow("ecs:DescribeTasks", on=self._tasks)
        for watches in (dispatcher, self.on_deploy):
            watches.allow("ecs:StopTask", on=self._tasks)
            watches.allow("ecs:ListTasks", on="*", where=ours)
            acknowledge(watches.role, f"IAM5[Resource::{self._tasks_found}]", "A task has no name before it is there.")
            acknowledge(
                watches.role, "IAM5[Resource::*]", "What lists tasks has no resource; a condition names the cluster."
            )

    @property
    def _queues(self) -> tuple[str, str]:
        return self._service.work.queue.queue_arn, self._service.batch_work.queue.queue_arn

    def _grant_deploy(self) -> None:
        self.on_deploy.allow("ecs:ListContainerInstances", on=self.fleet.cluster.cluster_arn)
        if self.image.build:
            self.on_deploy.allow("codebuild:StartBuild", on=self.image.build.project.project_arn)

    @property
    def _tasks(self) -> str:
        return f"arn:{self.partition}:ecs:{self.region}:{self.account}:task/{self.fleet.cluster.cluster_name}/*"

    @property
    def _tasks_found(self) -> str:
        cluster = self.get_logical_id(self.fleet.cluster.node.default_child)  # type: ignore[arg-type]
        return f"arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<{cluster}>/*"

    # ------------------------------------------------------------ what wakes what

    def _call_on_deploy(self) -> CustomResource:
        """CloudFormation calls when the image changed, and before anything is deleted that a worker stands on."""
        resource = CustomResource(
            self,
            "Deployed",
            resource_type="Custom::TiroWorkers",
            service_token=self.on_deploy.function.function_arn,
            properties={"Image": self.image.build.tag if self.image.build else ""},
        )
        resource.node.add_dependency(self.fleet, self.network, self.on_deploy.role)
        return resource

    def _wake_dispatcher(self, *, after: IDependable) -> None:
        """By the clock, and by what is queued. Both go first when the stack does: else workers would come back."""
        rule = events.Rule(
            self,
            "EveryMinute",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[targets.LambdaFunction(self.dispatch.function, retry_attempts=0)],  # the next minute looks again
        )
        mapping = self.dispatch.function.add_event_source_mapping(
            "Queued",
            event_source_arn=self._service.storage.stream_arn,
            starting_position=lambda_.StartingPosition.LATEST,
            batch_size=100,
            max_batching_window=Duration.seconds(GATHER_SECONDS),
            filters=[{"pattern": json.dumps(QUEUED)}],
            retry_attempts=0,
        )
        for wakes in (rule, mapping):
            wakes.node.add_dependency(after)

    @property
    def _watched(self) -> Watched:
        service = self._service
        return Watched(
            stage=self._config.stage,
            work=service.work.queue,
            dead_letters={
                "recordings to hear": service.work.dead_letters,
                "recordings that may wait": service.batch_work.dead_letters,
                "recordings that came": service.uploads.dead_letters,
                "recordings to fetch": service.fetches.dead_letters,
                "deliveries": service.deliveries.dead_letters,
                "changes to tell": service.changes.given_up,
            },
            reaper=service.on_schedule.function,
            dispatcher=self.dispatch.function,
            api_name=service.api.api.rest_api_name,
            target_wait_seconds=self._config.target_wait_seconds,
            key=service.key,
        )

    # ------------------------------------------------------------ what others need to know

    def _tell_outputs(self) -> None:
        outputs: dict[str, Any] = {
            "ClusterName": self.fleet.cluster.cluster_name,
            "TaskDefinition": self.fleet.task.task_definition_arn,
            "DispatcherName": self.dispatch.function.function_name,
            "AlarmTopic": self.watch.topic.topic_arn,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
