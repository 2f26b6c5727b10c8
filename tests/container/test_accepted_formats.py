"""What is written down of the formats is what the worker reads."""

from __future__ import annotations

from container.accepted_formats import (
    EXTENSIONS_FILE,
    MORE_EXTENSIONS,
    MUXERS,
    NOT_RECORDINGS,
    PAGE_FILE,
    extensions,
    module,
    page,
)
from container.media_formats import ALLOWED_DEMUXERS
from container.raw_formats import BY_EXTENSION, NEEDS_PARAMETERS
from tiro.commands.folders import OTHER_FILES
from tiro.commands.media_extensions import EXTENSIONS


def test_the_clients_list_is_the_librarys() -> None:
    assert EXTENSIONS_FILE.read_text(encoding="utf-8") == module(), "make formats"
    assert frozenset().union(*extensions().values()) == EXTENSIONS


def test_the_page_is_current() -> None:
    assert PAGE_FILE.read_text(encoding="utf-8") == page(), "make formats"


def test_the_tables_speak_of_demuxers_that_are_allowed() -> None:
    assert set(MUXERS) | set(MORE_EXTENSIONS) <= ALLOWED_DEMUXERS


def test_what_people_call_their_recordings_is_on_the_list() -> None:
    words = "qta weba mpga wv ape tta w64 aifc gsm voc 3g2 awb asf rm dts vob m4r m4p mxf mp3 wav m4a flac ogg opus mp4"
    assert set(words.split()) <= EXTENSIONS


def test_no_extension_is_on_two_lists() -> None:
    assert not EXTENSIONS & (OTHER_FILES | NOT_RECORDINGS | NEEDS_PARAMETERS)
    assert set(BY_EXTENSION) <= EXTENSIONS
