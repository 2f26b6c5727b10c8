"""The service stack on one page: what there is, what wakes what, and all that anyone is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from infra.api import Api, ApiOptions
from infra.changes import Changes
from infra.config import StageConfig
from infra.encryption import find_key
from infra.functions import Function, Runtime
from infra.nag import acknowledge
from infra.queueing import Queue
from infra.storage import DUE_INDEX, OWNER_INDEX, Storage, StorageOptions
from tiro.settings import (
    ApiSettings,
    AuthorizerSettings,
    ChangeSettings,
    DeadLetterSettings,
    DeliverySettings,
    FetchSettings,
    ScheduleSettings,
    UploadSettings,
)

DOORS = ("inbox/", "uploads/")
"""Prefixes of the media bucket by which a recording comes in."""

READ_TAGS = ("GetObjectTagging", "GetObjectVersionTagging")  # options may be tags; ours are all a version's

AUTHORIZER_SECONDS = 10
GATEWAY_SECONDS = 29  # API Gateway waits no longer
BATCH_SECONDS = 60  # for the headers of ten recordings, read over the network
FETCH_SECONDS = 180
FETCH_ROUND_SECONDS = 120  # what was begun by then has a minute to be finished
DELIVERY_SECONDS = 40  # a receiver has 15
BATCH_VISIBILITY_SECONDS = 6 * BATCH_SECONDS  # Lambda guide, "Using Lambda with Amazon SQS"


class ServiceStack(Stack):
    """All that a recording meets but the worker. The sandbox deploys this very template."""

    def __init__(self, scope: Construct, construct_id: str, *, config: StageConfig, code: Path) -> None:
        super().__init__(scope, construct_id, description="Tiro: API, jobs, queues and buckets")
        self.key = find_key(self, wanted=config.kms_key, stage=config.stage, retain=config.retain)
        self._make_stores(config)
        self._make_functions(config, code)
        self._grant(config)
        self._wake_functions()
        self.api = Api(
            self,
            "Api",
            handler=self.answer.function,
            authorizer=self.authorize.function,
            options=ApiOptions(
                origins=config.origins,
                requests_per_second=config.requests_per_second,
                requests_burst=config.requests_burst,
                authorizer_cache_seconds=config.authorizer_cache_seconds,
                log_retention=config.log_retention,
                retain=config.retain,
                key=self.key,
            ),
        )
        self._tell_outputs()

    # ------------------------------------------------------------ what there is

    def _make_stores(self, config: StageConfig) -> None:
        self.work = Queue(
            self,
            "Work",
            visibility=config.visibility_seconds,
            dead_letter_visibility=BATCH_VISIBILITY_SECONDS,
            key=self.key,
        )
        self.batch_work = Queue(  # what may wait; the workers look here when there is no other work
            self,
            "BatchWork",
            visibility=config.visibility_seconds,
            dead_letter_visibility=BATCH_VISIBILITY_SECONDS,
            key=self.key,
        )
        self.uploads = Queue(self, "Uploads", visibility=BATCH_VISIBILITY_SECONDS, key=self.key)
        self.fetches = Queue(
            self,
            "Fetches",
            visibility=6 * FETCH_SECONDS,
            dead_letter_visibility=BATCH_VISIBILITY_SECONDS,
            key=self.key,
        )
        self.deliveries = Queue(self, "Deliveries", visibility=6 * DELIVERY_SECONDS, key=self.key)
        self.changes = Changes(self, "Changes", name=f"tiro-{config.stage}", key=self.key)
        self.storage = Storage(
            self,
            "Storage",
            options=StorageOptions(
                retain=config.retain,
                key=self.key,
                origins=config.origins,
                upload_days=config.upload_days,
                replaced_days=config.replaced_days,
            ),
        )

    def _make_functions(self, config: StageConfig, code: Path) -> None:
        runtime = Runtime(
            code=code,
            log_retention=config.log_retention,
            retain=config.retain,
            tracing=config.tracing,
            key=self.key,
        )
        common = {
            "table": self.storage.table.table_name,
            "log_level": config.log_level,
            "stage": config.stage,
        }
        limits = {"max_media_bytes": config.max_media_bytes, "max_media_seconds": config.max_media_seconds}
        queue = {"queue_url": self.work.queue.queue_url, "batch_queue_url": self.batch_work.queue.queue_url}
        transcripts = {"transcript_bucket": self.storage.transcripts.bucket_name}
        media = {"media_bucket": self.storage.media.bucket_name}
        outward = {"allow_networks": config.allow_networks}
        fetch_queue = {"fetch_queue_url": self.fetches.queue.queue_url}
        fetches = {**fetch_queue, **outward}
        deliveries = {"delivery_queue_url": self.deliveries.queue.queue_url}
        webhooks = {"webhook_schemes": config.webhook_schemes}

        scope = Construct(self, "Functions")

        def function(module: str, environment: Mapping[str, str], timeout: int, memory: int = 512) -> Function:
            return Function(scope, module, runtime=runtime, environment=environment, timeout=timeout, memory=memory)

        issuer = {name: getattr(config, name) for name in ("issuer", "audience", "owner_claim", "scope_claim")}
        self.authorize = function("authorize", AuthorizerSettings.to_env(**common, **issuer), AUTHORIZER_SECONDS)
        self.answer = function(
            "api",
            ApiSettings.to_env(
                **common,
                **limits,
                **queue,
                **transcripts,
                **media,
                **fetches,
                **deliveries,
                **webhooks,
                source_buckets=config.source_buckets,
                upload_seconds=config.upload_seconds,
                models=config.models,
                origins=config.origins,
                max_jobs_in_flight=config.max_jobs_in_flight,
                max_audio_seconds_per_day=config.max_audio_seconds_per_day,
                max_waiters=config.max_waiters,
                usd_per_worker_hour=config.usd_per_worker_hour,
            ),
            GATEWAY_SECONDS,
            memory=1024,  # somebody waits for this one
        )
        self.on_upload = function(
            "on_upload",
            UploadSettings.to_env(**common, **limits, **queue, **transcripts, models=config.models),
            BATCH_SECONDS,
        )
        self.on_fetch = function(
            "on_fetch",
            FetchSettings.to_env(
                **common, **limits, **media, **transcripts, **fetches, fetch_round_seconds=FETCH_ROUND_SECONDS
            ),
            FETCH_SECONDS,
        )
        self.on_fetch.allow_recursion()  # a long recording takes several rounds; tiro/service/fetch.py bounds them
        self.on_dead_letter = function(
            "on_dead_letter", DeadLetterSettings.to_env(**common, **transcripts), BATCH_SECONDS
        )
        self.on_schedule = function(
            "on_schedule",
            ScheduleSettings.to_env(**common, **media, **transcripts, **queue, **fetch_queue, **deliveries),
            BATCH_SECONDS,
        )
        self.on_job_change = function(
            "on_job_change",
            ChangeSettings.to_env(**common, **deliveries, event_bus=self.changes.bus.event_bus_name),
            BATCH_SECONDS,
        )
        self.on_delivery = function(
            "on_delivery", DeliverySettings.to_env(**common, **deliveries, **webhooks, **outward), DELIVERY_SECONDS
        )
        self.on_delivery.allow_recursion()  # what fails is tried again; tiro/delivery.py bounds how often

    # ------------------------------------------------------------ who is allowed what

    def _grant(self, config: StageConfig) -> None:
        table, media, transcripts = self.storage.table, self.storage.media, self.storage.transcripts
        work = (self.work.queue.queue_arn, self.batch_work.queue.queue_arn)
        doors = [f"{door}*" for door in DOORS]

        self.authorize.allow_items("GetItem", "PutItem", of=table, under=["key#*"])  # when it was used last

        self.answer.allow_items("GetItem", "PutItem", of=table, under=["job#*", "asked#*"])
        # By the URLs that it signs, and the parts that come by them.
        self.answer.allow_objects("PutObject", "ListMultipartUploadParts", of=media, under=["uploads/*"])
        self.answer.allow_objects("GetObject", READ_TAGS[1], of=media, under=doors)
        for name in config.source_buckets:
            source = self._bucket(name)
            objects = ["GetObject", "GetObjectVersion", *READ_TAGS]
            self.answer.allow_objects(*objects, of=source, under=["*/*"])  # {owner}/…
            self.answer.allow_listing("ListBucket", of=source, under=["*/*"])
        self.answer.allow_listing("ListBucket", of=media, under=doors)  # a prefix is a batch
        self.answer.allow_objects("GetObject", of=transcripts, under=["transcripts/*", "checkpoints/*"])
        self.answer.allow_objects("GetObject", "PutObject", of=transcripts, under=["renderings/*"])  # what is too large
        for queue in work:
            self.answer.allow("sqs:SendMessage", "sqs:GetQueueAttributes", on=queue)  # how many are before a job
        self.answer.allow_items("GetItem", of=table, under=["pace#*"])
        self.answer.allow("sqs:SendMessage", on=self.fetches.queue.queue_arn)

        self.on_fetch.allow_items("GetItem", "PutItem", "DeleteItem", of=table, under=["job#*"])
        self.on_fetch.allow_objects("GetObject", "PutObject", "AbortMultipartUpload", of=media, under=["uploads/*"])
        self.on_fetch.allow("sqs:SendMessage", on=self.fetches.queue.queue_arn)

        self.on_upload.allow_items("GetItem", "PutItem", of=table, under=["job#*", "object#*"])
        self.on_upload.allow_objects("GetObject", "GetObjectVersion", READ_TAGS[1], of=media, under=doors)
        self.on_upload.allow("sqs:SendMessage", on=work[0])
        self.on_upload.allow("sqs:SendMessage", on=work[1])

        self.on_dead_letter.allow_items("GetItem", "PutItem", "DeleteItem", of=table, under=["job#*"])  # with its lease
        self.on_dead_letter.allow_items("GetItem", of=table, under=["object#*"])

        self.on_schedule.allow_items("GetItem", of=table, under=["job#*", "object#*"])
        self.on_schedule.allow_items("PutItem", of=table, under=["job#*"])
        for queue in (*work, self.fetches.queue.queue_arn):
            self.on_schedule.allow("sqs:SendMessage", "sqs:GetQueueAttributes", on=queue)
        self.on_schedule.allow("cloudwatch:GetMetricStatistics", on="*")
        acknowledge(
            self.on_schedule.role, "IAM5[Resource::*]", "How old a message is, CloudWatch tells of no resource."
        )
        self.on_schedule.allow_objects("AbortMultipartUpload", of=media, under=["uploads/*"])
        self.on_schedule.allow("dynamodb:Query", on=f"{table.table_arn}/index/{DUE_INDEX}")

        self._grant_ends()
        self._grant_deliveries()
        # What an owner uses is counted in the write that changes a job, whoever does that.
        self.answer.allow_items("Query", of=table, under=["owner#*"])
        for counts in (self.answer, self.on_upload, self.on_fetch, self.on_dead_letter, self.on_schedule):
            counts.allow_items("UpdateItem", of=table, under=["owner#*"])
        # A batch's jobs are counted in the write that changes one, whoever does that.
        self.answer.allow_items("GetItem", "PutItem", "Query", of=table, under=["batch#*"])
        for changes_jobs in (self.answer, self.on_upload, self.on_fetch, self.on_dead_letter, self.on_schedule):
            changes_jobs.allow_items("UpdateItem", of=table, under=["batch#*"])

        for ends_jobs in (self.on_upload, self.on_dead_letter, self.on_schedule):
            # Who drops a file is told beside where the transcript would be.
            ends_jobs.allow_objects("GetObject", "PutObject", of=transcripts, under=["inbox/*.problem.json"])
        for overtaken in (self.on_upload, self.on_dead_letter):  # the job was completed meanwhile
            overtaken.allow_objects("DeleteObject", of=transcripts, under=["inbox/*.problem.json"])

    def _grant_ends(self) -> None:
        """What it takes to list, repeat, wait, cancel and delete."""
        table, media, transcripts = self.storage.table, self.storage.media, self.storage.transcripts
        self.answer.allow("dynamodb:Query", on=f"{table.table_arn}/index/{OWNER_INDEX}")
        self.answer.allow_items("GetItem", of=table, under=["call#*"])
        self.answer.allow_items("PutItem", "DeleteItem", of=table, under=["call#*", "waiting#*"])
        self.answer.allow_objects("AbortMultipartUpload", of=media, under=["uploads/*"])
        self.answer.allow_objects("GetObjectVersion", of=media, under=[f"{door}*" for door in DOORS])
        for erases in (self.answer, self.on_schedule, self.on_upload):  # the last, what comes in after its job went
            erases.allow_listing("ListBucketVersions", of=media, under=["uploads/*"])
            erases.allow_objects("DeleteObjectVersion", of=media, under=["uploads/*"])
        erased = ["transcripts/*", "renderings/*", "checkpoints/*"]
        for deletes in (self.answer, self.on_schedule):  # a job's retention ends by itself
            # The lease of what is cancelled, and what tells webhooks of it.
            deletes.allow_items("DeleteItem", "Query", of=table, under=["job#*"])
            deletes.allow_listing("ListBucket", of=transcripts, under=erased)
            deletes.allow_objects("DeleteObject", of=transcripts, under=erased)
            # Beside where a file was dropped; the file itself is its owner's.
            deletes.allow_objects("DeleteObject", of=transcripts, under=["inbox/*"])
        self.answer.allow_items("GetItem", of=table, under=["object#*"])  # whether the drop is the newest

    def _grant_deliveries(self) -> None:
        """What it takes to tell somebody."""
        table, deliveries = self.storage.table, self.deliveries.queue.queue_arn
        for sends in (self.on_job_change, self.on_delivery, self.on_schedule, self.answer):
            sends.allow("sqs:SendMessage", on=deliveries)
        reads = ("GetRecords", "GetShardIterator", "DescribeStream")
        self.on_job_change.allow(*(f"dynamodb:{action}" for action in reads), on=self.storage.stream_arn)
        self.on_job_change.allow_items("PutItem", of=table, under=["job#*"])
        self.on_job_change.allow_items("UpdateItem", of=table, under=["pace#*"])  # how long a job took
        self.on_job_change.allow_items("Query", of=table, under=["webhooks#*"])
        self.on_job_change.allow("events:PutEvents", on=self.changes.bus.event_bus_arn)
        self.on_delivery.allow_items("GetItem", "PutItem", of=table, under=["job#*", "webhooks#*"])
        self.on_delivery.allow_items("DeleteItem", of=table, under=["job#*"])  # what it told of a deleted job
        self.answer.allow_items("GetItem", "PutItem", "DeleteItem", "Query", of=table, under=["webhooks#*"])

    def _bucket(self, name: str) -> s3.IBucket:
        return s3.Bucket.from_bucket_name(self, f"Source-{name}", name)

    # ------------------------------------------------------------ what wakes what

    def _wake_functions(self) -> None:
        self.storage.announce(to=self.uploads.queue)
        for function, queue in (
            (self.on_upload, self.uploads.queue),
            (self.on_dead_letter, self.work.dead_letters),
            (self.on_dead_letter, self.batch_work.dead_letters),
            (self.on_dead_letter, self.fetches.dead_letters),
        ):
            function.function.add_event_source(
                SqsEventSource(queue, batch_size=10, report_batch_item_failures=True, max_concurrency=10)
            )
        self.on_fetch.function.add_event_source(
            # One at a time: a round takes as long as an invocation may.
            SqsEventSource(self.fetches.queue, batch_size=1, report_batch_item_failures=True, max_concurrency=10)
        )
        self.on_delivery.function.add_event_source(
            # One at a time: a slow receiver keeps nobody waiting who is behind it.
            SqsEventSource(self.deliveries.queue, batch_size=1, report_batch_item_failures=True, max_concurrency=50)
        )
        for reads in (self.on_upload, self.on_dead_letter, self.on_fetch, self.on_delivery):
            reads.unlock("sqs:ReceiveMessage")  # which the event source grants
        self.changes.wake(self.on_job_change.function, self.storage.stream_arn)
        events.Rule(
            self,
            "EveryMinute",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[targets.LambdaFunction(self.on_schedule.function)],
        )

    # ------------------------------------------------------------ what others need to know

    def _tell_outputs(self) -> None:
        outputs = {
            "ApiUrl": self.api.url,
            "TableName": self.storage.table.table_name,
            "MediaBucket": self.storage.media.bucket_name,
            "TranscriptBucket": self.storage.transcripts.bucket_name,
            "QueueUrl": self.work.queue.queue_url,
            "BatchQueueUrl": self.batch_work.queue.queue_url,
            "DeadLetterQueueUrl": self.work.dead_letters.queue_url,
            "UploadQueueUrl": self.uploads.queue.queue_url,
            "FetchQueueUrl": self.fetches.queue.queue_url,
            "EventBusName": self.changes.bus.event_bus_name,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
