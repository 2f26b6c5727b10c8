"""Which web pages may read an answer. The gateway answers their preflights itself; this is for what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

EXPOSED = (
    "Location",
    "Retry-After",
    "Link",
    "ETag",
    "RateLimit",
    "RateLimit-Policy",
    "Preference-Applied",
    "WWW-Authenticate",
    "Content-Disposition",
    "Allow",
    "x-request-id",  # OpenAI's SDKs read these two
    "x-should-retry",
)
"""A page's script sees a few headers by itself (Fetch standard, "CORS-safelisted response-header name"), and these."""


def let_pages_read(answer: dict[str, Any], event: Mapping[str, Any], origins: Sequence[str]) -> dict[str, Any]:
    """Return the answer with the headers that let pages of these origins read it; '*' are all.

    `*` is safe where it is set: what opens a call is a key that a page's script sends, never a cookie.
    """
    headers = answer.setdefault("multiValueHeaders", {})
    asking = {name.lower(): value for name, value in (event.get("headers") or {}).items()}.get("origin")
    if "*" in origins:
        headers["Access-Control-Allow-Origin"] = ["*"]
    else:
        headers.setdefault("Vary", []).append("Origin")  # else a cache could give one origin's answer to another
        if asking not in origins:
            return answer
        headers["Access-Control-Allow-Origin"] = [asking]
    headers["Access-Control-Expose-Headers"] = [",".join(EXPOSED)]
    return answer
