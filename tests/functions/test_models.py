"""The models deployed, as OpenAI's SDK reads a list, with what each understands."""

from __future__ import annotations

import openai
import pytest
from openai.types import Model as OpenAIModel

from tests.functions.conftest import Stack
from tests.functions.sdk import Api


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


@pytest.mark.parametrize("model", ["base", "whisper-1"])
def test_every_id_that_a_call_may_name_is_found(stack: Stack, model: str) -> None:
    found = stack.call("GET", f"/v1/models/{model}")
    assert found["statusCode"] == 200
    OpenAIModel.model_validate(found["body"], strict=True)
    assert (found["body"]["id"], found["body"]["default"]) == (model, True)


def test_one_that_is_not_there_is_told_in_both_shapes(stack: Stack) -> None:
    told = stack.call("GET", "/v1/models/bas")["body"]
    assert told["detail"] == told["error"]["message"]
    assert "Did you mean 'base'?" in told["detail"]
    assert told["error"]["code"] == told["code"] == "model_not_found"


def test_openais_sdk_prints_the_sentence(api: Api) -> None:
    assert api.client.models.retrieve("whisper-1").id == "whisper-1"
    with pytest.raises(openai.NotFoundError) as failed:
        api.client.models.retrieve("gpt-4o")
    assert "There is no model 'gpt-4o' here" in str(failed.value)
    assert (failed.value.code, failed.value.type) == ("model_not_found", "invalid_request_error")
    with pytest.raises(openai.NotFoundError) as failed:
        api.client.files.list()
    assert "There is no such route" in str(failed.value)
    assert failed.value.code == "route_not_found"
