"""The front door: a REST API that knows its routes, asks the authorizer, and lets only then a function run."""

from __future__ import annotations

import json
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.nag import acknowledge
from infra.problems import PROBLEMS

STAGE = "prod"

ROUTES = (
    ("POST", "/v1/transcriptions"),
    ("GET", "/v1/transcriptions"),
    ("GET", "/v1/transcriptions/{id}"),
    ("DELETE", "/v1/transcriptions/{id}"),
    ("POST", "/v1/transcriptions/{id}/cancel"),
    ("POST", "/v1/transcriptions/{id}/retry"),
    ("GET", "/v1/transcriptions/{id}/transcript"),
    ("GET", "/v1/transcriptions/{id}/media"),
    ("GET", "/v1/transcriptions/{id}/upload"),
    ("POST", "/v1/transcriptions/{id}/upload/parts"),
    ("POST", "/v1/transcriptions/{id}/upload/complete"),
    ("GET", "/v1/transcriptions/{id}/deliveries"),
    ("POST", "/v1/transcriptions/{id}/deliveries/{delivery}/redeliver"),
    ("POST", "/v1/webhooks"),
    ("GET", "/v1/webhooks"),
    ("GET", "/v1/webhooks/{id}"),
    ("DELETE", "/v1/webhooks/{id}"),
    ("POST", "/v1/webhooks/{id}/rotate"),
    ("POST", "/v1/webhooks/{id}/test"),
    ("POST", "/v1/batches"),
    ("GET", "/v1/batches/{id}"),
    ("POST", "/v1/audio/transcriptions"),
    ("POST", "/v1/audio/translations"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model}"),
)
"""By name: what is not here is refused at the door. A test holds them against the function's own."""

OPEN_ROUTES = (
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/problems/{code}"),
)
"""Those that need no key. What they answer is the same for everybody and nobody's secret."""

ANY = "ANY"
"""API Gateway's name for every method that a resource does not name."""


def _paths(routes: tuple[tuple[str, str], ...]) -> list[str]:
    return list(dict.fromkeys(path for _, path in routes))


_OPENAI_HEADERS = [
    "OpenAI-Beta",
    "OpenAI-Organization",
    "OpenAI-Project",
    "User-Agent",
    "X-Client-Request-Id",
    "X-Stainless-Arch",
    "X-Stainless-Async",
    "X-Stainless-Custom-Event-Handler",
    "X-Stainless-Custom-Poll-Interval",
    "X-Stainless-Helper-Method",
    "X-Stainless-Lang",
    "X-Stainless-OS",
    "X-Stainless-Package-Version",
    "X-Stainless-Poll-Helper",
    "X-Stainless-Raw-Response",
    "X-Stainless-Read-Timeout",
    "X-Stainless-Retry-Count",
    "X-Stainless-Runtime",
    "X-Stainless-Runtime-Version",
    "X-Stainless-Stream-Helper",
    "X-Stainless-Timeout",
]
"""What OpenAI's SDKs send (openai-node 6, openai-python 3.54, by their sources) and a preflight asks for, by name: `*`
does not cover `Authorization` (Fetch standard, "CORS non-wildcard request-header name")."""

_REQUEST_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Prefer", *_OPENAI_HEADERS]

_LOG_LINE = json.dumps(
    {
        "request_id": "$context.requestId",
        "owner": "$context.authorizer.owner",
        "key": "$context.authorizer.key_id",
        "ip": "$context.identity.sourceIp",
        "method": "$context.httpMethod",
        "route": "$context.resourcePath",
        "status": "$context.status",
        "error": "$context.error.responseType",
        "milliseconds": "$context.responseLatency",
        "bytes": "$context.responseLength",
    }
)


@dataclass(frozen=True, kw_only=True)
class ApiOptions:
    origins: tuple[str, ...]  # whose web pages may call
    requests_per_second: int  # of all callers together
    requests_burst: int
    authorizer_cache_seconds: int  # 0: ask every time; for so long a revoked key still opens
    log_retention: str  # a name in aws_logs.RetentionDays
    retain: bool  # keep the access log when the stack goes
    key: kms.IKey | None  # what it is encrypted by; None: AWS's own


class Api(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: lambda_.IFunction,
        authorizer: lambda_.IFunction,
        options: ApiOptions,
    ) -> None:
        super().__init__(scope, construct_id)
        self._options = options
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name="tiro",
            description="Tiro: recorded speech into text",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            deploy_options=self._make_stage(),
            binary_media_types=["multipart/form-data"],  # as base64: whatever else is in a call is text
            default_cors_preflight_options=apigateway.CorsOptions(
                allow_origins=list(options.origins),
                allow_methods=sorted({method for method, _ in ROUTES}),
                allow_headers=_REQUEST_HEADERS,
                max_age=Duration.hours(1),
            ),
        )
        self.api.node.try_remove_child("Endpoint")  # an output, under a name that CDK makes up
        self._let_gateway_log()
        self._tell_problems()
        self._add_routes(handler, authorizer)
        self._acknowledge()

    @property
    def url(self) -> str:
        return self.api.url

    def _make_stage(self) -> apigateway.StageOptions:
        log = logs.LogGroup(
            self,
            "AccessLog",
            encryption_key=self._options.key,
            retention=logs.RetentionDays[self._options.log_retention],
            removal_policy=RemovalPolicy.RETAIN if self._options.retain else RemovalPolicy.DESTROY,
        )
        return apigateway.StageOptions(
            stage_name=STAGE,
            access_log_destination=apigateway.LogGroupLogDestination(log),
            access_log_format=apigateway.AccessLogFormat.custom(_LOG_LINE),
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,  # bodies and keys stay out of the log
            metrics_enabled=True,
            throttling_rate_limit=self._options.requests_per_second,
            throttling_burst_limit=self._options.requests_burst,
        )

    def _let_gateway_log(self) -> None:
        """API Gateway writes no log until its account has a role for it: one for a region, whoever sets it."""
        role = iam.Role(
            self,
            "LogRole",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AmazonAPIGatewayPushToCloudWatchLogs")
            ],
        )
        account = apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        # Other APIs of the account log by it too.
        for resource in (role, account):
            resource.apply_removal_policy(RemovalPolicy.RETAIN)
        self.api.deployment_stage.node.add_dependency(account)
        acknowledge(
            role,
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
            "API Gateway makes its log groups itself, by names of its own; AWS keeps this policy for just that.",
        )

    def _tell_problems(self) -> None:
        for problem in PROBLEMS:
            self.api.add_gateway_response(
                f"Problem-{problem.kind.response_type}",
                type=problem.kind,
                status_code=str(problem.status),
                response_headers=problem.headers,
                templates={"application/json": problem.template},
            )

    def _add_routes(self, handler: lambda_.IFunction, authorizer: lambda_.IFunction) -> None:
        guard = apigateway.RequestAuthorizer(
            self,
            "Authorizer",
            handler=authorizer,
            identity_sources=[apigateway.IdentitySource.header("Authorization")],
            results_cache_ttl=Duration.seconds(self._options.authorizer_cache_seconds),
        )
        integration = apigateway.LambdaIntegration(handler, scope_permission_to_method=False)
        # ANY takes the methods that are not named: the function answers HEAD where there is GET, and else 405.
        for method, path in (*ROUTES, *((ANY, path) for path in _paths(ROUTES))):
            self.api.root.resource_for_path(path).add_method(method, integration, authorizer=guard)
        for method, path in (*OPEN_ROUTES, *((ANY, path) for path in _paths(OPEN_ROUTES))):
            opened = self.api.root.resource_for_path(path).add_method(method, integration)
            for rule in ("APIG4", "COG4"):
                acknowledge(opened, rule, "It answers the documentation, which is for everybody.")

    def _acknowledge(self) -> None:
        acknowledge(
            self.api, "APIG2", "The function checks every field itself and says which is wrong; a model cannot."
        )
        acknowledge(self.api, "APIG3", "Nothing runs without a key, and calls are throttled; a web ACL is the edge's.")
        acknowledge(self.api, "COG4", "Callers are programs with API keys of ours, which the Lambda authorizer checks.")
