"""How a custom resource answers CloudFormation: by a PUT to an address that was signed for it.

Source: CloudFormation user guide, "Custom resource request and response objects".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.request import Request, urlopen

SECONDS = 20

LONGEST_WORDS = 1000  # of 4,096 bytes that an answer may have


def answer(event: Mapping[str, Any], *, ok: bool, words: str) -> None:
    """Tell how it went. Raises OSError when CloudFormation cannot be told."""
    body = {
        "Status": "SUCCESS" if ok else "FAILED",
        "Reason": words[:LONGEST_WORDS],
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    request = Request(  # noqa: S310  (the address is CloudFormation's own)
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        method="PUT",
        headers={"Content-Type": ""},  # as it was signed
    )
    with urlopen(request, timeout=SECONDS):  # noqa: S310
        pass
