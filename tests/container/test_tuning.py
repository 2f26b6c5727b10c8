"""A worker begins in an environment that suits it, and as the same process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from container.tuning import MEMORY, TUNING, tuned

PLAIN = {name: value for name, value in os.environ.items() if name not in TUNING and not name.startswith("TIRO_")}


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=PLAIN | environ, check=False)


def test_what_an_operator_says_stands() -> None:
    assert tuned({"HOME": "/scratch"}) == {"HOME": "/scratch", **TUNING}
    assert tuned({"GLIBC_TUNABLES": ""})["GLIBC_TUNABLES"] == ""


def test_a_module_is_begun_so_with_its_arguments_as_the_same_process() -> None:
    code = "import os; print(os.getpid(), os.environ['GLIBC_TUNABLES'])"
    argv = [sys.executable, "-m", "container", "timeit", "-n1", "-r1", code]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=PLAIN)
    said, _ = process.communicate()
    assert said.split()[:2] == [str(process.pid), MEMORY]


def test_the_worker_is_begun_where_no_module_is_named() -> None:
    ended = run("-m", "container")
    assert ended.returncode == 1
    assert "TIRO_QUEUE_URL" in ended.stderr


def test_the_voice_detector_tells_nobody_of_itself(tmp_path: Path) -> None:
    """Where ONNX Runtime is about to, it makes files for the events that wait."""
    code = "from container.vad import SileroModel; SileroModel()"
    ended = run("-c", code, TMPDIR=str(tmp_path), HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert not list(tmp_path.rglob("*"))
