"""OpenAI's two calls, so that its SDKs work with nothing but another base_url."""

from __future__ import annotations

import time
from base64 import b64decode
from datetime import timedelta

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.audio_form import (
    AudioCall,
    TranscriptionBody,
    TranscriptionForm,
    TranslationBody,
    TranslationForm,
    read_call,
)
from functions.api.audio_replies import OpenAIErrorBody, openai_reply
from functions.api.description import Answer, describe
from functions.api.replies import owner_of, trace_of_call
from functions.api.seats import seat
from functions.api.transcripts import rendered_reply
from tiro import service
from tiro.adapters.probe import HeaderReader
from tiro.errors import (
    FieldProblem,
    InvalidRequest,
    MalformedBody,
    MediaEmpty,
    MediaTooLarge,
    ModelNotFound,
    QuotaExceeded,
    StillProcessing,
    Throttled,
)
from tiro.formats import OPENAI_FORMATS, Wishes
from tiro.job import Job
from tiro.key import Scope
from tiro.model import WHISPER, check_understood
from tiro.quota import Quota
from tiro.settings import ApiSettings

router = Router()

PREFIX = "/v1/audio/"

WAIT = timedelta(seconds=25)
"""How long a call is held open. API Gateway gives up after 29 s, and the recording must come in first."""

AFTERWARDS = timedelta(seconds=5)
"""What a call that was held open may still take."""

ANSWERS = {
    200: Answer(model=dict, media_types=("text/plain", "application/x-subrip", "text/vtt")),
}
PROBLEMS = (
    MalformedBody,
    InvalidRequest,
    ModelNotFound,
    MediaEmpty,
    MediaTooLarge,
    QuotaExceeded,
    StillProcessing,
    Throttled,
)


@router.post("/v1/audio/transcriptions")
@describe(
    "Transcribe a recording at once, as OpenAI does",
    about="For recordings up to 4.4 MB that are done within 25 s. The same recording with the same options is the "
    "same job for ten minutes.",
    scope=Scope.TRANSCRIBE,
    body=TranscriptionBody,
    body_type="multipart/form-data",
    answers=ANSWERS,
    problems=PROBLEMS,
    problem_model=OpenAIErrorBody,
    retold={422: 400},
)
def transcribe() -> Response[str]:
    return _hear(TranscriptionForm)


@router.post("/v1/audio/translations")
@describe(
    "Translate a recording into English at once, as OpenAI does",
    scope=Scope.TRANSCRIBE,
    body=TranslationBody,
    body_type="multipart/form-data",
    answers=ANSWERS,
    problems=PROBLEMS,
    problem_model=OpenAIErrorBody,
    retold={422: 400},
)
def translate() -> Response[str]:
    return _hear(TranslationForm)


def _hear(form: type[TranslationForm]) -> Response[str]:
    config, event = wiring.settings(ApiSettings), router.current_event
    request_id = str(event["requestContext"]["requestId"])
    until = wiring.clock().now() + WAIT
    call = read_call(_body(), event.headers.get("Content-Type") or "", form)
    _check_model(call.form.model, config.models)
    check_understood(config.models[0], language=call.form.options.language, task=call.form.options.task)
    # Before there is a job: whoever is sent away costs nothing, and the SDK comes again by itself.
    with seat(owner_of(router), until + AFTERWARDS):
        job = _make(call)
        job = service.wait_for(job, jobs=wiring.jobs(), clock=wiring.clock(), until=until, sleep=time.sleep)
    if job.problem:
        return openai_reply(job.problem, request_id)
    store = wiring.transcripts(config.transcript_bucket)
    wishes = Wishes(granularities=call.form.granularities, task=job.options.task)
    shape = OPENAI_FORMATS[call.form.response_format]
    _, text = service.read_transcript(job, shape, transcripts=store, wishes=wishes)
    reply = rendered_reply(job, shape, text, store)
    reply.headers["x-request-id"] = request_id
    return reply


def _make(call: AudioCall) -> Job:
    config, clock, owner, webhook = wiring.settings(ApiSettings), wiring.clock(), owner_of(router), call.form.webhook
    service.check_webhook(webhook, owner=owner, endpoints=wiring.endpoints(), settings=config)
    service.check_quota(owner, usage=wiring.usage(), clock=clock, quota=Quota.of(config))
    media = wiring.media(config.media_bucket)
    return service.dictate(
        service.Dictation(
            owner, call.body, call.form.options, call.filename, webhook=webhook, trace=trace_of_call(router)
        ),
        asked=wiring.asked(),
        jobs=wiring.jobs(),
        media=media,
        reader=HeaderReader(media),
        queue=wiring.queue(config.queue_url, config.batch_queue_url),
        clock=clock,
        limits=config,
    )


def _check_model(model: str, deployed: tuple[str, ...]) -> None:
    """Raises ModelNotFound. Of several that are deployed, the first is the one that hears."""
    if model not in (WHISPER, *deployed[:1]):
        detail = f"The model {model!r} is not deployed here. Name {WHISPER!r} or {deployed[0]!r}."
        raise ModelNotFound(detail, errors=(FieldProblem(pointer="/model", detail=detail),))


def _body() -> bytes:
    """Return the bytes: API Gateway makes base64 of what is a recording."""
    body = router.current_event.body or ""
    return b64decode(body) if router.current_event.is_base64_encoded else body.encode("utf-8", "surrogateescape")
