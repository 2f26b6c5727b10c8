"""An object was written to the media bucket: S3 -> SQS -> here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from functions import metrics, wiring
from functions.batch import each_record
from tiro import service
from tiro.adapters.probe import HeaderReader
from tiro.job import Drop
from tiro.request import S3Object
from tiro.service import ObjectCreated, Stray
from tiro.settings import UploadSettings


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return each_record(event, _arrived, service="on_upload")


def _arrived(body: str) -> None:
    config = wiring.settings(UploadSettings)
    for created in objects_created(json.loads(body)):
        if why := service.stray(created.source.key):
            _refused(created, why, config)
            continue
        media = wiring.media(created.source.bucket)
        job = service.arrived(
            created,
            jobs=wiring.jobs(),
            media=media,
            reader=HeaderReader(media),
            queue=wiring.queue(config.queue_url, config.batch_queue_url),
            transcripts=wiring.transcripts(config.transcript_bucket),
            clock=wiring.clock(),
            limits=config,
        )
        told = {"job_id": job.id, "trace_id": job.trace_id, "status": job.status} if job else {"job_id": None}
        wiring.logger("on_upload").info("arrived", extra=told)


def _refused(created: ObjectCreated, why: Stray, config: UploadSettings) -> None:
    """Leave a trace of an object that no job can come of: for its sender, and for operators."""
    source = created.source
    drop = Drop(bucket=source.bucket, key=source.key, sequencer=created.sequencer)
    problem = service.report_stray(drop, why, transcripts=wiring.transcripts(config.transcript_bucket))
    metrics.drop_refused(why)
    told = {"reason": why, "key": source.key, "version": created.version, "problem_key": problem}
    wiring.logger("on_upload").warning("drop refused", extra=told)


def objects_created(notification: dict[str, Any]) -> Iterator[ObjectCreated]:
    """Read an S3 event notification; `s3:TestEvent` has no records. Keys come form-encoded."""
    for record in notification.get("Records", ()):
        if record["eventName"].startswith("ObjectCreated:"):
            found = record["s3"]["object"]
            yield ObjectCreated(
                source=S3Object(bucket=record["s3"]["bucket"]["name"], key=unquote_plus(found["key"])),
                version=found.get("versionId"),
                sequencer=found["sequencer"],
            )
