"""`ETag` and `If-None-Match`: who has an answer already is told so in a line (RFC 9110, section 13)."""

from __future__ import annotations

import hashlib
import re

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.api.description import Parameter

IF_NONE_MATCH = Parameter(
    name="If-None-Match", where="header", about="`ETag` of an earlier answer: while it holds, the answer is 304."
)


def tag_of(text: str, *, weak: bool = False) -> str:
    """Return an entity tag. A weak one says that two answers mean the same, and not that each byte is the same."""
    return ("W/" if weak else "") + f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def tagged(router: Router, reply: Response[str], tag: str) -> Response[str]:
    """Return the reply with its tag, or 304 when the caller has it."""
    reply.headers["ETag"] = tag
    asked = router.current_event.headers.get("If-None-Match") or ""
    known = re.findall(r'"[^"]*"', asked)  # compared weakly, as section 13.1.2 wants it
    if asked.strip() != "*" and tag.removeprefix("W/") not in known:
        return reply
    kept = {name: value for name, value in reply.headers.items() if name.lower() != "content-type"}
    return Response(304, None, "", kept)
