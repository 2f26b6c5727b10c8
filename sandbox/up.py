"""`python -m sandbox up`: runs it in the foreground, and says how to use it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from sandbox.machine import Options, sandbox
from sandbox.steps import Steps

SAMPLE = Path(__file__).with_name("sample.ogg")

INVITATION = """
  api      {TIRO_API_URL}
  key      {TIRO_API_KEY}
  inbox    {TIRO_INBOX}

  Try it in another terminal, in this folder:

    {tiro} transcribe {sample}

  or by hand. This answers with a job, and with an address to send the recording to:

    curl -d '{{"source": {{"upload": {{}}}}}}' -H 'Authorization: Bearer {TIRO_API_KEY}' \\
      {TIRO_API_URL}/v1/transcriptions

    curl -T {sample} 'UPLOAD.URL'
    curl -H 'Authorization: Bearer {TIRO_API_KEY}' \\
      {TIRO_API_URL}/v1/transcriptions/ID/transcript

  or drop a file in the inbox, and find its text beside its name in s3://{TIRO_TRANSCRIPT_BUCKET}:

    set -a; . {env}; aws s3 cp {sample} $TIRO_INBOX

  or register a webhook. Here it may lead to this machine, by http; docs/api/webhooks.md has a receiver:

    curl -d '{{"url": "http://localhost:8000/"}}' -H 'Authorization: Bearer {TIRO_API_KEY}' \\
      {TIRO_API_URL}/v1/webhooks

  Ctrl-C stops it; what it knows stays in {root} until `make reset`.
"""


def up(options: Options, environ: Mapping[str, str]) -> NoReturn:
    """Run until it is stopped from outside. Raises SandboxError."""
    console = Console()
    steps = Steps(console)
    began = time.monotonic()
    console.print("\n  [bold]Tiro's sandbox[/]\n")
    with sandbox(options, steps, environ) as running:
        steps.say("ready", "", f"{time.monotonic() - began:.1f} s")
        console.print(Text(invitation(running.env, options.state.root)), soft_wrap=True)
        while True:
            running.watch()
            time.sleep(0.3)


def invitation(env: Mapping[str, str], root: Path) -> str:
    """Return lines that work as they stand when they are pasted."""
    tiro = ".venv/bin/tiro" if Path(".venv/bin/tiro").exists() else "tiro"
    return INVITATION.format(**env, tiro=tiro, sample=short(SAMPLE), env=short(root / "env"), root=short(root))


def short(path: Path) -> str:
    """Return a path as one would type it here."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute)
