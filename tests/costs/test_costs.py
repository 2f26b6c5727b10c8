"""A job's bill but for the GPU, and what each route uses. `make costs` prints both, from more calls."""

from __future__ import annotations

import io
import json
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.costs.day import JOB, Day, recording
from tests.costs.meter import PRICES, Meter, Tally
from tests.functions.conftest import Stack
from tests.web import Site, serving, status

CALLS = int(os.environ.get("COSTS_CALLS", "3"))
"""Of each route."""

AUTHORIZED = 60 / 1000
"""Of the calls, if a thousand jobs come in an hour: API Gateway remembers a key for a minute."""

MOST_USD = 0.056
"""For a thousand jobs of ten minutes, but for the functions' time, which no test can hold still. What was aimed at is
0.05 with it, and docs/measurements.md says what stands above that."""


def test_a_thousand_jobs_cost_no_more_than_they_should(apart: Stack, meter: Meter, logged: io.StringIO) -> None:
    day = Day(apart, meter)
    key = day.key()
    with serving() as site:
        _register(day, site)
        day.live()  # once without counting: nothing is imported any more, and no client made
        meter.tallies.clear()
        logged.truncate(logged.seek(0))
        with day.meter.share(AUTHORIZED):
            day.authorize(key)
        day.live()
    said = len(logged.getvalue().encode())
    assert said
    total = sum(tally.usd() for tally in meter.tallies.values()) + said / 1e9 * PRICES["log_gb"]
    _tell(_job_table(meter, said, total))
    assert sum(tally.counted_usd() for tally in meter.tallies.values()) * 1000 <= MOST_USD


def test_what_each_route_uses(apart: Stack, meter: Meter) -> None:
    """No number is asserted: it is that every route can be measured, and `make costs` prints what it found."""
    day = Day(apart, meter)
    with serving() as site:
        _register(day, site)
        key = day.key()
        done = _completed(day)
        meter.tallies.clear()
        for name, call in _routes(day, done, key).items():
            for number in range(CALLS):
                call(name, number)
    lines = ["| | calls to AWS | read units | write units | CPU ms, p50 | p99 |", "|---|---|---|---|---|---|"]
    _tell([*lines, *(_route_row(name, tally) for name, tally in meter.tallies.items())])
    assert all(len(tally.cpu) >= CALLS for tally in meter.tallies.values())


def _register(day: Day, site: Site) -> None:
    site.pages["/hook"] = status(204)
    day.call("POST /v1/webhooks", "POST", "/v1/webhooks", body=json.dumps({"url": site.url("/hook")}))


def _completed(day: Day) -> str:
    job_id = str(day.call("", "POST", "/v1/transcriptions", body=JOB)["body"]["id"])
    day.upload(job_id, recording())
    day.work(job_id)
    return job_id


def _routes(day: Day, done: str, key: str) -> dict[str, Callable[[str, int], Any]]:
    """Return how each route is called, by the name under which it is counted."""
    jobs, at = "/v1/transcriptions", f"/v1/transcriptions/{done}"
    bucket = day.stack.settings.media_bucket
    day.stack.put("inbox/ada/a.mp3", b"speech")
    named = json.dumps({"source": {"s3": f"s3://{bucket}/inbox/ada/a.mp3"}})
    ten = json.dumps({"sources": [{"url": f"https://media.example/{n}.mp3"} for n in range(10)]})
    large = json.dumps({"source": {"upload": {"size": 10**9}}})

    def get(path: str, **more: Any) -> Callable[[str, int], Any]:
        return lambda step, _: day.call(step, "GET", path, **more)

    def post(body: str, path: str = jobs, *, keyed: bool = False) -> Callable[[str, int], Any]:
        return lambda step, n: day.call(
            step, "POST", path, body=body, headers={"Idempotency-Key": f"key-{n}"} if keyed else {}
        )

    def on_a_new_one(method: str, more: str = "") -> Callable[[str, int], Any]:
        def call(step: str, _: int) -> Any:
            made = day.stack.call("POST", jobs, body=JOB)["body"]["id"]
            return day.call(step, method, f"{jobs}/{made}{more}")

        return call

    return {
        "the authorizer": lambda _, __: day.authorize(key),
        "POST /v1/transcriptions, `upload`": post(JOB),
        "… with an `Idempotency-Key`": post(JOB, keyed=True),
        "… 1 GB, in parts": post(large),
        "… `url`": post(json.dumps({"source": {"url": "https://media.example/a.mp3"}})),
        "… `s3`": post(named),
        "GET …/{id}": get(at),
        "GET …/{id}/transcript, json": get(f"{at}/transcript", format="json"),
        "… srt": get(f"{at}/transcript", format="srt"),
        "GET …/{id}/media": get(f"{at}/media"),
        "GET …/{id}/deliveries": get(f"{at}/deliveries"),
        "GET /v1/transcriptions": get(jobs),
        "POST …/{id}/cancel": on_a_new_one("POST", "/cancel"),
        "DELETE …/{id}": on_a_new_one("DELETE"),
        "POST /v1/batches, ten `url`s": post(ten, "/v1/batches"),
        "GET /v1/models": get("/v1/models"),
    }


# ---------------------------------------------------------------- tables


def _job_table(meter: Meter, logged: int, total: float) -> list[str]:
    lines = [
        "| step | calls to AWS | read units | write units | CPU ms | USD for 1,000 jobs |",
        "|---|---|---|---|---|---|",
    ]
    for name, tally in meter.tallies.items():
        calls, cpu = sum(tally.calls.values()), 1000 * sum(tally.cpu)
        units = f"{tally.used['read_unit']:g} | {tally.used['write_unit']:g}"
        lines.append(f"| {name} | {calls} | {units} | {cpu:.0f} | {1000 * tally.usd():.4f} |")
    lines.append(f"| what we log, {logged:,} bytes | | | | | {1000 * logged / 1e9 * PRICES['log_gb']:.4f} |")
    lines += [
        f"| **in all** | | | | | **{1000 * total:.4f}** |",
        "",
        "| for | how many in a job | USD for 1,000 jobs |",
        "|---|---|---|",
    ]
    for name in PRICES["per_million"]:
        count = sum(tally.used[name] for tally in meter.tallies.values())
        lines.append(f"| {name} | {count:g} | {1000 * count * PRICES['per_million'][name] / 1e6:.4f} |")
    gb_seconds = sum(tally.gb_seconds for tally in meter.tallies.values())
    lines.append(f"| GB-seconds | {gb_seconds:.3f} | {1000 * gb_seconds * PRICES['gb_second']:.4f} |")
    return lines


def _route_row(name: str, tally: Tally) -> str:
    times = sorted(1000 * seconds for seconds in tally.cpu)
    many = len(times)
    high = times[min(many - 1, int(many * 0.99))]
    calls = sum(tally.calls.values()) / many
    units = f"{tally.used['read_unit'] / many:.1f} | {tally.used['write_unit'] / many:.1f}"
    return f"| {name} | {calls:.1f} | {units} | {statistics.median(times):.1f} | {high:.1f} |"


def _tell(lines: list[str]) -> None:
    if table := os.environ.get("COSTS_TABLE"):
        with Path(table).open("a") as file:
            file.write("\n" + "\n".join(lines) + "\n")
