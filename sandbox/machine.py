"""The whole of Tiro on this machine: emulator, stack, key, worker. Up in this order, down in the other."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox import emulator as emulators
from sandbox.assembly import ROOT, Synthesis
from sandbox.emulator import Emulator
from sandbox.processes import Child, plain_environment
from sandbox.state import SandboxError, State, write_env, write_private
from sandbox.steps import Steps
from sandbox.worker import Worker, worker_command
from tiro.key import ENTROPY_BYTES, ApiKey, hash_key, new_key, new_key_id
from tiro.settings import WorkerSettings, variable

OWNER = "me"
"""Whose key it is that the sandbox makes, and whose inbox it names."""

CHOICES = ("engine", "model", "model_path", "compute_type", "beam_size", "batch_size", "threads", "log_level")
"""Settings of the worker that your environment may choose."""


CALLS_AT_ONCE = 4
"""Calls that start the API's first processes together; the launcher starts no more than four before calls must wait."""


@dataclass(frozen=True)
class Options:
    """Where, and with what."""

    state: State
    port: int
    executable: Path  # of the emulator


class Sandbox:
    """One that is up."""

    def __init__(self, env: Mapping[str, str], emulator: Child, worker: Worker) -> None:
        self.env, self._emulator, self.worker = env, emulator, worker

    def watch(self) -> None:
        """Look after the children; call it now and then. Raises SandboxError when the emulator has died."""
        self.worker.watch()
        if self._emulator.poll() is not None:
            log = self._emulator.command.log
            raise SandboxError(f"The emulator ended. {log} ends:\n{self._emulator.last_words()}")


@contextlib.contextmanager
def sandbox(options: Options, steps: Steps, environ: Mapping[str, str]) -> Iterator[Sandbox]:
    """Bring it up, and down again whatever happens. Raises SandboxError."""
    state, emulator = options.state, Emulator(options.port)
    with contextlib.ExitStack() as down:
        stopping = steps.console.status("Stopping …")
        down.callback(stopping.stop)  # first here is last there
        with steps.console.status("Waiting for an earlier sandbox on this folder to end …"):
            lock = down.enter_context(state.hold())
        state.env.unlink(missing_ok=True)
        for log in state.root.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))  # what one starts again after may be what one wants to read

        with steps("emulator", "Starting the emulator …") as step:
            child = emulators.start(emulator, options.executable, state, environ, lock)
            down.callback(child.stop)
            synthesis = Synthesis(state, environ)  # takes its time, so it begins now
            down.callback(synthesis.stop)
            emulators.wait_healthy(emulator, child)
            step.result = f"ministack answers on {emulator.endpoint}"
        if emulators.discarded(state):
            steps.say("cleanup", "deletes temporary files of an earlier run in the background")

        env = make_stack(options, synthesis, steps)

        command = worker_command(ROOT, _worker_env(env, state, environ), state.log("worker"))
        worker = Worker(command, state.heartbeat, lock, say=lambda what: steps.say("worker", what))
        down.callback(worker.stop)
        with steps("functions", "Starting the functions …") as step:  # while the model loads
            warm(emulator, env)
            step.result = "answer"
        with steps("worker", "Loading the model …") as step:
            worker.wait_ready(step.say)
            step.result = f"has loaded Whisper {environ.get(variable('model'), WorkerSettings.model)}"

        down.callback(state.env.unlink, missing_ok=True)
        write_env(state.env, env)
        down.callback(stopping.start)
        yield Sandbox(env, child, worker)


def make_stack(options: Options, synthesis: Synthesis, steps: Steps) -> dict[str, str]:
    """Make the stack and the key, and return the environment that leads to them."""
    from sandbox.deploy import deploy  # boto3 takes half a second to import, which CDK needs anyway

    emulator = Emulator(options.port)
    with steps("template", "Synthesizing the stack …") as step:
        assembly = synthesis.result()
        step.result = "is as it was" if synthesis.cached else "synthesized with CDK"
    with steps("stack", "Deploying the stack …") as step:
        deployed = deploy(assembly, emulator, options.state)
        step.result = f"{deployed.stack}: {deployed.resources} resources, {deployed.did}"
        key = make_key(options.state, emulator, deployed.outputs["TableName"])
    return environment(emulator, deployed.outputs, key)


def environment(emulator: Emulator, outputs: Mapping[str, str], key: str) -> dict[str, str]:
    """Return what `.sandbox/env` says: enough for `tiro`, for the AWS command line, and for one more worker."""
    return {
        "TIRO_API_URL": emulator.api_url(outputs["ApiUrl"]),
        "TIRO_API_KEY": key,
        "TIRO_INBOX": f"s3://{outputs['MediaBucket']}/inbox/{OWNER}/",
        "TIRO_UPLOAD_QUEUE_URL": outputs["UploadQueueUrl"],
        "TIRO_FETCH_QUEUE_URL": outputs["FetchQueueUrl"],
        **WorkerSettings.to_env(
            table=outputs["TableName"],
            queue_url=outputs["QueueUrl"],
            batch_queue_url=outputs["BatchQueueUrl"],
            media_bucket=outputs["MediaBucket"],
            transcript_bucket=outputs["TranscriptBucket"],
        ),
        **emulator.env,
    }


def make_key(state: State, emulator: Emulator, table: str) -> str:
    """Return the key of earlier runs, or a new one, and see that the table knows it."""
    from tiro.adapters.dynamodb import DynamoDBKeyStore

    if not state.key.exists():
        write_private(state.key, new_key(secrets.token_bytes(ENTROPY_BYTES)) + "\n")
    key = state.key.read_text().strip()
    keys = DynamoDBKeyStore(emulator.client("dynamodb"), table)
    if keys.find(hash_key(key)) is None:
        made = ApiKey(id=new_key_id(secrets.token_bytes(8)), owner=OWNER, created_at=datetime.now(UTC))
        keys.add(hash_key(key), made)
    return key


def _worker_env(env: Mapping[str, str], state: State, environ: Mapping[str, str]) -> dict[str, str]:
    chosen = {variable(name): environ[variable(name)] for name in CHOICES if variable(name) in environ}
    own = {variable("heartbeat_file"): str(state.heartbeat), variable("stage"): "sandbox"}
    return {**plain_environment(environ), **env, **chosen, **own}


def warm(emulator: Emulator, env: Mapping[str, str], *, seconds: float = 120.0) -> None:
    """Make the first calls, so that no caller waits while the emulator starts a Lambda. Raises SandboxError.

    An event without content starts `on_upload`, and calls at the same time start several processes of the authorizer
    and the API. A job that does not exist must be 404.
    """
    sqs, uploads = emulator.client("sqs"), env["TIRO_UPLOAD_QUEUE_URL"]
    event = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    sqs.send_message(QueueUrl=uploads, MessageBody=event)
    url = f"{env['TIRO_API_URL']}/v1/transcriptions/{'0' * 26}"
    deadline = time.monotonic() + seconds
    while (answer := _get(url, env["TIRO_API_KEY"])) != (404, "job_not_found"):
        if time.monotonic() > deadline:
            raise SandboxError(f"The API does not answer as it should: {url} says {answer[0]}, {answer[1]}.")
        time.sleep(0.2)
    with ThreadPoolExecutor(CALLS_AT_ONCE) as calls:
        list(calls.map(lambda _: _get(url, env["TIRO_API_KEY"]), range(CALLS_AT_ONCE)))
    while _waiting(sqs, uploads):
        if time.monotonic() > deadline:
            raise SandboxError("Nobody takes S3's events from their queue. `make reset` begins anew.")
        time.sleep(0.1)


def _waiting(sqs: Any, queue_url: str) -> bool:
    """Return whether messages are on a queue, or in somebody's hands."""
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=counts)["Attributes"]
    return any(int(found[count]) for count in counts)


def _get(url: str, key: str) -> tuple[int, str]:
    """Return the status and the problem's code."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310
    try:
        with emulators.direct(request, timeout=30) as response:
            return response.status, ""
    except urllib.error.HTTPError as error:
        body = error.read()
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return error.code, str(json.loads(body)["code"])
        return error.code, body.decode(errors="replace")[:300]
    except OSError as error:
        return 0, str(error)
