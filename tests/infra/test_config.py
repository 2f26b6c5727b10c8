from __future__ import annotations

import pytest

from infra.config import STAGES, ConfigError, configure


def test_a_stage_is_taken_as_it_stands() -> None:
    assert configure({"stage": "prod"}) == STAGES["prod"]


def test_what_is_not_ours_is_left_alone() -> None:
    context = {
        "stage": "sandbox",
        "@aws-cdk/core:checkSecretUsage": True,
        "aws:cdk:bundling-stacks": [],
        "cli-telemetry": 1,
    }
    assert configure(context) == STAGES["sandbox"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("max_media_seconds", "7200", 7200.0),
        ("upload_days", 3, 3),
        ("retain", "false", False),
        ("retain", True, True),
        ("source_buckets", "one,two", ("one", "two")),
        ("source_buckets", ["one", "two"], ("one", "two")),
        ("log_level", "DEBUG", "DEBUG"),
    ],
)
def test_any_setting_can_be_overridden(name: str, value: object, expected: object) -> None:
    assert getattr(configure({"stage": "prod", name: value}), name) == expected


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"authorizer_cache_seconds": 300}, "a revoked key would open for so long"),
        ({"issuer": "https://login.test"}, "set both"),
        ({"issuer": "http://login.test", "audience": "tiro"}, "https:// address"),
        ({"stage": "production"}, "no stage 'production'. There are: dev, prod, sandbox"),
        ({"max_media_secs": "60"}, "no setting max_media_secs"),
        ({"upload_days": "a week"}, "upload_days is 'a week', which is not int"),
        ({"workers": "tpu"}, "Choose one of: gpu, cpu, none"),
        ({"models": "base,small"}, "models is 'base,small', and one model hears in each stack. Name one"),
        ({"models": ""}, "models is '', and one model hears"),
        ({"beam_size": 0}, "beam_size is 0. It is 1 at least"),
        ({"jobs_at_once": 0}, "jobs_at_once is 0. It is 1 at least"),
        ({"zones": 0}, "Choose 1 to 6"),
        ({"max_usd_per_hour": 5}, "needs to know what a worker costs"),
        ({"warm_days": "mon,someday"}, "Choose of: mon"),
        ({"domain": "scribe.example"}, "set both"),
        ({"kms_key": "alias/mine"}, "Say make, or the ARN of a key"),
        ({"retain": "perhaps"}, "retain is 'perhaps', which is not bool"),
    ],
)
def test_a_slip_is_named(context: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configure(context)
