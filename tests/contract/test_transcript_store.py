"""TranscriptStore: the fake and S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.transcript_store import TranscriptStoreContract
from tests.fakes import FakeTranscriptStore
from tiro.adapters.s3 import S3TranscriptStore
from tiro.ports import TranscriptStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class TestFakeTranscriptStore(TranscriptStoreContract):
    @pytest.fixture
    def store(self) -> TranscriptStore:
        return FakeTranscriptStore()

    def content(self, store: TranscriptStore, key: str) -> tuple[bytes, str] | None:
        assert isinstance(store, FakeTranscriptStore)
        return (store.objects[key], store.media_types[key]) if key in store.objects else None


class TestS3TranscriptStore(TranscriptStoreContract):
    @pytest.fixture(autouse=True)
    def _where(self, s3: S3Client, bucket: str) -> None:
        self.s3, self.bucket = s3, bucket

    @pytest.fixture
    def store(self) -> TranscriptStore:
        return S3TranscriptStore(self.s3, self.bucket)

    def content(self, store: TranscriptStore, key: str) -> tuple[bytes, str] | None:
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=key)
        except self.s3.exceptions.NoSuchKey:
            return None
        return answer["Body"].read(), answer["ContentType"]
