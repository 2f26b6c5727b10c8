"""The edge stack: one domain for page and API, headers that keep a page safe, a firewall where one is wanted."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra.api import STAGE
from infra.config import StageConfig
from infra.front import front_code
from infra.nag import acknowledge

API_PATHS = ("/v1/*", "/docs", "/openapi.json", "/problems/*")
"""What the API answers; everything else is the page."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob: https:; "
    "connect-src 'self' https://*.amazonaws.com; font-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Of the page: its own scripts alone. It sends recordings to S3 itself, by addresses that were signed for it."""

YEAR = Duration.days(365)

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "strict-transport-security": f"max-age={YEAR.to_seconds():.0f}; includeSubDomains",
}
"""What `_headers` tells of the bucket's files, for what is answered without one."""

LOG_DAYS = 90

RULES = ("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet")
"""Not the common rule set: it refuses bodies over 8 KB, which a recording in a call is."""

CALLS_IN_FIVE_MINUTES = 2000
"""Of one key at one address. API Gateway throttles all callers together; this keeps one from using it up."""

CALLS_OF_AN_ADDRESS = 20_000
"""In five minutes, whatever the keys: behind an address of CloudFront's are many callers, and one may try many keys."""


class EdgeStack(Stack):
    def __init__(self, scope: Construct, construct_id: str, *, config: StageConfig, api: apigateway.RestApi) -> None:
        super().__init__(scope, construct_id, description="Tiro: one domain for the page and the API")
        self._removal = RemovalPolicy.RETAIN if config.retain else RemovalPolicy.DESTROY
        self._log = self._make_log()
        self.page = self._bucket("Page", server_access_logs_bucket=self._log, server_access_logs_prefix="page/")
        self.distribution = self._distribute(config, api)
        if config.waf:
            self._guard(api)
        CfnOutput(self, "Url", value=f"https://{config.domain or self.distribution.distribution_domain_name}")
        CfnOutput(self, "PageBucket", value=self.page.bucket_name)
        CfnOutput(self, "DistributionId", value=self.distribution.distribution_id)

    def _make_log(self) -> s3.Bucket:
        return self._bucket(
            "Log",
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,  # CloudFront writes by an ACL
            lifecycle_rules=[s3.LifecycleRule(id="age", expiration=Duration.days(LOG_DAYS))],
        )

    def _bucket(self, construct_id: str, **properties: object) -> s3.Bucket:
        return s3.Bucket(
            self,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=self._removal,
            **properties,  # type: ignore[arg-type]
        )

    def _distribute(self, config: StageConfig, api: apigateway.RestApi) -> cloudfront.Distribution:
        host = f"{api.rest_api_id}.execute-api.{self.region}.{self.url_suffix}"
        to_api = cloudfront.BehaviorOptions(
            origin=origins.HttpOrigin(host, origin_path=f"/{STAGE}", read_timeout=Duration.seconds(60)),
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,  # with Authorization
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,  # no key is sent twice, once in clear
            compress=True,
        )
        to_page = cloudfront.BehaviorOptions(
            origin=origins.S3BucketOrigin.with_origin_access_control(self.page),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            response_headers_policy=self._headers(),
            compress=True,
            function_associations=[
                cloudfront.FunctionAssociation(
                    function=self._front(), event_type=cloudfront.FunctionEventType.VIEWER_REQUEST
                )
            ],
        )
        certificate = (
            acm.Certificate.from_certificate_arn(self, "Certificate", config.certificate) if config.domain else None
        )
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"Tiro, {config.stage}",
            default_behavior=to_page,
            additional_behaviors=dict.fromkeys(API_PATHS, to_api),
            default_root_object="index.html",
            domain_names=[config.domain] if config.domain else None,
            certificate=certificate,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            web_acl_id=config.edge_web_acl or None,
            log_bucket=self._log,
            log_file_prefix="edge/",
        )
        self._acknowledge(distribution, config)
        return distribution

    def _front(self) -> cloudfront.Function:
        return cloudfront.Function(
            self,
            "Front",
            comment="Tiro: the page at the root",
            code=cloudfront.FunctionCode.from_inline(front_code(HEADERS)),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
        )

    def _acknowledge(self, distribution: cloudfront.Distribution, config: StageConfig) -> None:
        acknowledge(distribution, "CFR1", "A scribe serves every country; who may call is said by keys.")
        if not config.edge_web_acl:
            acknowledge(distribution, "CFR2", "A firewall costs by the month: `waf` and `edge_web_acl` switch it on.")
        if not config.domain:
            acknowledge(distribution, "CFR4", "CloudFront's own certificate allows no choice; `domain` brings TLS 1.2.")

    def _headers(self) -> cloudfront.ResponseHeadersPolicy:
        headers = cloudfront.ResponseSecurityHeadersBehavior(
            content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                content_security_policy=POLICY, override=True
            ),
            content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
            frame_options=cloudfront.ResponseHeadersFrameOptions(
                frame_option=cloudfront.HeadersFrameOption.DENY, override=True
            ),
            referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
            ),
            strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                access_control_max_age=YEAR, include_subdomains=True, override=True
            ),
        )
        return cloudfront.ResponseHeadersPolicy(self, "Headers", security_headers_behavior=headers)

    # ------------------------------------------------------------ the firewall

    def _guard(self, api: apigateway.RestApi) -> None:
        """Stand before the API itself, which is reached with and without CloudFront."""
        of_a_key = wafv2.CfnWebACL.RateBasedStatementProperty(
            aggregate_key_type="CUSTOM_KEYS", custom_keys=_address_and_key(), limit=CALLS_IN_FIVE_MINUTES
        )
        of_an_address = wafv2.CfnWebACL.RateBasedStatementProperty(aggregate_key_type="IP", limit=CALLS_OF_AN_ADDRESS)
        limits = [_limit("key", 0, of_a_key), _limit("address", 1, of_an_address)]
        wall = wafv2.CfnWebACL(
            self,
            "Firewall",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            rules=[*limits, *(_managed(name, priority) for priority, name in enumerate(RULES, start=len(limits)))],
            visibility_config=_visible("tiro"),
        )
        stage = f"arn:{self.partition}:apigateway:{self.region}::/restapis/{api.rest_api_id}/stages/{STAGE}"
        wafv2.CfnWebACLAssociation(self, "FirewallOfApi", resource_arn=stage, web_acl_arn=wall.attr_arn)


def _address_and_key() -> list[wafv2.CfnWebACL.RateBasedStatementCustomKeyProperty]:
    as_it_is = wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")
    key = wafv2.CfnWebACL.RateLimitHeaderProperty(name="authorization", text_transformations=[as_it_is])
    each = wafv2.CfnWebACL.RateBasedStatementCustomKeyProperty
    return [each(ip={}), each(header=key)]


def _limit(
    name: str, priority: int, statement: wafv2.CfnWebACL.RateBasedStatementProperty
) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(rate_based_statement=statement),
        visibility_config=_visible(name),
    )


def _managed(name: str, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(name=name, vendor_name="AWS")
        ),
        visibility_config=_visible(name),
    )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
