"""The AWS emulator, ministack, as a child process: S3, SQS, DynamoDB, Lambda and the rest on one local port."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.processes import Child, Command, plain_environment
from sandbox.state import SandboxError, State

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
NAME = "localhost"  # what the emulator calls itself in a queue's address
PORT = 4566
REGION = "us-east-1"
ACCOUNT = "000000000000"
LAUNCHER = Path(__file__).with_name("launcher.py")
DISCARDED = "discarded-"
INSTALL = "Run `make sandbox`, which installs it, or name another with --emulator."


@dataclass(frozen=True)
class Emulator:
    """Where it answers."""

    port: int

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """What leads boto3 and the AWS command line here, and to no account of anybody's."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client of it, whatever the environment says."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,  # type: ignore[call-overload]  # the stubs know services by literal only
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106  # the emulator takes any
            config=Config(proxies={}, signature_version="s3v4" if service == "s3" else "v4"),
        )

    def api_url(self, output: str) -> str:
        """Return the address here of the REST API whose address in the cloud is `output`."""
        host, _, stage = output.removeprefix("https://").partition("/")
        return f"{self.endpoint}/_aws/execute-api/{host.partition('.')[0]}/{stage.strip('/')}"

    def healthy(self) -> bool:
        with (
            contextlib.suppress(OSError, ValueError),
            direct(f"{self.endpoint}/_ministack/health", timeout=2) as response,
        ):
            return "services" in json.load(response)
        return False


def start(emulator: Emulator, executable: Path, state: State, environ: Mapping[str, str], lock: int) -> Child:
    """Start it on the state it last saved. Raises SandboxError when it is not there, or its port is taken."""
    python = interpreter(executable)
    require_free(emulator.port)
    move(state, emulator.port)
    read_streams_anew(state)
    scratch = make_scratch(state)
    keep = {name: environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in environ}
    # The Lambdas inherit this environment, so it holds as little as can be.
    env = plain_environment(keep) | {
        "GATEWAY_PORT": str(emulator.port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": NAME,
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "S3_PERSIST": "1",
        "STATE_DIR": str(saved(state)),
        "S3_DATA_DIR": str(state.emulator / "s3"),
        "TMPDIR": str(scratch),
        "SFTP_ENABLED": "0",
        "LAMBDA_WARM_TTL_SECONDS": "900",  # idle processes beyond a function's first end after so long
        "LAMBDA_ACCOUNT_CONCURRENCY": "1000",  # as in AWS; the launcher bounds processes, and further calls wait
    }
    argv = [str(python), "-P", str(LAUNCHER)]  # -P: the sandbox's modules are not for the emulator to import
    command = Command("emulator", argv, env, scratch, state.log("emulator"), signpost=state.env)
    return Child(command, inherit=[lock])


def interpreter(executable: Path) -> Path:
    """Return the Python that ministack's command is installed for. Raises SandboxError where there is none."""
    if not executable.exists():
        raise SandboxError(f"The emulator is not installed: there is no {executable}. {INSTALL}")
    for folder in (executable.parent, executable.resolve().parent):  # a command may be a link into its environment
        if (folder / "python").exists():
            return folder / "python"
    raise SandboxError(f"There is no Python beside {executable}, which the emulator's launcher needs. {INSTALL}")


def make_scratch(state: State) -> Path:
    """Return an empty folder for the emulator's temporary files.

    An earlier run's folder is renamed, and deleted in the background: it may hold many thousands of files.
    """
    scratch = state.emulator / "tmp"
    if scratch.exists():
        scratch.rename(state.emulator / f"{DISCARDED}{time.time_ns()}")
    scratch.mkdir(parents=True)
    for folder in discarded(state):
        threading.Thread(target=shutil.rmtree, args=(folder,), kwargs={"ignore_errors": True}, daemon=True).start()
    return scratch


def discarded(state: State) -> list[Path]:
    """Return the folders of earlier runs that are not deleted yet."""
    return sorted(state.emulator.glob(f"{DISCARDED}*"))


def saved(state: State) -> Path:
    """The folder where the emulator saves what it knows, when it stops."""
    return state.emulator / "state"


def move(state: State, port: int) -> None:
    """Let the saved state follow the emulator to another port: it knows its queues by their addresses."""
    note = state.emulator / "port"
    before = note.read_text() if note.exists() else str(port)
    for file in saved(state).glob("*.json") if before != str(port) else ():
        file.write_text(file.read_text().replace(f"{NAME}:{before}/", f"{NAME}:{port}/"))
    state.emulator.mkdir(parents=True, exist_ok=True)
    note.write_text(str(port))


def read_streams_anew(state: State) -> None:
    """Let Lambdas read the table's stream from its beginning.

    The emulator saves how far they had read, but not the stream: so they would wait, deaf, until as many changes had
    come as there had been before.
    """
    file = saved(state) / "lambda.json"
    if file.exists():
        known = json.loads(file.read_text())
        known["payload"].get("dynamodb_stream_positions", {})["data"] = {}
        file.write_text(json.dumps(known))


def wait_healthy(emulator: Emulator, child: Child, *, seconds: float = 60.0) -> None:
    """Raises SandboxError when it ended, or does not answer in time."""
    deadline = time.monotonic() + seconds
    while not emulator.healthy():
        if child.poll() is not None or time.monotonic() > deadline:
            why = "ended at once" if child.poll() is not None else f"did not answer for {seconds:.0f} s"
            raise SandboxError(f"The emulator {why}. The end of {child.command.log}:\n{child.last_words()}")
        time.sleep(0.05)


def require_free(port: int) -> None:
    """Raises SandboxError, naming who has the port where that can be told."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise SandboxError(f"Port {port} needs more rights than you have. Choose one above 1023.") from None
            owner = listener(port)
            by = f" by {owner}" if owner else ""
            raise SandboxError(
                f"Port {port} is taken{by}. Choose another: `make sandbox TIRO_SANDBOX_PORT={port + 1}` or --port."
            ) from None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def listener(port: int) -> str | None:
    """Return `process 123 (command)` of who listens on a port, or None where it cannot be told."""
    pid = _listener_on_linux(port) if Path("/proc/net/tcp").exists() else _listener_by_lsof(port)
    if pid is None:
        return None
    ps = shutil.which("ps")
    said = subprocess.run([ps, "-o", "args=", "-p", str(pid)], capture_output=True, text=True) if ps else None
    what = said.stdout.strip() if said else ""
    return f"process {pid} ({what[:80]})" if what else f"process {pid}"


def _listener_by_lsof(port: int) -> int | None:
    lsof = shutil.which("lsof")
    if lsof is None:
        return None
    said = subprocess.run([lsof, "-nP", "-t", f"-iTCP:{port}", "-sTCP:LISTEN"], capture_output=True, text=True)
    return int(said.stdout.split()[0]) if said.stdout.strip() else None


def _listener_on_linux(port: int) -> int | None:
    """Find the socket's inode in /proc/net/tcp* (proc(5): state 0A is LISTEN), then who has it open."""
    rows = [row.split() for table in ("tcp", "tcp6") for row in _lines(Path("/proc/net") / table)]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")}
    for fd in _open_files():
        with contextlib.suppress(OSError):
            if str(fd.readlink()) in inodes:
                return int(fd.parts[2])
    return None


def _lines(path: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return path.read_text().splitlines()[1:]
    return []


def _open_files() -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # somebody else's, or gone
            yield from (process / "fd").iterdir()


def direct(request: urllib.request.Request | str, *, timeout: float) -> Any:
    """Open a local address, whatever proxy the environment names."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout)
