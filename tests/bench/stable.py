"""The horses: a process a peer, so that none finds another's threads or memory in its way. They run one at a time.

`python -m tests.bench.stable NAME` is such a process: a path a line comes in, a measurement a line goes out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.peers import PEERS, TUNED, Hear

WARM_UP = "sandbox/sample.ogg"


@dataclass(frozen=True)
class Lap:
    """One recording, heard once by one peer."""

    peer: str
    path: str
    lap: int
    text: str
    wall: float  # seconds
    cpu: float  # seconds, of all its threads
    load: float  # how many others wanted the machine just before, by the system's one-minute average


class Unheard(Exception):
    """A peer cannot hear a recording, so that there is no race over it."""


class Horse:
    """A peer that has loaded its model. Use as a context."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        begun = ["container"] if peer in TUNED else []
        command = [sys.executable, "-m", *begun, "tests.bench.stable", peer]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Horse:
        self._ask(WARM_UP)  # the first is slower than all others
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(self, file: Path, path: str, lap: int) -> Lap:
        """Hear a file that stands for `path` of the corpus. Raises Unheard; the peer may be asked for the next one."""
        load = os.getloadavg()[0]
        answer = self._ask(str(file))
        if "error" in answer:
            raise Unheard(f"{self.peer} says {answer['error']}")
        return Lap(peer=self.peer, path=path, lap=lap, load=round(load, 2), **answer)

    def _ask(self, path: str) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(path + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"bench: {self.peer} ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def main(peer: str) -> None:
    hear = PEERS[peer]()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for line in sys.stdin:
        print(json.dumps(measure(hear, Path(line.rstrip("\n")))), file=answers, flush=True)


def measure(hear: Hear, path: Path) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        text = hear(path)
    except Exception as error:  # noqa: BLE001  (each library has its own)
        return {"error": repr(error)}
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"text": text, "wall": round(wall, 3), "cpu": round(cpu, 3)}


def read(file: Path) -> list[Lap]:
    """Return what earlier runs measured."""
    return [Lap(**json.loads(line)) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def append(file: Path, laps: list[Lap]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        out.writelines(json.dumps(asdict(lap), ensure_ascii=False) + "\n" for lap in laps)


if __name__ == "__main__":
    main(sys.argv[1])
