"""Checkpoints on S3, in the bucket of the transcripts that they become."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pydantic import ValidationError

from tiro.adapters.s3 import S3TranscriptStore, s3_errors
from tiro.checkpoint import Stretch
from tiro.errors import TranscriptUnavailable
from tiro.stored import encode

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class S3CheckpointStore:
    """ports.CheckpointStore."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket
        self._transcripts = S3TranscriptStore(client, bucket)

    def put(self, key: str, stretch: Stretch) -> None:
        body = encode(stretch).encode()
        with s3_errors():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def get(self, key: str) -> Stretch | None:
        try:
            with s3_errors(TranscriptUnavailable()):
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
                with closing(answer["Body"]) as body:
                    return Stretch.model_validate_json(body.read())
        except (TranscriptUnavailable, ValidationError):
            return None

    def erase(self, prefix: str) -> None:
        self._transcripts.erase(prefix)
