"""Where an owner wants to be told: webhook endpoints, and the webhook of a single job. Pure.

An endpoint hears of all the owner's jobs. A job that names a webhook of its own is told there and nowhere else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from tiro.address import Address
from tiro.errors import AddressRefused
from tiro.signature import secret_bytes
from tiro.stored import StoredModel as _Model

OLD_SECRET_KEPT = timedelta(hours=24)
"""So long a rotated secret signs too, beside the new one: receivers change theirs without missing a delivery."""

MOST_ENDPOINTS = 20
"""Of one owner: so many deliveries, at most, come of one event."""


class EventType(StrEnum):
    QUEUED = "transcription.queued"
    COMPLETED = "transcription.completed"
    FAILED = "transcription.failed"
    CANCELLED = "transcription.cancelled"


ENDS = (EventType.COMPLETED, EventType.FAILED, EventType.CANCELLED)


def _address(url: str) -> str:
    try:
        Address.parse(url)
    except AddressRefused as error:
        raise ValueError(str(error)) from None
    return url


def _secret(secret: str) -> str:
    secret_bytes(secret)
    return secret


Url = Annotated[str, AfterValidator(_address)]
Secret = Annotated[str, AfterValidator(_secret)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class JobWebhook(_Strict):
    """Where one job's end is told: an endpoint of the owner's, or an address with a secret to sign by."""

    endpoint: str | None = Field(default=None, max_length=64)  # its id
    url: Url | None = None  # https
    secret: Secret | None = Field(default=None, repr=False)  # whsec_…, by which you know that it is us

    @model_validator(mode="after")
    def _one_of_two(self) -> JobWebhook:
        if (self.endpoint is None) == (self.url is None) or (self.url is None) != (self.secret is None):
            raise ValueError('send either "endpoint", or "url" with "secret"')
        return self


class EndpointRequest(_Strict):
    """The body of `POST /v1/webhooks`."""

    url: Url  # https
    events: tuple[EventType, ...] = Field(default=ENDS, min_length=1, max_length=len(EventType))  # that are told
    description: str | None = Field(default=None, max_length=256)  # for whoever reads the list


class Endpoint(_Model):
    """Where an owner's events are told."""

    id: str
    owner: str
    url: str
    events: tuple[EventType, ...]
    description: str | None = None
    created_at: datetime
    secret: str = Field(repr=False)
    old_secret: str | None = Field(default=None, repr=False)
    old_secret_until: datetime | None = None
    disabled_at: datetime | None = None
    disabled_because: str | None = None
    quiet_until: datetime | None = None  # it said that too much comes at once
    revision: int = 1  # +1 with every stored change: the optimistic lock

    def secrets(self, *, at: datetime) -> tuple[str, ...]:
        """Return what signs now, the newest first."""
        if self.old_secret and self.old_secret_until and at < self.old_secret_until:
            return self.secret, self.old_secret
        return (self.secret,)

    def hears(self, kind: EventType) -> bool:
        return kind in self.events and self.disabled_at is None

    def rotated(self, secret: str, *, at: datetime) -> Endpoint:
        return self._with(secret=secret, old_secret=self.secret, old_secret_until=at + OLD_SECRET_KEPT)

    def disabled(self, why: str, *, at: datetime) -> Endpoint:
        return self._with(disabled_at=at, disabled_because=why)

    def enabled(self) -> Endpoint:
        return self._with(disabled_at=None, disabled_because=None, quiet_until=None)

    def quiet(self, *, until: datetime) -> Endpoint:
        return self._with(quiet_until=until)

    def _with(self, **changes: object) -> Endpoint:
        return self.model_copy(update={"revision": self.revision + 1, **changes})


# ---------------------------------------------------------------- what a caller sees of it


class EndpointView(_Model):
    """An endpoint as the API answers it."""

    id: str
    url: str
    events: tuple[EventType, ...]
    description: str | None
    created_at: datetime
    disabled_at: datetime | None  # nothing is sent from then on, until a test of it succeeds
    disabled_because: str | None
    old_secret_until: datetime | None  # until then the secret before the last rotation signs too


class EndpointMade(EndpointView):
    """And its secret, which is shown this once."""

    secret: str  # whsec_…


class EndpointList(_Model):
    data: tuple[EndpointView, ...]


def view_endpoint(endpoint: Endpoint) -> EndpointView:
    return EndpointView(**endpoint.model_dump(include=set(EndpointView.model_fields)))


def show_secret(endpoint: Endpoint) -> EndpointMade:
    return EndpointMade(**endpoint.model_dump(include=set(EndpointMade.model_fields)))
