"""What the edge stack promises: one domain, nothing in clear, nothing of the API kept, and a firewall on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.api import OPEN_ROUTES, ROUTES
from tests.infra.conftest import Synthesized, synthesize

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"


def distribution(stack: Synthesized) -> dict[str, Any]:
    found: dict[str, Any] = stack.one("AWS::CloudFront::Distribution", "Distribution")["DistributionConfig"]
    return found


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    folder = tmp_path_factory.mktemp("guarded")
    given = {"edge": "true", "waf": "true", "domain": "scribe.example", "certificate": CERTIFICATE}
    return synthesize(folder, stage="dev", workers="none", **given).beside("edge")  # type: ignore[arg-type]


def test_every_route_of_the_api_leads_there(edge: Synthesized) -> None:
    patterns = [behavior["PathPattern"] for behavior in distribution(edge)["CacheBehaviors"]]
    assert sorted(patterns) == ["/docs", "/openapi.json", "/problems/*", "/v1/*"]
    for _, route in (*ROUTES, *OPEN_ROUTES):
        assert any(route == p or (p.endswith("*") and route.startswith(p[:-1])) for p in patterns)


def test_no_answer_of_the_api_is_kept_and_every_method_passes(edge: Synthesized) -> None:
    for behavior in distribution(edge)["CacheBehaviors"]:
        assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # AWS's CachingDisabled
        assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # AllViewerExceptHostHeader
        assert "POST" in behavior["AllowedMethods"]


def test_nothing_travels_in_clear(edge: Synthesized) -> None:
    config = distribution(edge)
    assert {behavior["ViewerProtocolPolicy"] for behavior in config["CacheBehaviors"]} == {"https-only"}
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    [api] = [origin for origin in config["Origins"] if "CustomOriginConfig" in origin]
    assert api["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert api["OriginPath"] == "/prod"


def test_only_cloudfront_reads_the_page(edge: Synthesized) -> None:
    for bucket in edge.of_type("AWS::S3::Bucket").values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]
    [page] = [origin for origin in distribution(edge)["Origins"] if "S3OriginConfig" in origin]
    assert page["OriginAccessControlId"]


def test_a_page_runs_its_own_scripts_and_is_framed_by_nobody(edge: Synthesized) -> None:
    [policy] = edge.of_type("AWS::CloudFront::ResponseHeadersPolicy").values()
    headers = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    said = headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert "default-src 'none'" in said
    assert "script-src 'self';" in said
    assert "unsafe" not in said
    assert headers["FrameOptions"]["FrameOption"] == "DENY"
    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 365 * 24 * 3600
    assert headers["ContentTypeOptions"]["Override"] is True


def test_a_domain_comes_with_its_certificate(guarded: Synthesized, edge: Synthesized) -> None:
    config = distribution(guarded)
    assert config["Aliases"] == ["scribe.example"]
    assert config["ViewerCertificate"]["AcmCertificateArn"] == CERTIFICATE
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert guarded.outputs()["Url"] == "https://scribe.example"
    assert "Aliases" not in distribution(edge)


def test_a_firewall_stands_before_the_api_where_one_is_wanted(guarded: Synthesized, edge: Synthesized) -> None:
    [wall] = guarded.of_type("AWS::WAFv2::WebACL").values()
    assert wall["Scope"] == "REGIONAL"
    limits = {rule["Name"]: rule["Statement"].get("RateBasedStatement") for rule in wall["Rules"]}
    # All who come by CloudFront come from its addresses: one of them must not lock the others out.
    key, address = limits["key"], limits["address"]
    assert [*key["CustomKeys"][0], key["CustomKeys"][1]["Header"]["Name"]] == ["IP", "authorization"]
    assert address["AggregateKeyType"] == "IP"
    assert address["Limit"] >= 10 * key["Limit"]
    # It refuses bodies over 8 KB, which a recording in a call is.
    assert "AWSManagedRulesCommonRuleSet" not in [rule["Name"] for rule in wall["Rules"]]
    assert len(guarded.of_type("AWS::WAFv2::WebACLAssociation")) == 1
    assert not edge.of_type("AWS::WAFv2::WebACL")


def test_the_service_stack_knows_none_of_what_an_emulator_lacks(prod: Synthesized, tmp_path: Path) -> None:
    kinds = {resource["Type"].split("::")[1] for resource in prod.template["Resources"].values()}
    assert not kinds & {"WAFv2", "Budgets", "ApplicationAutoScaling", "ECS", "EC2", "CloudFront"}
