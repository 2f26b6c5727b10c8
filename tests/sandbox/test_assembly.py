"""A cloud assembly is read without CDK, and made anew only when something changed."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sandbox.assembly import SOURCES, Asset, fingerprint, read_assembly
from sandbox.state import SandboxError

BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"


def write_assembly(folder: Path, *, stacks: int = 1) -> Path:
    """Write what CDK writes, less what nobody reads."""
    folder.mkdir()
    (folder / "asset.code").mkdir()
    (folder / "asset.code" / "handler.py").write_text("handler = None\n")
    (folder / "toy.template.json").write_text(json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}))
    files = {
        "t": _file("toy.template.json", "file", "t.json"),
        "c": _file("asset.code", "zip", "c.zip"),
    }
    (folder / "toy.assets.json").write_text(json.dumps({"version": "48.0.0", "files": files}))
    properties = {"templateFile": "toy.template.json", "stackTemplateAssetObjectUrl": f"s3://{BUCKET}/t.json"}
    artifacts: dict[str, Any] = {
        f"toy{number}": {"type": "aws:cloudformation:stack", "properties": properties} for number in range(stacks)
    }
    artifacts["toy.assets"] = {"type": "cdk:asset-manifest", "properties": {"file": "toy.assets.json"}}
    (folder / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": artifacts}))
    return folder


def _file(path: str, packaging: str, key: str) -> dict[str, Any]:
    destination = {"bucketName": BUCKET, "objectKey": key, "assumeRoleArn": "arn:${AWS::Partition}:iam::x"}
    return {"source": {"path": path, "packaging": packaging}, "destinations": {"here": destination}}


def test_read(tmp_path: Path) -> None:
    folder = write_assembly(tmp_path / "out")
    assembly = read_assembly(folder)
    bucket = "cdk-hnb659fds-assets-000000000000-us-east-1"
    assert assembly.stack == "toy0"
    assert assembly.template_key == f"{bucket}/t.json"
    assert json.loads(assembly.template)["Resources"]
    assert assembly.assets == (
        Asset(folder / "toy.template.json", zipped=False, bucket=bucket, key="t.json"),
        Asset(folder / "asset.code", zipped=True, bucket=bucket, key="c.zip"),
    )


def test_one_stack_is_what_it_takes(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="one stack"):
        read_assembly(write_assembly(tmp_path / "out", stacks=2))


def test_a_zip_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    contents: list[bytes] = []
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "package").mkdir(parents=True)
        for file in ("z.py", "package/a.py") if name == "one" else ("package/a.py", "z.py"):
            (folder / file).write_text(file)
        os.utime(folder / "z.py", (len(contents), len(contents)))
        contents.append(Asset(folder, zipped=True, bucket="b", key="k").content())
    assert contents[0] == contents[1]
    with zipfile.ZipFile(io.BytesIO(contents[0])) as archive:
        assert archive.namelist() == ["package/a.py", "z.py"]
        assert archive.read("z.py") == b"z.py"


@pytest.mark.parametrize("source", SOURCES)
def test_any_source_counts(tmp_path: Path, source: str) -> None:
    for name in SOURCES:
        path = tmp_path / name
        (path if "." in name else path / "module.py").parent.mkdir(parents=True, exist_ok=True)
        (path if "." in name else path / "module.py").write_text("before")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    changed = tmp_path / source if "." in source else tmp_path / source / "module.py"
    changed.write_text("after")
    assert fingerprint(tmp_path) != before
