"""What makes an engine on a CPU quick and can only be said to a process before it begins: by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

MEMORY = (
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=8589934592:glibc.malloc.arena_max=1"
)
"""For each layer of a window Whisper asks for tens of megabytes and gives them back. As a rule the kernel takes them
away at once, and hands them out again zeroed, in pages of 4 KiB: a fourth of all the time. So they are kept, in pages
of 2 MiB where the kernel has them to give (GNU C library manual, "Memory Allocation Tunables")."""

AVX512 = frozenset({"avx512f", "avx512cd", "avx512vl", "avx512bw", "avx512dq"})
"""The instructions that CTranslate2's kernels of that name need (OpenNMT/CTranslate2, src/cpu/cpu_info.cc)."""


def tuned(environ: Mapping[str, str], processor: str) -> dict[str, str]:
    """Return `environ` with what it does not say itself; `processor` is what the kernel tells of it."""
    known = {"GLIBC_TUNABLES": MEMORY}
    if set(processor.split()) >= AVX512:
        # By itself CTranslate2 takes them on Intel's processors only.
        known["CT2_FORCE_CPU_ISA"] = "AVX512"
    return known | dict(environ)


def read_processor(path: Path = Path("/proc/cpuinfo")) -> str:
    """Return what the kernel tells of the processor; nothing, where it tells nothing."""
    try:
        return path.read_text()
    except OSError:
        return ""
