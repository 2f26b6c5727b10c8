"""Makes the one zip that all Lambdas share: third-party wheels, `functions/` and `tiro/`. No Docker.

The wheels come from a lock file with hashes, once per lock and target, and stay in build/. The same
inputs give the same bytes, so that a deploy uploads nothing when nothing changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LOCK = "requirements/functions.txt"
SOURCES = ("functions", "tiro")
RECIPE = "4"  # raise it when this file would make other bytes of the same inputs

AWS_SERVICES = {"cloudwatch", "codebuild", "dynamodb", "ecs", "events", "s3", "sqs", "sts"}
"""The folders of boto3's and botocore's data that stay; the 400 others describe services never called."""

_INSTALLER_NOTES = (
    "RECORD",
    "INSTALLER",
    "REQUESTED",
    "direct_url.json",
    "uv_cache.json",
)  # who installed it, and where


class BundlingError(Exception):
    """The wheels could not be had, or something does not compile. Says what uv or Python said."""


@dataclass(frozen=True)
class Target:
    """Which Python runs the Lambdas, and where. `flags` tell uv."""

    name: str
    python: tuple[int, int]
    flags: tuple[str, ...]

    @classmethod
    def aws_lambda(cls) -> Target:
        flags = ("--python-platform=x86_64-manylinux2014", "--python-version=3.11")
        return cls("lambda-cpython-311", (3, 11), flags)

    @classmethod
    def native(cls) -> Target:
        """This very interpreter and machine: where an emulator runs the Lambdas."""
        name = f"{sys.platform}-{os.uname().machine}-{sys.implementation.cache_tag}"
        return cls(name, sys.version_info[:2], ())

    @property
    def compiles(self) -> bool:
        """Whether bytecode made here is that Python's too."""
        return sys.version_info[:2] == self.python


def bundle(root: Path, target: Target) -> Path:
    """Return the zip, made anew only when an input changed. Raises BundlingError."""
    packages = _install(root, target)
    sources = {
        name: file
        for source in SOURCES
        for name, file in _tree(root / source, under=root).items()
        if "__pycache__" not in name  # what our own Python left there
    }
    key = _digest(packages.name, *(text for name, file in sources.items() for text in (name, file.read_bytes())))
    archive = root / "build" / f"functions-{target.name}.zip"
    if _key_of(archive) != key:
        with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
            ours = Path(scratch) / "ours"
            for name, file in sources.items():
                (ours / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, ours / name)
            _compile(ours, target)
            fresh = Path(scratch) / archive.name
            _write(fresh, _tree(packages, under=packages) | _tree(ours, under=ours), key)
            fresh.replace(archive)
    return archive


def _install(root: Path, target: Target) -> Path:
    lock = root / LOCK
    key = _digest(RECIPE, str(target), str(target.compiles), lock.read_bytes())
    packages = root / "build" / "packages" / f"{target.name}-{key[:16]}"
    if packages.is_dir():
        return packages
    packages.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=packages.parent) as scratch:
        fresh = Path(scratch) / "packages"
        _uv(f"--target={fresh}", f"--requirements={lock}", *target.flags)
        _trim(fresh)
        _compile(fresh, target)
        try:
            fresh.rename(packages)
        except OSError:
            if not packages.is_dir():  # else another synth was faster, and made the same
                raise
    return packages


def _uv(*arguments: str) -> None:
    """Install as uv's user set it up: mirrors, proxies, a cache that has these wheels already."""
    strict = ("--require-hashes", "--no-deps", "--only-binary=:all:", "--quiet")
    _python("-m", "uv", "pip", "install", f"--python={sys.executable}", *arguments, *strict)


def _trim(packages: Path) -> None:
    """Leave out what no Lambda reads, and what would differ between two installations of the same."""
    (packages / ".lock").unlink(missing_ok=True)
    unread = [packages / "bin", packages / "boto3" / "examples"]
    for data in (packages / "boto3" / "data", packages / "botocore" / "data"):
        unread += [folder for folder in data.iterdir() if folder.is_dir() and folder.name not in AWS_SERVICES]
    for folder in unread:
        shutil.rmtree(folder, ignore_errors=True)
    for info in packages.glob("*.dist-info"):
        for note in _INSTALLER_NOTES:
            (info / note).unlink(missing_ok=True)


def _compile(folder: Path, target: Target) -> None:
    """Put bytecode beside the sources: where they lie no Python may write, and each cold start would compile anew.

    Never checked against the sources, whose dates the zip does not keep; another Python than ours ignores it.
    """
    if not target.compiles:
        return
    _python("-m", "compileall", "-q", "--invalidation-mode=unchecked-hash", "-s", str(folder), str(folder))


def _python(*arguments: str) -> None:
    """Run this Python. Raises BundlingError."""
    environment = os.environ | {"PYTHONHASHSEED": "0"}  # else bytecode holds a set's constants in any order
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise BundlingError(f"The Lambdas could not be bundled.\n{done.stdout}{done.stderr}".strip())


def _tree(folder: Path, *, under: Path) -> dict[str, Path]:
    """Return every file by its name in the zip, sorted."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(under).as_posix(): file for file in files}


def _write(archive: Path, files: Mapping[str, Path], key: str) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.comment = key.encode()
        for name, file in files.items():
            entry = zipfile.ZipInfo(name)  # dated 1980, whenever the file was written
            entry.external_attr = (stat.S_IFREG | 0o644) << 16  # Lambda runs as somebody else
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, file.read_bytes())


def _key_of(archive: Path) -> str | None:
    try:
        with zipfile.ZipFile(archive) as existing:
            return existing.comment.decode()
    except (FileNotFoundError, zipfile.BadZipFile):
        return None


def _digest(*parts: str | bytes) -> str:
    hashes: Iterable[bytes] = (hashlib.sha256(p.encode() if isinstance(p, str) else p).digest() for p in parts)
    return hashlib.sha256(b"".join(hashes)).hexdigest()
