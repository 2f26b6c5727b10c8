"""`tiro webhooks list | add | rotate | test | remove | deliveries | redeliver | verify`."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from tiro.commands.endings import Exit
from tiro.commands.jobs import add_command
from tiro.commands.output import date, put, put_json, put_table, say

EVENTS = ("queued", "completed", "failed", "cancelled")
"""tiro.webhook.EventType's, less `transcription.`. A test holds them together."""

SECRET = "TIRO_WEBHOOK_SECRET"  # noqa: S105  (the variable's name)


def add_webhook_commands(command: argparse.ArgumentParser) -> None:
    commands = command.add_subparsers(metavar="COMMAND", required=True)
    add_command(commands, "list", "show your endpoints", list_)
    added = add_command(commands, "add", "register an endpoint, and print its secret this once", add)
    added.add_argument("url", metavar="URL", help="https://…")
    added.add_argument(
        "--event", action="append", choices=EVENTS, help="that is told, and may be said again; else every end"
    )
    added.add_argument("--description", metavar="TEXT", help="for whoever reads the list")
    add_command(commands, "rotate", "give an endpoint a new secret, and print it this once", rotate).add_argument(
        "id", metavar="ID"
    )
    add_command(commands, "test", "send an endpoint a piece of news that is none", test).add_argument(
        "id", metavar="ID"
    )
    add_command(commands, "remove", "tell an endpoint nothing any more", remove).add_argument("id", metavar="ID")
    add_command(commands, "deliveries", "show whom a job was told to", deliveries).add_argument("job", metavar="JOB")
    again = add_command(commands, "redeliver", "send a delivery again, now", redeliver)
    again.add_argument("job", metavar="JOB")
    again.add_argument("delivery", metavar="DELIVERY", help="as 'deliveries' shows it: dlv_…")
    checked = add_command(commands, "verify", "say whether what came is Tiro's, by its signature", verify, json=False)
    checked.add_argument("file", metavar="FILE", nargs="?", help="the body as it came; else standard input")
    checked.add_argument(
        "-H",
        "--header",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="as it came: webhook-id, webhook-timestamp and webhook-signature are needed",
    )
    checked.add_argument("--secret-file", metavar="FILE", help=f"where the secret is; else in {SECRET}")
    checked.add_argument(
        "--tolerance", type=float, default=300.0, metavar="S", help="seconds it may be old, 300 unless told"
    )


def list_(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        found = client.webhooks()
    if args.json:
        for endpoint in found:
            put_json(endpoint)
    elif found:
        rows = [
            (e.id, f"disabled: {e.disabled_because}" if e.disabled_at else "open", e.url, _events(e.events))
            for e in found
        ]
        put_table(("ID", "STATE", "URL", "EVENTS"), rows)
    else:
        say("you have no webhook endpoints")


def add(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client
    from tiro.webhook import ENDS

    events = [f"transcription.{event}" for event in args.event] if args.event else ENDS
    with open_client() as client:
        made = client.add_webhook(args.url, events, description=args.description)
    if args.json:
        return put_json(made)
    say(f"{made.id} is told of {_events(made.events)}; its secret is shown this once")
    return put(f"{made.secret}\n")


def rotate(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        made = client.rotate_webhook(args.id)
    if args.json:
        return put_json(made)
    say(f"{made.id} has a new secret; the one before it signs too until {date(made.old_secret_until)}")
    return put(f"{made.secret}\n")


def test(args: argparse.Namespace) -> Exit:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        tried = client.test_webhook(args.id)
    if args.json:
        put_json(tried)
    else:
        answered = f"answered {tried.status}" if tried.status else f"did not answer: {tried.error}"
        say(f"after {tried.milliseconds} ms it {answered}")
    return Exit.FAILED if tried.error else Exit.DONE


def remove(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        client.remove_webhook(args.id)
    put_json({"id": args.id, "removed": True}) if args.json else say(f"{args.id} is told nothing any more")


def deliveries(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        found = client.deliveries(args.job)
    if args.json:
        for delivery in found:
            put_json(delivery)
    elif found:
        rows = [
            (
                d.id,
                d.state.value,
                d.type.value.partition(".")[2],
                d.endpoint or d.url or "",
                str(len(d.attempts)),
                _last(d.attempts),
            )
            for d in found
        ]
        put_table(("ID", "STATE", "EVENT", "TO", "TRIES", "LAST"), rows)
    else:
        say("nobody was told of this job")


def redeliver(args: argparse.Namespace) -> None:
    """Raises TiroError."""
    from tiro.commands.stack import open_client

    with open_client() as client:
        sent = client.redeliver(args.job, args.delivery)
    put_json(sent) if args.json else say(f"{sent.id} is on its way again")


def verify(args: argparse.Namespace) -> None:
    """Raises SignatureRefused, NotConfigured, InvalidRequest, OSError."""
    from tiro.errors import InvalidRequest, NotConfigured
    from tiro.signature import verify as check

    secret = Path(args.secret_file).read_text() if args.secret_file else os.environ.get(SECRET, "")
    if not secret.strip():
        raise NotConfigured(f"Set {SECRET} to the endpoint's secret, or name a file that holds it by --secret-file.")
    headers = {}
    for header in args.header:
        name, colon, value = header.partition(":")
        if not colon:
            raise InvalidRequest(f"A header is said as 'webhook-id: …', and not as {header!r}.")
        headers[name.strip()] = value.strip()
    body = Path(args.file).read_bytes() if args.file else sys.stdin.buffer.read()
    try:
        check(body, headers, secrets=secret.split(), now=datetime.now(UTC), tolerance_seconds=args.tolerance)
    except ValueError as error:
        raise NotConfigured(f"This is no secret: {error}.") from None
    say("it is Tiro's, and fresh")


def _events(events: tuple[str, ...]) -> str:
    return ", ".join(str(event).partition(".")[2] for event in events)


def _last(attempts: tuple[object, ...]) -> str:
    last = attempts[-1] if attempts else None
    return str(getattr(last, "error", None) or getattr(last, "status", None) or "")
