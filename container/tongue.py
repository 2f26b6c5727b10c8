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


@dataclass
class Tongue:
    """What is known of the language of a recording, or of one of its channels.

    The first windows decide, by the caller's policy where they are unsure. Later ones are asked each time that twice
    as much was heard, so that the probability in the end is that of the whole.
    """

    options: Options
    language: str = ""  # Whisper's code; empty until it is decided
    votes: Counter[str] = field(default_factory=Counter)  # seconds of speech, each times its probability
    speech: float = 0.0  # seconds that voted
    heard: float = 0.0  # seconds of speech decoded so far
    asks_at: float = 0.0  # from how many on the next window is to vote

    def __post_init__(self) -> None:
        self.language = self.language or self.options.language or ""

    @property
    def curious(self) -> bool:
        """Whether the next windows should vote."""
        return not self.options.language and (self.options.multilingual or self.heard >= self.asks_at)

    def vote(self, windows: Sequence[Window], chances: Sequence[Chances]) -> None:
        """Raises LanguageUnsure, where the caller would rather have none than a guess."""
        for window, each in zip(windows, chances, strict=True):
            self.speech += window.speech
            self.votes.update({language: window.speech * chance for language, chance in each.items()})
        self.asks_at = 2 * (self.heard + sum(window.speech for window in windows))
        if self.votes and (not self.language or self.options.multilingual):
            self.language = self._decide()

    def of(self, chances: Chances) -> str:
        """Return the language of one window by its own chances, or the recording's where they are unsure."""
        likeliest = max(chances, key=lambda language: chances[language])
        return likeliest if chances[likeliest] >= self.options.language_threshold else self.language

    @property
    def probability(self) -> float | None:
        """Of the language; None when nobody had to guess."""
        return round(self.votes[self.language] / self.speech, 4) if self.speech else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know when the recording went on in another language."""
        if not self.votes or self.options.multilingual:
            return ()
        ((likeliest, _),) = self.votes.most_common(1)
        if likeliest == self.language or self.options.if_unsure == self.language:
            return ()
        return (
            f"It was heard as {to_bcp47(self.language)}, by how it begins, and most of it sounds like "
            f"{to_bcp47(likeliest)}. Name the language, or send multilingual, and hear it again.",
        )

    def _decide(self) -> str:
        ((likeliest, votes),) = self.votes.most_common(1)
        certain = votes / self.speech if self.speech else 0.0
        if certain >= self.options.language_threshold or self.options.if_unsure == "guess":
            return likeliest
        if self.options.if_unsure != "fail":
            return self.options.if_unsure
        raise LanguageUnsure(
            f"It is most likely {to_bcp47(likeliest)}, with a probability of {certain:.2f}; at least "
            f"{self.options.language_threshold:g} was asked for. Name the language, or let if_unsure name one."
        )
