"""Says what to send instead, where a call's options or body come in a way that the route does not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from tiro.errors import FieldProblem, InvalidRequest, MalformedBody, UnsupportedMediaType

JSON = "Send a JSON object with 'Content-Type: application/json'."

_INSTEAD = {
    "multipart/form-data": "a form",
    "application/x-www-form-urlencoded": "a form",
    "text/html": "HTML",
    "text/xml": "XML",
    "application/xml": "XML",
    "application/yaml": "YAML",
}
"""What a body is, by the media type that it is sent with; audio/*, video/* and application/octet-stream are a file."""


def check_no_query(query: Mapping[str, Any]) -> None:
    """Raises InvalidRequest naming each parameter: a route with a body reads its options there and nowhere else."""
    detail = "this call reads no query: send it in the body"
    if problems := tuple(FieldProblem(pointer=f"/{name[:80]}", detail=detail) for name in list(query)[:20]):
        raise InvalidRequest("; ".join(f"{p.pointer}: {p.detail}" for p in problems), errors=problems)


def check_json(event: APIGatewayProxyEvent) -> None:
    """Raises UnsupportedMediaType for a body that is not JSON and does not say so, MalformedBody for one not in UTF-8.

    A JSON body is read whatever its type says: curl's `-d` calls it a form.
    """
    kind = (event.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    sent = (
        "a file" if kind.startswith(("audio/", "video/")) or kind == "application/octet-stream" else _INSTEAD.get(kind)
    )
    try:
        body = event.decoded_body
    except UnicodeDecodeError:
        if sent:
            raise _unsupported(sent, kind) from None
        raise MalformedBody("The body is not UTF-8.") from None
    if sent and body and not body.lstrip().startswith("{"):
        raise _unsupported(sent, kind)


def _unsupported(sent: str, kind: str) -> UnsupportedMediaType:
    detail = f"This call reads JSON and got {sent} ({kind}). {JSON}"
    if sent in ("a form", "a file"):
        detail += (
            ' A recording is not part of it: {"source": {"upload": {}}} answers where to PUT the file. '
            "POST /v1/audio/transcriptions takes a form with a file of up to 4.4 MB."
        )
    return UnsupportedMediaType(detail)
