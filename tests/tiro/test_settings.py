"""The same names on both sides of a deployment."""

from __future__ import annotations

from typing import Any

import pytest

from tiro.settings import ApiSettings, SettingsError, WorkerSettings

WORKER: dict[str, Any] = {"table": "t", "queue_url": "q", "media_bucket": "m", "transcript_bucket": "r"}


def test_what_infra_writes_a_deployable_reads() -> None:
    queues: dict[str, Any] = {"fetch_queue_url": "f", "delivery_queue_url": "d"}
    written = ApiSettings.to_env(**WORKER, **queues, source_buckets=("one", "two"), max_media_seconds=60.0)
    assert written["TIRO_SOURCE_BUCKETS"] == "one,two"
    assert ApiSettings.from_env(written) == ApiSettings(
        **WORKER, **queues, source_buckets=("one", "two"), max_media_seconds=60.0
    )


def test_defaults_are_left_out_or_in() -> None:
    environ = {f"TIRO_{name.upper()}": value for name, value in WORKER.items()}
    assert WorkerSettings.from_env({**environ, "HOME": "/", "TIRO_OTHER": "x"}) == WorkerSettings(**WORKER)


def test_every_missing_or_wrong_variable_is_named() -> None:
    with pytest.raises(SettingsError) as raised:
        WorkerSettings.from_env({"TIRO_TABLE": "t", "TIRO_MEDIA_BUCKET": "m", "TIRO_THREADS": "many"})
    assert "TIRO_QUEUE_URL is not set" in str(raised.value)
    assert "TIRO_TRANSCRIPT_BUCKET is not set" in str(raised.value)
    assert "TIRO_THREADS is 'many', which is not int" in str(raised.value)


def test_infra_cannot_write_a_name_that_nobody_reads() -> None:
    with pytest.raises(TypeError, match="no_such_field"):
        WorkerSettings.to_env(**WORKER, no_such_field="x")
