"""What wakes somebody, and the one page that is looked at then. Each alarm has its page in docs/runbook.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

NAMESPACE = "Tiro"
"""Of the metrics that Tiro tells itself (docs/telemetry.md)."""

STAGE_TAG = "tiro:stage"
"""By which a bill may be split, once it is activated as a cost allocation tag (docs/deploy.md)."""

MINUTE = Duration.minutes(1)
FIVE_MINUTES = Duration.minutes(5)
HOUR = Duration.hours(1)

Comparison = cloudwatch.ComparisonOperator
Missing = cloudwatch.TreatMissingData


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What there is to look at."""

    stage: str
    work: sqs.IQueue
    dead_letters: Mapping[str, sqs.IQueue]  # by what would not be done with them
    reaper: lambda_.IFunction
    dispatcher: lambda_.IFunction
    api_name: str
    target_wait_seconds: float  # that a backlog may last
    key: kms.IKey | None  # what the topic is encrypted by; None: nothing


class Watch(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, watched: Watched, email: str, budget_usd: float) -> None:
        super().__init__(scope, construct_id)
        self._watched = watched
        self.topic = sns.Topic(
            self, "Topic", display_name=f"Tiro, {watched.stage}", enforce_ssl=True, master_key=watched.key
        )
        if email:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        self._watch_queues()
        self._watch_jobs()
        self._watch_workers()
        self._draw()
        if budget_usd:
            self._limit(budget_usd)

    # ------------------------------------------------------------ alarms

    def _watch_queues(self) -> None:
        queues = self._watched.dead_letters
        visible = {f"q{place}": self._depth(queue) for place, queue in enumerate(queues.values())}
        dead = cloudwatch.MathExpression(
            expression="+".join(visible), using_metrics=visible, period=FIVE_MINUTES, label="Dead letters"
        )
        self._alarm(
            "DeadLetters",
            dead,
            "Something was tried so often that it was set aside, and nobody has looked at it: "
            f"{', '.join(queues)}. What was set aside is kept for a fortnight.",
            above=0,
        )
        longest = max(3600.0, 4 * self._watched.target_wait_seconds)
        self._alarm(
            "OldestMessage",
            self._watched.work.metric_approximate_age_of_oldest_message(period=FIVE_MINUTES, statistic="Maximum"),
            f"A recording has waited for more than {longest / 60:.0f} minutes. Either there are too few workers, or "
            "one recording comes back again and again.",
            above=longest,
            periods=2,
        )

    def _watch_jobs(self) -> None:
        self._alarm(
            "AttemptsExhausted",
            self._told("JobsFailed", "Sum", FIVE_MINUTES, code="attempts_exhausted"),
            "A job was given up although its recording may be good: every attempt failed or died.",
            above=0,
        )
        self._alarm(
            "DecoderDefect",
            self._told("JobsFailed", "Sum", FIVE_MINUTES, code="decoder_defect"),
            "A job failed of a defect in Tiro's decoder. Every recording of its kind fails until it is repaired.",
            above=0,
        )
        self._alarm(
            "StoodStill",
            self._told("StoodStill", "Sum", FIVE_MINUTES),
            "A worker's work stood still and its own watchdog ended it. The job goes on elsewhere; twice is a pattern.",
            above=1,
        )
        self._alarm(
            "ReaperSilent",
            self._watched.reaper.metric_invocations(period=FIVE_MINUTES),
            "Nobody looks for jobs that nobody holds, and no delivery is tried again: on_schedule has not run.",
        )
        self._alarm(
            "ReaperFails",
            self._watched.reaper.metric_errors(period=FIVE_MINUTES),
            "on_schedule runs and fails, minute after minute: its log says at what.",
            above=2,
        )
        self._alarm("ApiFails", self._api("5XXError"), "The API answers callers with 5xx.", above=4)

    def _watch_workers(self) -> None:
        self._alarm(
            "NoWorker",
            self._told("WaitingUnattended", "Minimum", FIVE_MINUTES),
            "Recordings have waited for fifteen minutes and no worker runs.",
            above=0,
            periods=3,
        )
        self._alarm(
            "NoQuota",
            self._told("RefusedQuota", "Maximum", FIVE_MINUTES),
            "This account may not rent the machines in this region, as in every new account. Ask in Service Quotas for "
            "'All G and VT Spot Instance Requests' (L-3819A6DF) and 'Running On-Demand G and VT instances' "
            "(L-DB2E81BA): four vCPUs for each worker. Until then set workers=cpu.",
            above=0,
        )
        self._alarm(
            "WorkersNotStarting",
            self._told("RefusedOther", "Maximum", FIVE_MINUTES),
            "Workers are asked for, get a machine and do not start: the image, a role or the network is at fault.",
            above=2,
        )
        self._alarm(
            "DispatcherFails",
            self._watched.dispatcher.metric_errors(period=FIVE_MINUTES),
            "The dispatcher fails minute after minute, and nobody asks for workers.",
            above=2,
        )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        words: str,
        *,
        above: float | None = None,
        periods: int = 1,
    ) -> None:
        """Wake somebody when it is above; without `above`, when it is nothing at all."""
        silent = above is None
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            alarm_description=f"{words} docs/runbook.md#{name.lower()}",
            threshold=1 if above is None else above,
            comparison_operator=Comparison.LESS_THAN_THRESHOLD if silent else Comparison.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=Missing.BREACHING if silent else Missing.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))

    def _limit(self, usd: float) -> None:
        """Of what bears the stage's tag alone. Until that is activated for billing, nothing does."""
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("budgets.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
            )
        )
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit={"amount": usd, "unit": "USD"},
                cost_filters={"TagKeyValue": [f"user:{STAGE_TAG}${self._watched.stage}"]},
            ),
            notifications_with_subscribers=[
                self._notice("ACTUAL", 80),
                self._notice("FORECASTED", 100),
            ],
        )

    def _notice(self, kind: str, percent: float) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
        return budgets.CfnBudget.NotificationWithSubscribersProperty(
            notification=budgets.CfnBudget.NotificationProperty(
                comparison_operator="GREATER_THAN", notification_type=kind, threshold=percent
            ),
            subscribers=[budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=self.topic.topic_arn)],
        )

    # ------------------------------------------------------------ the page

    def _draw(self) -> None:
        told = self._told
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=f"tiro-{self._watched.stage}")
        jobs = [told(f"Jobs{state}", "Sum", FIVE_MINUTES) for state in ("Queued", "Completed", "Cancelled")]
        waits = [told("QueueWait", statistic, FIVE_MINUTES) for statistic in ("p50", "p95")]
        speed = [told("RealTimeFactor", statistic, FIVE_MINUTES) for statistic in ("p50", "p95")]
        workers = [told(f"Workers{state}", "Maximum", MINUTE) for state in ("Wanted", "Running", "Pending")]
        hours = cloudwatch.MathExpression(
            expression="running / 60",  # told once a minute
            using_metrics={"running": told("WorkersRunning", "Sum", HOUR)},
            period=HOUR,
            label="Worker hours",
        )
        dashboard.add_widgets(
            _graph("Jobs", jobs), _graph("Queue wait, ms", waits), self._by("code", "JobsFailed", "Failures by code")
        )
        dashboard.add_widgets(
            _graph("Workers", workers),
            _graph("Waiting", [told("Waiting", "Maximum", MINUTE), told("BacklogSeconds", "Maximum", MINUTE)]),
            _graph("Real-time factor: less is faster", speed),
        )
        dashboard.add_widgets(
            _graph("Worker hours, by the hour", [hours]),
            _graph("Cost of jobs, USD a day", [told("CostUSD", "Sum", Duration.days(1))]),
            _graph("API", [self._api("Count"), self._api("4XXError"), self._api("5XXError")]),
        )
        dashboard.add_widgets(self._by("reason", "DropsRefused", "Drops refused, by reason"))

    def _by(self, dimension: str, name: str, title: str) -> cloudwatch.GraphWidget:
        """Return a graph with a line for each value of a dimension that there is."""
        lines = f'{{{NAMESPACE},stage,{dimension}}} MetricName="{name}" stage="{self._watched.stage}"'
        found = cloudwatch.MathExpression(
            expression=f"SEARCH('{lines}', 'Sum', 300)", using_metrics={}, period=FIVE_MINUTES, label=""
        )
        return _graph(title, [found])

    # ------------------------------------------------------------ metrics

    def _told(self, name: str, statistic: str, period: Duration, **dimensions: str) -> cloudwatch.Metric:
        """Return one of Tiro's own."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"stage": self._watched.stage, **dimensions},
            statistic=statistic,
            period=period,
        )

    def _api(self, name: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name=name,
            dimensions_map={"ApiName": self._watched.api_name},
            statistic="Sum",
            period=FIVE_MINUTES,
        )

    def _depth(self, queue: sqs.IQueue) -> cloudwatch.Metric:
        return queue.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES, statistic="Minimum")


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)
