"""What can only be said to a process before it begins, by its environment: to keep its memory, and to keep quiet."""

from __future__ import annotations

from collections.abc import Mapping

MEMORY = (
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=8589934592:glibc.malloc.arena_max=1"
)
"""For each layer of a window Whisper asks for tens of megabytes and gives them back. As a rule the kernel takes them
away at once, and hands them out again zeroed, in pages of 4 KiB: a fourth of what encoding takes. So they are kept, in
pages of 2 MiB where the kernel has them to give (GNU C library manual, "Memory Allocation Tunables")."""

TUNING = {"GLIBC_TUNABLES": MEMORY, "ORT_DISABLE_TELEMETRY": "1"}
"""ONNX Runtime's packages tell Microsoft of each model that is loaded, unless they are told not to (its Privacy.md)."""


def tuned(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with what it does not say itself."""
    return TUNING | dict(environ)
