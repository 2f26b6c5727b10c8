"""PartStore: the fake and S3."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.stub import Stubber

from tests.contract.part_store import PartStoreContract, Stores
from tests.fakes import FakeClock
from tests.fakes_fetch import FakePartStore
from tests.fakes_media import FakeMediaStore
from tiro.adapters import aws
from tiro.adapters.s3 import S3MediaStore
from tiro.adapters.s3_parts import S3PartStore
from tiro.errors import NoUploadOpen

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class TestFakePartStore(PartStoreContract):
    @pytest.fixture
    def stores(self) -> Stores:
        media = FakeMediaStore(FakeClock())
        return Stores(FakePartStore(media), media, media.bucket)


class TestS3PartStore(PartStoreContract):
    @pytest.fixture
    def stores(self, s3: S3Client, bucket: str) -> Stores:
        return Stores(S3PartStore(s3, bucket), S3MediaStore(s3, bucket), bucket)

    def test_what_was_abandoned_takes_no_more(self, stores: Stores) -> None:
        """moto ends in a KeyError of its own where S3 says NoSuchUpload."""
        s3 = aws.s3_client()
        store = S3PartStore(s3, stores.bucket)
        with Stubber(s3) as stubbed:
            for call, request in (
                ("abort_multipart_upload", lambda: store.abandon("k", "u")),
                ("upload_part", lambda: store.put("k", "u", 2, b"more")),
                ("list_parts", lambda: store.parts("k", "u")),
            ):
                stubbed.add_client_error(call, "NoSuchUpload", http_status_code=404)
                with nullcontext() if "abort" in call else pytest.raises(NoUploadOpen):
                    request()
            stubbed.add_client_error("complete_multipart_upload", "NoSuchUpload", http_status_code=404)
            stubbed.add_client_error("head_object", "404", http_status_code=404)
            with pytest.raises(NoUploadOpen):
                store.complete("k", "u", ['"x"'])

    def test_the_signature_covers_a_parts_length(self, stores: Stores) -> None:
        upload = stores.parts.begin("uploads/ada/01a", content_type=None)
        query = parse_qs(urlsplit(stores.parts.presign("uploads/ada/01a", upload, 7, size=5, seconds=60)).query)
        assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
        assert (query["partNumber"], query["uploadId"]) == (["7"], [upload])
