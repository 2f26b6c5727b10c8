"""What differs between stages, and nothing else does.

Any field can be set for one deployment, `-c stage=prod -c max_media_seconds=7200`, or for good under `context` in
cdk.json: what neither names is as by default here, whatever was deployed before. Lists are comma-separated on the
command line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import ip_network
from typing import Any

from tiro.settings import ApiSettings, AuthorizerSettings, DispatchTerms, Limits, Settings, WorkerSettings

LONGEST_CACHE_SECONDS = 60
"""What docs/api/keys.md promises of a revocation."""


WORKERS = ("gpu", "cpu", "none")

KMS_KEY = r"|make|arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+"

MOST_ZONES = 6

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class ConfigError(Exception):
    """The context asks for what there is not. Says what, and what there is."""


@dataclass(frozen=True, kw_only=True)
class StageConfig(DispatchTerms):
    """One stage. The defaults are a cloud stage that may be thrown away.

    How many workers there may be are DispatchTerms' own fields, which tell them (tiro/settings.py).
    """

    stage: str

    # what a recording may be, and who may send it
    max_media_bytes: int = Limits.max_media_bytes
    max_media_seconds: float = Limits.max_media_seconds
    source_buckets: tuple[str, ...] = ApiSettings.source_buckets
    allow_networks: tuple[str, ...] = ApiSettings.allow_networks  # not public, yet a `url` may lead there: 10.1.0.0/16
    webhook_schemes: tuple[str, ...] = ApiSettings.webhook_schemes  # https alone, where others listen
    origins: tuple[str, ...] = ApiSettings.origins  # whose web pages may call; safe: a key is sent, never a cookie
    models: tuple[str, ...] = ApiSettings.models  # the one that the workers hear with
    issuer: str = AuthorizerSettings.issuer  # https://… whose tokens open too (OpenID Connect); empty: keys alone
    audience: str = AuthorizerSettings.audience  # that a token must be meant for
    owner_claim: str = AuthorizerSettings.owner_claim  # of a token: whose jobs it opens
    scope_claim: str = AuthorizerSettings.scope_claim

    # how long things last
    upload_seconds: int = ApiSettings.upload_seconds  # a presigned upload may be begun
    upload_days: int = 7  # an uploaded recording is kept; one dropped in the inbox stays
    replaced_days: int = 7  # a version that was overwritten or deleted is kept
    log_retention: str = "ONE_MONTH"  # a name in aws_cdk.aws_logs.RetentionDays
    retain: bool = False  # keep table, buckets and logs when the stack goes; recovery and deletion protection
    kms_key: str = ""  # encrypts them: make, one of the stack's own; or a key's ARN; empty: AWS's own do

    # how fast things go
    visibility_seconds: int = WorkerSettings.visibility_seconds
    requests_per_second: int = 50
    requests_burst: int = 100
    authorizer_cache_seconds: int = 60  # at most 60: for so long a revoked key still opens

    # how much is whose
    max_jobs_in_flight: int = ApiSettings.max_jobs_in_flight  # of one owner at once; 0: any number
    max_audio_seconds_per_day: float = ApiSettings.max_audio_seconds_per_day  # of one owner; 0: any number
    max_waiters: int = ApiSettings.max_waiters  # calls held open at once; each takes one of the account's functions
    usd_per_worker_hour: float = ApiSettings.usd_per_worker_hour  # what a machine that hears costs; 0: tell no cost

    # what hears
    workers: str = "gpu"  # gpu; cpu, on Fargate, for small loads; or none, where others hear
    zones: int = 3  # availability zones: the more, the likelier that one has a Spot machine left
    instance_types: tuple[str, ...] = ("g4dn.*", "g5.*", "g6.*", "g6e.*")  # with one NVIDIA GPU each
    worker_cpu: int = 0  # of 1024 a core; 0: what is left of the smallest machine's four, or on Fargate all four
    worker_memory: int = 12288  # MiB, of the smallest machine's 16 GiB
    beam_size: int = WorkerSettings.beam_size  # hypotheses kept while decoding; 1 is greedy: faster, and hears worse
    jobs_at_once: int = WorkerSettings.jobs_at_once  # recordings that a worker has in hand
    image: str = "docker"  # who builds the worker's: docker, here; codebuild, in the account; or a registry's address

    # what stands before it
    edge: bool = False  # a page and the API behind one domain, by CloudFront
    domain: str = ""  # its name; empty: one of CloudFront's. A DNS record for it is yours to make
    certificate: str = ""  # for that name: an ACM certificate's ARN, in us-east-1
    waf: bool = False  # a firewall before the API: some 8 USD a month, and by the call
    edge_web_acl: str = ""  # and another one's ARN, in us-east-1, before CloudFront

    # how it is built and watched
    alarm_email: str = ""  # who is told of an alarm; empty: whoever subscribes to the topic
    budget_usd: float = 0.0  # a month; at 80 % of it, and when it will be passed, an alarm says so; 0: none
    log_level: str = Settings.log_level
    tracing: bool = False  # X-Ray: at a thousand jobs an hour it adds a third to the price of all else
    native: bool = False  # bundle for the Python that runs this, not for Lambda's


STAGES = {
    "dev": StageConfig(stage="dev", tracing=True),
    "prod": StageConfig(stage="prod", retain=True, log_retention="ONE_YEAR", edge=True),
    "sandbox": StageConfig(
        stage="sandbox",
        webhook_schemes=("https", "http"),
        allow_networks=("127.0.0.0/8", "::1/128"),  # loopback: sources and webhook receivers on the same machine
        log_retention="ONE_WEEK",
        authorizer_cache_seconds=0,
        native=True,
        workers="none",  # one is started as a process
    ),
}


def configure(context: Mapping[str, Any]) -> StageConfig:
    """Return the stage that `context` names, with what it overrides.

    Raises ConfigError naming a stage or a setting that there is not, or a value of the wrong kind.
    """
    known = {field.name: field for field in fields(StageConfig)}
    # CDK's own keys have dashes and colons; ours do not, so that a misspelt one can be told.
    if unknown := sorted(key for key in context if re.fullmatch(r"[a-z_]+", key) and key not in known):
        raise ConfigError(f"There is no setting {', '.join(unknown)}. There are: {', '.join(known)}.")
    stage = context.get("stage", "dev")
    if stage not in STAGES:
        raise ConfigError(f"There is no stage {stage!r}. There are: {', '.join(STAGES)}.")
    given = {name: _parse(name, str(field.type), context[name]) for name, field in known.items() if name in context}
    config = replace(STAGES[stage], **given)
    _check(config)
    return config


def _check(config: StageConfig) -> None:
    """Raises ConfigError for what would be accepted by CloudFormation and regretted later."""
    if bool(config.domain) != bool(config.certificate):
        raise ConfigError("A domain needs the ARN of its certificate, and a certificate its domain: set both.")
    if not 1 <= config.zones <= MOST_ZONES:
        raise ConfigError(f"zones is {config.zones}. Choose 1 to {MOST_ZONES}; most regions have three.")
    if config.max_usd_per_hour and not (config.spot_usd_per_hour and config.on_demand_usd_per_hour):
        raise ConfigError(
            "max_usd_per_hour needs to know what a worker costs: set spot_usd_per_hour and on_demand_usd_per_hour."
        )
    if set(config.warm_days) - set(DAYS):
        raise ConfigError(f"warm_days is {','.join(config.warm_days)}. Choose of: {','.join(DAYS)}.")
    if not 0 <= config.authorizer_cache_seconds <= LONGEST_CACHE_SECONDS:
        raise ConfigError(
            f"authorizer_cache_seconds is {config.authorizer_cache_seconds}, and a revoked key would open for so "
            f"long. Choose 0 to {LONGEST_CACHE_SECONDS}."
        )
    _check_hearing(config)
    _check_trust(config)


def _check_hearing(config: StageConfig) -> None:
    if config.workers not in WORKERS:
        raise ConfigError(f"workers is {config.workers!r}. Choose one of: {', '.join(WORKERS)}.")
    if len(config.models) != 1:
        named = ",".join(config.models)
        raise ConfigError(f"models is {named!r}, and one model hears in each stack. Name one.")
    for name in ("beam_size", "jobs_at_once"):
        if getattr(config, name) < 1:
            raise ConfigError(f"{name} is {getattr(config, name)}. It is 1 at least.")


def _check_trust(config: StageConfig) -> None:
    if not re.fullmatch(KMS_KEY, config.kms_key):
        raise ConfigError(f"kms_key is {config.kms_key!r}. Say make, or the ARN of a key (not of an alias).")
    for network in config.allow_networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise ConfigError(f"allow_networks: {error}. Write them as 10.1.0.0/16.") from None
    if config.issuer and not (config.issuer.startswith("https://") and config.audience):
        raise ConfigError("An issuer is an https:// address, and its tokens must name an audience: set both.")


def _parse(name: str, kind: str, value: Any) -> Any:
    """CDK's command line makes every value a string; cdk.json need not."""
    text = ",".join(value) if isinstance(value, list) else str(value)
    try:
        match kind:
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "bool":
                return {"true": True, "false": False}[text.lower()]
            case "tuple[str, ...]":
                return tuple(part for part in text.split(",") if part)
            case _:
                return text
    except (ValueError, KeyError):
        raise ConfigError(f"{name} is {text!r}, which is not {kind}.") from None
