"""`tiro configure --stack tiro-prod`: asks a deployed stack where it is, so that nobody copies addresses by hand.

Only the standard library is imported up here, as in tiro/cli.py.
"""

from __future__ import annotations

import argparse
import os
import shlex

from tiro.key_commands import Said

DEFAULT_STACK = "tiro-prod"


def add_configure(command: argparse.ArgumentParser) -> None:
    """Set `keys`, a function of the arguments that returns Said. It raises TiroError."""
    command.add_argument(
        "--stack",
        default=DEFAULT_STACK,
        metavar="NAME",
        help=f"tiro- and the stage's name; without it, {DEFAULT_STACK}",
    )
    command.set_defaults(keys=configure)


def configure(args: argparse.Namespace) -> Said:
    """Return lines for a shell: eval "$(tiro configure)". Raises NotConfigured, ServiceUnavailable."""
    from tiro import admin

    found = admin.find_stack(args.stack, os.environ)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in found.items()]
    note = "set these in your shell, and TIRO_API_KEY by: tiro keys create --owner NAME"
    return Said("".join(lines), note)
