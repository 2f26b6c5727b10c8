"""Every field of a request and every rule of a transcript can be said."""

from __future__ import annotations

import pytest

from tests.fake_api import FakeApi, body_of
from tiro.cli import Exit, main
from tiro.commands.options import FORMATS, OPTIONS, RULES
from tiro.formats import FORMATS as EVERY_FORMAT
from tiro.formats.choice import TranscriptQuery
from tiro.request import TranscriptionRequest

Captured = pytest.CaptureFixture[str]


def test_the_tables_are_whole() -> None:
    assert {flag.name for flag in OPTIONS} == set(TranscriptionRequest.model_fields) - {"source"}
    assert {flag.name for flag in RULES} == set(TranscriptQuery.model_fields) - {"format"}
    assert list(EVERY_FORMAT) == list(FORMATS)


def test_what_is_said_is_sent(api: FakeApi) -> None:
    said = [
        "--language",
        "pt-BR",
        "--words",
        "--task",
        "translate",
        "--metadata",
        "order=17",
        "--metadata",
        "for=ada=b",
    ]
    assert main(["transcribe", "s3://media/a.mp3", *said, "--prompt", "Tiro", "--webhook", "wh_0"]) == Exit.DONE
    assert body_of(api.calls("POST")[0]) == {
        "source": {"s3": "s3://media/a.mp3"},
        "language": "pt",
        "words": True,
        "task": "translate",
        "prompt": "Tiro",
        "metadata": {"order": "17", "for": "ada=b"},
        "webhook": {"endpoint": "wh_0"},
    }


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        (["--track", "2"], {"track": 2}),
        (["--tracks", "all", "--channels", "separate"], {"tracks": "all", "channels": "separate"}),
    ],
)
def test_tracks_are_chosen(api: FakeApi, said: list[str], sent: dict[str, object]) -> None:
    assert main(["transcribe", "s3://media/a.mp3", *said]) == Exit.DONE
    assert body_of(api.calls("POST")[0]) == {"source": {"s3": "s3://media/a.mp3"}, **sent}


def test_what_has_no_flag_can_be_said_too(api: FakeApi, capfd: Captured) -> None:
    main(
        ["transcribe", "s3://media/a.mp3", "--option", "of_tomorrow=3", "--option", 'list=["a"]', "--option", "word=x"]
    )
    assert body_of(api.calls("POST")[0]) == {
        "source": {"s3": "s3://media/a.mp3"},
        "of_tomorrow": 3,
        "list": ["a"],
        "word": "x",
    }
    assert "/of_tomorrow: there is no such field" in capfd.readouterr().err


@pytest.mark.parametrize(
    "said",
    [
        ["--option", "x"],
        ["--metadata", "=x"],
        ["--language", "klingon"],
        ["--tracks", "all"],
        ["--option", "task=sing"],
    ],
)
def test_what_is_wrong_is_not_even_sent(api: FakeApi, said: list[str]) -> None:
    assert main(["transcribe", "s3://media/a.mp3", *said]) == Exit.USAGE
    assert not api.asked
