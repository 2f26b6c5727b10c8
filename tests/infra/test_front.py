"""The page at the domain's root, as CloudFront would answer it: its function runs here in Node."""

from __future__ import annotations

import json
import os
import re
import subprocess
from html.parser import HTMLParser
from typing import Any

import pytest

from infra.front import LONGEST
from infra.node import use_wheel
from tests.infra.conftest import Synthesized
from tiro import __version__


class Tags(HTMLParser):
    """Every tag that opens, with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def ask(edge: Synthesized, path: str) -> dict[str, Any]:
    [function] = edge.of_type("AWS::CloudFront::Function").values()
    use_wheel()
    request = json.dumps({"request": {"uri": path, "headers": {"host": {"value": "scribe.example"}}}})
    script = f"{function['FunctionCode']}\nconsole.log(JSON.stringify(handler({request})))"
    done = subprocess.run([os.environ["JSII_NODE"], "-e", script], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_it_says_what_this_is_and_where_to_go_on(edge: Synthesized) -> None:
    answer = ask(edge, "/")
    assert answer["statusCode"] == 200
    page = answer["body"]["data"]
    assert 'href="/docs"' in page
    assert "TIRO_API_URL=https://scribe.example " in page
    assert f"<span>{__version__}</span>" in page
    assert ask(edge, "/index.html") == answer


def test_it_keeps_to_the_policy_that_it_is_sent_with(edge: Synthesized) -> None:
    tags = Tags()
    tags.feed(ask(edge, "/")["body"]["data"])
    seen = tags.seen
    assert not {"script", "style", "img", "form"} & {tag for tag, _ in seen}
    assert not [a for _, a in seen if "style" in a or any(name.startswith("on") for name in a)]
    [sheet] = [a["href"] for tag, a in seen if tag == "link"]
    assert sheet
    styles = ask(edge, sheet)
    assert styles["headers"]["content-type"]["value"] == "text/css; charset=utf-8"  # nosniff would refuse another
    assert "url(" not in styles["body"]["data"]


@pytest.mark.parametrize("path", ["/", "/tiro.css"])
def test_its_headers_are_those_of_the_buckets_files(path: str, edge: Synthesized) -> None:
    headers = {name: header["value"] for name, header in ask(edge, path)["headers"].items()}
    [policy] = edge.of_type("AWS::CloudFront::ResponseHeadersPolicy").values()
    said = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert headers["content-security-policy"] == said["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert headers["x-frame-options"] == said["FrameOptions"]["FrameOption"]
    assert headers["referrer-policy"] == said["ReferrerPolicy"]["ReferrerPolicy"]
    age = said["StrictTransportSecurity"]["AccessControlMaxAgeSec"]
    assert re.fullmatch(rf"max-age={age}; includeSubDomains", headers["strict-transport-security"])
    assert headers["x-content-type-options"] == "nosniff"


def test_what_is_not_its_own_goes_on_to_the_bucket(edge: Synthesized) -> None:
    assert ask(edge, "/console/app.js")["uri"] == "/console/app.js"


def test_cloudfront_takes_it(edge: Synthesized) -> None:
    [function] = edge.of_type("AWS::CloudFront::Function").values()
    assert len(function["FunctionCode"].encode()) < LONGEST / 2
    [association] = edge.one("AWS::CloudFront::Distribution", "Distribution")["DistributionConfig"][
        "DefaultCacheBehavior"
    ]["FunctionAssociations"]
    assert association["EventType"] == "viewer-request"
