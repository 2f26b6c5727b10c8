"""A job's end is told, for real: table, stream, queue, index, Lambdas, and a receiver that checks who is calling."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from sandbox.assembly import ROOT
from sandbox.emulator import free_port, listener
from sandbox.up import SAMPLE
from tests.sandbox.conftest import RunningSandbox
from tests.sandbox.stack import Stack, eventually
from tiro.signature import new_secret

pytestmark = pytest.mark.sandbox

SECRET = new_secret(bytes(range(24)))


@dataclass
class Receiver:
    """Answers by the script, and remembers what came."""

    url: str
    script: list[int] = field(default_factory=list)  # then 204 for ever
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    slow: float = 0.0

    def verified(self, secret: str, number: int = -1) -> Any:
        """Return what came, once the standard's own library has let it in."""
        headers, body = self.came[number]
        return Webhook(secret).verify(body, headers)


@contextmanager
def listening(**more: Any) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(receiver.slow)
            self.send_response(receiver.script.pop(0) if receiver.script else 204)
            self.send_header("Location", f"{receiver.url}elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/", **more)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receiver
        server.shutdown()


@pytest.fixture(scope="module")
def stack(running_sandbox: RunningSandbox) -> Iterator[Stack]:
    with Stack(running_sandbox) as stack:
        yield stack


@contextmanager
def endpoint(stack: Stack, receiver: Receiver, **more: Any) -> Iterator[dict[str, Any]]:
    answer = stack.call("POST", "webhooks", json={"url": receiver.url, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    yield made
    stack.call("DELETE", f"webhooks/{made['id']}")


def cancelled(stack: Stack, **options: Any) -> str:
    """Return the id of a job that came to its end at once."""
    job = stack.submit({"upload": {}}, **options)
    assert stack.call("POST", f"transcriptions/{job['id']}/cancel").status_code == 200
    return str(job["id"])


def deliveries(stack: Stack, job_id: str) -> list[dict[str, Any]]:
    answer = stack.call("GET", f"transcriptions/{job_id}/deliveries")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def settled(stack: Stack, job_id: str, tries: int = 1) -> dict[str, Any]:
    """Wait until a job's one delivery has been tried so often."""

    def look() -> dict[str, Any] | None:
        found = deliveries(stack, job_id)
        return found[0] if found and len(found[0]["attempts"]) >= tries else None

    return eventually(look)


def test_a_completed_job_is_told_and_the_library_believes_it(stack: Stack) -> None:
    with (
        listening() as receiver,
        endpoint(stack, receiver, events=["transcription.queued", "transcription.completed"]) as made,
    ):
        job = stack.upload(SAMPLE.read_bytes(), filename="Tiro.ogg")
        eventually(lambda: len(receiver.came) >= 2)
        told = sorted((receiver.verified(made["secret"], i) for i in range(2)), key=lambda told: told["timestamp"])
        assert [one["type"] for one in told] == ["transcription.queued", "transcription.completed"]
        assert {one["data"]["id"] for one in told} == {job["id"]}
        path = told[1]["data"]["transcript_url"].removeprefix("/v1/")
        assert stack.call("GET", path).status_code == 200


def test_localhost_is_an_address_for_a_webhook_in_the_sandbox(stack: Stack) -> None:
    with listening() as receiver:
        receiver.url = receiver.url.replace("127.0.0.1", "localhost")
        with endpoint(stack, receiver) as made:
            job_id = cancelled(stack)
            assert settled(stack, job_id)["state"] == "delivered"
            assert receiver.verified(made["secret"])["data"]["id"] == job_id


def test_other_private_addresses_are_refused_in_the_sandbox_too(stack: Stack) -> None:
    for url in ("http://10.0.0.1/", "http://169.254.169.254/latest/", "http://192.168.1.1:8000/"):
        answer = stack.call("POST", "webhooks", json={"url": url})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), url


def test_the_receiver_of_the_documentation_prints_the_event(stack: Stack, tmp_path: Path) -> None:
    page = (ROOT / "docs/api/webhooks.md").read_text()
    [program] = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "receiver.py" in block]
    port, printed = free_port(), tmp_path / "printed"
    (tmp_path / "receiver.py").write_text(program.replace("8000", str(port)))
    with endpoint(stack, Receiver(f"http://localhost:{port}/")) as made, printed.open("w") as output:
        command = [sys.executable, "receiver.py", made["secret"]]
        with subprocess.Popen(command, cwd=tmp_path, stdout=output, stderr=subprocess.DEVNULL) as receiver:
            try:
                eventually(lambda: listener(port))
                job_id = cancelled(stack)
                settled(stack, job_id)
            finally:
                receiver.kill()
    assert printed.read_text() == f"transcription.cancelled {job_id}\n"


def test_it_fails_twice_and_then_succeeds(stack: Stack) -> None:
    """The first retry is after 5 s by the queue; the next, minutes later by the index, is made due here."""
    with listening(script=[500, 503]) as receiver, endpoint(stack, receiver) as made:
        job_id = cancelled(stack)
        delivery = settled(stack, job_id, tries=2)
        assert (delivery["state"], [a["status"] for a in delivery["attempts"]]) == ("pending", [500, 503])
        stack.call("POST", f"transcriptions/{job_id}/deliveries/{delivery['id']}/redeliver")
        delivery = settled(stack, job_id, tries=3)
        assert (delivery["state"], delivery["attempts"][2]["status"]) == ("delivered", 204)
        assert len({headers["webhook-id"] for headers, _ in receiver.came}) == 1
        assert receiver.verified(made["secret"])["data"]["status"] == "cancelled"


def test_a_job_s_own_address(stack: Stack) -> None:
    with listening() as receiver:
        job_id = cancelled(stack, webhook={"url": receiver.url, "secret": SECRET}, metadata={"order": "17"})
        assert settled(stack, job_id)["state"] == "delivered"
        assert receiver.verified(SECRET)["data"]["metadata"] == {"order": "17"}


def test_who_is_gone_is_disabled_until_a_test_succeeds(stack: Stack) -> None:
    with listening(script=[410]) as receiver, endpoint(stack, receiver) as made:
        assert settled(stack, cancelled(stack))["state"] == "failed"
        path = f"webhooks/{made['id']}"
        assert stack.call("GET", path).json()["disabled_because"] == "It answered 410."
        assert stack.call("POST", f"{path}/test").json()["status"] == 204
        assert stack.call("GET", path).json()["disabled_at"] is None


def test_a_redirect_is_not_followed(stack: Stack) -> None:
    with listening(script=[302]) as receiver, endpoint(stack, receiver):
        delivery = settled(stack, cancelled(stack))
        assert "redirect" in delivery["attempts"][0]["error"]
        assert len(receiver.came) == 1


def test_a_slow_receiver_is_given_up(stack: Stack) -> None:
    with listening(slow=20.0) as receiver:
        job_id = cancelled(stack, webhook={"url": receiver.url, "secret": SECRET})
        [attempt] = settled(stack, job_id)["attempts"]
        assert attempt["status"] is None
        assert attempt["error"]


def test_two_secrets_sign_while_one_is_rotated(stack: Stack) -> None:
    with listening() as receiver, endpoint(stack, receiver) as made:
        rotated = stack.call("POST", f"webhooks/{made['id']}/rotate").json()
        settled(stack, cancelled(stack))
        for secret in (made["secret"], rotated["secret"]):
            receiver.verified(secret)


def test_the_account_s_own_systems_hear_of_it(stack: Stack, running_sandbox: RunningSandbox) -> None:
    from sandbox.emulator import Emulator

    events = Emulator(running_sandbox.port).client("events")
    [bus] = [b["Name"] for b in events.list_event_buses()["EventBuses"] if b["Name"] != "default"]
    queue = stack.sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = stack.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["tiro"], "detail-type": ["Transcription State Change"], "detail": {"status": ["cancelled"]}}
    events.put_rule(Name="listen", EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="listen", EventBusName=bus, Targets=[{"Id": "1", "Arn": arn}])
    job_id = cancelled(stack)

    def heard() -> bool:
        found = stack.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return any(json.loads(m["Body"])["detail"]["id"] == job_id for m in found)

    eventually(heard)
    events.close()
