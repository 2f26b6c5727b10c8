"""What the functions count, in CloudWatch's embedded metric format; `docs/telemetry.md` says what each one means."""

from __future__ import annotations

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from functions import wiring
from tiro.delivery import Delivery, Event
from tiro.service import Stray
from tiro.settings import Settings

NAMESPACE = "Tiro"


def job_changed(event: Event) -> None:
    """Count a change of a job; one that failed, by its code."""
    cut = {"code": event.code} if event.code else {}
    _count(f"Jobs{event.status.value.title()}", **cut)


def drop_refused(why: Stray) -> None:
    """Count an object that no job can come of, by the reason."""
    _count("DropsRefused", reason=why)


def tried(delivery: Delivery) -> None:
    """Count a try to tell somebody, by what became of the delivery: pending, delivered or failed."""
    _count(f"Deliveries{delivery.state.value.title()}")


def _count(name: str, **dimensions: str) -> None:
    stage = {"stage": wiring.settings(Settings).stage}
    with single_metric(name, MetricUnit.Count, 1, namespace=NAMESPACE, default_dimensions=stage) as metric:
        for dimension, value in dimensions.items():
            metric.add_dimension(dimension, value)
