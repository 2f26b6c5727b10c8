"""The client and the command against the running sandbox: what a person does, and a script."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.assembly import ROOT
from sandbox.up import SAMPLE
from tests.sandbox.conftest import RunningSandbox
from tests.sandbox.stack import Stack, error_rate, eventually
from tests.sandbox.test_sources import wav_header
from tests.tolerance import MOST_WRONG
from tiro.client import AsyncClient, Client, Memory
from tiro.errors import JobGone
from tiro.job import JobStatus, JobView
from tiro.signature import sign
from tiro.upload import PART_BYTES

pytestmark = [pytest.mark.sandbox, pytest.mark.model]


@pytest.fixture(scope="module")
def stack(running_sandbox: RunningSandbox) -> Iterator[Stack]:
    with Stack(running_sandbox) as stack:
        yield stack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one.ogg", "two/one.ogg"):
        (tmp_path / "talks" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "talks" / name).write_bytes(SAMPLE.read_bytes())
    (tmp_path / "talks" / "text.mp3").write_text("this is no recording")
    return tmp_path


def tiro(stack: Stack, folder: Path, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a shell does."""
    env = {**os.environ, **stack.env, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state"), **more}
    command = [sys.executable, "-m", "tiro.cli", *argv]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=240)


def test_a_folder_is_transcribed_and_each_job_can_be_had(stack: Stack, folder: Path) -> None:
    said = "transcribe talks -o out --format vtt --max-lines 1 --metadata order=17 --json"
    done = tiro(stack, folder, *said.split())
    assert done.returncode == 1, done.stderr
    told = {line["source"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert told["talks/text.mp3"]["problem"]["code"] == "not_audio"
    out = folder / "out"
    assert {str(path.relative_to(out)) for path in out.rglob("*.vtt")} == {"one.vtt", "two/one.vtt"}
    job = told["talks/one.ogg"]["job"]
    assert job["metadata"] == {"order": "17"}
    assert job["id"] in tiro(stack, folder, "jobs", "--status", "completed", "--since", "1h").stdout
    assert "completed" in tiro(stack, folder, "show", job["id"]).stdout
    assert error_rate(tiro(stack, folder, "transcript", job["id"]).stdout) <= MOST_WRONG
    assert tiro(stack, folder, "delete", job["id"]).returncode == 0
    gone = tiro(stack, folder, "show", job["id"])
    assert (gone.returncode, "[job_gone]" in gone.stderr) == (1, True)


def test_webhooks_from_the_shell(stack: Stack, folder: Path) -> None:
    secret = tiro(stack, folder, "webhooks", "add", "https://example.com/tiro").stdout.strip()
    listed = tiro(stack, folder, "webhooks", "list", "--json").stdout.splitlines()
    endpoint = next(one for one in map(json.loads, listed) if one["url"] == "https://example.com/tiro")
    assert "secret" not in endpoint
    assert tiro(stack, folder, "webhooks", "rotate", endpoint["id"]).stdout.strip() != secret
    assert tiro(stack, folder, "webhooks", "remove", endpoint["id"]).returncode == 0
    (folder / "body").write_text("{}")
    headers = sign(b"{}", message_id="evt_1", at=datetime.now(UTC), secrets=[secret])
    flags = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    assert tiro(stack, folder, "webhooks", "verify", "body", *flags, TIRO_WEBHOOK_SECRET=secret).returncode == 0


@pytest.mark.parametrize("path", ["/v1", "/../wrong", "/../../../../nowhere"])
def test_a_wrong_address_says_so(stack: Stack, folder: Path, path: str) -> None:
    url = os.path.normpath(stack.env["TIRO_API_URL"].removeprefix("http:/") + path)
    told = tiro(stack, folder, "jobs", TIRO_API_URL=f"http:/{url}")
    assert told.returncode == 3, told.stderr
    assert "check TIRO_API_URL, which is http://127.0.0.1" in told.stderr


def test_an_upload_that_breaks_off_goes_on_in_the_next_process(stack: Stack, tmp_path: Path) -> None:
    """Begun by the client that blocks, ended by the one that awaits: what they remember is the same."""
    file, memory = tmp_path / "long.wav", Memory(tmp_path / "state")
    with file.open("wb") as zeros:
        zeros.write(wav_header(110_000_000))
        zeros.truncate(110_000_044)

    class BrokenOff(Exception):
        pass

    def break_off(done: int, total: int) -> None:
        if done > total * 0.8:  # four parts of the seven are on their way, so that at least one has come
            raise BrokenOff

    url, key = stack.env["TIRO_API_URL"], stack.env["TIRO_API_KEY"]
    with Client(url, key) as client, pytest.raises(BrokenOff):
        client.submit(file, begun=memory.begin(url, file), on_upload=break_off)
    begun, told = memory.begin(url, file), list[int]()
    assert begun.job_id

    async def go_on() -> JobView:
        async with AsyncClient(url, key) as client:
            return await client.submit(file, begun=begun, on_upload=lambda done, _: told.append(done))

    assert asyncio.run(go_on()).id == begun.job_id
    assert told[0] >= PART_BYTES  # what had come did not come again
    with Client(url, key) as client:

        def queued() -> JobView | None:
            found = client.job(str(begun.job_id))
            return found if found.queued_at else None

        there = eventually(queued)
        assert there.media
        assert there.media.size == 110_000_044
        assert client.cancel(there.id).status is JobStatus.CANCELLED
        client.delete(there.id)
        with pytest.raises(JobGone):
            client.job(there.id)


def test_many_at_once_without_a_thread(stack: Stack) -> None:
    url, key = stack.env["TIRO_API_URL"], stack.env["TIRO_API_KEY"]

    async def all_of_them() -> list[str]:
        async with AsyncClient(url, key) as client:
            made = await asyncio.gather(*(client.submit(SAMPLE, metadata={"number": str(n)}) for n in range(3)))
            done = await asyncio.gather(*(client.wait(job.id) for job in made))
            seen = [summary.id async for summary in client.jobs(status="completed", limit=2)]
            assert {job.id for job in done} <= set(seen)
            return [await client.transcript(job.id) for job in done]

    assert all(error_rate(text) <= MOST_WRONG for text in asyncio.run(all_of_them()))
