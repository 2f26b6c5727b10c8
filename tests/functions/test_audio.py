"""OpenAI's own SDK, unmodified, against the handler."""

from __future__ import annotations

import json
import threading

import openai
import pytest
from openai.types.audio import TranscriptionVerbose, TranslationVerbose
from pysubs2 import SSAFile

from functions import wiring
from tests.factories import make_transcript
from tests.fakes import FakeTranscriber
from tests.functions.sdk import HEARD, SPEECH, Api, recording
from tests.functions.working import worker
from tiro import service
from tiro.errors import NotAudio, ServiceUnavailable
from tiro.request import Options
from tiro.webhook import JobWebhook


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
            "[" * 5000,
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
