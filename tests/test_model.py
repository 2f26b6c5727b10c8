"""Every state of a job's way, walked: what must hold holds in each, and from each the willing come to an end."""

from __future__ import annotations

import pytest

from tests.model import Rules, stuck, walk


def test_every_state_there_is_keeps_every_promise(capsys: pytest.CaptureFixture[str]) -> None:
    found = walk(Rules())
    with capsys.disabled():
        print(f"\n  model: {len(found.edges):,} states, {found.transitions:,} steps, all of them walked")
    assert found.violations == []
    assert stuck(found) == [], "no job is stuck"


@pytest.mark.parametrize(
    "rules",
    [
        Rules(fenced=False, revision_checked=False),
        Rules(lease_respected=False, revision_checked=False),
    ],
    ids=["without a fence", "without respect for a lease"],
)
def test_a_promise_less_is_noticed(rules: Rules) -> None:
    """With the shortest way to where it goes wrong."""
    [(_, way)] = walk(rules, stop_at_first=True).violations
    assert way


def test_without_a_reaper_a_job_is_stuck() -> None:
    assert stuck(walk(Rules(reaper=False)))
