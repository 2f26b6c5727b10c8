"""What is kept: the table of jobs and keys, the recordings, the transcripts, and who touched those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

DUE_INDEX = "due"
"""Sparse: holds only what something must happen to at a time."""

OWNER_INDEX = "by_owner"
"""An owner's jobs, month by month: of each only what never changes, and what changes with its status."""

ACCESS_LOG_DAYS = 90
ABANDONED_UPLOAD_DAYS = 2  # parts of a multipart upload that nobody completed


@dataclass(frozen=True, kw_only=True)
class StorageOptions:
    retain: bool  # all of it outlives the stack
    key: kms.IKey | None  # what it is encrypted by; None: AWS's own
    origins: tuple[str, ...]  # whose web pages may send and play
    upload_days: int  # an uploaded recording is kept
    replaced_days: int  # a version that was overwritten or deleted is kept


class Storage(Construct):
    """The table and three buckets."""

    def __init__(self, scope: Construct, construct_id: str, *, options: StorageOptions) -> None:
        super().__init__(scope, construct_id)
        self._key, origins = options.key, options.origins
        self._removal = RemovalPolicy.RETAIN if options.retain else RemovalPolicy.DESTROY
        self.table = self._make_table(retain=options.retain)
        self._access_log = self._make_bucket(
            "AccessLog",
            encryption=s3.BucketEncryption.S3_MANAGED,  # S3 writes its logs into no other (guide, "server access logs")
            lifecycle_rules=[s3.LifecycleRule(id="age", expiration=Duration.days(ACCESS_LOG_DAYS))],
        )
        self.media = self._make_media(origins, upload_days=options.upload_days, replaced_days=options.replaced_days)
        self.transcripts = self._make_transcripts(origins)

    def announce(self, *, to: sqs.Queue) -> None:
        """Have S3 send an event for every object that is written to the media bucket.

        Not only under the prefixes by which recordings come in: what is dropped elsewhere by mistake would leave no
        trace. Nothing of Tiro's writes there but uploads, and what writes an event's problem writes to another bucket.

        The bucket's own property, not CDK's custom resource, which would be one more Lambda to trust. The queue's
        policy then cannot name the bucket, as each would wait for the other; it names the account.
        """
        to.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[to.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        bucket = cast(s3.CfnBucket, self.media.node.default_child)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(event="s3:ObjectCreated:*", queue=to.queue_arn)
            ]
        )
        bucket.node.add_dependency(to.node.find_child("Policy"))  # S3 tries whether it may

    @property
    def stream_arn(self) -> str:
        """Of the table's changes."""
        arn = self.table.table_stream_arn
        assert arn  # noqa: S101  (the table is made with one)
        return arn

    def _make_table(self, *, retain: bool) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            stream=dynamodb.StreamViewType.NEW_IMAGE,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=retain
            ),
            deletion_protection=retain,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if self._key else None,
            encryption_key=self._key,
            removal_policy=self._removal,
        )
        table.add_global_secondary_index(
            index_name=DUE_INDEX,
            partition_key=dynamodb.Attribute(name="due_shard", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="due_at", type=dynamodb.AttributeType.NUMBER),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        table.add_global_secondary_index(
            index_name=OWNER_INDEX,
            partition_key=dynamodb.Attribute(name="owner_month", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="job_id", type=dynamodb.AttributeType.STRING),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=["summary"],
        )
        return table

    def _make_media(self, origins: tuple[str, ...], *, upload_days: int, replaced_days: int) -> s3.Bucket:
        return self._make_bucket(
            "Media",
            **self._encrypted,
            versioned=True,  # a job hears the version it was made for, whatever is dropped on top of it
            server_access_logs_bucket=self._access_log,
            server_access_logs_prefix="media/",
            cors=[
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.PUT, s3.HttpMethods.GET],  # sent, and played
                    allowed_origins=list(origins),
                    allowed_headers=["*"],
                    exposed_headers=["ETag"],
                    max_age=3600,
                )
            ],
            lifecycle_rules=[
                s3.LifecycleRule(id="uploads", prefix="uploads/", expiration=Duration.days(upload_days)),
                s3.LifecycleRule(id="replaced", noncurrent_version_expiration=Duration.days(replaced_days)),
                s3.LifecycleRule(id="deletions", expired_object_delete_marker=True),
            ],
        )

    def _make_transcripts(self, origins: tuple[str, ...]) -> s3.Bucket:
        return self._make_bucket(
            "Transcripts",
            **self._encrypted,
            server_access_logs_bucket=self._access_log,
            server_access_logs_prefix="transcripts/",
            cors=[
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.GET],
                    allowed_origins=list(origins),
                    allowed_headers=["*"],
                    max_age=3600,
                )
            ],
            lifecycle_rules=[
                s3.LifecycleRule(id="lent", prefix="renderings/", expiration=Duration.days(1)),
                # What is left of a job that ended otherwise than by its worker. No message lives longer.
                s3.LifecycleRule(id="left", prefix="checkpoints/", expiration=Duration.days(15)),
            ],
        )

    @property
    def _encrypted(self) -> dict[str, Any]:
        """With a key of KMS, one for the bucket is derived of it: S3 asks KMS a hundredth as often."""
        if not self._key:
            return {"encryption": s3.BucketEncryption.S3_MANAGED}
        return {"encryption": s3.BucketEncryption.KMS, "encryption_key": self._key, "bucket_key_enabled": True}

    def _make_bucket(
        self, construct_id: str, *, lifecycle_rules: list[s3.LifecycleRule] | None = None, **properties: Any
    ) -> s3.Bucket:
        """What every bucket has in common: nothing public, nothing in clear, no forgotten parts."""
        abandoned = s3.LifecycleRule(
            id="abandoned", abort_incomplete_multipart_upload_after=Duration.days(ABANDONED_UPLOAD_DAYS)
        )
        return s3.Bucket(
            self,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=self._removal,
            lifecycle_rules=[*(lifecycle_rules or []), abandoned],
            **properties,
        )
