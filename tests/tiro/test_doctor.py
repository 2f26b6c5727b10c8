"""`tiro doctor`: what each account is told, and that nothing which may not be asked ends in a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake_api import KEY, FakeApi, serve
from tests.fakes_account import API, FakeAccount
from tiro import doctor_command
from tiro.adapters import account as adapter
from tiro.cli import Exit, main
from tiro.doctor import ON_DEMAND_QUOTA, SPOT_QUOTA, Check, Mark, Wanted, examine
from tiro.errors import KeyRefused, NotConfigured
from tiro.settings import DispatchTerms

WANTED = Wanted(stack="tiro-prod", workers=10, gpu=True)


def looked(account: FakeAccount, wanted: Wanted = WANTED) -> dict[str, Check]:
    return {check.name: check for check in examine(account, wanted, lambda url: f"{url} answers")}


def marks(checks: dict[str, Check]) -> dict[str, Mark]:
    return {name: check.mark for name, check in checks.items() if check.mark is not Mark.OK}


def test_nothing_is_wrong_with_an_account_that_is_ready() -> None:
    checks = looked(FakeAccount())
    assert not marks(checks)
    assert checks["API and key"].found == "https://api.test/prod answers"
    assert not any(check.do for check in checks.values())


def test_a_new_account_is_told_all_that_it_lacks_in_words() -> None:
    new = FakeAccount(
        bootstrap=None,
        quotas=dict.fromkeys([SPOT_QUOTA[1], ON_DEMAND_QUOTA[1]], 0.0),
        functions=10,
        roles=set(),
        stacks={},
    )
    checks = looked(new)
    assert marks(checks) == {
        "CDK bootstrap": Mark.WRONG,
        "GPUs, Spot": Mark.WRONG,
        "GPUs, on demand": Mark.WRONG,
        "role for Spot": Mark.WRONG,
        "role for ECS": Mark.WRONG,
        "functions at once": Mark.NOTE,
        "service stack": Mark.NOTE,
        "workers stack": Mark.NOTE,
        "API and key": Mark.NOTE,
    }
    assert checks["CDK bootstrap"].do == "Run: cdk bootstrap aws://123456789012/eu-west-1"
    assert "for 40 of 'All G and VT Spot Instance Requests' (L-3819A6DF)" in checks["GPUs, Spot"].do
    assert "for 40 of 'Running On-Demand G and VT instances' (L-DB2E81BA)" in checks["GPUs, on demand"].do
    assert "-c workers=cpu -c models=base" in checks["GPUs, Spot"].do
    assert "spot.amazonaws.com" in checks["role for Spot"].do
    assert "L-B99A9384" in checks["functions at once"].do


@pytest.mark.parametrize(("vcpus", "mark"), [(3.0, Mark.WRONG), (4.0, Mark.NOTE), (39.0, Mark.NOTE), (40.0, Mark.OK)])
def test_fewer_gpus_than_wanted_is_a_note_and_not_one_is_wrong(vcpus: float, mark: Mark) -> None:
    account = FakeAccount(quotas={SPOT_QUOTA[1]: vcpus, ON_DEMAND_QUOTA[1]: 40.0})
    assert looked(account)["GPUs, Spot"].mark is mark


def test_who_hears_on_fargate_needs_no_gpu() -> None:
    without = FakeAccount(quotas={}, roles={"AWSServiceRoleForECS"})
    assert not marks(looked(without, Wanted(stack="tiro-prod", workers=10, gpu=False)))


def test_an_old_bootstrap_is_too_old() -> None:
    assert looked(FakeAccount(bootstrap=7))["CDK bootstrap"].mark is Mark.WRONG
    assert looked(FakeAccount(bootstrap=8))["CDK bootstrap"].mark is Mark.OK


@pytest.mark.parametrize("question", ["bootstrap_version", "quota", "concurrent_executions", "has_role", "outputs"])
def test_what_may_not_be_asked_could_not_be_checked_and_the_rest_is(question: str) -> None:
    account = FakeAccount(forbidden={question})
    found = marks(looked(account))
    assert set(found.values()) == {Mark.UNKNOWN}
    assert len(looked(account)) == len(looked(FakeAccount()))


def test_without_credentials_nothing_else_is_asked() -> None:
    account = FakeAccount(forbidden={"id"})
    assert marks(looked(account)) == {"credentials": Mark.WRONG}
    assert account.asked == ["id"]


def test_without_credentials_it_is_told_once_what_to_do() -> None:
    [_, credentials] = examine(FakeAccount(forbidden={"id"}), WANTED, lambda url: url)
    assert "does not let you do this" in credentials.found
    assert not credentials.do


def test_a_stack_that_does_not_tell_where_it_is_did_not_end_well() -> None:
    account = FakeAccount(stacks={"tiro-prod-service": {"ApiUrl": "https://api.test"}})
    assert looked(account)["service stack"].found == "it does not tell TableName"


def test_a_key_is_tried_at_the_domain_where_there_is_one() -> None:
    account = FakeAccount(stacks={"tiro-prod-service": API, "tiro-prod-edge": {"Url": "https://scribe.test"}})
    assert looked(account)["API and key"].found == "https://scribe.test answers"


def test_a_key_that_is_refused_is_wrong_and_one_that_is_not_there_unknown() -> None:
    def refused(url: str) -> str:
        raise KeyRefused

    def none(url: str) -> str:
        raise NotConfigured("TIRO_API_KEY is not set.")

    [*_, wrong] = examine(FakeAccount(), WANTED, refused)
    assert (wrong.mark, "tiro keys create" in wrong.do) == (Mark.WRONG, True)
    [*_, unknown] = examine(FakeAccount(), WANTED, none)
    assert unknown.mark is Mark.UNKNOWN


# ---------------------------------------------------------------- the command


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    account = FakeAccount()
    monkeypatch.setattr(adapter, "open_account", lambda environ: account)
    return account


def test_it_prints_a_table_and_ends_in_1_where_something_is_wrong(
    account: FakeAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == Exit.DONE  # no key is set: unknown, and not wrong
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["ok", "region", "eu-west-1"]
    assert lines[-1].startswith("unknown  API and key")
    account.quotas[SPOT_QUOTA[1]] = 0.0
    assert main(["doctor"]) == Exit.FAILED
    assert "L-3819A6DF" in capsys.readouterr().out


def test_it_prints_an_object_a_check(account: FakeAccount, capsys: pytest.CaptureFixture[str]) -> None:
    account.bootstrap = None
    assert main(["doctor", "--json", "--cpu"]) == Exit.FAILED
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"check", "mark", "found", "do"} == set(told[0])
    assert [check["check"] for check in told if check["mark"] == "wrong"] == ["CDK bootstrap"]


def test_it_tries_the_key_that_is_set(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(FakeApi()) as api:
        monkeypatch.setenv("TIRO_API_KEY", KEY)
        assert "hears with" in doctor_command.try_key(f"{api.url}/prod")
        monkeypatch.setenv("TIRO_API_KEY", "tiro_wrong")
        with pytest.raises(KeyRefused):
            doctor_command.try_key(f"{api.url}/prod")


def test_no_region_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == Exit.UNREACHABLE
    assert "region" in capsys.readouterr().err


def test_it_expects_as_many_workers_as_there_may_be() -> None:
    assert DispatchTerms().max_workers == doctor_command.WORKERS
