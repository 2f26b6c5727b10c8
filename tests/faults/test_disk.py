"""A disk that is full is full for a worker and for whom it began, and well again after."""

from __future__ import annotations

import resource
import subprocess
import sys

from tests.faults import disk

WORKER = """
import subprocess, sys
free = "import sys; print(flush=True); sys.stdin.read()"
confined = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); " + free
children = [
    subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for code in (free, confined)
]
for child in children:
    child.stdout.readline()
print(*(child.pid for child in children), flush=True)
sys.stdin.read()
"""


def limits(pids: list[int]) -> list[int]:
    return [resource.prlimit(pid, resource.RLIMIT_FSIZE)[0] for pid in pids]


def test_a_full_disk_is_full_for_the_decoders_too_and_a_confined_one_stays_confined() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout
        assert worker.stdin
        pids = [worker.pid, *map(int, worker.stdout.readline().split())]
        before = limits(pids)
        disk.fill(worker.pid, True)
        full = limits(pids)
        disk.fill(worker.pid, False)
        after = limits(pids)
        worker.stdin.close()
    assert before[:2] == after[:2] == limits([0]) * 2
    assert full[:2] == [disk.NO_DISK] * 2
    assert [row[2] for row in (before, full, after)] == [0, 0, 0]
