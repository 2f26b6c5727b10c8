"""The account's other systems hear of every job by EventBridge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tiro.adapters.aws import aws_errors
from tiro.delivery import Event
from tiro.errors import ServiceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

SOURCE = "tiro"
DETAIL_TYPE = "Transcription State Change"
"""As Amazon Transcribe calls its own, so that a rule for those is soon one for ours."""


class EventBridgeBus:
    """ports.EventBus."""

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client, self._bus = client, bus

    def publish(self, event: Event) -> None:
        detail = event.data() | {"event": event.id, "type": event.type.value, "owner": event.owner}
        trace: dict[str, Any] = {"TraceHeader": f"Root={event.trace}"} if event.trace else {}
        with aws_errors():
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._bus,
                        "Source": SOURCE,
                        "DetailType": DETAIL_TYPE,
                        "Time": event.at,
                        "Resources": [],
                        "Detail": json.dumps(detail, allow_nan=False),
                        **trace,  # type: ignore[typeddict-item]  # it is one of the entry's own
                    }
                ]
            )
        if answer["FailedEntryCount"]:
            code = answer["Entries"][0].get("ErrorCode", "Unknown")
            raise ServiceUnavailable(f"EventBridge did not take the event: {code}.")
