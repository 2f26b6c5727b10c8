"""The page at the domain's root, answered by a function of CloudFront itself: what this is, and where to go on.

No file in a bucket: CloudFormation writes none there, and CDK's way to (BucketDeployment) brings a Lambda with AWS's
command line in it, and a role that writes buckets, for two kilobytes (docs/deploy.md, "The page").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tiro import __version__

FOLDER = Path(__file__).resolve().parent

LONGEST = 10_240
"""Bytes that CloudFront takes for a function (developer guide, "Quotas on CloudFront Functions")."""

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/index.html": ("index.html", "text/html; charset=utf-8"),
    "/tiro.css": ("tiro.css", "text/css; charset=utf-8"),
}

HANDLER = """
function handler(event) {
  var found = PLACES[event.request.uri];
  if (!found) { return event.request; }
  var headers = { "content-type": { value: found[1] }, "cache-control": { value: "public, max-age=300" } };
  for (var name in HEADERS) { headers[name] = { value: HEADERS[name] }; }
  var text = FILES[found[0]].replace("HOST", event.request.headers.host.value);
  return { statusCode: 200, statusDescription: "OK", headers: headers, body: { encoding: "text", data: text } };
}
"""
"""A host that reaches it is one of the distribution's own names: CloudFront turns others away."""


def front_code(headers: Mapping[str, str]) -> str:
    """Return the function's JavaScript. `headers`: sent with each answer, for it is made before any policy's are."""
    texts = {name: (FOLDER / name).read_text().replace("VERSION", __version__) for name, _ in FILES.values()}
    parts = {"PLACES": FILES, "HEADERS": dict(headers), "FILES": texts}
    return "".join(f"var {name} = {json.dumps(part)};\n" for name, part in parts.items()) + HANDLER.lstrip()
