"""Each call of the API, written down once. What sends a recording is in tiro/client/uploads.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from tiro.batch import BatchView
from tiro.client.failures import checked, read, retry_after_of
from tiro.client.flow import LONGEST_HINT_SECONDS, Flow, Send, Sleep, answer_to, raw_answer_to
from tiro.client.memory import new_key
from tiro.delivery import AttemptView, DeliveryList, DeliveryView
from tiro.errors import StillProcessing
from tiro.job import JobView, MediaLink
from tiro.listing import JobListView
from tiro.model import Model, ModelList
from tiro.webhook import ENDS, EndpointList, EndpointMade, EndpointView, EventType

M = TypeVar("M", bound=BaseModel)

OnProgress = Callable[[JobView], None]

FIRST_POLL_SECONDS = 0.5
LONGEST_POLL_SECONDS = 3.0

# ---------------------------------------------------------------- jobs


def job(job_id: str, *, wait: int = 0) -> Flow[JobView]:
    """Return a job as it is now, or, with `wait`, as it is at its end, if that comes within so many seconds (20)."""
    headers = {"Prefer": f"wait={wait}"} if wait else {}
    return (yield from _read(JobView, Send("GET", job_path(job_id), headers=headers)))


def wait(job_id: str, on_progress: OnProgress | None = None, *, timeout: float | None = None) -> Flow[JobView]:
    """Return the job once it is at its end, well or not; `on_progress` sees it at every look.

    Raises StillProcessing when it is not there after `timeout` seconds, more or less; the job goes on.
    """
    pause, waited = FIRST_POLL_SECONDS, 0.0
    while True:
        answer = yield from answer_to(Send("GET", job_path(job_id)))
        seen = read(JobView, answer)
        if on_progress:
            on_progress(seen)
        if seen.status.terminal:
            return seen
        if timeout is not None and waited >= timeout:
            raise StillProcessing(f"Job {job_id} is {seen.status.value} after {timeout:g} s, and goes on.")
        # Retry-After can only say whole seconds; half a second early is what it was rounded by.
        hint = min(retry_after_of(answer), LONGEST_HINT_SECONDS) - 0.5
        yield Sleep(max(pause, hint))
        waited += max(pause, hint)
        pause = min(pause * 1.3, LONGEST_POLL_SECONDS)


def page(cursor: str | None = None, **filters: Any) -> Flow[JobListView]:
    """Return a page of your jobs, the newest first. The filters are those of GET /v1/transcriptions, None is none."""
    params = {name: _text(value) for name, value in {**filters, "cursor": cursor}.items() if value is not None}
    return (yield from _read(JobListView, Send("GET", "/v1/transcriptions", params=params)))


def cancel(job_id: str) -> Flow[JobView]:
    return (yield from _read(JobView, Send("POST", f"{job_path(job_id)}/cancel")))


def delete(job_id: str) -> Flow[None]:
    """Remove a job, its recording and its transcript. Once more is no error."""
    yield from answer_to(Send("DELETE", job_path(job_id)))


def retry(job_id: str, *, key: str | None = None) -> Flow[JobView]:
    """Make a new job of one that failed or was cancelled. The same `key` within 24 hours makes the same one."""
    headers = {"Idempotency-Key": key or new_key()}
    return (yield from _read(JobView, Send("POST", f"{job_path(job_id)}/retry", headers=headers)))


def transcript(job_id: str, format_name: str = "txt", **wishes: str | float) -> Flow[str]:
    """Return a transcript; `wishes` are other parameters of the query, such as `max_lines`."""
    params = {"format": format_name} | {name: str(value) for name, value in wishes.items()}
    return (yield from _lent(Send("GET", f"{job_path(job_id)}/transcript", params=params))).content.decode()


def media(job_id: str) -> Flow[MediaLink]:
    """Return an address to play the recording from, for an hour, by whoever has it."""
    return (yield from _read(MediaLink, Send("GET", f"{job_path(job_id)}/media")))


def job_path(job_id: str) -> str:
    return f"/v1/transcriptions/{quote(job_id, safe='')}"


def _lent(call: Send) -> Flow[httpx.Response]:
    """Return an answer, from where it lies for a while if it is a large one."""
    answer = yield from raw_answer_to(call)
    if answer.status_code != HTTPStatus.SEE_OTHER:
        return checked(answer)
    # That address is signed: it needs no key, and is not to see one.
    return (yield from answer_to(Send("GET", str(answer.url.join(answer.headers.get("Location", ""))))))


# ---------------------------------------------------------------- batches and models


def batch(batch_id: str) -> Flow[BatchView]:
    return (yield from _read(BatchView, Send("GET", f"/v1/batches/{quote(batch_id, safe='')}")))


def models() -> Flow[tuple[Model, ...]]:
    return (yield from _read(ModelList, Send("GET", "/v1/models"))).data


def model(model_id: str) -> Flow[Model]:
    return (yield from _read(Model, Send("GET", f"/v1/models/{quote(model_id, safe='')}")))


# ---------------------------------------------------------------- webhooks


def add_webhook(
    url: str, events: Sequence[EventType | str] = ENDS, *, description: str | None = None, key: str | None = None
) -> Flow[EndpointMade]:
    """Register an endpoint. The answer alone shows its secret."""
    body = {"url": url, "events": [str(event) for event in events], "description": description}
    headers = {"Idempotency-Key": key or new_key()}
    return (yield from _read(EndpointMade, Send("POST", "/v1/webhooks", json=body, headers=headers)))


def webhooks() -> Flow[tuple[EndpointView, ...]]:
    return (yield from _read(EndpointList, Send("GET", "/v1/webhooks"))).data


def webhook(endpoint_id: str) -> Flow[EndpointView]:
    return (yield from _read(EndpointView, Send("GET", _webhook_path(endpoint_id))))


def remove_webhook(endpoint_id: str) -> Flow[None]:
    yield from answer_to(Send("DELETE", _webhook_path(endpoint_id)))


def rotate_webhook(endpoint_id: str) -> Flow[EndpointMade]:
    """Give an endpoint a new secret. Not repeated by itself: a second one would end the first."""
    return (yield from _read(EndpointMade, Send("POST", f"{_webhook_path(endpoint_id)}/rotate", once=True)))


def test_webhook(endpoint_id: str) -> Flow[AttemptView]:
    """Send an endpoint the news of a job that never was; return what it answered."""
    return (yield from _read(AttemptView, Send("POST", f"{_webhook_path(endpoint_id)}/test", once=True)))


def deliveries(job_id: str) -> Flow[tuple[DeliveryView, ...]]:
    """Return whom a job was told to, and what came of it."""
    return (yield from _read(DeliveryList, Send("GET", f"{job_path(job_id)}/deliveries"))).data


def redeliver(job_id: str, delivery_id: str) -> Flow[DeliveryView]:
    url = f"{job_path(job_id)}/deliveries/{quote(delivery_id, safe='')}/redeliver"
    return (yield from _read(DeliveryView, Send("POST", url, once=True)))


def _webhook_path(endpoint_id: str) -> str:
    return f"/v1/webhooks/{quote(endpoint_id, safe='')}"


# ---------------------------------------------------------------- what they have in common


def _read(kind: type[M], call: Send) -> Flow[M]:
    return read(kind, (yield from answer_to(call)))


def _text(value: object) -> str:
    """Write a filter as a query has it."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a body that are set, models as JSON has them."""
    given = {name: value for name, value in values.items() if value is not None}
    return {
        n: v.model_dump(mode="json", exclude_none=True) if isinstance(v, BaseModel) else v for n, v in given.items()
    }
