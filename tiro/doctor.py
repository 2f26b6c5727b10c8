"""Whether an AWS account can run Tiro, and does: each check says what was found, and what to ask for in words.

It changes nothing. What may not be looked at is told so and is no fault: an operator need not be allowed everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tiro.errors import TiroError
from tiro.ports import Account

BOOTSTRAP_VERSION = 8
"""That the assembly asks for (`requiresBootstrapStackVersion`). A test holds the two together."""

WORKER_VCPUS = 4
"""Of the smallest machine with a GPU, which is one worker."""

SPOT_QUOTA = ("All G and VT Spot Instance Requests", "L-3819A6DF")
ON_DEMAND_QUOTA = ("Running On-Demand G and VT instances", "L-DB2E81BA")

ENOUGH_FUNCTIONS = 100
"""At once: 50 tell webhooks, 10 for each of five queues. A new account may run 10."""

FUNCTIONS_QUOTA = "L-B99A9384"  # Concurrent executions

ROLES = {"Spot": ("AWSServiceRoleForEC2Spot", "spot"), "ECS": ("AWSServiceRoleForECS", "ecs")}

SERVICE_OUTPUTS = ("ApiUrl", "TableName")


class Mark(StrEnum):
    OK = "ok"
    NOTE = "note"  # it works, but look at it
    WRONG = "wrong"
    UNKNOWN = "unknown"  # it could not be checked


@dataclass(frozen=True)
class Check:
    name: str
    mark: Mark
    found: str
    do: str = ""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the account is to be good for."""

    stack: str  # tiro- and the stage's name
    workers: int  # at once
    gpu: bool  # else they are on Fargate


TryKey = Callable[[str], str]
"""Call the API at an address with the key at hand, and return what came of it in words. Raises TiroError."""

Question = Callable[[Account, Wanted], Check]


def examine(account: Account, wanted: Wanted, try_key: TryKey) -> Iterator[Check]:
    """Yield a check at a time. Without credentials that AWS knows there is no use in going on."""
    yield Check("region", Mark.OK, account.region)
    known = _checked("credentials", _credentials, account, wanted)
    yield known
    if known.mark is not Mark.OK:
        return
    gpu: dict[str, Question] = {
        "GPUs, Spot": lambda a, w: _gpus(a, w, *SPOT_QUOTA),
        "GPUs, on demand": lambda a, w: _gpus(a, w, *ON_DEMAND_QUOTA),
        "role for Spot": lambda a, _: _role(a, "Spot"),
    }
    questions: dict[str, Question] = {
        "CDK bootstrap": _bootstrap,
        **(gpu if wanted.gpu else {}),
        "role for ECS": lambda a, _: _role(a, "ECS"),
        "functions at once": _functions,
        "service stack": _service,
        "workers stack": _workers,
        "API and key": lambda a, w: _key(a, w, try_key),
    }
    for name, question in questions.items():
        yield _checked(name, question, account, wanted)


def _checked(name: str, question: Question, account: Account, wanted: Wanted) -> Check:
    try:
        return question(account, wanted)
    except TiroError as error:
        return Check(name, Mark.UNKNOWN, f"could not be checked: {error}")


# ---------------------------------------------------------------- before deploying


def _credentials(account: Account, _: Wanted) -> Check:
    try:
        return Check("credentials", Mark.OK, f"account {account.id()}")
    except TiroError as error:
        return Check("credentials", Mark.WRONG, str(error))  # which says what to do


def _bootstrap(account: Account, _: Wanted) -> Check:
    version = account.bootstrap_version()
    if version is not None and version >= BOOTSTRAP_VERSION:
        return Check("CDK bootstrap", Mark.OK, f"version {version}")
    found = "none in this region" if version is None else f"version {version}, older than {BOOTSTRAP_VERSION}"
    return Check("CDK bootstrap", Mark.WRONG, found, f"Run: cdk bootstrap aws://{account.id()}/{account.region}")


def _gpus(account: Account, wanted: Wanted, name: str, code: str) -> Check:
    check = "GPUs, Spot" if code == SPOT_QUOTA[1] else "GPUs, on demand"
    vcpus = account.quota("ec2", code)
    room = int(vcpus // WORKER_VCPUS)
    found = f"{vcpus:g} vCPUs, {room} of {wanted.workers} workers"
    if room >= wanted.workers:
        return Check(check, Mark.OK, found)
    need = wanted.workers * WORKER_VCPUS
    do = f"Ask in Service Quotas, Amazon EC2, in {account.region}, for {need} of '{name}' ({code})"
    if room == 0:
        return Check(check, Mark.WRONG, found, f"{do}. Until AWS agrees, deploy with -c workers=cpu -c models=base")
    return Check(check, Mark.NOTE, found, f"{do}, or set max_workers to {room}")


def _role(account: Account, name: str) -> Check:
    role, service = ROLES[name]
    if account.has_role(role):
        return Check(f"role for {name}", Mark.OK, role)
    make = f"aws iam create-service-linked-role --aws-service-name {service}.amazonaws.com"
    return Check(f"role for {name}", Mark.WRONG, f"there is no {role}", f"Once for the account: {make}")


def _functions(account: Account, _: Wanted) -> Check:
    most = account.concurrent_executions()
    if most >= ENOUGH_FUNCTIONS:
        return Check("functions at once", Mark.OK, str(most))
    do = (
        f"Under load calls will be refused. Ask in Service Quotas, AWS Lambda, for 1000 of 'Concurrent executions' "
        f"({FUNCTIONS_QUOTA})"
    )
    return Check("functions at once", Mark.NOTE, f"{most}, as in a new account", do)


# ---------------------------------------------------------------- after deploying


def _service(account: Account, wanted: Wanted) -> Check:
    outputs = account.outputs(f"{wanted.stack}-service")
    if outputs is None:
        return Check("service stack", Mark.NOTE, "not deployed yet", "When all above is well: cdk deploy --all")
    if missing := [name for name in SERVICE_OUTPUTS if name not in outputs]:
        found = f"it does not tell {', '.join(missing)}"
        return Check("service stack", Mark.WRONG, found, "Its deployment did not end well: cdk deploy --all, again")
    return Check("service stack", Mark.OK, outputs["ApiUrl"])


def _workers(account: Account, wanted: Wanted) -> Check:
    outputs = account.outputs(f"{wanted.stack}-workers")
    if outputs is None:
        return Check("workers stack", Mark.NOTE, "not deployed yet", "Recordings wait until it is, or you run workers")
    return Check("workers stack", Mark.OK, outputs.get("ClusterName", ""))


def _key(account: Account, wanted: Wanted, try_key: TryKey) -> Check:
    service = account.outputs(f"{wanted.stack}-service") or {}
    edge = account.outputs(f"{wanted.stack}-edge") or {}
    url = edge.get("Url") or service.get("ApiUrl")
    if not url:
        return Check("API and key", Mark.NOTE, "not deployed yet")
    try:
        return Check("API and key", Mark.OK, try_key(url))
    except TiroError as error:
        problem = error.problem()
        if problem.code == "not_configured":  # by whoever asks, who need not have a key
            return Check("API and key", Mark.UNKNOWN, f"could not be checked: {problem.detail}")
        do = "Make another key: tiro keys create --owner NAME" if problem.code == "unauthorized" else ""
        return Check("API and key", Mark.WRONG, f"{problem.title}: {problem.detail}", do)
