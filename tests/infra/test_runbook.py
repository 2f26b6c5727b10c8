"""The runbook: every alarm leads to a section of its own, and what it says to type can be typed."""

from __future__ import annotations

import re
import shlex
import subprocess

import boto3
import pytest

from tests.infra.conftest import ROOT, Synthesized
from tiro.cli import make_parser

PAGE = ROOT / "docs" / "runbook.md"

CLI_ALONE = {("logs", "tail")}
"""What AWS's command does and no call of a service."""

PARTS = ("**What it means.**", "**Look at**", "**Do.**")


def sections() -> dict[str, str]:
    """Return each section's text, by the anchor that GitHub makes of its heading."""
    _, *found = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    named = (section.partition("\n") for section in found)
    return {heading.lower().replace(" ", "-"): text for heading, _, text in named}


def commands(text: str) -> list[str]:
    """Return every `tiro …`, inline or in a block, without a comment that follows it."""
    typed = re.findall(r"`(tiro [^`]+)`", text) + re.findall(r"(?:^|\$\()(tiro [^\n)]+)", text, flags=re.MULTILINE)
    return [line.split("  #")[0].strip() for line in typed]


def test_every_alarm_leads_to_a_section(workers: Synthesized) -> None:
    told = [alarm["AlarmDescription"] for alarm in workers.of_type("AWS::CloudWatch::Alarm").values()]
    anchors = {words.rpartition("docs/runbook.md#")[2] for words in told}
    assert anchors | {"budget"} == set(sections())  # neither one without a section nor one that nothing leads to


@pytest.mark.parametrize("anchor", sections())
def test_a_section_says_what_it_means_what_to_look_at_and_what_to_do(anchor: str) -> None:
    places = [sections()[anchor].find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("command", sorted(set(commands(PAGE.read_text()))))
def test_what_it_says_to_type_parses(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command)[1:]
    if len(words) < 3 and words[0] != "doctor":
        words.append("--help")  # named in a sentence, without what it needs
    try:
        make_parser().parse_args(words)
    except SystemExit as ended:
        assert ended.code == 0, capsys.readouterr().err  # noqa: PT017  (how argparse says it)


def test_what_it_asks_of_aws_can_be_asked() -> None:
    calls = set(re.findall(r"\baws ([a-z][\w-]+) ([a-z][\w-]+)", PAGE.read_text())) - CLI_ALONE
    assert len(calls) > 10
    for service, command in calls:
        assert command.replace("-", "_") in dir(boto3.client(service, region_name="eu-west-1")), (service, command)


def test_its_shell_is_shell() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) > 10
    subprocess.run(["bash", "-n"], input="\n".join(blocks), text=True, check=True)


def test_it_takes_its_resources_by_names_that_the_stacks_have(prod: Synthesized, workers: Synthesized) -> None:
    text = PAGE.read_text()
    stacks = {"service": prod, "workers": workers}
    kinds = re.findall(r"\bof (service|workers) (AWS::[\w:]+) (\w+)", text)
    logs = [(stack, "AWS::Logs::LogGroup", name) for stack, name in re.findall(r"\blog (service|workers) (\w+)", text)]
    queues = [("service", "AWS::SQS::Queue", name) for name in re.findall(r"\bdepth (\w+)", text)]
    queues += [("service", "AWS::SQS::Queue", f"{name}DeadLetters") for name in _looped(text)]
    assert len(kinds + logs + queues) > 15
    for stack, kind, named in [*kinds, *logs, *queues]:
        stacks[stack].one(kind, named)  # exactly one begins so
    for stack, name in re.findall(r"\bout (service|workers) (\w+)", text):
        assert name in stacks[stack].outputs()


def test_every_page_that_it_leads_to_is_there() -> None:
    for page, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", PAGE.read_text())):
        target = (PAGE.parent / page) if page else PAGE
        assert target.is_file(), page
        headings = re.findall(r"^#+ (.+)$", target.read_text(), flags=re.MULTILINE) if anchor else []
        assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}


def _looped(text: str) -> list[str]:
    [names] = re.findall(r"for queue in ([\w ]+);", text)
    return list(names.split())
