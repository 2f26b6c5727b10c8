"""Keys by the command: the key alone is on standard output, once, and afterwards nobody is shown it."""

from __future__ import annotations

import sys
from datetime import timedelta

import boto3
import pytest
from botocore.stub import Stubber

from tests.factories import NOW
from tests.fakes_keys import FakeKeyStore
from tiro.cli import Exit, main
from tiro.key import ApiKey, Scope, hash_key
from tiro.key_commands import SCOPES

Captured = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("shell")


def test_keys_without_the_extra(monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    monkeypatch.delitem(sys.modules, "tiro.admin", raising=False)
    monkeypatch.delattr("tiro.admin", raising=False)
    for name in [name for name in sys.modules if name.startswith("tiro.adapters")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert main(["keys", "create", "--owner", "ada"]) == Exit.UNREACHABLE
    assert "needs boto3: in the checkout `.venv/bin/tiro` has it" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "AWS does not let you do this: Query was refused with AccessDeniedException."),
        ("ExpiredTokenException", "AWS does not take your credentials"),
        ("ResourceNotFoundException", "There is no such thing in this account and region"),
    ],
)
def test_what_aws_refuses_will_not_pass_and_says_what_is_lacking(
    code: str, said: str, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    client = boto3.client("dynamodb", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr("tiro.admin.dynamodb_client_for", lambda _: client)
    monkeypatch.setenv("TIRO_TABLE", "jobs")
    with Stubber(client) as stubs:
        stubs.add_client_error("query", code)
        assert main(["keys", "list"]) == Exit.UNREACHABLE
    told = capfd.readouterr().err
    assert said in told
    assert "try again" not in told.lower()


def test_keys_without_a_table(capfd: Captured) -> None:
    assert main(["keys", "create", "--owner", "ada"]) == Exit.UNREACHABLE
    assert "TIRO_TABLE is not set" in capfd.readouterr().err


def test_keys_for_an_owner_that_cannot_be(monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    monkeypatch.setattr("tiro.admin.open_keys", lambda *_: FakeKeyStore())
    assert main(["keys", "create", "--owner", "Ada Lovelace"]) == Exit.USAGE
    assert "cannot be an owner's name" in capfd.readouterr().err


def test_the_key_alone_is_on_standard_output(monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    store = FakeKeyStore()
    monkeypatch.setattr("tiro.admin.open_keys", lambda *_: store)
    assert main(["keys", "create", "--owner", "ada", "--scope", "read", "--expires-in", "90d"]) == Exit.DONE
    told = capfd.readouterr()
    [(key_hash, known)] = store.keys.items()
    assert hash_key(told.out.strip()) == key_hash
    assert told.out.strip() not in told.err
    assert f"{known.id}, a key for ada, opens read, until" in told.err
    assert known.expires_at == known.created_at + timedelta(days=90)


def test_a_key_is_listed_without_being_shown_and_revoked_by_its_id(
    monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    store = FakeKeyStore()
    store.add("1", ApiKey(id="key_1", owner="ada", scopes=frozenset({Scope.READ}), created_at=NOW))
    store.add("2", ApiKey(id="key_2", owner="bob", created_at=NOW, expires_at=NOW))
    monkeypatch.setattr("tiro.admin.open_keys", lambda *_: store)
    assert main(["keys", "revoke", "key_1"]) == Exit.DONE
    assert "key_1 of ada is revoked" in capfd.readouterr().err
    assert main(["keys", "list"]) == Exit.DONE
    assert [line.split()[0::2][:2] + line.split()[-1:] for line in capfd.readouterr().out.splitlines()[1:]] == [
        ["key_1", "read", "revoked"],
        ["key_2", "read,transcribe,webhooks", "expired"],
    ]
    assert main(["keys", "list", "--owner", "bob"]) == Exit.DONE
    assert "ada" not in capfd.readouterr().out
    assert main(["keys", "revoke", "key_3"]) == Exit.FAILED
    assert "There is no such key" in capfd.readouterr().err


def test_the_command_line_knows_every_scope() -> None:
    assert set(SCOPES) == set(Scope)
