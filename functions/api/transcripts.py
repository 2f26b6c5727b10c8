"""Read a transcript, in the format that is asked for."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.replies import owner_of
from tiro import service
from tiro.settings import ApiSettings

router = Router()


@router.get("/v1/transcriptions/<job_id>/transcript")
def transcript(job_id: str) -> Response[str]:
    job = service.find(job_id, owner=owner_of(router), jobs=wiring.jobs())
    name = router.current_event.get_query_string_value("format", "json")
    store = wiring.transcripts(wiring.settings(ApiSettings).transcript_bucket)
    form, text = service.read_transcript(job, name, transcripts=store)
    return Response(200, form.content_type, text)
