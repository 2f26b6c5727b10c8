"""The models deployed, as OpenAI's SDK reads a list, with what each understands."""

from __future__ import annotations

import pytest
from openai.types import Model as OpenAIModel

from tests.functions.conftest import Stack


def test_they_are_listed_in_openais_shape(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIRO_MODELS", "large-v3-turbo,tiny.en,large-v3")
    listed = stack.call("GET", "/v1/models")["body"]
    assert listed["object"] == "list"
    for model in listed["data"]:
        OpenAIModel.model_validate(model, strict=True)
    turbo, english, large = listed["data"]
    assert [m["id"] for m in listed["data"]] == ["large-v3-turbo", "tiny.en", "large-v3"]
    assert [m["default"] for m in listed["data"]] == [True, False, False]
    assert [m["translates"] for m in listed["data"]] == [False, False, True]
    assert english["languages"] == ["en"]
    assert {"yue", "jv", "de"} <= set(turbo["languages"]) == set(large["languages"])


def test_older_models_know_no_cantonese(stack: Stack) -> None:
    [base] = stack.call("GET", "/v1/models")["body"]["data"]
    assert base["id"] == "base"
    assert "yue" not in base["languages"]
    assert "jw" not in base["languages"]  # Whisper's name for Javanese, and nobody else's


def test_one_is_found_and_another_is_not(stack: Stack) -> None:
    assert stack.call("GET", "/v1/models/base")["body"] == stack.call("GET", "/v1/models")["body"]["data"][0]
    answer = stack.call("GET", "/v1/models/gpt-4o")
    assert (answer["statusCode"], answer["body"]["code"]) == (404, "model_not_found")
