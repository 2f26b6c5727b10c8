"""A load in short: `make load` in the sandbox of the tests, without killing its worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.up import SAMPLE
from tests.load.callers import Callers
from tests.load.clips import clips
from tests.load.report import MOST_SCRATCH, folder_size, function_processes
from tests.sandbox.conftest import RunningSandbox

CALLERS = 12


@pytest.mark.sandbox
@pytest.mark.model
def test_twelve_callers_at_once_are_served_by_few_processes(running_sandbox: RunningSandbox) -> None:
    known = clips(Path(), SAMPLE) * CALLERS
    callers = Callers(running_sandbox.env, known, patience=120)
    callers.run(CALLERS)
    assert callers.calls.unexpected == []
    assert callers.wrong == []
    assert len(set(callers.completed)) == CALLERS
    assert callers.calls.statuses["401"] == CALLERS / 4
    assert folder_size(running_sandbox.state.emulator / "tmp") < MOST_SCRATCH


@pytest.mark.sandbox
def test_a_refusal_costs_no_process(running_sandbox: RunningSandbox) -> None:
    """ministack would kill the authorizer's process, and every call after a 401 would wait for a new one."""

    def authorizers() -> set[int]:
        found = function_processes(running_sandbox.state)
        return {pid for pid, command in found.items() if "Authorize" in command}

    callers = Callers(running_sandbox.env, [], patience=0)
    before = authorizers()
    assert before
    for _ in range(5):
        callers.refuse()
    assert callers.calls.unexpected == []
    assert before <= authorizers()
