"""Which web pages may read what the API answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.functions.conftest import EVENTS, Stack

READABLE = {"Location", "Retry-After", "Link", "ETag", "RateLimit", "Preference-Applied"}


def ask(origin: str | None, path: str = "/v1/models") -> dict[str, list[str]]:
    from functions.api import handler

    event = json.loads((EVENTS / "rest_api.json").read_text())
    event |= {"httpMethod": "GET", "path": path, "headers": {"origin": origin} if origin else None}
    headers: dict[str, list[str]] = handler(event, None)["multiValueHeaders"]
    return headers


@pytest.mark.parametrize("path", ["/v1/models", "/v1/transcriptions/x", "/v1/nowhere", "/openapi.json"])
@pytest.mark.parametrize("origin", ["https://app.test", "null", None])
def test_by_default_every_page_may_read_every_answer(stack: Stack, origin: str | None, path: str) -> None:
    headers = ask(origin, path)
    assert headers["Access-Control-Allow-Origin"] == ["*"]
    assert set(headers["Access-Control-Expose-Headers"][0].split(",")) >= READABLE
    assert "Access-Control-Allow-Credentials" not in headers


class TestSomeOrigins:
    @pytest.fixture(autouse=True)
    def _two(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TIRO_ORIGINS", "https://app.test,https://desk.test")

    @pytest.mark.parametrize("origin", ["https://app.test", "https://desk.test"])
    def test_one_of_them_is_named_back(self, origin: str) -> None:
        headers = ask(origin)
        assert headers["Access-Control-Allow-Origin"] == [origin]
        assert "Origin" in headers["Vary"]

    @pytest.mark.parametrize(
        "origin",
        ["https://evil.test", "http://app.test", "https://app.test.evil.test", "https://APP.test", "null", "*", None],
    )
    def test_another_is_told_nothing(self, origin: Any) -> None:
        headers = ask(origin)
        assert "Access-Control-Allow-Origin" not in headers
        assert "Origin" in headers["Vary"]  # else a cache could give one page's answer to another
