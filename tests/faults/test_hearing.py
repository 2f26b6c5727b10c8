"""What was heard again is told apart by why."""

from __future__ import annotations

from tests.faults.hearing import Audio, Heard
from tiro.ports import SAMPLE_RATE


def heard(*attempts: tuple[str, str, bool], recording: str = "r", known: Heard | None = None) -> Heard:
    """Have attempts at a recording: the windows of 10 s that each began, those it settled, whether it came to the end.

    A window is a digit: its place in the recording.
    """
    known = known or Heard()
    for number, (begun, settled, finished) in enumerate(attempts):
        known.note("taken up", recording, f"attempt{number}")
        for event, windows in (("begun", begun), ("settled", settled)):
            for window in map(int, windows):
                place = [window * 10 * SAMPLE_RATE, (window + 1) * 10 * SAMPLE_RATE, ""]
                known.note(event, recording, f"attempt{number}", place)
        if finished:
            known.note("finished", recording, f"attempt{number}")
    return known


def test_what_is_heard_once_is_not_heard_again() -> None:
    assert heard(("012", "012", True)).audio({"r"}) == Audio(30, 0, 0, 0)
    assert heard(("01", "01", False), ("23", "23", True)).audio({"r"}) == Audio(40, 0, 0, 0)


def test_an_attempt_that_redoes_a_window_hears_it_once() -> None:
    assert heard(("0001", "01", True)).audio({"r"}) == Audio(20, 0, 0, 0)


def test_what_was_in_flight_when_an_attempt_ended_is_told_apart() -> None:
    audio = heard(("012", "0", False), ("12", "12", True)).audio({"r"})
    assert audio == Audio(50, 20, 0, 0)
    assert audio.again == 20


def test_what_another_takes_up_before_it_is_settled_was_in_flight() -> None:
    known, place = heard(("0", "", False), ("", "", False)), [0, 10 * SAMPLE_RATE, ""]
    known.note("settled", "r", "attempt0", place)  # by one that has lost the job, and does not know it
    known.note("begun", "r", "attempt1", place)
    known.note("settled", "r", "attempt1", place)
    assert known.audio() == Audio(20, 10, 0, 0)


def test_what_was_settled_and_is_heard_again_is_beyond() -> None:
    assert heard(("012", "01", False), ("12", "12", True)).audio({"r"}) == Audio(50, 10, 10, 0)


def test_what_was_settled_is_lost_once_however_often_it_is_begun_after() -> None:
    attempts = ("0", "0", False), ("0", "", False), ("0", "", False), ("0", "0", True)
    assert heard(*attempts).audio() == Audio(40, 20, 10, 0)


def test_of_it_what_was_heard_to_the_end_is_finished() -> None:
    assert heard(("01", "01", True), ("01", "01", True)).audio({"r"}) == Audio(40, 0, 20, 20)


def test_a_recording_that_is_sent_twice_is_heard_twice_and_never_again() -> None:
    both = heard(("01", "01", True), recording="s", known=heard(("01", "01", True)))
    assert both.audio({"r", "s"}) == Audio(40, 0, 0, 0)
    assert both.audio({"r"}) == Audio(20, 0, 0, 0)
    assert both.audio({"never begun"}) == Audio(0, 0, 0, 0)
