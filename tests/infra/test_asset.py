"""The zip as Lambda gets it, in a virtual environment that has nothing else: what is missing here is missing there."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.bundling import Target, bundle
from tests.infra.conftest import ROOT
from tiro.settings import ApiSettings

MODULES = ("api", "authorize", "on_upload", "on_fetch", "on_dead_letter", "on_schedule")


@pytest.fixture(scope="session")
def archive() -> Path:
    return bundle(ROOT, Target.native())


@pytest.fixture(scope="session")
def asset(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asset")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder


Run = Callable[..., Any]


@pytest.fixture(scope="session")
def run(asset: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a bare Python on the asset and returns what it printed last, as JSON."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)

    def run(*arguments: str, **environment: str) -> Any:
        environment = {"PYTHONPATH": str(asset), "PYTHONDONTWRITEBYTECODE": "1", **environment}
        command: list[str | Path] = [folder / "bin" / "python", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_every_handler_runs(run: Run) -> None:
    settings = {"TIRO_EVENT_BUS": "bus"} | ApiSettings.to_env(
        table="t",
        queue_url="https://queue",
        fetch_queue_url="https://fetches",
        delivery_queue_url="https://deliveries",
        media_bucket="m",
        transcript_bucket="t",
    )
    aws = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-west-1"}
    answers = run(str(ROOT / "tests" / "infra" / "bare.py"), **settings, **aws)
    assert answers == {
        "authorize": "Unauthorized",
        "openid": ["RS256", "ES256"],
        "open": [200, 200, 200],
        "submit": 202,
        "routes": {
            "POST /v1/transcriptions": "malformed_body",
            "GET /v1/transcriptions/{id}": "job_not_found",
            "GET /v1/transcriptions/{id}/transcript": "job_not_found",
            "GET /v1/transcriptions/{id}/upload": "job_not_found",
            "POST /v1/transcriptions/{id}/upload/parts": "job_not_found",
            "POST /v1/transcriptions/{id}/upload/complete": "job_not_found",
            "POST /v1/batches": "malformed_body",
            "GET /v1/batches/{id}": "batch_not_found",
            "GET /v1/else": "route_not_found",
        },
        "on_upload": {"batchItemFailures": []},
        "on_fetch": {"batchItemFailures": []},
        "on_dead_letter": {"batchItemFailures": []},
        "on_schedule": 0,
        "on_job_change": {"batchItemFailures": []},
        "on_delivery": {"batchItemFailures": []},
        "event": True,
        "workers": [True, True],
        "send": "1",
    }


@pytest.mark.parametrize("module", MODULES)
def test_a_handler_is_imported_in_an_empty_environment_and_loads_nothing_for_others(run: Run, module: str) -> None:
    loaded = set(run("-c", f"import sys, json, functions.{module}; print(json.dumps(list(sys.modules)))"))
    others = {"httpx", "rich", "jwt", "cryptography", "aws_xray_sdk", "tiro.client", "tiro.cli", "tiro.admin"}
    others |= {f"functions.{other}" for other in MODULES} - {f"functions.{module}"}
    if module not in ("on_upload", "api"):
        others |= {"tinytag", "tiro.adapters.probe"}
    assert not others & loaded


def test_only_what_the_lambdas_need(asset: Path) -> None:
    folders = {path.name for path in asset.iterdir() if path.is_dir() and not path.name.endswith(".dist-info")}
    assert folders == {
        *("functions", "tiro"),
        *("aws_lambda_powertools", "boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3"),
        *("pydantic", "pydantic_core", "annotated_types", "typing_inspection", "tinytag"),
        *("jwt", "cryptography", "cffi", "pycparser"),  # for tokens
        *("multipart", "python_multipart"),  # for OpenAI's calls
        "__pycache__",  # of typing_extensions.py and six.py, which are no folders
    }


def test_all_of_ours_and_nothing_beside(asset: Path) -> None:
    def modules(root: Path) -> set[str]:
        files = (file for source in ("functions", "tiro") for file in (root / source).rglob("*"))
        return {file.relative_to(root).as_posix() for file in files if file.is_file() and file.suffix != ".pyc"}

    assert modules(asset) == modules(ROOT)


def test_boto_knows_only_the_services_that_are_called(asset: Path) -> None:
    known = {path.name for path in (asset / "botocore" / "data").iterdir() if path.is_dir()}
    assert known == {"cloudwatch", "codebuild", "dynamodb", "ecs", "events", "s3", "sqs", "sts"}


def test_licences_travel_and_installers_leave_no_trace(asset: Path) -> None:
    notes = {file.name for info in asset.glob("*.dist-info") for file in info.iterdir()}
    assert "METADATA" in notes
    assert not notes & {"RECORD", "INSTALLER", "direct_url.json"}
    assert not (asset / "bin").exists()


def test_it_is_small_and_anybody_may_read_it(archive: Path) -> None:
    assert archive.stat().st_size < 16_000_000  # a third of it for tokens: cryptography
    with zipfile.ZipFile(archive) as opened:
        entries = opened.infolist()
    assert sum(entry.file_size for entry in entries) < 60_000_000  # Lambda allows 250 MB
    assert {entry.external_attr >> 16 & 0o777 for entry in entries} == {0o644}


def test_wheels_for_lambda_are_for_python_3_11_on_x86() -> None:
    with zipfile.ZipFile(bundle(ROOT, Target.aws_lambda())) as archive:
        libraries = {name.split(".", 1)[1] for name in archive.namelist() if name.endswith(".so")}
    assert libraries == {"cpython-311-x86_64-linux-gnu.so", "abi3.so"}
