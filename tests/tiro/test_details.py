"""What a job tells of itself is known, or it is null."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import NOW, make_media, make_queued_job, make_ref, make_run
from tests.house import House
from tiro.details import OWN_SPEED, Circumstances, cost_usd, eta_seconds
from tiro.errors import InvalidRequest, QuotaExceeded
from tiro.job import JobStatus, view
from tiro.quota import DAY_SECONDS, Quota, Usage, seconds_to_midnight
from tiro.request import parse_request


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_times_are_told_as_they_come_to_be_known() -> None:
    queued = make_queued_job()
    claimed = queued.claimed(at=NOW + after(1.5))
    done = claimed.completed(at=NOW + after(4), transcript=make_ref())
    told = [view(job).timings for job in (queued, claimed, done)]
    assert [(t.queued_ms, t.processing_ms, t.cold_start_ms) for t in told if t] == [
        (None, None, None),
        (1500, None, None),
        (1500, 2500, None),
    ]


@pytest.mark.parametrize(
    ("ready", "cold"),
    [(-60, 0), (0.5, 500), (99, 1500)],
    ids=["it was there", "it came later", "its clock is wrong"],
)
def test_a_cold_start_is_the_wait_for_a_machine(ready: float, cold: int) -> None:
    claimed = make_queued_job().claimed(at=NOW + after(1.5), ready_at=NOW + after(ready))
    told = view(claimed).timings
    assert told
    assert (told.queued_ms, told.cold_start_ms) == (1500, cold)
    again = claimed.returned(counted=True).claimed(at=NOW + after(9))
    told = view(again).timings
    assert told
    assert told.cold_start_ms is None, "of the latest claim, and no other"


def test_an_eta_stands_on_this_job_s_own_speed() -> None:
    job = make_queued_job(media=make_media(duration=100.0)).claimed(at=NOW)
    run = make_run(done=25.0, total=100.0, noted_at=NOW + after(5))
    progress = view(job, run, around=Circumstances(NOW + after(7))).progress
    assert progress
    assert (progress.eta_seconds, progress.eta_basis) == (13.0, OWN_SPEED)  # 75 s at 0.2 s each, of which 2 s are over


@pytest.mark.parametrize(
    "unknown", [{"total": None}, {"noted_at": None}, {"started_at": None}, {"done": 0.0}, {"noted_at": NOW}]
)
def test_an_eta_that_nobody_can_tell_is_null(unknown: dict[str, object]) -> None:
    known = {"done": 1.0, "total": 9.0, "noted_at": NOW + after(1), "started_at": NOW, "now": NOW + after(2)}
    assert eta_seconds(**known) == 7.0  # type: ignore[arg-type]
    assert eta_seconds(**(known | unknown)) is None  # type: ignore[arg-type]


def test_an_eta_is_never_in_the_past() -> None:
    assert eta_seconds(done=8, total=9, noted_at=NOW + after(8), started_at=NOW, now=NOW + after(60)) == 0


def test_a_cost_is_told_where_the_price_is_known() -> None:
    assert cost_usd(1_800_000, 1.2) == 0.6
    assert cost_usd(1_800_000, 0.0) is None
    assert cost_usd(None, 1.2) is None
    done = make_queued_job().claimed(at=NOW).completed(at=NOW + after(3600), transcript=make_ref())
    assert view(done, around=Circumstances(NOW, usd_per_worker_hour=0.5)).cost_usd == 0.5
    assert view(done).cost_usd is None


def test_own_jobs_ahead_are_told_while_a_job_waits() -> None:
    queued, around = make_queued_job(), Circumstances(NOW, jobs_in_flight=5)
    assert view(queued, around=around).own_jobs_ahead == 4
    assert view(queued.claimed(at=NOW), around=around).own_jobs_ahead is None
    assert view(queued).own_jobs_ahead is None


def test_a_transcript_says_what_it_is_made_of() -> None:
    house = House()
    job = house.drop("inbox/ada/a.mp3")
    assert view(job).lineage is None
    house.work()
    lineage = view(house.jobs.get(job.id)).lineage
    assert lineage
    assert job.media
    assert (lineage.model, lineage.compute_type, lineage.engine) == ("base", "int8", "fake")
    assert (lineage.media_etag, lineage.media_version) == (job.media.etag, job.media.version)


def test_metadata_is_echoed_and_bounded() -> None:
    house = House()
    job, _ = house.submit('{"source": {"upload": {}}, "metadata": {"order": "7 – ü"}}')
    assert view(house.jobs.get(job.id)).metadata == {"order": "7 – ü"}
    too_much = ['{"' + "k" * 65 + '": ""}', '{"": ""}', '{"k": "' + "v" * 513 + '"}', '{"k": 1}', '["k"]']
    too_much.append("{" + ", ".join(f'"{n}": ""' for n in range(17)) + "}")
    for metadata in too_much:
        with pytest.raises(InvalidRequest, match="/metadata"):
            parse_request(f'{{"source": {{"upload": {{}}}}, "metadata": {metadata}}}')


class TestQuota:
    def test_jobs_in_flight(self) -> None:
        quota = Quota(jobs=3, audio_seconds=0)
        Usage(jobs=2).check(quota, at=NOW)
        with pytest.raises(QuotaExceeded, match="3 of your jobs") as caught:
            Usage(jobs=3).check(quota, at=NOW)
        assert caught.value.headers == {
            "RateLimit-Policy": '"jobs-in-flight";q=3',
            "RateLimit": '"jobs-in-flight";r=0',
        }
        with pytest.raises(QuotaExceeded):
            Usage(jobs=1).check(quota, at=NOW, more=3)

    def test_audio_of_a_day(self) -> None:
        quota = Quota(jobs=0, audio_seconds=3600)
        Usage(jobs=10**6, audio_seconds=3599).check(quota, at=NOW)
        with pytest.raises(QuotaExceeded) as caught:
            Usage(audio_seconds=3600).check(quota, at=NOW)
        wait = seconds_to_midnight(NOW)
        assert caught.value.retry_after == wait
        assert caught.value.headers == {
            "RateLimit-Policy": f'"audio-seconds";q=3600;w={DAY_SECONDS}',
            "RateLimit": f'"audio-seconds";r=0;t={wait}',
        }

    def test_without_limits_there_is_nothing_to_tell(self) -> None:
        free = Quota(0, 0)
        Usage(10**9, 1e12).check(free, at=NOW)
        assert free.headers(Usage(), at=NOW) == {}

    def test_the_day_ends_at_midnight_utc(self) -> None:
        assert seconds_to_midnight(NOW.replace(hour=23, minute=59, second=59, microsecond=1)) == 1
        assert seconds_to_midnight(NOW.replace(hour=0, minute=0, second=0, microsecond=0)) == DAY_SECONDS


def test_every_status_has_a_view() -> None:
    assert {view(make_queued_job(status=status)).status for status in JobStatus} == set(JobStatus)
