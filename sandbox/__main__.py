"""`python -m sandbox`: the whole of Tiro on this machine.

up            run it in the foreground, until Ctrl-C
demo [FILE]   transcribe a recording, in the sandbox that runs or else in one of its own
reset         forget everything that it keeps
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from sandbox.assembly import ROOT
from sandbox.emulator import PORT
from sandbox.machine import Options
from sandbox.state import SandboxError, State


class Stopped(BaseException):
    """Somebody wants us to end: Ctrl-C, kill, or a terminal that went away."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 could not, 130 stopped before it was done."""
    asked = _parser().parse_args(arguments)
    options = Options(State(asked.state.absolute()), asked.port, asked.emulator.absolute())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        return _run(asked, options)
    except SandboxError as error:
        Console(stderr=True).print(Text.assemble((f"{asked.command}: ", "red"), str(error)), soft_wrap=True)
        return 1
    except Stopped:
        return 0 if asked.command == "up" else 130


def _run(asked: argparse.Namespace, options: Options) -> int:
    if asked.command == "up":
        from sandbox.up import up

        up(options, os.environ)
    elif asked.command == "demo":
        from sandbox.demo import demo

        return demo(asked.file, options, os.environ)
    with Console(stderr=True).status(Text(f"Deleting {options.state.root} …")):
        options.state.reset()
    print(f"{options.state.root} is deleted.")
    return 0


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    port = os.environ.get("TIRO_SANDBOX_PORT", str(PORT))
    ministack = Path(os.environ.get("TIRO_SANDBOX_EMULATOR", ROOT / ".venv-emulator" / "bin" / "ministack"))
    shared.add_argument("--state", type=Path, default=ROOT / ".sandbox", metavar="DIR", help="where it keeps all")
    shared.add_argument("--port", type=_port, default=port, help=f"of the emulator ({port})")
    shared.add_argument("--emulator", type=Path, default=ministack, metavar="PATH", help="ministack's command")
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="up | demo | reset")
    commands.add_parser("up", parents=[shared])
    commands.add_parser("demo", parents=[shared]).add_argument("file", type=Path, nargs="?", metavar="FILE")
    commands.add_parser("reset", parents=[shared])
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: TIRO_SANDBOX_PORT and --port take 1 to 65535")
    return int(text)


def _stop(number: int, frame: object) -> None:  # noqa: ARG001
    for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(again, signal.SIG_IGN)  # once is enough: what follows is the tidying up
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
