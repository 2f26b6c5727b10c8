"""A worker begins in the environment that makes it quick, and as the same process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from container.tuning import MEMORY, read_processor, tuned

PLAIN = "flags : fpu sse avx avx2"
WITH_512 = PLAIN + " avx512f avx512dq avx512cd avx512bw avx512vl avx512_vnni"


def test_memory_is_kept_on_any_processor() -> None:
    assert tuned({"HOME": "/scratch"}, PLAIN) == {"HOME": "/scratch", "GLIBC_TUNABLES": MEMORY}


def test_wide_instructions_are_taken_only_where_all_of_them_are() -> None:
    assert tuned({}, WITH_512)["CT2_FORCE_CPU_ISA"] == "AVX512"
    assert "CT2_FORCE_CPU_ISA" not in tuned({}, WITH_512.replace(" avx512vl", ""))


def test_what_an_operator_says_stands() -> None:
    said = {"GLIBC_TUNABLES": "", "CT2_FORCE_CPU_ISA": "AVX2"}
    assert tuned(said, WITH_512) == said


def test_a_system_that_tells_nothing_of_its_processor_has_none_of_it(tmp_path: Path) -> None:
    assert read_processor(tmp_path / "cpuinfo") == ""


def test_a_module_is_begun_so_with_its_arguments_as_the_same_process() -> None:
    code = "import os; print(os.getpid(), os.environ['GLIBC_TUNABLES'])"
    argv = [sys.executable, "-m", "container", "timeit", "-n1", "-r1", code]
    environ = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environ)
    said, _ = process.communicate()
    assert said.split()[:2] == [str(process.pid), MEMORY]


def test_the_worker_is_begun_where_no_module_is_named() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TIRO_")}
    ended = subprocess.run([sys.executable, "-m", "container"], capture_output=True, text=True, env=environ)
    assert ended.returncode == 1
    assert "TIRO_QUEUE_URL" in ended.stderr
