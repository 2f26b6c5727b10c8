"""AWS is waited for, but not for ever, and not for what waiting cannot help."""

from __future__ import annotations

import pytest

from container import patience
from tiro.errors import LeaseLost, ServiceUnavailable, TiroError

BRIEF = (0.0, 0.0)


class Failing:
    """Raises errors in turn, and then answers."""

    def __init__(self, *errors: TiroError) -> None:
        self._errors, self.calls = list(errors), 0

    def __call__(self) -> str:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", BRIEF)


def test_what_fails_for_a_while_is_done_in_the_end() -> None:
    assert patience.patiently(Failing(ServiceUnavailable(), ServiceUnavailable())) == "done"


def test_what_goes_on_failing_is_given_up() -> None:
    do = Failing(*(ServiceUnavailable() for _ in range(9)))
    with pytest.raises(ServiceUnavailable):
        patience.patiently(do)
    assert do.calls == len(BRIEF) + 1


def test_what_is_refused_is_not_tried_again() -> None:
    do = Failing(LeaseLost())
    with pytest.raises(LeaseLost):
        patience.patiently(do)
    assert do.calls == 1
