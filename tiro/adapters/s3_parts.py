"""Recordings that come in parts: S3's multipart uploads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tiro.adapters.aws import aws_errors, code_of
from tiro.errors import InvalidRequest, NoUploadOpen
from tiro.ports import Part

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_OVER = {"404", "NoSuchUpload"}
_WRONG_PARTS = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML"}


class S3PartStore:
    """ports.PartStore."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def begin(self, key: str, *, content_type: str | None) -> str:
        given: dict[str, Any] = {"ContentType": content_type} if content_type else {}
        with _upload_errors():
            return self._client.create_multipart_upload(Bucket=self._bucket, Key=key, **given)["UploadId"]

    def put(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        with _upload_errors():
            answer = self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body
            )
        return answer["ETag"]

    def parts(self, key: str, upload_id: str) -> Sequence[Part]:
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=key, UploadId=upload_id)
        with _upload_errors():
            return [
                Part(part["PartNumber"], part["ETag"], part["Size"]) for page in pages for part in page.get("Parts", [])
            ]

    def presign(self, key: str, upload_id: str, number: int, *, size: int, seconds: int) -> str:
        part = {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": size,
        }
        with _upload_errors():
            return self._client.generate_presigned_url("upload_part", Params=part, ExpiresIn=seconds)

    def complete(self, key: str, upload_id: str, etags: Sequence[str]) -> None:
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        try:
            with _upload_errors():
                self._client.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=upload_id,
                    MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]  # a list of what it wants
                )
        except NoUploadOpen:
            if not self._is_there(key):
                raise

    def abandon(self, key: str, upload_id: str) -> None:
        try:
            with _upload_errors():
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except NoUploadOpen:
            pass

    def _is_there(self, key: str) -> bool:
        try:
            with _upload_errors():
                self._client.head_object(Bucket=self._bucket, Key=key)
        except NoUploadOpen:
            return False
        return True


@contextmanager
def _upload_errors() -> Iterator[None]:
    with aws_errors():
        try:
            yield
        except ClientError as error:
            if code_of(error) in _OVER:
                raise NoUploadOpen from error
            if code_of(error) in _WRONG_PARTS:
                raise InvalidRequest(f"S3 cannot join these parts: {code_of(error)}.") from error
            raise
