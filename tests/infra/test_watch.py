"""What wakes somebody: every alarm reaches the topic, says what it means, and looks at a metric that there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.conftest import Synthesized, synthesize

ALARMS = {
    *("DeadLetters", "OldestMessage", "AttemptsExhausted", "StoodStill", "ReaperSilent", "ReaperFails", "ApiFails"),
    *("NoWorker", "NoQuota", "WorkersNotStarting", "DispatcherFails", "DecoderDefect"),
}


def alarms(stack: Synthesized) -> dict[str, dict[str, Any]]:
    found = stack.of_type("AWS::CloudWatch::Alarm").items()
    return {re.sub(r"^Watch|[0-9A-F]{8}$", "", name): alarm for name, alarm in found}


def test_there_is_one_for_each_way_that_it_may_go_wrong(workers: Synthesized) -> None:
    assert set(alarms(workers)) == ALARMS


def test_each_says_what_it_means_and_where_to_read_on(workers: Synthesized) -> None:
    for name, alarm in alarms(workers).items():
        assert alarm["AlarmDescription"].endswith(f"docs/runbook.md#{name.lower()}")
        assert len(alarm["AlarmDescription"]) <= 1024  # CloudWatch's limit
        assert alarm["AlarmActions"] == alarm["OKActions"]
        assert alarm["AlarmActions"][0]["Ref"].startswith("WatchTopic")


def test_no_quota_says_what_to_ask_for(workers: Synthesized) -> None:
    words = alarms(workers)["NoQuota"]["AlarmDescription"]
    assert "L-3819A6DF" in words
    assert "L-DB2E81BA" in words


def test_silence_of_the_reaper_is_an_alarm_and_of_the_others_is_none(workers: Synthesized) -> None:
    missing = {name: alarm["TreatMissingData"] for name, alarm in alarms(workers).items()}
    assert missing.pop("ReaperSilent") == "breaching"
    assert set(missing.values()) == {"notBreaching"}


def test_every_dead_letter_queue_is_watched(workers: Synthesized, prod: Synthesized) -> None:
    watched = [m for m in alarms(workers)["DeadLetters"]["Metrics"] if "MetricStat" in m]
    dead = [n for n in prod.of_type("AWS::SQS::Queue") if "DeadLetters" in n or "GivenUp" in n]
    assert len(watched) == len(dead) == 6


def test_what_the_dispatcher_tells_is_what_is_watched(workers: Synthesized) -> None:
    from functions import dispatch

    source = Path(dispatch.__file__).read_text()
    for name in ("WaitingUnattended", "RefusedQuota", "RefusedOther"):
        assert f'"{name}"' in source
        assert name in {alarm.get("MetricName") for alarm in alarms(workers).values()}


def test_a_budget_is_told_to_the_topic_only_where_one_is_set(workers: Synthesized, tmp_path: Path) -> None:
    assert not workers.of_type("AWS::Budgets::Budget")
    stage = synthesize(tmp_path, stage="dev", budget_usd=100, alarm_email="ops@example.com").beside("workers")
    [budget] = stage.of_type("AWS::Budgets::Budget").values()
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 100, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:tiro:stage$dev"]}
    manifest = json.loads((stage.folder / "manifest.json").read_text())["artifacts"]
    tags = [one["properties"]["tags"] for one in manifest.values() if one["type"] == "aws:cloudformation:stack"]
    assert tags == [{"tiro:stage": "dev"}] * 2
    [subscription] = stage.of_type("AWS::SNS::Subscription").values()
    assert subscription["Endpoint"] == "ops@example.com"
    [policy] = stage.of_type("AWS::SNS::TopicPolicy").values()
    allowed = [s["Principal"] for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert {"Service": "budgets.amazonaws.com"} in allowed


@pytest.mark.parametrize(
    "title", ["Jobs", "Workers", "Failures by code", "Drops refused, by reason", "Queue wait, ms", "Real-time factor"]
)
def test_the_dashboard_shows(title: str, workers: Synthesized) -> None:
    [dashboard] = workers.of_type("AWS::CloudWatch::Dashboard").values()
    assert title in str(dashboard["DashboardBody"])
