"""`tiro doctor`: what an operator is told of an account, before deploying and after.

Only the standard library is imported up here, as in tiro/cli.py.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tiro.commands.endings import Exit
from tiro.commands.output import printable, put, put_json
from tiro.configure import DEFAULT_STACK
from tiro.key_commands import as_operator

if TYPE_CHECKING:
    from tiro.doctor import Check

WORKERS = 10
"""tiro.settings.DispatchTerms.max_workers, without the time it takes to import it. A test holds them together."""


def add_doctor(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--stack",
        default=DEFAULT_STACK,
        metavar="NAME",
        help=f"tiro- and the stage's name; without it, {DEFAULT_STACK}",
    )
    command.add_argument(
        "--workers", type=int, default=WORKERS, metavar="N", help=f"so many are to run at once; {WORKERS} unless told"
    )
    command.add_argument("--cpu", action="store_true", help="they are to be on Fargate: look for no GPUs")
    command.add_argument("--json", action="store_true", help="print a JSON object a check")
    command.set_defaults(run=doctor)


def doctor(args: argparse.Namespace) -> Exit:
    """Print each check, and end in 1 where one is wrong. Raises NotConfigured where there is no region or no boto3."""
    with as_operator():
        from tiro.adapters.account import open_account
    from tiro.doctor import Mark, Wanted, examine

    wanted = Wanted(stack=args.stack, workers=args.workers, gpu=not args.cpu)
    checks = list(examine(open_account(os.environ), wanted, try_key))
    if args.json:
        for check in checks:
            put_json({"check": check.name, "mark": check.mark, "found": check.found, "do": check.do})
    else:
        put(table(checks))
    return Exit.FAILED if any(check.mark is Mark.WRONG for check in checks) else Exit.DONE


def table(checks: Sequence[Check]) -> str:
    """A line for each check, and below it what to do, where there is something to be done."""
    marks = max(len(check.mark) for check in checks)
    names = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{check.mark:<{marks}}  {check.name:<{names}}  {printable(check.found)}")
        if check.do:
            lines.append(f"{'':{marks + names + 2}}  {printable(check.do)}")
    return "".join(f"{line.rstrip()}\n" for line in lines)


def try_key(url: str) -> str:
    """Ask the API which models it has. Raises TiroError; NotConfigured where no key is set."""
    from tiro.client import Client
    from tiro.errors import NotConfigured

    key = os.environ.get("TIRO_API_KEY")
    if not key:
        raise NotConfigured("TIRO_API_KEY is not set.")
    with Client(url, key) as client:
        models = client.models()
    return f"it answers, and hears with {', '.join(model.id for model in models)}"
