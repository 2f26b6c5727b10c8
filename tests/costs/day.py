"""A job's whole way, step by step, each step counted: from the POST to the webhook and the transcript."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from container.stopping import Stopping
from container.telemetry import Telemetry
from container.watchdog import Watchdog
from container.worker import Worker, World
from functions import authorize, on_delivery, on_job_change, on_upload, wiring
from tests.costs.meter import Meter
from tests.factories import make_segment, make_transcript
from tests.functions.conftest import EVENTS, Stack, sqs_event
from tiro.adapters import aws
from tiro.adapters.range_file import RangeFile
from tiro.job import Media
from tiro.key import ApiKey, hash_key, new_key
from tiro.message import DeliveryMessage
from tiro.ports import Checkpoint, OnProgress
from tiro.request import Options
from tiro.settings import DeliverySettings, WorkerSettings
from tiro.transcript import Transcript

JOB = json.dumps({"source": {"upload": {"filename": "talk.wav", "content_type": "audio/wav"}}, "language": "en"})
SECONDS = 600
API_MIB, OTHERS_MIB = 1024, 512  # as in infra/service.py


def recording() -> bytes:
    """Return ten minutes of silence in 4.8 MB: as large as a podcast at 64 kbit/s, and its headers say how long."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes([128]) * 8000 * SECONDS)
    return file.getvalue()


TEN_MINUTES = make_transcript(
    *(
        make_segment("And here somebody says twelve words, which is what five seconds take.", start=5.0 * n)
        for n in range(120)
    ),
    duration=float(SECONDS),
)


@dataclass
class Reader:
    """A transcriber that reads the recording from its first byte to its last, as ours does, and hears the same.

    `beat` is what the heartbeat does, once: ten minutes are heard in less than two beats.
    """

    beat: Callable[[], None]

    def transcribe(
        self,
        media: Media,
        options: Options,
        *,
        max_seconds: float,
        on_progress: OnProgress,
        checkpoint: Checkpoint | None = None,
    ) -> Transcript:
        file = RangeFile(wiring.media(media.bucket), media)
        while file.read(65536):
            pass
        self.beat()
        on_progress(SECONDS, SECONDS)
        return TEN_MINUTES


@dataclass
class Day:
    stack: Stack
    meter: Meter

    def call(self, step: str, method: str, path: str, **more: Any) -> Any:
        """Call the API; the step's name says of which route."""
        with self.meter.step(step, memory=API_MIB, by="http"):
            answer = self.stack.call(method, path, **more)
        assert answer["statusCode"] < 400, answer
        return answer

    def live(self) -> None:
        """From the POST to the transcript; a webhook says when."""
        job_id = str(self.call("POST /v1/transcriptions", "POST", "/v1/transcriptions", body=JOB)["body"]["id"])
        self.upload(job_id, recording())
        self.announce(job_id)
        self.work(job_id)
        self.announce(job_id)
        self.deliver(job_id)
        self.call("GET its transcript", "GET", f"/v1/transcriptions/{job_id}/transcript", format="json")

    def key(self) -> str:
        key = new_key(bytes(32))
        wiring.keys().add(hash_key(key), ApiKey(id="key_1", owner="ada", created_at=wiring.clock().now()))
        return key

    def authorize(self, key: str) -> None:
        event = json.loads((EVENTS / "rest_api.json").read_text())
        event |= {"methodArn": "arn:aws:execute-api:r:1:a/prod/GET/v1", "headers": {"Authorization": f"Bearer {key}"}}
        with self.meter.step("authorizer", memory=OTHERS_MIB):
            authorize.handler(event, None)

    def upload(self, job_id: str, body: bytes) -> None:
        """The caller's PUT, which S3 tells of, and what comes of it."""
        with self.meter.step("the upload itself") as tally:
            event = self.stack.put(f"uploads/ada/{job_id}", body)
            tally.used["sqs_request"] += 1
        with self.meter.step("on_upload", memory=OTHERS_MIB, by="queue"):
            assert on_upload.handler(sqs_event(event), None) == {"batchItemFailures": []}

    def announce(self, job_id: str) -> None:
        """The stream brings what is new in the outbox."""
        found = aws.dynamodb_client().query(
            TableName=self.stack.settings.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :event)",
            ExpressionAttributeValues={":pk": {"S": f"job#{job_id}"}, ":event": {"S": "event#"}},
        )
        record = {"eventID": "1", "dynamodb": {"SequenceNumber": "1", "NewImage": found["Items"][-1]}}
        with self.meter.step("on_job_change", memory=OTHERS_MIB, by="stream"):
            assert on_job_change.handler({"Records": [record]}, None) == {"batchItemFailures": []}

    def work(self, job_id: str) -> None:
        """The worker takes the message, renews once, and completes."""
        settings = WorkerSettings(
            table=self.stack.settings.table,
            queue_url=self.stack.settings.queue_url,
            media_bucket=self.stack.settings.media_bucket,
            transcript_bucket=self.stack.settings.transcript_bucket,
        )
        queue = wiring.queue(settings.queue_url, "")
        store = wiring.transcripts(settings.transcript_bucket)

        def beat() -> None:
            with self.meter.uncounted():
                run = wiring.runs().get(job_id)
            assert run
            assert received
            wiring.runs().renew(job_id, run)
            queue.extend(received, seconds=120)

        world = World(
            jobs=wiring.jobs(),
            runs=wiring.runs(),
            transcripts=store,
            checkpoints=wiring.checkpoints(),
            queue=queue,
            transcriber=Reader(beat),
            clock=wiring.clock(),
            watchdog=Watchdog(600, log=_to_nobody),
            telemetry=Telemetry("costs", wiring.clock(), write=lambda line: None),
        )
        worker = Worker(world, settings, Stopping(), _to_nobody)
        with self.meter.step("worker"):
            received = queue.receive(wait_seconds=0)
            assert received
            worker.handle(received)
        assert wiring.jobs().get(job_id).transcript

    def deliver(self, job_id: str) -> None:
        [delivery] = wiring.deliveries().of_job(job_id)
        message = DeliveryMessage(job_id=job_id, delivery_id=delivery.id, revision=delivery.revision)
        assert wiring.settings(DeliverySettings).delivery_queue_url
        with self.meter.step("on_delivery", memory=OTHERS_MIB, by="queue"):
            on_delivery.handler(sqs_event(message.model_dump_json()), None)
        assert wiring.deliveries().of_job(job_id)[0].state == "delivered"


def _to_nobody(event: str, *, error: BaseException | None = None, **_: object) -> None:
    """Tests need no log."""
