"""docs/cli.md is what the parser says."""

from __future__ import annotations

import re
from pathlib import Path

from tiro.cli import make_parser
from tiro.manual import render

WRITTEN = Path(__file__).parents[2] / "docs" / "cli.md"


def test_it_is_what_the_parser_says() -> None:
    assert WRITTEN.read_text() == render(make_parser()), "run `make cli-docs`"


def test_every_command_is_told_of() -> None:
    sections = re.findall(r"^## tiro ([a-z ]+?)(?: \[options\])?(?: [\[A-Z].*)?$", WRITTEN.read_text(), re.MULTILINE)
    assert {"transcribe", "jobs", "webhooks verify", "keys create", "batches submit"} <= set(sections)


def test_every_command_says_what_it_does_and_every_option_what_it_takes() -> None:
    text = WRITTEN.read_text()
    assert not re.findall(r"^(## .*)\n\n\n", text, re.MULTILINE)
    assert not re.findall(r"^\| `.* ` \|", text, re.MULTILINE)


def test_what_may_be_left_out_or_said_again_is_told_so() -> None:
    sections = re.findall(r"^## tiro (.*)$", WRITTEN.read_text(), re.MULTILINE)
    assert {"batches submit [options] [SOURCE...]", "admin retry [options] [ID...]"} <= set(sections)


def test_every_argument_says_what_it_is_for() -> None:
    assert not re.findall(r"^\| `.*` \|  ?\|$", WRITTEN.read_text(), re.MULTILINE)
