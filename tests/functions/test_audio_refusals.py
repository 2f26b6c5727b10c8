"""What OpenAI's SDK makes of a refusal: its own kind of error, which names what was wrong, and no second call."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import openai
import pytest

from functions import wiring
from functions.api import audio
from functions.api.audio_form import LARGEST_FILE
from tests.fakes import FakeTranscriber
from tests.functions.sdk import HEARD, Api, recording
from tests.functions.working import worker
from tiro import service
from tiro.errors import QuotaExceeded


class TestSeats:
    def test_who_has_them_all_comes_again_and_has_made_nothing(self, api: Api, transcriber: FakeTranscriber) -> None:
        room, now = wiring.waiting_room(), wiring.clock().now()
        until = now + timedelta(seconds=60)
        seats: set[int] = set()
        while len(seats) < api.stack.settings.max_waiters_each:  # it looks at a few at random
            if (taken := room.enter("ada", now=now, until=until)) is not None:
                seats.add(taken)
        with pytest.raises(openai.RateLimitError) as failed:
            api.client.with_options(max_retries=0).audio.transcriptions.create(model="whisper-1", file=recording())
        assert failed.value.code == "throttled"
        assert failed.value.response.headers["x-should-retry"] == "true"
        assert api.jobs() == set()
        for seat in seats:
            room.leave(seat, until=until)
        assert api.client.audio.transcriptions.create(model="whisper-1", file=recording()).text == HEARD.text

    def test_each_is_given_back(self, api: Api, transcriber: FakeTranscriber) -> None:
        for number in range(api.stack.settings.max_waiters + 1):
            api.client.audio.transcriptions.create(model="whisper-1", file=recording(b"%d" % number))


class TestRefusals:
    def test_what_is_not_done_in_time_names_its_job(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audio, "WAIT", timedelta(seconds=0.3))
        with pytest.raises(openai.InternalServerError) as failed:
            api.client.audio.transcriptions.create(model="whisper-1", file=recording())
        assert (failed.value.status_code, failed.value.code) == (504, "still_processing")
        assert failed.value.response.headers["x-should-retry"] == "false"
        [job_id] = api.jobs()
        assert f"GET /v1/transcriptions/{job_id}/transcript" in failed.value.message
        assert "POST /v1/transcriptions" in failed.value.message
        assert len(api.calls) == 1
        with worker(FakeTranscriber(HEARD), api.stack.settings):
            monkeypatch.setattr(audio, "WAIT", timedelta(seconds=25))
            assert api.client.audio.transcriptions.create(model="whisper-1", file=recording()).text == HEARD.text
        assert api.jobs() == {job_id}

    def test_what_is_too_large_is_told_another_way(self, api: Api) -> None:
        with pytest.raises(openai.APIStatusError) as failed:
            api.client.audio.transcriptions.create(model="whisper-1", file=recording(bytes(LARGEST_FILE + 1)))
        assert (failed.value.status_code, failed.value.code) == (413, "media_too_large")
        assert failed.value.response.headers["x-should-retry"] == "false"
        assert "POST /v1/transcriptions" in failed.value.message
        assert api.jobs() == set()

    @pytest.mark.parametrize(
        ("changes", "kind", "param"),
        [
            ({"model": "gpt-4o-transcribe"}, openai.NotFoundError, "model"),
            ({"language": "klingon"}, openai.BadRequestError, "language"),
            ({"temperature": 1.5}, openai.BadRequestError, "temperature"),
            ({"prompt": "x" * 2001}, openai.BadRequestError, "prompt"),
            ({"response_format": "diarized_json"}, openai.BadRequestError, "response_format"),
            ({"extra_body": {"stream": True}}, openai.BadRequestError, "stream"),
            ({"include": ["logprobs"]}, openai.BadRequestError, "include"),
            ({"chunking_strategy": "auto"}, openai.BadRequestError, "chunking_strategy"),
            ({"extra_body": {"hotword": "x"}}, openai.BadRequestError, "hotword"),
            ({"timestamp_granularities": ["word"]}, openai.BadRequestError, "timestamp_granularities"),
            ({"file": recording(b"")}, openai.BadRequestError, None),
        ],
    )
    def test_what_is_wrong_is_named(
        self, api: Api, changes: dict[str, object], kind: type[openai.APIStatusError], param: str | None
    ) -> None:
        asked: dict[str, object] = {"model": "whisper-1", "file": recording(), **changes}
        with pytest.raises(kind) as failed:
            api.client.audio.transcriptions.create(**asked)  # type: ignore[call-overload]
        assert failed.value.param == param
        assert failed.value.type == "invalid_request_error"
        assert len(api.calls) == 1
        assert api.jobs() == set()

    @pytest.mark.parametrize(
        ("headers", "body"),
        [
            ({"Content-Type": "application/json"}, b"{}"),
            ({"Content-Type": "multipart/form-data"}, b"x"),
            ({"Content-Type": "multipart/form-data; boundary=b"}, b""),
            ({"Content-Type": "multipart/form-data; boundary=b"}, b"--b\r\nno header\r\n\r\n--b--\r\n"),
            (
                {"Content-Type": "multipart/form-data; boundary=b"},
                b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf of',
            ),
            (
                {"Content-Type": "multipart/form-data; boundary=b"},
                b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--\r\n',
            ),
        ],
    )
    def test_what_is_no_form_is_refused(self, api: Api, headers: dict[str, str], body: bytes) -> None:
        answer = httpx.post(f"{api.url}/audio/transcriptions", headers=headers, content=body)
        assert answer.status_code == 400
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}

    @pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's own view of its method
    def test_what_the_model_cannot_do_is_refused(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = replace(api.stack.settings, models=("large-v3-turbo",))
        monkeypatch.setattr(wiring, "settings", lambda _: settings)
        with pytest.raises(openai.BadRequestError, match="never taught to translate") as failed:
            api.client.audio.translations.create(model="whisper-1", file=recording())
        assert failed.value.param == "task"
        assert api.jobs() == set()

    @pytest.mark.parametrize(("wait", "again"), [(30, "true"), (61, "false"), (40_000, "false")])
    def test_a_quota_says_for_how_long_and_only_a_moment_is_waited_for(
        self, api: Api, monkeypatch: pytest.MonkeyPatch, wait: int, again: str
    ) -> None:
        def used_up(*_: object, **__: object) -> None:
            raise QuotaExceeded(retry_after=wait)

        monkeypatch.setattr(service, "check_quota", used_up)
        with pytest.raises(openai.RateLimitError) as failed:
            api.client.with_options(max_retries=0).audio.transcriptions.create(model="whisper-1", file=recording())
        assert failed.value.code == "quota_exceeded"
        headers = failed.value.response.headers
        assert (headers["x-should-retry"], headers["retry-after"]) == (again, str(wait))

    def test_a_key_that_may_not_is_told_so_in_the_same_shape(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("functions.api.description.parse_scopes", lambda _: frozenset())
        with pytest.raises(openai.PermissionDeniedError) as failed:
            api.client.audio.transcriptions.create(model="whisper-1", file=recording())
        assert failed.value.code == "scope_missing"

    def test_a_mistake_of_ours_tells_nothing(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object, **__: object) -> None:
            raise ValueError("a secret")

        monkeypatch.setattr(service, "dictate", broken)
        with pytest.raises(openai.InternalServerError) as failed:
            api.client.audio.transcriptions.create(model="whisper-1", file=recording())
        assert failed.value.code == "internal_error"
        assert "secret" not in failed.value.message
        assert len(api.calls) == 1
