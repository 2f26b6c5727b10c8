"""A recording on somebody's server is fetched, for as long as one invocation lasts: queue -> here -> S3 and queue."""

from __future__ import annotations

from typing import Any

from functions import wiring
from functions.batch import each_record
from tiro.adapters.egress import Egress, Terms
from tiro.adapters.web import EgressWeb
from tiro.address import Reach
from tiro.message import FetchMessage
from tiro.service import Fetcher
from tiro.settings import FetchSettings

SLOWEST = 64 * 1024
"""Bytes a second: so slow, one part takes as long as a round."""

REDIRECTS = 20
"""As many as browsers follow (Fetch standard, "HTTP-redirect fetch"). A podcast's link passes six to ten servers
that count listeners."""

OVERTIME_SECONDS = 30
"""A part that was begun within the round may be finished after it."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return each_record(event, _fetch, service="on_fetch")


def _fetch(body: str) -> None:
    message = FetchMessage.parse(body)
    came = fetcher(wiring.settings(FetchSettings)).take(message)
    wiring.logger("on_fetch").info("round", extra={"job_id": message.job_id, "round": message.round, "came": came})


def fetcher(config: FetchSettings) -> Fetcher:
    terms = Terms(redirects=REDIRECTS, seconds=config.fetch_round_seconds + OVERTIME_SECONDS, bytes_per_second=SLOWEST)
    return Fetcher(
        jobs=wiring.jobs(),
        fetches=wiring.fetches(),
        web=EgressWeb(Egress(Reach.of(config.allow_networks), terms)),
        parts=wiring.parts(config.media_bucket),
        media=wiring.media(config.media_bucket),
        queue=wiring.fetch_queue(config.fetch_queue_url),
        transcripts=wiring.transcripts(config.transcript_bucket),
        clock=wiring.clock(),
        settings=config,
    )
