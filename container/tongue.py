"""Which language a recording is in: windows vote, each with the weight of its speech."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from container.windows import Window
from tiro.errors import LanguageUnsure
from tiro.language import to_bcp47
from tiro.request import Options

Chances = Mapping[str, float]
"""The probability of each language, by Whisper's code."""


FIRST_SPEECH = 120.0
"""Seconds of speech in which every window votes; afterwards one does each time that twice as much has gone by."""

RARE = 0.001
"""A probability below which a language is not worth remembering."""


CERTAIN = 1.0 + 1e-6
"""The highest probability, with room for rounding; more, or NaN, is none."""


@dataclass(frozen=True)
class Vote:
    """What a window says of the language."""

    speech: float  # seconds: its weight
    chances: dict[str, float]

    @classmethod
    def of(cls, window: Window, chances: Chances) -> Vote:
        likely = {language: chance for language, chance in chances.items() if RARE <= chance <= CERTAIN}
        return cls(window.speech, likely)


@dataclass(frozen=True)
class Known:
    """What a tongue remembers of the windows that are heard for good."""

    language: str = ""  # Whisper's code; empty until it is decided
    votes: dict[str, float] = field(default_factory=dict)  # seconds of speech, each times its probability
    speech: float = 0.0  # seconds that voted
    passed: float = 0.0  # seconds of speech in all


class Tongue:
    """What is known of the language of a recording, or of one of its channels.

    The first windows decide, by the caller's policy where they are unsure. Later ones vote each time that twice as
    much went by, so that the probability in the end is that of the whole. Who votes, and how votes are counted, goes
    by the recording's clock and by nothing else: the order in which windows are heard must not matter.
    """

    def __init__(self, options: Options, known: Known | None = None) -> None:
        known = known or Known()
        self._options = options
        self.language = known.language or options.language or ""
        self._votes, self._speech, self._passed = Counter(known.votes), known.speech, known.passed
        self._ahead = known.passed  # seconds of speech that were asked for a vote

    @property
    def known(self) -> Known:
        return Known(self.language, dict(self._votes), self._speech, self._passed)

    def asks(self, window: Window) -> bool:
        """Whether a window is to vote. To be asked once for each, in the order of the clock."""
        before, self._ahead = self._ahead, self._ahead + window.speech
        if self._options.language:
            return False
        return self._options.multilingual or before < FIRST_SPEECH or _doublings(before) < _doublings(self._ahead)

    def decide(self, votes: Sequence[Vote]) -> None:
        """Let the first windows choose. Raises LanguageUnsure, where the caller would rather have none than a guess."""
        if self.language:
            return
        sums: Counter[str] = Counter()
        for vote in votes:
            sums.update({language: vote.speech * chance for language, chance in vote.chances.items()})
        self.language = self._decided(sums, sum(vote.speech for vote in votes))

    def count(self, speech: float, votes: Sequence[Vote]) -> None:
        """A window with so many seconds of speech is heard for good, and so its votes count."""
        self._passed += speech
        for vote in votes:
            self._speech += vote.speech
            self._votes.update({language: vote.speech * chance for language, chance in vote.chances.items()})

    def of(self, chances: Chances) -> str:
        """Return the language of one window by its own chances, or the recording's where they are unsure."""
        known = {language: chance for language, chance in chances.items() if chance <= CERTAIN}  # and no NaN
        likeliest = max(known, key=lambda language: known[language], default="")
        return likeliest if known.get(likeliest, -1.0) >= self._options.language_threshold else self.language

    @property
    def spoken(self) -> str:
        """The language of the whole: where it may change, the one that most is in."""
        if not (self._options.multilingual and self._votes):
            return self.language
        return self._decided(self._votes, self._speech)

    @property
    def probability(self) -> float | None:
        """Of that language; None when nobody had to guess."""
        return round(self._votes[self.spoken] / self._speech, 4) if self._speech else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know when the recording went on in another language."""
        if not self._votes or self._options.multilingual:
            return ()
        ((likeliest, _),) = self._votes.most_common(1)
        if likeliest == self.language or self._options.if_unsure == self.language:
            return ()
        return (
            f"It was heard as {to_bcp47(self.language)}, by how it begins, and most of it sounds like "
            f"{to_bcp47(likeliest)}. Name the language, or send multilingual, and hear it again.",
        )

    def _decided(self, votes: Counter[str], speech: float) -> str:
        likeliest = max(votes, key=lambda language: votes[language], default="en")
        certain = votes[likeliest] / speech if speech else 0.0
        if certain >= self._options.language_threshold or self._options.if_unsure == "guess":
            return likeliest
        if self._options.if_unsure != "fail":
            return self._options.if_unsure
        raise LanguageUnsure(
            f"It is most likely {to_bcp47(likeliest)}, with a probability of {certain:.2f}; at least "
            f"{self._options.language_threshold:g} was asked for. Name the language, or let if_unsure name one."
        )


def _doublings(speech: float) -> int:
    """Return how often FIRST_SPEECH stands doubled in so many seconds; 0: not once."""
    return int(speech // FIRST_SPEECH).bit_length()
