"""Recordings and transcripts on S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import (
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from pydantic import ValidationError

from tiro.adapters.aws import aws_errors, code_of
from tiro.errors import MediaNotFound, ServiceUnavailable, TiroError, TranscriptUnavailable
from tiro.job import Media
from tiro.ports import MediaInfo
from tiro.request import S3Object
from tiro.stored import encode
from tiro.transcript import Transcript
from tiro.upload import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

# Who may not list a bucket is told 403 of an object that is not there (S3 API reference, HeadObject).
_MISSING = {"404", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "403", "AccessDenied"}
_DELETED_VERSION = {"405", "MethodNotAllowed"}  # the version is a delete marker
_ARCHIVED = {"InvalidObjectState"}
_UNREADABLE = _MISSING | _DELETED_VERSION | _ARCHIVED
_CHANGED = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
_BEYOND_THE_END = {"416", "InvalidRange"}
_BROKE_OFF = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)

_READ_TRIES = 3  # botocore asks again until an answer begins; one that breaks off is left to us
_PUBLISH_TRIES = 10
_SKIPPED_AT_ONCE = 1 << 20  # bytes


class S3MediaStore:
    """ports.MediaStore. Reads any bucket it is let into; uploads go into `bucket`."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def head(self, source: S3Object, version: str | None = None) -> MediaInfo:
        with s3_errors(_not_found(source.bucket, source.key)):
            answer = self._client.head_object(**_given(Bucket=source.bucket, Key=source.key, VersionId=version))
        version = answer.get("VersionId")
        metadata = {name.lower(): value for name, value in answer["Metadata"].items()}
        metadata |= self._tags(source, version)
        media = Media(
            bucket=source.bucket,
            key=source.key,
            version=version,
            etag=answer["ETag"],
            size=answer["ContentLength"],
            content_type=answer.get("ContentType"),
            name=metadata.get("name") or source.key.rsplit("/", 1)[-1] or None,
        )
        return MediaInfo(media=media, metadata=metadata)

    def _tags(self, source: S3Object, version: str | None) -> dict[str, str]:
        where = _given(Bucket=source.bucket, Key=source.key, VersionId=version)
        try:
            with s3_errors(_not_found(source.bucket, source.key)):
                tags = self._client.get_object_tagging(**where)["TagSet"]
        except MediaNotFound:  # it was there a moment ago: we may read it, but not its tags
            return {}
        return {tag["Key"].lower(): tag["Value"] for tag in tags}

    def read(self, media: Media, start: int, end: int) -> bytes:
        if end <= start or (media.size is not None and start >= media.size):
            return b""
        with s3_errors(_not_found(media.bucket, media.key)):
            for _ in range(_READ_TRIES - 1):
                with suppress(*_BROKE_OFF):
                    return self._read(media, start, end)
            return self._read(media, start, end)

    def _read(self, media: Media, start: int, end: int) -> bytes:
        where = _given(Bucket=media.bucket, Key=media.key, Range=f"bytes={start}-{end - 1}")
        try:
            # By its ETag first: naming a version takes one more permission, and an emulator then forgets the range.
            answer = self._client.get_object(**where, **_given(IfMatch=media.etag))
        except ClientError as error:
            if code_of(error) in _BEYOND_THE_END:
                return b""
            if code_of(error) not in _CHANGED or media.version is None:
                raise
            answer = self._client.get_object(**where, VersionId=media.version)
        return _body(answer, start, end)

    def keep(self, key: str, body: bytes, *, content_type: str | None) -> Media:
        with s3_errors():
            answer = self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, **_given(ContentType=content_type)
            )
        version, etag = answer.get("VersionId"), answer["ETag"]
        return Media(
            bucket=self._bucket, key=key, version=version, etag=etag, size=len(body), content_type=content_type
        )

    def keys(self, prefix: S3Object, *, after: str | None, limit: int) -> tuple[Sequence[str], bool]:
        with s3_errors(_not_found(prefix.bucket, prefix.key)):
            page = self._client.list_objects_v2(
                Bucket=prefix.bucket, Prefix=prefix.key, MaxKeys=limit, **_given(StartAfter=after)
            )
        return [found["Key"] for found in page.get("Contents", [])], page["IsTruncated"]

    def erase(self, source: S3Object) -> None:
        with s3_errors():
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=source.bucket, Prefix=source.key)
            for page in pages:
                for found in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                    if found["Key"] == source.key:  # and not one that only begins so
                        self._client.delete_object(Bucket=source.bucket, Key=source.key, VersionId=found["VersionId"])

    def lend(self, media: Media, *, content_type: str, seconds: int) -> str:
        what = _given(Bucket=media.bucket, Key=media.key, VersionId=media.version, ResponseContentType=content_type)
        with s3_errors():
            return self._client.generate_presigned_url("get_object", Params=what, ExpiresIn=seconds)

    def presign_upload(self, key: str, *, content_type: str | None, size: int | None, seconds: int) -> Upload:
        signed = _given(Bucket=self._bucket, Key=key, ContentType=content_type, ContentLength=size)
        with s3_errors():
            url = self._client.generate_presigned_url("put_object", Params=signed, ExpiresIn=seconds)
        headers = {"Content-Type": content_type, "Content-Length": None if size is None else str(size)}
        expires_at = _signed_at(url) + timedelta(seconds=seconds)
        return Upload(method="PUT", url=url, headers=_given(**headers), expires_at=expires_at)


class S3TranscriptStore:
    """ports.TranscriptStore."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, transcript: Transcript) -> None:
        body = encode(transcript).encode()
        with s3_errors():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def get(self, key: str) -> Transcript:
        lost = TranscriptUnavailable("The transcript is not there any more. Submit the recording again.")
        with s3_errors(lost):
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            with closing(answer["Body"]) as body:
                text = body.read()
        try:
            return Transcript.model_validate_json(text)
        except ValidationError as error:
            raise TranscriptUnavailable("The stored transcript cannot be read. Submit the recording again.") from error

    def publish(self, key: str, body: bytes, media_type: str, *, current: Callable[[], bool]) -> bool:
        for _ in range(_PUBLISH_TRIES):
            etag = self._etag(key)
            if not current():
                return False
            if self._put_over(etag, key, body, media_type):
                return True
        raise ServiceUnavailable(f"Too many are writing s3://{self._bucket}/{key} at once. Try again in a moment.")

    def withdraw(self, key: str) -> None:
        with s3_errors():
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def erase(self, prefix: str) -> None:
        with s3_errors():
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                for found in page.get("Contents", []):
                    self._client.delete_object(Bucket=self._bucket, Key=found["Key"])

    def lend(self, key: str, body: bytes, content_type: str, *, seconds: int) -> str:
        with s3_errors():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)
            return self._client.generate_presigned_url(
                "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
            )

    def _etag(self, key: str) -> str | None:
        missing = MediaNotFound()
        try:
            with s3_errors(missing):
                return self._client.head_object(Bucket=self._bucket, Key=key)["ETag"]
        except MediaNotFound:
            return None

    def _put_over(self, etag: str | None, key: str, body: bytes, media_type: str) -> bool:
        """Write, if what is there is still what `etag` names; return whether it was."""
        unchanged = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        with s3_errors():
            try:
                self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=body, ContentType=media_type, **_given(**unchanged)
                )
            except ClientError as error:
                if code_of(error) in _CHANGED | {"404", "NoSuchKey"}:
                    return False
                raise
        return True


@contextmanager
def s3_errors(missing: TiroError | None = None) -> Iterator[None]:
    """Let no error of botocore's out: an object that cannot be read is `missing`, all else ServiceUnavailable."""
    with aws_errors():
        try:
            yield
        except ClientError as error:
            if missing and code_of(error) in _UNREADABLE | _CHANGED:
                raise missing from error
            raise


def _signed_at(url: str) -> datetime:
    """Return the time that a presigned URL counts from (Signature Version 4, X-Amz-Date)."""
    (date,) = parse_qs(urlsplit(url).query)["X-Amz-Date"]
    return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _not_found(bucket: str, key: str) -> MediaNotFound:
    return MediaNotFound(f"s3://{bucket}/{key} is not there any more, or may not be read.")


def _body(answer: GetObjectOutputTypeDef, start: int, end: int) -> bytes:
    with closing(answer["Body"]) as body:
        if "ContentRange" in answer:
            return body.read()
        # A server that sends everything whatever the range: let what comes before go by.
        while start > 0 and (skipped := len(body.read(min(start, _SKIPPED_AT_ONCE)))):
            start, end = start - skipped, end - skipped
        return body.read(end - start)


def _given(**values: Any) -> dict[str, Any]:
    """Return those that are not None: botocore takes no None for "not given"."""
    return {name: value for name, value in values.items() if value is not None}
