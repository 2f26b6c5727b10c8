"""`tiro webhooks`: the secret alone on standard output, and what came held against it."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.fake_api import FakeApi
from tests.fake_routes import SECRET
from tiro.cli import Exit, main
from tiro.commands.webhooks import EVENTS
from tiro.webhook import EventType

BODY = '{"type":"transcription.completed"}'
Captured = pytest.CaptureFixture[str]


def test_all_of_it(api: FakeApi, capfd: Captured) -> None:
    assert main(["webhooks", "list"]) == Exit.DONE
    assert "you have no webhook endpoints" in capfd.readouterr().err
    assert main(["webhooks", "add", "https://example.com/tiro", "--event", "failed"]) == Exit.DONE
    told = capfd.readouterr()
    assert told.out == f"{SECRET}\n"
    assert "wh_0 is told of failed" in told.err
    assert api.endpoints["wh_0"].events == (EventType.FAILED,)
    assert main(["webhooks", "list", "--json"]) == Exit.DONE
    assert json.loads(capfd.readouterr().out)["id"] == "wh_0"
    assert main(["webhooks", "rotate", "wh_0"]) == Exit.DONE
    assert capfd.readouterr().out == f"{SECRET}\n"
    assert main(["webhooks", "test", "wh_0"]) == Exit.FAILED
    assert "it answered 500" in capfd.readouterr().err
    assert main(["webhooks", "deliveries", "j"]) == Exit.DONE
    assert capfd.readouterr().out.splitlines()[1].split() == ["dlv_1", "delivered", "completed", "wh_0", "1", "204"]
    assert main(["webhooks", "redeliver", "j", "dlv_1"]) == Exit.DONE
    assert main(["webhooks", "remove", "wh_0"]) == Exit.DONE
    assert api.endpoints == {}
    assert main(["webhooks", "rotate", "wh_0"]) == Exit.FAILED
    assert "'tiro webhooks list' lists those there are" in capfd.readouterr().err


def headers(body: str, at: datetime) -> list[str]:
    signed = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("evt_1", at, body),
    }
    return [word for name, value in signed.items() for word in ("-H", f"{name}: {value}")]


@pytest.mark.parametrize(
    ("body", "age", "status", "said"),
    [
        (BODY, 0, Exit.DONE, "it is Tiro's, and fresh"),
        (BODY + " ", 0, Exit.FAILED, "The signature is not by this secret"),
        (BODY, 3600, Exit.FAILED, "s ago"),
    ],
)
def test_verify(body: str, age: int, status: Exit, said: str, monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    Path("body").write_text(body)
    monkeypatch.setenv("TIRO_WEBHOOK_SECRET", SECRET)
    signed = headers(BODY, datetime.now(UTC) - timedelta(seconds=age))
    assert main(["webhooks", "verify", "body", *signed]) == status
    assert said in capfd.readouterr().err
    monkeypatch.delenv("TIRO_WEBHOOK_SECRET")
    Path("secret").write_text(f"{SECRET}\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body.encode())))
    assert main(["webhooks", "verify", "--secret-file", "secret", *signed]) == status


def test_verify_without_a_secret(capfd: Captured) -> None:
    assert main(["webhooks", "verify"]) == Exit.UNREACHABLE
    assert "Set TIRO_WEBHOOK_SECRET" in capfd.readouterr().err


def test_the_command_line_knows_every_event() -> None:
    assert [f"transcription.{event}" for event in EVENTS] == list(EventType)
