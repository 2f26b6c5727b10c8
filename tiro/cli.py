"""The command `tiro`: its parser, and what becomes of an error. What it can do is in tiro/commands/.

Only the standard library is imported up here. The rest takes half a second, which `tiro --help` need not cost.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tiro import __version__
from tiro.commands import jobs, webhooks
from tiro.commands.endings import STATUSES, Exit, complaint, exit_of
from tiro.commands.output import put, say
from tiro.commands.transcribe import add_transcribe
from tiro.configure import add_configure
from tiro.doctor_command import add_doctor
from tiro.key_commands import add_key_commands, as_operator
from tiro.repair_commands import add_repair_commands

__all__ = ["EPILOG", "Exit", "main", "make_parser"]

EPILOG = f"""\
examples:
  tiro transcribe talk.mp3                                a transcript, on standard output
  tiro transcribe talk.mp3 -o talk.srt --max-lines 1      subtitles, in a file
  tiro transcribe interviews/ -o transcripts/             a folder, and what is below it
  tiro jobs --status failed --since 2d --json             for scripts
environment:
  TIRO_API_URL, TIRO_API_KEY   the API's address and your key; without both, those of the sandbox that runs
                               in this directory or in one above it are used
  XDG_STATE_HOME               where uploads that broke off are remembered for a day, in tiro/unfinished
                               below it; without it, in ~/.local/state
exit status:
{STATUSES}"""


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    args = make_parser().parse_args(argv)
    from tiro.errors import TiroError

    try:
        ended: Exit | None = args.run(args)
    except TiroError as error:
        from tiro.commands.stack import known_url

        for line in complaint(error, known_url()):
            say(line)
        return exit_of(error)
    except BrokenPipeError:
        # What Python would still flush at exit has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE_CLOSED
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
        return Exit.FILE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.DONE if ended is None else ended


def keys(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    with as_operator():
        said = args.keys(args)
    put(said.out)
    if said.note:
        say(said.note)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tiro",
        description="Recorded speech into text, in your own AWS account.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tiro {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_transcribe(_command(commands, "transcribe", "print what is said in recordings"))
    jobs.add_job_commands(commands)
    webhooks.add_webhook_commands(_command(commands, "webhooks", "say where to be told; check what came"))
    key_commands = _command(commands, "keys", "make, list and revoke API keys, with AWS credentials")
    add_key_commands(key_commands)
    key_commands.set_defaults(run=keys)
    repair_commands = _command(commands, "admin", "look into jobs, have them tried again, with AWS credentials")
    add_repair_commands(repair_commands)
    repair_commands.set_defaults(run=keys)
    configure = _command(commands, "configure", "ask a deployed stack where it is, with AWS credentials")
    add_configure(configure)
    configure.set_defaults(run=keys)
    add_doctor(_command(commands, "doctor", "look whether an AWS account can run Tiro, and does"))
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, about: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=about,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"{about[0].upper()}{about[1:]}.",
    )


if __name__ == "__main__":
    sys.exit(main())
