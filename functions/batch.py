"""An SQS batch, record by record: what fails goes back alone, the rest is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from functions import wiring


def each_record(event: dict[str, Any], handle: Callable[[str], None], *, service: str) -> dict[str, Any]:
    """Return SQS's partial batch response. Logs why a record failed; never what it says."""
    failed = []
    for record in event["Records"]:
        try:
            handle(record["body"])
        except Exception:  # noqa: BLE001  (one bad record must not take the others with it; SQS tries it again)
            wiring.logger(service).exception("record failed", extra={"message_id": record["messageId"]})
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
