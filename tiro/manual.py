"""The manual of the command, docs/cli.md, from the parser itself: `python -m tiro.manual docs/cli.md`.

Written here and not by argparse, whose layout changes with Python's version and with the terminal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

_HEAD = """\
# The command line

Made from the parser by `make cli-docs`; a test holds the two together. `tiro COMMAND --help` says the same.

A transcript, an id or a table goes to standard output, all that is meant for a person to standard error. What
`--json` prints is one object a line, as the [API](api/README.md) has it. An error says what was wrong, with its `code`,
whether the same command may succeed later, and what to do.
"""


def render(parser: argparse.ArgumentParser) -> str:
    sections = (_section(command) for command in _leaves(parser))
    return "\n".join([_HEAD, _fenced(parser.epilog or ""), *sections])


def _leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for command in action.choices.values():
            yield from _leaves(command)


def _section(command: argparse.ArgumentParser) -> str:
    actions = [action for action in command._actions if not isinstance(action, argparse._HelpAction)]
    places = [_place(action) for action in actions if not action.option_strings]
    options = " [options]" if any(action.option_strings for action in actions) else ""
    lines = [f"## {command.prog}{options} {' '.join(places)}".rstrip(), "", command.description or "", ""]
    told = [action for action in actions if action.option_strings or action.help]
    if told:
        lines += ["| | |", "|---|---|", *(f"| {_name(action)} | {_cell(action.help or '')} |" for action in told), ""]
    return "\n".join(lines)


def _place(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    return {"+": f"{name}...", "*": f"[{name}...]", "?": f"[{name}]"}.get(str(action.nargs), name)


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{_place(action)}`"
    value = "" if action.nargs == 0 else f" {action.metavar or '|'.join(map(str, action.choices or ()))}"
    return f"`{', '.join(action.option_strings)}{_cell(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("%%", "%")


def _fenced(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```\n"


def main(path: str) -> None:
    from tiro.cli import make_parser

    Path(path).write_text(render(make_parser()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
