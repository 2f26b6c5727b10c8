"""Read a transcript, in the format that is asked for."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import StringConstraints

from functions import wiring
from functions.api.conditional import IF_NONE_MATCH, tag_of, tagged
from functions.api.description import Answer, Parameter, describe
from functions.api.replies import owner_of
from tiro import service
from tiro.errors import (
    FormatNotAcceptable,
    InvalidRequest,
    JobGone,
    JobNotFound,
    TranscriptNotReady,
    TranscriptUnavailable,
)
from tiro.formats import FORMATS, Format
from tiro.formats.choice import NEGOTIABLE, TranscriptQuery, choose
from tiro.job import Job
from tiro.key import Scope
from tiro.ports import TranscriptStore
from tiro.settings import ApiSettings
from tiro.transcript import Transcript

router = Router()

VARY = {"Vary": "Accept"}

_TYPES: dict[str, Any] = {
    "format": Literal["txt", "json", "srt", "vtt", "tsv", "verbose_json", "transcribe"],
    "timestamp_granularities": Annotated[str, StringConstraints(pattern="^(word|segment)(,(word|segment))?$")],
}
"""Those that the query's model takes more loosely than it needs to be told."""


def _parameters() -> tuple[Parameter, ...]:
    def kind(name: str) -> Any:
        field = TranscriptQuery.model_fields[name]
        return _TYPES.get(name) or Annotated[field.annotation, *field.metadata]

    asked = (
        Parameter(name=n, type=kind(n), about=f.description or "") for n, f in TranscriptQuery.model_fields.items()
    )
    accept = f"One of {', '.join(form.media_type for form in NEGOTIABLE)}, where no format is named."
    return (*asked, Parameter(name="Accept", about=accept, where="header"), IF_NONE_MATCH)


@router.get("/v1/transcriptions/<job_id>/transcript")
@describe(
    "Read a transcript",
    about="Written down at every call from the one stored result, so that any format can be had at any time.",
    scope=Scope.READ,
    parameters=_parameters(),
    answers={
        200: Answer(
            model=Transcript,
            media_types=tuple(sorted({form.media_type for form in FORMATS.values()} - {"application/json"})),
            headers=("Vary", "ETag"),
        ),
        304: Answer(headers=("Vary", "ETag"), about="It is as you know it."),
        303: Answer(headers=("Location", "Vary"), about="It is over 5 MB: GET it at Location, without the key."),
    },
    problems=(JobNotFound, JobGone, FormatNotAcceptable, InvalidRequest, TranscriptNotReady, TranscriptUnavailable),
)
def transcript(job_id: str) -> Response[str]:
    event = router.current_event
    choice = choose(event["multiValueQueryStringParameters"] or {}, event.headers.get("Accept") or "")
    job = service.find(job_id, owner=owner_of(router), jobs=wiring.jobs())
    wishes = replace(
        choice.wishes, task=job.options.task, job_name=job.id, account_id=str(event["requestContext"]["accountId"])
    )
    store = wiring.transcripts(wiring.settings(ApiSettings).transcript_bucket)
    form, text = service.read_transcript(job, choice.form, transcripts=store, wishes=wishes)
    reply = rendered_reply(job, form, text, store)
    return tagged(router, reply, tag_of(text)) if reply.status_code == HTTPStatus.OK else reply


def rendered_reply(job: Job, form: Format, text: str, store: TranscriptStore) -> Response[str]:
    """Answer with a text, or with where it lies when it is too large for an answer."""
    if url := service.lend_large(job, form, text, transcripts=store):
        return Response(HTTPStatus.SEE_OTHER, "text/plain", "", VARY | {"Location": url})
    return Response(HTTPStatus.OK, form.content_type, text, VARY)
