"""Every setting, and the only place that knows an environment variable's name.

A deployable reads its own class with `from_env`; infra writes the same class with `to_env`, so that a name
is never typed twice. The variable of a field is `TIRO_` and the field's name in capitals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Self


class SettingsError(Exception):
    """The environment is not what this deployable needs. Says which variable, and what it should be."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every deployable of one stack shares."""

    table: str  # the DynamoDB table's name
    log_level: str = "INFO"
    stage: str = "none"  # what metrics are told apart by

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raises SettingsError naming every variable that is missing or wrong."""
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for field in fields(cls):
            text = environ.get(variable(field.name))
            if text is None:
                if field.default is MISSING:
                    wrong.append(f"{variable(field.name)} is not set")
                continue
            try:
                values[field.name] = _parse(field, text)
            except ValueError:
                wrong.append(f"{variable(field.name)} is {text!r}, which is not {field.type}")
        if wrong:
            raise SettingsError("; ".join(wrong))
        return cls(**values)

    @classmethod
    def to_env(cls, **values: Any) -> dict[str, str]:
        """Return the environment of a deployable. `values` may be CDK tokens.

        Raises TypeError when a field without a default is missing, or there is no such field.
        """
        settings = cls(**values)
        return {variable(f.name): _format(getattr(settings, f.name)) for f in fields(cls)}


@dataclass(frozen=True, kw_only=True)
class Limits(Settings):
    """What a recording may be."""

    max_media_bytes: int = 5 * 1024**3  # 5 GiB: one S3 PUT
    max_media_seconds: float = 12 * 3600.0  # half a day of audio


@dataclass(frozen=True, kw_only=True)
class HearingLimits(Limits):
    """And what may be asked of who hears it."""

    models: tuple[str, ...] = ("base",)  # that are deployed: the one that hears


@dataclass(frozen=True, kw_only=True)
class AuthorizerSettings(Settings):
    issuer: str = ""  # whose tokens open too (OpenID Connect Discovery); empty: API keys alone
    audience: str = ""  # that a token must be meant for
    owner_claim: str = "sub"  # of a token: whose jobs it opens
    scope_claim: str = "scope"  # of a token: what it opens, as a string with spaces or a list


@dataclass(frozen=True, kw_only=True)
class OutwardSettings(Settings):
    """Who calls addresses that others name."""

    allow_networks: tuple[str, ...] = ()  # not of the public internet, and yet to be reached, such as 10.1.0.0/16


@dataclass(frozen=True, kw_only=True)
class EgressSettings(Limits, OutwardSettings):
    """And brings back recordings."""


@dataclass(frozen=True, kw_only=True)
class DeliverySettings(OutwardSettings):
    """And tells them what became of a job."""

    delivery_queue_url: str
    webhook_schemes: tuple[str, ...] = ("https",)  # http, where nobody listens but the machine itself
    delivery_seconds: float = 15.0  # a receiver may take to answer


@dataclass(frozen=True, kw_only=True)
class ApiSettings(HearingLimits, EgressSettings, DeliverySettings):
    queue_url: str
    batch_queue_url: str = ""  # for jobs that may wait; empty: there is one queue for all
    fetch_queue_url: str
    media_bucket: str
    transcript_bucket: str
    source_buckets: tuple[str, ...] = ()  # others that `s3` may name, each under its `{owner}/` prefix
    upload_seconds: int = 3600  # how long a presigned upload may be begun
    fetch_seconds: int = 6 * 3600  # within which a `url` must be fetched
    origins: tuple[str, ...] = ("*",)  # whose web pages may read the answers
    max_jobs_in_flight: int = 5000  # of one owner at once; 0: any number
    max_audio_seconds_per_day: float = 1000 * 3600.0  # of one owner; 0: any number
    max_waiters: int = 20  # calls that are held open at once, of all owners; a quarter of it, of one
    usd_per_worker_hour: float = 0.0  # what a machine that hears costs; 0: not known, and no cost is told

    @property
    def max_waiters_each(self) -> int:
        """Of one owner: or whoever keeps waiting would make everybody else's calls be refused."""
        return max(1, self.max_waiters // 4)


@dataclass(frozen=True, kw_only=True)
class UploadSettings(HearingLimits):
    queue_url: str
    batch_queue_url: str = ""
    transcript_bucket: str


@dataclass(frozen=True, kw_only=True)
class FetchSettings(EgressSettings):
    fetch_queue_url: str
    media_bucket: str
    transcript_bucket: str
    fetch_round_seconds: int = 120  # one invocation reads no longer; then the next goes on


@dataclass(frozen=True, kw_only=True)
class ChangeSettings(Settings):
    delivery_queue_url: str
    event_bus: str


@dataclass(frozen=True, kw_only=True)
class DeadLetterSettings(Settings):
    transcript_bucket: str


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings(Settings):
    media_bucket: str
    transcript_bucket: str
    queue_url: str
    fetch_queue_url: str
    delivery_queue_url: str
    batch_queue_url: str = ""
    max_attempts: int = 3  # as of the workers
    patience_seconds: float = 300.0  # before what nobody holds is taken back, and what nobody sent is sent again


@dataclass(frozen=True, kw_only=True)
class DispatchTerms:
    """How many workers there may and should be (tiro/dispatch.py). Not Settings: the simulation has no stack."""

    target_wait_seconds: float = 120.0  # within which a backlog should be heard; as the linger, from docs/scaling.md
    worker_speed: float = 20.0  # seconds of audio that one worker hears in a second
    max_workers: int = 10
    patience_seconds: float = 300.0  # what is pending on Spot for so long is asked for on demand
    refused_seconds: float = 900.0  # a market that refused is passed over for so long
    linger_seconds: int = 120  # a worker waits for more before it exits
    spot_usd_per_hour: float = 0.0  # what a worker costs, about; 0: not known, and not counted
    on_demand_usd_per_hour: float = 0.0
    max_usd_per_hour: float = 0.0  # that all of them together may cost; 0: max_workers alone is the limit
    warm_workers: int = 0  # there even with nothing to do, on warm_days between two hours in UTC
    warm_days: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri")
    warm_from_hour: int = 7
    warm_to_hour: int = 19


@dataclass(frozen=True, kw_only=True)
class DispatchSettings(Settings, DispatchTerms):
    queue_url: str
    batch_queue_url: str = ""
    cluster: str
    task_definition: str  # with its revision: another one is outdated
    container: str = "worker"  # whose environment says how long to linger
    spot: str  # a capacity provider's name
    on_demand: str  # another one's
    subnets: tuple[str, ...]
    security_group: str
    public_ip: int = 0  # 1: a task has an address of its own, where it must fetch its image itself (Fargate)
    mean_audio_seconds: float = 600.0  # of a recording, until some were seen


@dataclass(frozen=True, kw_only=True)
class DeploySettings(Settings):
    cluster: str
    project: str = ""  # that builds the image; empty: it is built where the stack is deployed from


@dataclass(frozen=True, kw_only=True)
class WorkerSettings(Limits):
    queue_url: str
    batch_queue_url: str = ""  # looked into when the first one is empty
    media_bucket: str
    transcript_bucket: str
    engine: str = "faster-whisper"  # or openai: PyTorch, for a GPU
    model: str = "base"  # a name in the table of pinned weights
    model_path: str = ""  # a directory of weights, or OpenAI's own .pt; empty: an installed package, else the hub
    compute_type: str = ""  # of its numbers, such as float16; empty: int8, or with PyTorch what suits the device
    beam_size: int = 5  # hypotheses kept while decoding; 1 is greedy
    batch_size: int = 8  # windows decoded at once, shared out between the cores
    jobs_at_once: int = 4  # recordings in hand, whose windows share batches
    threads: int = 0  # CPU threads of the engine; 0: as many as there are cores
    visibility_seconds: int = 120  # how long a message is hidden without a heartbeat
    heartbeat_seconds: float = 20.0  # between two renewals of lease and visibility
    max_attempts: int = 3
    heartbeat_file: str = ""  # as old as the work that moved least lately; empty: none
    stall_seconds: float = 600.0  # work that has not moved for so long ends the process
    decode_memory_mib: int = 1024  # that decoding one recording may take
    decode_quiet_seconds: float = 60.0  # a decoder may compute between two blocks of sound
    idle_exit_seconds: float = 0.0  # exit after so long without a message; 0: never
    usd_per_worker_hour: float = 0.0  # what the machine costs; 0: not known, and no cost is told


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return f"TIRO_{field.upper()}"


def _parse(field: Field[Any], text: str) -> Any:
    match field.type:
        case "int":
            return int(text)
        case "float":
            return float(text)
        case "tuple[str, ...]":
            return tuple(part for part in text.split(",") if part)
        case _:
            return text


def _format(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
