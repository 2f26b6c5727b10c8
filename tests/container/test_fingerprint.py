"""The recording's own SHA-256, or none at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from container.fingerprint import PIECE, Fingerprint
from tests.files import LocalFiles
from tiro.errors import ServiceUnavailable
from tiro.job import Media


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 2 * PIECE + 7])
def test_it_is_of_all_bytes_in_their_order(tmp_path: Path, size: int) -> None:
    body = bytes(range(251)) * (size // 251 + 1)
    (tmp_path / "a").write_bytes(body[:size])
    files = LocalFiles(tmp_path)
    with Fingerprint(files, files.media("a")) as fingerprint:
        assert fingerprint.sha256() == hashlib.sha256(body[:size]).hexdigest()
    assert all(end - start <= PIECE for start, end in files.reads)


def test_what_cannot_be_read_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(bytes(PIECE + 1))
    files, read = LocalFiles(tmp_path), LocalFiles.read

    def breaks_off(files: LocalFiles, media: Media, start: int, end: int) -> bytes:
        if start:
            raise ServiceUnavailable
        return read(files, media, start, end)

    monkeypatch.setattr(LocalFiles, "read", breaks_off)
    with Fingerprint(files, files.media("a")) as fingerprint:
        assert fingerprint.sha256() is None


def test_whoever_leaves_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(PIECE))
    files = LocalFiles(tmp_path)
    endless = files.media("a").model_copy(update={"size": PIECE * 10**9})
    with Fingerprint(files, endless):
        pass
    assert len(files.reads) < 10**6
