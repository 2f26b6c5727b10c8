"""The ground: an emulator that may be stopped and started, the deployed stack, and what its owner does and sees."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from sandbox import emulator as emulators
from sandbox import machine
from sandbox.assembly import Synthesis
from sandbox.emulator import Emulator
from sandbox.machine import OWNER, Options
from sandbox.processes import Child
from sandbox.steps import Steps
from tiro.job import Job
from tiro.message import JobMessage

VISIBILITY_SECONDS = 6
"""Of a message and of a lease: short, so that what takes two minutes in the cloud takes seconds here."""

WORKER = {
    "TIRO_VISIBILITY_SECONDS": str(VISIBILITY_SECONDS),
    "TIRO_HEARTBEAT_SECONDS": "1.5",
    "TIRO_MAX_ATTEMPTS": "12",  # the campaign kills one job more often than a bad day would
    "TIRO_THREADS": "1",
}


@dataclass
class Field:
    """One stack. `env` leads a worker to it."""

    options: Options
    env: Mapping[str, str]
    emulator: Child
    lock: int
    http: httpx.Client
    submitted: dict[str, str] = field(default_factory=dict)  # job -> clip
    dropped: dict[str, str] = field(default_factory=dict)  # key -> clip

    def __post_init__(self) -> None:
        at = Emulator(self.options.port)
        self.s3, self.sqs, self.dynamodb, self.lambda_ = (
            at.client(name) for name in ("s3", "sqs", "dynamodb", "lambda")
        )
        self.queue_url = self.env["TIRO_QUEUE_URL"]
        for url in self.sqs.list_queues()["QueueUrls"]:
            # What a function held when the emulator was stopped comes back as soon.
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})
        self._make_reaper_impatient()

    def _make_reaper_impatient(self) -> None:
        [name] = [
            f["FunctionName"]
            for f in self.lambda_.list_functions()["Functions"]
            if f["Handler"] == "functions.on_schedule.handler"
        ]
        known = self.lambda_.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        variables = {**known, "TIRO_PATIENCE_SECONDS": "10", "TIRO_MAX_ATTEMPTS": WORKER["TIRO_MAX_ATTEMPTS"]}
        self.lambda_.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        self._reaper = name

    def reap(self) -> dict[str, int]:
        """Have the schedule's function run now, and not only when its minute is over."""
        answer = self.lambda_.invoke(FunctionName=self._reaper, Payload=b"{}")
        found: dict[str, int] = json.loads(answer["Payload"].read())
        return found

    # ------------------------------------------------------------ what an owner does

    def upload(self, clip: Path) -> str:
        """Submit and send; return the job's id."""
        job = self._call("POST", "transcriptions", json={"source": {"upload": {"filename": clip.name}}})
        self.submitted[job["id"]] = clip.name
        upload = job["upload"]
        sent = httpx.request(upload["method"], upload["url"], headers=upload["headers"], content=clip.read_bytes())
        sent.raise_for_status()
        return str(job["id"])

    def drop(self, clip: Path, number: int) -> str:
        """Put it into the inbox; return its key."""
        key = f"inbox/{OWNER}/{number}-{clip.name}"
        self.s3.put_object(Bucket=self.env["TIRO_MEDIA_BUCKET"], Key=key, Body=clip.read_bytes())
        self.dropped[key] = clip.name
        return key

    def cancel(self, job_id: str) -> None:
        with contextlib.suppress(httpx.HTTPStatusError):  # it may have ended just now
            self._call("POST", f"transcriptions/{job_id}/cancel")

    def probe(self) -> str:
        """Make a job that is at its end at once; return its id. It is nobody's, and is not judged."""
        job = self._call("POST", "transcriptions", json={"source": {"upload": {}}})
        self._call("POST", f"transcriptions/{job['id']}/cancel")
        return str(job["id"])

    def hear_of_ends(self, url: str) -> None:
        """Have every end of a job told there."""
        self._call("POST", "webhooks", json={"url": url})

    def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = self.http.request(method, path, **more)
        answer.raise_for_status()
        return answer.json()

    # ------------------------------------------------------------ what goes wrong in the world

    def send(self, job_id: str, generation: int) -> None:
        body = JobMessage(job_id=job_id, generation=generation).model_dump_json()
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body, MessageGroupId=OWNER)

    def tell_again(self, key: str) -> None:
        """Have S3 say once more that an object was written."""
        bucket = self.env["TIRO_MEDIA_BUCKET"]
        version = self.s3.head_object(Bucket=bucket, Key=key).get("VersionId")
        written = {"key": key, "versionId": version, "sequencer": "0" * 16}
        event = {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": written}}]}
        self.sqs.send_message(QueueUrl=self.env["TIRO_UPLOAD_QUEUE_URL"], MessageBody=json.dumps(event))

    def lose_message(self) -> str | None:
        """Take a message from the queue and forget it; return whose it was."""
        found = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=1).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
            return JobMessage.parse(message["Body"]).job_id
        return None

    def restart(self) -> None:
        """Stop the emulator as one stops it, and start it on what it saved."""
        self.emulator.stop()
        self.start()

    def start(self) -> None:
        at = Emulator(self.options.port)
        self.emulator = emulators.start(at, self.options.executable, self.options.state, os.environ, self.lock)
        emulators.wait_healthy(at, self.emulator)

    # ------------------------------------------------------------ what is seen

    def items(self) -> list[dict[str, Any]]:
        """Return all that the table holds. A person may scan; the product never does."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.env["TIRO_TABLE"])
        return [item for page in pages for item in page["Items"]]

    def jobs(self) -> list[Job]:
        return [Job.model_validate_json(i["document"]["S"]) for i in self.items() if i["sk"]["S"] == "job"]

    def stored(self) -> list[str]:
        """Return the keys of the transcript bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.env["TIRO_TRANSCRIPT_BUCKET"])
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def unread(self) -> int:
        """Return how many messages are on the queues, or in somebody's hands."""
        counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        urls = [self.queue_url, self.env["TIRO_UPLOAD_QUEUE_URL"]]
        found = [self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"] for url in urls]
        return sum(int(value) for attributes in found for value in attributes.values())


@contextmanager
def open_field(options: Options) -> Iterator[Field]:
    """Bring emulator and stack up, without a worker; and down again."""
    steps = Steps(Console(stderr=True), quiet=True)
    with ExitStack() as down:
        lock = down.enter_context(options.state.hold())
        at = Emulator(options.port)
        child = emulators.start(at, options.executable, options.state, os.environ, lock)
        synthesis = Synthesis(options.state, os.environ)
        down.callback(synthesis.stop)
        emulators.wait_healthy(at, child)
        env = machine.make_stack(options, synthesis, steps)
        headers = {"Authorization": f"Bearer {env['TIRO_API_KEY']}"}
        http = down.enter_context(httpx.Client(base_url=f"{env['TIRO_API_URL']}/v1/", timeout=60, headers=headers))
        ground = Field(options, {**env, **WORKER}, child, lock, http)
        down.callback(lambda: ground.emulator.stop())
        _wait_for_api(http)
        yield ground


def _wait_for_api(http: httpx.Client, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while http.get("transcriptions").status_code != 200:
        if time.monotonic() > deadline:
            raise TimeoutError("the API never answered")
        time.sleep(0.3)


@dataclass(frozen=True)
class Speech:
    """Real speech to send: clips of one window, and recordings of many."""

    clips: Sequence[Path]
    recordings: Sequence[Path] = ()


def speech(corpus: Path, sample: Path) -> Speech:
    """Return the corpus's speech; where there is no corpus, the sandbox's sample."""
    manifest = corpus / "manifest.jsonl"
    if not manifest.is_file():
        return Speech([sample])
    known = [json.loads(line) for line in manifest.read_text().splitlines()]

    def of(kinds: set[str], shortest: float, longest: float) -> list[Path]:
        fitting = [k for k in known if k["category"] in kinds and shortest <= (k["duration"] or 0.0) <= longest]
        return [corpus / each["path"] for each in fitting if not each["path"].endswith(".raw")]

    return Speech(clips=of({"speech"}, 2.5, 8.0), recordings=of({"dialogue", "long"}, 40.0, 610.0))
