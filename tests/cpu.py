"""Names the kind of CPU that a real model's results belong to.

CTranslate2 multiplies 8-bit numbers with oneDNN or Intel MKL, which choose a kernel by vendor and instruction set. Two
kernels may round a doubtful token to two different words, so exact words compare only between CPUs of one kind.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

INSTRUCTION_SETS = (
    *("amx_int8", "avx512_vnni", "avx512f", "avx_vnni", "avx2", "avx", "sse4_1"),  # x86
    *("i8mm", "sve", "asimddp", "asimd"),  # Arm
)
"""Those with kernels of their own for 8-bit products, the widest first (oneDNN, "CPU Dispatcher Control"; names as
the Linux kernel writes them in /proc/cpuinfo)."""

OVERRIDES = (
    "CT2_FORCE_CPU_ISA",
    "CT2_USE_MKL",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)
"""Environment variables by which CTranslate2, oneDNN, MKL and NumPy's OpenBLAS choose the kernels of another CPU."""


def cpu_kind(cpuinfo: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """Return machine, vendor and widest instruction set of this CPU, as in "x86_64 AuthenticAMD avx2".

    Overrides that are set are part of it. `cpuinfo` replaces the contents of /proc/cpuinfo; where there is none, as on
    macOS, the operating system stands for the vendor.
    """
    if cpuinfo is None:
        cpuinfo = CPUINFO.read_text("utf-8", "replace") if CPUINFO.is_file() else ""
    fields = _first_processor(cpuinfo)
    vendor = fields.get("vendor_id") or fields.get("CPU implementer") or platform.system()
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    widest = next((name for name in INSTRUCTION_SETS if name in flags), "")
    overrides = [f"{name}={environ[name]}" for name in OVERRIDES if environ.get(name)]
    return " ".join(filter(None, (platform.machine(), vendor, widest, *overrides)))


def _first_processor(cpuinfo: str) -> dict[str, str]:
    """Return the fields of /proc/cpuinfo's first processor; all processors of a machine count as equal."""
    lines = cpuinfo.split("\n\n")[0].splitlines()
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
