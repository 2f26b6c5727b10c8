"""What start-up prints, on a terminal and into a file."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from sandbox.steps import Steps


def printed(*, terminal: bool, quiet: bool = False) -> list[str]:
    out = StringIO()
    steps = Steps(Console(file=out, force_terminal=terminal, color_system=None), quiet=quiet)
    with steps("stack", "Deploying the stack …") as step:
        step.result = "created"
    return [line.split("\r")[-1].strip() for line in out.getvalue().splitlines() if line.strip()]


def test_a_log_file_says_what_begins_and_what_came_of_it() -> None:
    began, done = printed(terminal=False)
    assert began == "stack     Deploying the stack …"
    assert done.startswith("stack     created")


def test_a_terminal_gets_one_line_for_a_step_beside_the_spinner() -> None:
    assert sum("created" in line for line in printed(terminal=True)) == 1


def test_a_quiet_one_prints_nothing() -> None:
    assert printed(terminal=False, quiet=True) == []


def test_a_step_that_fails_has_said_what_it_did() -> None:
    out = StringIO()
    steps = Steps(Console(file=out, force_terminal=False))
    with pytest.raises(OSError, match="no"), steps("stack", "Deploying the stack …"):
        raise OSError("no")
    assert "Deploying the stack …" in out.getvalue()
