"""OpenAI's two calls, so that its SDKs work with nothing but another base_url."""

from __future__ import annotations

import time
from base64 import b64decode
from datetime import timedelta

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.audio_form import TranscriptionBody, TranscriptionForm, TranslationBody, TranslationForm, read_call
from functions.api.audio_replies import OpenAIErrorBody, openai_reply
from functions.api.description import Answer, describe
from functions.api.replies import owner_of
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
)
from tiro.formats import OPENAI_FORMATS, Wishes
from tiro.key import Scope
from tiro.model import check_understood
from tiro.quota import Quota
from tiro.settings import ApiSettings

router = Router()

PREFIX = "/v1/audio/"

WAIT = timedelta(seconds=25)
"""How long a call is held open. API Gateway gives up after 29 s, and the recording must come in first."""

WHISPER = "whisper-1"
"""What OpenAI calls Whisper large-v2. Here it is whatever is deployed."""

ANSWERS = {
    200: Answer(model=dict, media_types=("text/plain", "application/x-subrip", "text/vtt")),
}
PROBLEMS = (MalformedBody, InvalidRequest, ModelNotFound, MediaEmpty, MediaTooLarge, QuotaExceeded, StillProcessing)


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
    config, clock, event = wiring.settings(ApiSettings), wiring.clock(), router.current_event
    request_id = str(event["requestContext"]["requestId"])
    until = clock.now() + WAIT
    call = read_call(_body(), event.headers.get("Content-Type") or "", form)
    _check_model(call.form.model, config.models)
    options = call.form.options
    check_understood(config.models[0], language=options.language, task=options.task)
    service.check_quota(owner_of(router), usage=wiring.usage(), clock=clock, quota=Quota.of(config))
    media = wiring.media(config.media_bucket)
    job = service.dictate(
        service.Dictation(owner_of(router), call.body, options, call.filename),
        asked=wiring.asked(),
        jobs=wiring.jobs(),
        media=media,
        reader=HeaderReader(media),
        queue=wiring.queue(config.queue_url),
        clock=clock,
        limits=config,
    )
    job = service.wait_for(job, jobs=wiring.jobs(), clock=clock, until=until, sleep=time.sleep)
    if job.problem:
        return openai_reply(job.problem, request_id)
    store = wiring.transcripts(config.transcript_bucket)
    wishes = Wishes(granularities=call.form.granularities, task=job.options.task)
    shape = OPENAI_FORMATS[call.form.response_format]
    _, text = service.read_transcript(job, shape, transcripts=store, wishes=wishes)
    reply = rendered_reply(job, shape, text, store)
    reply.headers["x-request-id"] = request_id
    return reply


def _check_model(model: str, deployed: tuple[str, ...]) -> None:
    """Raises ModelNotFound. Of several that are deployed, the first is the one that hears."""
    if model not in (WHISPER, *deployed[:1]):
        detail = f"The model {model!r} is not deployed here. Name {WHISPER!r} or {deployed[0]!r}."
        raise ModelNotFound(detail, errors=(FieldProblem(pointer="/model", detail=detail),))


def _body() -> bytes:
    """Return the bytes: API Gateway makes base64 of what is a recording."""
    body = router.current_event.body or ""
    return b64decode(body) if router.current_event.is_base64_encoded else body.encode("utf-8", "surrogateescape")
