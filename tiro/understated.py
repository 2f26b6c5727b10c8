"""Uncompressed recordings whose header misleads FFmpeg: it ends too early, or describes its samples in a rare way."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

AT_LEAST = 4096
"""Bytes behind the stated end that are taken for samples; fewer are padding, or a tag."""

MOST_CHUNKS = 64
"""Chunks looked at before and behind the samples."""

LOOKS = 16
"""Places behind the stated end at which something other than a constant is looked for."""

_W64_GUID = bytes.fromhex("f3acd3118cd100c04f8edb8a")
"""How each GUID of Sony Wave64 ends that begins with four letters ("data", "fact", ...)."""


_PCM = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
"""The sub-format of integer samples in WAVE_FORMAT_EXTENSIBLE."""


class Readable(Protocol):
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class _Kind:
    """A container of chunks: each has a name, a size and a body."""

    first: int  # byte of the first chunk
    head: struct.Struct  # of a chunk: its name and its size
    even: int  # chunks begin at multiples of it
    samples: bytes  # how the name of the chunk with the samples begins
    most: int  # largest size that can be stated
    named: Callable[[bytes], bool]  # whether a name is one
    counts_head: bool = False  # whether a size includes its head


def _printable(name: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in name)


_WAV = _Kind(12, struct.Struct("<4sI"), 2, b"data", 2**32 - 1, named=_printable)
_AIFF = _Kind(12, struct.Struct(">4sI"), 2, b"SSND", 2**31 - 1, named=_printable)
_CAF = _Kind(8, struct.Struct(">4sq"), 1, b"data", 2**63 - 1, named=_printable)
_W64 = _Kind(40, struct.Struct("<16sq"), 8, b"data", 2**63 - 1, named=lambda n: n[4:] == _W64_GUID, counts_head=True)


def understated(file: Readable, size: int) -> dict[int, bytes]:
    """Return what to write over a header, by the position of its first byte, so that it does not end too early.

    It is empty where the header is right, where what follows the samples is not samples (other chunks, a tag,
    padding), and where the file is of another kind. `size` in bytes. Sources: Multimedia Programming Interface 1.0
    (WAV), AIFF-C draft 1991, Apple Core Audio Format 1.0, Sony Wave64, the audio(5) manual of SunOS (AU).
    """
    file.seek(0)
    start = file.read(16)
    if start[:4] == b".snd" and len(start) == 16:
        offset, stated = struct.unpack(">II", start[4:12])
        wrong = stated != 0xFFFFFFFF and _is_sound(file, offset + stated, size)
        return {8: struct.pack(">I", min(size - offset, 2**32 - 1))} if wrong else {}
    if start[:4] in (b"RF64", b"BW64"):
        return _understated_rf64(file, size)
    kind = _kind(start)
    if kind is None:
        return {}
    for at, name, body, stated in _chunks(file, kind, kind.first):
        if name.startswith(kind.samples):  # of a WAV, 0 says that the length is unknown
            end = body + stated + -stated % kind.even
            if stated < (kind is _WAV) or end >= size or not _goes_on(file, kind, end, size):
                return {}
            right = min(size - (at if kind.counts_head else body), kind.most)
            whole = {4: struct.pack(">I", min(size - 8, 2**32 - 1))} if kind is _AIFF else {}
            return whole | {at: kind.head.pack(name, right)}
    return {}


def padded_samples(file: Readable) -> dict[int, bytes]:
    """Return what to write over the header of a WAV with integer samples that do not fill their bytes.

    Samples of 24 bits in 32 stand in the upper bits, so they are samples of 32. FFmpeg goes by the number of valid
    bits, and reads them as samples of 24, or as floating point. Source: WAVEFORMATEXTENSIBLE of the Windows SDK.
    """
    file.seek(0)
    start = file.read(12)
    if start[:4] not in (b"RIFF", b"RF64", b"BW64") or start[8:] != b"WAVE":
        return {}
    for _, name, body, _ in _chunks(file, _WAV, _WAV.first):
        if name == b"fmt ":
            file.seek(body)
            fmt = file.read(40)
            if len(fmt) < 40 or fmt[:2] != b"\xfe\xff" or fmt[24:] != _PCM:
                return {}
            bits, valid = struct.unpack("<H2xH", fmt[14:20])
            return {body + 18: struct.pack("<H", bits)} if 0 < valid < bits and bits % 8 == 0 else {}
    return {}


def is_followed(file: Readable) -> bool:
    """Whether another WAV stands behind a WAV: FFmpeg reads the first alone."""
    file.seek(0)
    if _kind(file.read(16)) is not _WAV:
        return False
    samples = False
    for at, name, _, _ in _chunks(file, _WAV, _WAV.first):
        if samples and name == b"RIFF":
            return _format(file, at) is not None
        samples = samples or name == b"data"
    return False


def _understated_rf64(file: Readable, size: int) -> dict[int, bytes]:
    """Return what to write over the size of the samples in an RF64 or BW64 (EBU Tech 3306, ITU-R BS.2088)."""
    chunks = {name: (body, stated) for _, name, body, stated in _first_chunks(file)}
    if not {b"ds64", b"data"} <= chunks.keys() or chunks[b"ds64"][1] < 16:
        return {}
    field, samples = chunks[b"ds64"][0] + 8, chunks[b"data"][0]
    file.seek(field)
    stated = int.from_bytes(file.read(8), "little")
    end = samples + stated
    if stated > 0 and (end == size or (end < size and not _goes_on(file, _WAV, end + end % 2, size))):
        return {}
    return {field: struct.pack("<Q", size - samples)}


def _first_chunks(file: Readable) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield the chunks of a WAV up to that with the samples."""
    for chunk in _chunks(file, _WAV, _WAV.first):
        yield chunk
        if chunk[1] == b"data":
            return


def _goes_on(file: Readable, kind: _Kind, at: int, size: int) -> bool:
    """Whether samples go on at byte `at`, behind their stated end, or those of a recording that was joined."""
    if _are_chunks(file, kind, at, size):
        return kind is _WAV and _is_joined(file, at)
    return _is_sound(file, at, size)


def _is_joined(file: Readable, at: int) -> bool:
    """Whether another WAV of the same format follows from byte `at` on, and its samples fall into step with the first.

    Files were joined as they are. The bytes between their samples are read as samples too: a few milliseconds.
    """
    first = _format(file, 0)
    for start, name, _, _ in _chunks(file, _WAV, at):
        if name == b"RIFF":
            second = _format(file, start)
            return first is not None and second is not None and _in_step(first, second)
    return False


def _in_step(first: tuple[bytes, int], second: tuple[bytes, int]) -> bool:
    block = int.from_bytes(first[0][12:14], "little")
    return first[0] == second[0] and block > 0 and (second[1] - first[1]) % block == 0


def _format(file: Readable, at: int) -> tuple[bytes, int] | None:
    """Return what a WAV that begins at byte `at` says of its samples, and where they begin; None where none does."""
    file.seek(at)
    start = file.read(12)
    if start[:4] not in (b"RIFF", b"RF64", b"BW64") or start[8:] != b"WAVE":
        return None
    fmt = b""
    for _, name, body, _ in _chunks(file, _WAV, at + 12):
        if name == b"fmt ":
            file.seek(body)
            fmt = file.read(16)
        if name == b"data":
            return fmt, body
    return None


def _kind(start: bytes) -> _Kind | None:
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return _WAV
    if start[:4] == b"FORM" and start[8:12] in (b"AIFF", b"AIFC"):
        return _AIFF
    if start[:4] == b"caff":
        return _CAF
    return _W64 if start[:4] == b"riff" else None


def _chunks(file: Readable, kind: _Kind, at: int) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield for each chunk from byte `at` its position, its name, the position of its body and the body's size."""
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        head = file.read(kind.head.size)
        if len(head) < kind.head.size:
            return
        name, stated = kind.head.unpack(head)
        body = at + kind.head.size
        stated -= kind.head.size if kind.counts_head else 0
        yield at, name, body, stated
        at = body + max(stated, 0)
        at += -at % kind.even


def _are_chunks(file: Readable, kind: _Kind, at: int, size: int) -> bool:
    """Whether what begins at byte `at` is chunks, to the end of the file."""
    end = at
    for _, name, body, stated in _chunks(file, kind, at):
        if not kind.named(name) or stated < 0 or body + stated > size:
            return False
        end = body + stated
    return size - end < kind.head.size


def _is_sound(file: Readable, at: int, size: int) -> bool:
    """Whether there are samples from byte `at` on: enough of them, and not all the same."""
    if size - at < AT_LEAST:
        return False
    step = (size - at) // LOOKS
    for look in range(LOOKS):
        file.seek(at + look * step, io.SEEK_SET)
        piece = file.read(256)
        if piece and piece.strip(piece[:1]):
            return True
    return False
