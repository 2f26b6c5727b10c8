"""OpenAI's own SDK, unmodified, against the handler."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types.audio import TranscriptionVerbose, TranslationVerbose
from pysubs2 import SSAFile

from functions import wiring
from functions.api import audio
from functions.api.audio_form import LARGEST_FILE
from tests.bridge import bridge
from tests.factories import make_segment, make_transcript
from tests.fakes import FakeTranscriber
from tests.functions.conftest import Stack
from tests.functions.working import worker
from tiro import service
from tiro.errors import NotAudio, ServiceUnavailable
from tiro.request import Options
from tiro.webhook import JobWebhook

SPEECH = b"RIFF, more or less"
HEARD = make_transcript(make_segment("Dictate,"), make_segment("and it is written.", start=2.0))


class Api:
    """What an SDK is given: an address and a key."""

    def __init__(self, url: str, calls: list[str], stack: Stack) -> None:
        self.url, self.calls, self.stack = f"{url}/v1", calls, stack
        self.client = OpenAI(base_url=self.url, api_key="tiro_x")

    def jobs(self) -> set[str]:
        listed = self.stack.s3.list_objects_v2(Bucket=self.stack.settings.media_bucket, Prefix="uploads/")
        return {thing["Key"].rpartition("/")[2] for thing in listed.get("Contents", ())}


@pytest.fixture
def api(stack: Stack) -> Iterator[Api]:
    with bridge() as (url, calls):
        api = Api(url, calls, stack)
        with api.client:
            yield api


@pytest.fixture
def transcriber(api: Api) -> Iterator[FakeTranscriber]:
    transcriber = FakeTranscriber(HEARD)
    with worker(transcriber, api.stack.settings):
        yield transcriber


def recording(body: bytes = SPEECH, name: str = "talk.wav") -> tuple[str, bytes]:
    return name, body


class TestAnswers:
    def test_json(self, api: Api, transcriber: FakeTranscriber) -> None:
        answer = api.client.audio.transcriptions.create(model="whisper-1", file=recording())
        assert answer.text == "Dictate, and it is written."
        assert answer.usage
        assert answer.usage.to_dict() == {"type": "duration", "seconds": 4}
        assert transcriber.options == [Options()]
        assert [(media.name, media.size) for media in transcriber.heard] == [("talk.wav", len(SPEECH))]

    def test_text(self, api: Api, transcriber: FakeTranscriber) -> None:
        answer = api.client.audio.transcriptions.create(model="base", file=recording(), response_format="text")
        assert answer == "Dictate, and it is written.\n"

    @pytest.mark.parametrize("form", ["srt", "vtt"])
    def test_subtitles(self, api: Api, transcriber: FakeTranscriber, form: str) -> None:
        answer = api.client.audio.transcriptions.create(
            model="whisper-1",
            file=recording(),
            response_format=form,  # type: ignore[call-overload]
        )
        assert [event.text for event in SSAFile.from_string(answer, format_=form)] == ["Dictate,", "and it is written."]

    def test_verbose_json_has_segments_and_no_words(self, api: Api, transcriber: FakeTranscriber) -> None:
        answer = api.client.audio.transcriptions.create(
            model="whisper-1", file=recording(), response_format="verbose_json"
        )
        assert isinstance(answer, TranscriptionVerbose)
        assert (answer.language, answer.duration, answer.words) == ("english", HEARD.duration, None)
        assert answer.segments
        assert "".join(segment.text for segment in answer.segments).strip() == answer.text
        assert transcriber.options == [Options()]

    def test_words_are_asked_for_and_told(self, api: Api, transcriber: FakeTranscriber) -> None:
        answer = api.client.audio.transcriptions.create(
            model="whisper-1",
            file=recording(),
            response_format="verbose_json",
            timestamp_granularities=["word"],
        )
        assert answer.words
        assert [(word.word, word.start) for word in answer.words[:2]] == [("Dictate,", 0.5), ("and", 2.0)]
        assert answer.segments is None
        assert transcriber.options == [Options(words=True)]

    def test_both_granularities(self, api: Api, transcriber: FakeTranscriber) -> None:
        answer = api.client.audio.transcriptions.create(
            model="whisper-1",
            file=recording(),
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
        assert answer.words
        assert answer.segments

    def test_language_and_prompt_reach_the_engine_and_temperature_need_not(
        self, api: Api, transcriber: FakeTranscriber
    ) -> None:
        api.client.audio.transcriptions.create(
            model="whisper-1", file=recording(), language="pt", prompt="Tiro, Cícero", temperature=0.4
        )
        assert transcriber.options == [Options(language="pt", prompt="Tiro, Cícero")]

    @pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's own view of its method
    def test_a_translation(self, api: Api, transcriber: FakeTranscriber) -> None:
        answer = api.client.audio.translations.create(
            model="whisper-1", file=recording(), response_format="verbose_json"
        )
        assert isinstance(answer, TranslationVerbose)
        assert answer.language == "english"
        assert transcriber.options == [Options(task="translate")]

    def test_silence_is_an_empty_text(self, api: Api) -> None:
        silence = make_transcript(text="", segments=(), no_speech=True, language="zxx", duration=3.0)
        with worker(FakeTranscriber(silence), api.stack.settings):
            answer = api.client.audio.transcriptions.create(
                model="whisper-1", file=recording(), response_format="verbose_json"
            )
        assert (answer.text, answer.segments) == ("", [])

    def test_the_request_s_id_is_told(self, api: Api, transcriber: FakeTranscriber) -> None:
        answer = api.client.audio.transcriptions.create(model="whisper-1", file=recording())
        assert answer._request_id == "11111111-2222-3333-4444-555555555555"

    def test_every_byte_arrives(self, api: Api, transcriber: FakeTranscriber) -> None:
        body = bytes(range(256)) * 40 + b"\r\n--boundary--\r\n"
        api.client.audio.transcriptions.create(model="whisper-1", file=recording(body))
        [media] = transcriber.heard
        assert wiring.media(media.bucket).read(media, 0, len(body) + 1) == body


class TestTheSameCall:
    def test_again_is_the_same_job(self, api: Api, transcriber: FakeTranscriber) -> None:
        for form in ("json", "json", "verbose_json"):
            api.client.audio.transcriptions.create(
                model="whisper-1",
                file=recording(),
                response_format=form,
            )
        assert len(transcriber.heard) == len(api.jobs()) == 1

    def test_other_bytes_or_options_are_another(self, api: Api, transcriber: FakeTranscriber) -> None:
        api.client.audio.transcriptions.create(model="whisper-1", file=recording())
        api.client.audio.transcriptions.create(model="whisper-1", file=recording(b"other"))
        api.client.audio.transcriptions.create(model="whisper-1", file=recording(), language="en")
        assert len(transcriber.heard) == len(api.jobs()) == 3

    def test_at_the_same_time_is_the_same_job(self, api: Api, transcriber: FakeTranscriber) -> None:
        said: list[str] = []

        def call() -> None:
            said.append(api.client.audio.transcriptions.create(model="whisper-1", file=recording()).text)

        threads = [threading.Thread(target=call) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said == [HEARD.text] * 5
        assert len(transcriber.heard) == len(api.jobs()) == 1

    def test_a_repetition_by_the_sdk_makes_no_second_job(
        self, api: Api, transcriber: FakeTranscriber, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The answer is lost after the job was made; the SDK asks again by itself."""
        real, lost = service.wait_for, list[bool]()

        def wait_for(*args: object, **more: object) -> object:
            if not lost:
                lost.append(True)
                raise ServiceUnavailable("Not now.")
            return real(*args, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(service, "wait_for", wait_for)
        client = api.client.with_options(max_retries=2)
        assert client.audio.transcriptions.create(model="whisper-1", file=recording()).text == HEARD.text
        assert len(api.calls) == 2
        assert len(transcriber.heard) == len(api.jobs()) == 1

    def test_a_job_that_failed_answers_nobody(self, api: Api) -> None:
        transcriber = FakeTranscriber(NotAudio("This is a text."), HEARD)
        with worker(transcriber, api.stack.settings):
            with pytest.raises(openai.BadRequestError, match=r"This is a text\."):
                api.client.audio.transcriptions.create(model="whisper-1", file=recording())
            assert len(api.calls) == 1
            assert api.client.audio.transcriptions.create(model="whisper-1", file=recording()).text == HEARD.text


class TestAWebhook:
    def test_of_the_job_s_own_is_kept(self, api: Api, transcriber: FakeTranscriber) -> None:
        mine = {"url": "https://example.com/mine", "secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}
        create = api.client.audio.transcriptions.create
        create(model="whisper-1", file=recording(), extra_body={"webhook": mine})
        [job_id] = api.jobs()
        assert wiring.jobs().get(job_id).webhook == JobWebhook(**mine)
        create(model="whisper-1", file=recording(), extra_body={"webhook": json.dumps(mine)})
        assert api.jobs() == {job_id}  # the same, said in another way
        create(model="whisper-1", file=recording())
        assert len(api.jobs()) == 2  # of which somebody else is told

    @pytest.mark.parametrize(
        "webhook",
        [
            {"endpoint": "wh_nobodys"},
            {"url": "http://10.0.0.1/", "secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"},
            {"url": "https://example.com/"},
            "{",
            "[]",
            "x",
        ],
    )
    def test_that_cannot_be_is_named(self, api: Api, webhook: object) -> None:
        with pytest.raises(openai.BadRequestError) as failed:
            api.client.audio.transcriptions.create(model="whisper-1", file=recording(), extra_body={"webhook": webhook})
        assert failed.value.param == "webhook"
        assert api.jobs() == set()

    def test_said_twice_is_refused(self, api: Api) -> None:
        with pytest.raises(openai.BadRequestError, match="said twice"):
            api.client.audio.transcriptions.create(
                model="whisper-1", file=recording(), extra_body={"webhook": "{}", "webhook[url]": "https://x.example"}
            )


class TestSeats:
    def test_who_finds_none_comes_again_and_has_made_nothing(self, api: Api, transcriber: FakeTranscriber) -> None:
        room, now = wiring.waiting_room(), wiring.clock().now()
        until = now + timedelta(seconds=60)
        seats: set[int] = set()
        while len(seats) < api.stack.settings.max_waiters:  # it looks at a few at random
            if (taken := room.enter(now=now, until=until)) is not None:
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
