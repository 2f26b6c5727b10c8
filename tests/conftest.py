"""What every test stands on: this machine and no other, nobody's credentials, and the speech corpus if there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_socket import socket_allow_hosts

CORPUS = Path(os.environ.get("TIRO_CORPUS") or Path(__file__).parents[1] / "../shared/corpus")
"""Where real speech is looked for; read here, since the tests forget what the shell says of Tiro."""

# No test asserts a time, and an example that took 200 ms on a busy machine is no failure.
settings.register_profile("tiro", deadline=None)
settings.load_profile("tiro")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """Forget what the shell says of AWS and of Tiro, such as a profile or a running sandbox."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("AWS_", "TIRO_")):
                patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real speech. Its `manifest.jsonl` says what is in it."""
    if not (CORPUS / "manifest.jsonl").is_file():
        pytest.skip("there is no speech corpus: set TIRO_CORPUS to its folder")
    return CORPUS.resolve()
