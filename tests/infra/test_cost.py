"""docs/cost.md is what prices, speeds and templates say; and an idle month stays cheap."""

from __future__ import annotations

import pytest

from infra.edge import RULES
from tests.costs.hours import read_prices
from tests.costs.idle import Template, idle_bill
from tests.costs.page import PAGE, fill, metrics_when_idle
from tests.infra.conftest import Synthesized

MOST_USD = 25.0


@pytest.fixture
def templates(prod: Synthesized, workers: Synthesized) -> list[Template]:
    return [prod.template, workers.template]


def test_the_page_is_current(templates: list[Template]) -> None:
    assert PAGE.read_text() == fill(PAGE.read_text(), templates, firewall_rules=len(RULES) + 1), "run `make costs`"


def test_an_idle_month_costs_less_than_was_aimed_at(templates: list[Template]) -> None:
    bill = list(idle_bill(templates, read_prices(), metrics_when_idle()))
    assert sum(line.beyond_free for line in bill) < sum(line.usd for line in bill) < MOST_USD


def test_what_costs_by_the_hour_whether_or_not_it_is_used_is_the_endpoint_alone(
    templates: list[Template],
) -> None:
    bill = {line.what: line.usd for line in idle_bill(templates, read_prices(), metrics_when_idle())}
    assert bill["gateways, addresses, machines"] == bill["keys of KMS"] == 0
    assert bill["SQS's interface endpoint, by zone and hour"] == pytest.approx(14.6)


def test_what_is_added_to_the_templates_is_on_the_bill(templates: list[Template]) -> None:
    before = sum(line.usd for line in idle_bill(templates, read_prices(), metrics_when_idle()))
    more: list[Template] = [
        *templates,
        {"Resources": {"Nat": {"Type": "AWS::EC2::NatGateway"}, "Alarm": {"Type": "AWS::CloudWatch::Alarm"}}},
    ]
    assert sum(line.usd for line in idle_bill(more, read_prices(), metrics_when_idle())) == pytest.approx(
        before + 32.85 + 0.10
    )
