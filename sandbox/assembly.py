"""The cloud assembly: made by `python -m infra` when a source file changed, and read without CDK.

It is the very template that would go to AWS, for the stage `sandbox`.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.emulator import ACCOUNT, REGION
from sandbox.processes import Child, Command, plain_environment
from sandbox.state import SandboxError, State

ROOT = Path(__file__).resolve().parent.parent

SOURCES = ("infra", "tiro", "functions", "requirements/functions.txt", "cdk.json", "pyproject.toml")
"""What the template and the Lambdas' zip are made from."""

SYNTH = ("-m", "infra", "--stage", "sandbox", "--no-validation")  # `make check` validates; here it costs seconds

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date that a zip can hold


@dataclass(frozen=True)
class Asset:
    """A file or folder that goes into a bucket before the stack is made."""

    path: Path
    zipped: bool  # a folder, sent as a zip
    bucket: str
    key: str

    def content(self) -> bytes:
        """Return what is put into the bucket: the same bytes for the same files, always."""
        if not self.zipped:
            return self.path.read_bytes()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for file in sorted(path for path in self.path.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(file.relative_to(self.path).as_posix(), _EPOCH)
                entry.external_attr = (0o755 if file.stat().st_mode & 0o100 else 0o644) << 16
                archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=1)
        return buffer.getvalue()


@dataclass(frozen=True)
class Assembly:
    """One stack and its assets."""

    stack: str
    template: str  # JSON
    template_key: str  # bucket/key of the asset that it is too: a request to CloudFormation would not hold it
    assets: tuple[Asset, ...]

    @property
    def fingerprint(self) -> str:
        """Of the template; every asset's hash stands in it."""
        return hashlib.sha256(self.template.encode()).hexdigest()


class Synthesis:
    """`python -m infra` at work; or nothing at all, when the assembly is there and no source changed."""

    def __init__(self, state: State, environ: Mapping[str, str]) -> None:
        self._folder = state.assembly
        self._note = state.assembly.with_suffix(".sources")
        self._sources = fingerprint(ROOT)
        self._child: Child | None = None
        if not self._note.exists() or self._note.read_text() != self._sources:
            self._note.unlink(missing_ok=True)
            argv = [sys.executable, *SYNTH, "--output", str(self._folder)]
            self._child = Child(Command("synth", argv, plain_environment(environ), ROOT, state.log("synth"), grace=1))

    def result(self) -> Assembly:
        """Wait for the assembly and read it. Raises SandboxError with what CDK said."""
        if self._child is not None:
            if self._child.wait() != 0:
                said = self._child.last_words()
                raise SandboxError(f"CDK could not make the template. {self._child.command.log} ends:\n{said}")
            self._note.write_text(self._sources)
        return read_assembly(self._folder)

    @property
    def cached(self) -> bool:
        return self._child is None

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()


def fingerprint(root: Path) -> str:
    """Return a hash of all files that the assembly is made from, and of the Python it is made for."""
    digest = hashlib.sha256(sys.version.encode())
    for source in SOURCES:
        path = root / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            content = file.read_bytes() if file.exists() else b""
            digest.update(f"{file.relative_to(root)} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def read_assembly(folder: Path) -> Assembly:
    """Read what `cdk synth` wrote. Raises SandboxError unless there is exactly one stack."""
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    stacks = {name: a["properties"] for name, a in artifacts.items() if a["type"] == "aws:cloudformation:stack"}
    if len(stacks) != 1:
        raise SandboxError(f"The sandbox deploys one stack, and {folder} has {len(stacks)}.")
    [(name, stack)] = stacks.items()
    manifests = [a["properties"]["file"] for a in artifacts.values() if a["type"] == "cdk:asset-manifest"]
    return Assembly(
        stack=stack.get("stackName", name),
        template=(folder / stack["templateFile"]).read_text(),
        template_key=_resolve(stack["stackTemplateAssetObjectUrl"]).removeprefix("s3://"),
        assets=tuple(asset for manifest in manifests for asset in _assets(folder, manifest)),
    )


def _assets(folder: Path, manifest: str) -> Iterator[Asset]:
    for file in json.loads((folder / manifest).read_text()).get("files", {}).values():
        for destination in file["destinations"].values():
            yield Asset(
                path=folder / file["source"]["path"],
                zipped=file["source"]["packaging"] == "zip",
                bucket=_resolve(destination["bucketName"]),
                key=_resolve(destination["objectKey"]),
            )


def _resolve(text: str) -> str:
    for name, value in (("AccountId", ACCOUNT), ("Region", REGION), ("Partition", "aws")):
        text = text.replace(f"${{AWS::{name}}}", value)
    return text
