"""What Tiro costs in a month in which nobody asks for anything: counted in the templates that would be deployed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.costs.hours import HOURS

MINUTES = HOURS * 60

POLLERS = 5
"""With which Lambda asks an empty queue (Lambda guide, "Using Lambda with Amazon SQS": five at a time)."""

POLLS_A_MINUTE = 3  # each holds a call open for 20 s

INDEX_READS = 48 * 0.5
"""Units a minute: on_schedule asks eight shards of each of six kinds what is due. Counted on moto."""

QUEUE_READS = 4
"""A minute: on_schedule and the dispatcher each ask how deep two queues are. Counted on moto."""

# Taken for granted, not measured:
SECONDS = 0.5  # of a function that finds nothing to do: fifty calls of on_schedule's, of 10 ms each
LOG_BYTES = 2000  # that it says then
IMAGE_GB = 5  # the GPU worker's, as a registry packs it; its image was never built

Template = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    what: str
    how_many: str
    usd: float  # a month, by the list
    beyond_free: float  # a month, where nothing else in the account uses what AWS gives for nothing for good


def idle_bill(templates: Sequence[Template], prices: Mapping[str, Any], metrics: int) -> Iterator[Line]:
    """Yield the lines of a month. `metrics`: so many are told every minute, though nothing happens."""
    idle, per_million, free = prices["idle"], prices["per_million"], prices["always_free"]

    def line(what: str, count: float, unit: str, usd: float, given: float = 0) -> Line:
        return Line(
            what,
            f"{count:,.0f} {unit}".strip() if count >= 10 else f"{count:.2g} {unit}".strip(),
            count * usd,
            max(0, count - given) * usd,
        )

    zones = sum(len(e["SubnetIds"]) for e in _of(templates, "AWS::EC2::VPCEndpoint") if "SubnetIds" in e)
    yield line("SQS's interface endpoint, by zone and hour", zones * HOURS, "h", idle["endpoint_zone_hour"])
    looked_at = sum(
        max(1, sum("MetricStat" in metric for metric in alarm.get("Metrics", ())))
        for alarm in _of(templates, "AWS::CloudWatch::Alarm")
    )
    alarm = idle["alarm_metric_month"]
    yield line("alarms, by metric that they look at", looked_at, "", alarm, free["alarm_metric_month"])
    boards = len(_of(templates, "AWS::CloudWatch::Dashboard"))
    yield line("dashboards", boards, "", idle["dashboard_month"], free["dashboard_month"])
    yield line(
        "metrics that the dispatcher tells every minute", metrics, "", idle["metric_month"], free["metric_month"]
    )
    asked = polled_queues(templates) * POLLERS * POLLS_A_MINUTE * MINUTES + QUEUE_READS * MINUTES
    yield line("empty looks into queues", asked, "calls", per_million["sqs_request"] / 1e6, free["sqs_request"])
    runs = MINUTES * sum(
        rule.get("ScheduleExpression") == "rate(1 minute)" for rule in _of(templates, "AWS::Events::Rule")
    )
    yield line("functions by the minute", runs, "runs", per_million["lambda_request"] / 1e6, free["lambda_request"])
    yield line("their time, at half a GB", runs * SECONDS / 2, "GB-s", prices["gb_second"], free["gb_second"])
    yield line("what they log", runs * LOG_BYTES / 1e9, "GB", prices["log_gb"], free["log_gb"])
    yield line("looks into the table's index", INDEX_READS * MINUTES, "units", per_million["read_unit"] / 1e6)
    yield line("the worker's image in the registry", IMAGE_GB, "GB", idle["image_gb_month"])
    yield line("keys of KMS", len(_of(templates, "AWS::KMS::Key")), "", idle["key_month"])
    kinds = ("AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::Instance", "AWS::ECS::Service")
    yield line("gateways, addresses, machines", sum(len(_of(templates, kind)) for kind in kinds), "", HOURS * 0.045)


def firewall(rules: int, prices: Mapping[str, Any]) -> float:
    """Return USD a month of the option `waf`, without its calls."""
    idle = prices["idle"]
    return float(idle["firewall_month"] + rules * idle["firewall_rule_month"])


def own_key(templates: Sequence[Template], prices: Mapping[str, Any]) -> float:
    """Return USD a month of the option `kms_key=make`, in its first year: the key, and what is asked of it idly.

    Each poller of a queue asks once in an hour, which infra/queueing.py sets. The two functions that look into the
    table every minute ask once in five (DynamoDB guide, "Encryption at rest: how it works").
    """
    asked = polled_queues(templates) * POLLERS * HOURS + 2 * MINUTES / 5
    return float(prices["idle"]["key_month"] + asked * prices["idle"]["key_requests_million"] / 1e6)


def polled_queues(templates: Sequence[Template]) -> int:
    """Return how many queues Lambda looks into all the time; to look into the table's stream costs nothing."""
    mappings = _of(templates, "AWS::Lambda::EventSourceMapping")
    return sum("Stream" not in json.dumps(mapping["EventSourceArn"]) for mapping in mappings)


def _of(templates: Sequence[Template], kind: str) -> list[dict[str, Any]]:
    resources = (resource for template in templates for resource in template["Resources"].values())
    return [resource.get("Properties", {}) for resource in resources if resource["Type"] == kind]
