"""CheckpointStore: the fake and S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.checkpoint_store import CheckpointStoreContract
from tests.fakes import FakeTranscriptStore
from tests.fakes_checkpoints import FakeCheckpointStore
from tiro.adapters.s3_checkpoints import S3CheckpointStore
from tiro.ports import CheckpointStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class TestFakeCheckpointStore(CheckpointStoreContract):
    @pytest.fixture
    def store(self) -> CheckpointStore:
        self.bucket = FakeTranscriptStore()
        return FakeCheckpointStore(self.bucket)

    def damage(self, store: CheckpointStore, key: str) -> None:
        self.bucket.objects[key] = b"{}"


class TestS3CheckpointStore(CheckpointStoreContract):
    @pytest.fixture(autouse=True)
    def _where(self, s3: S3Client, bucket: str) -> None:
        self.s3, self.bucket = s3, bucket

    @pytest.fixture
    def store(self) -> CheckpointStore:
        return S3CheckpointStore(self.s3, self.bucket)

    def damage(self, store: CheckpointStore, key: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"{}")
