"""MediaStore: the fake and S3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.contract.media_store import MediaStoreContract, World
from tests.fakes import FakeClock
from tests.fakes_media import FakeMediaStore
from tiro.adapters.s3 import S3MediaStore
from tiro.ports import MediaStore
from tiro.request import S3Object

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class TestFakeMediaStore(MediaStoreContract):
    @pytest.fixture
    def world(self) -> World:
        return FakeMediaStore(FakeClock())

    @pytest.fixture
    def store(self, world: World) -> MediaStore:
        assert isinstance(world, FakeMediaStore)
        return world


class S3World:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self.bucket = bucket
        self._client = client

    def put(
        self,
        key: str,
        body: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "binary/octet-stream",
    ) -> str:
        answer = self._client.put_object(
            Bucket=self.bucket, Key=key, Body=body, Metadata=metadata or {}, ContentType=content_type
        )
        return answer["VersionId"]

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        self._client.put_object_tagging(
            Bucket=self.bucket, Key=key, Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]}
        )

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self.bucket, Key=key)


class TestS3MediaStore(MediaStoreContract):
    @pytest.fixture
    def world(self, s3: S3Client, bucket: str) -> World:
        return S3World(s3, bucket)

    @pytest.fixture
    def store(self, s3: S3Client, bucket: str) -> MediaStore:
        return S3MediaStore(s3, bucket)

    def test_the_signature_covers_what_is_to_be_sent(self, store: MediaStore, bucket: str) -> None:
        """S3 then refuses any other length or type. moto does not look at signatures, so the URL is all we have."""
        upload = store.presign_upload("uploads/ada/a b", content_type="audio/mpeg", size=5, seconds=60)
        query = parse_qs(urlsplit(str(upload.url)).query)
        assert query["X-Amz-SignedHeaders"] == ["content-length;content-type;host"]
        assert query["X-Amz-Expires"] == ["60"]
        assert not [name for name in query if "checksum" in name.lower()]  # which no browser would send

    def test_what_is_lent_can_be_got_by_anybody_in_this_very_version(self, store: MediaStore, world: World) -> None:
        world.put("uploads/ada/a b.mp3", b"first")
        media = store.head(S3Object(bucket=world.bucket, key="uploads/ada/a b.mp3")).media
        world.put("uploads/ada/a b.mp3", b"second")
        answer = requests.get(store.lend(media, content_type="audio/mpeg", seconds=60), timeout=5)  # moto's
        assert (answer.content, answer.headers["Content-Type"]) == (b"first", "audio/mpeg")
