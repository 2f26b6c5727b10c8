"""What becomes of one recording's windows: they are judged, redone by what cures them, and stitched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from container.judge import OPEN_TAIL, SHORT, Flag, finite, judge, uncovered
from container.tongue import Chances, Known, Tongue, Vote
from container.windows import PAD, Window, best_pause, clip, quietest
from container.words import in_order, moved, place
from container.writing import Text, write
from tiro.language import NO_LANGUAGE, is_spaced, to_bcp47
from tiro.ports import SAMPLE_RATE, DecodeOptions, HeardSegment, HeardWindow, HeardWord
from tiro.request import Options
from tiro.transcript import DroppedSegment, Engine, Segment, Transcript

LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Temperatures tried one after another while the text is not believable (openai/whisper, transcribe.py)."""


@dataclass(frozen=True)
class Attempt:
    """A window to be decoded, and what became of it so far."""

    window: Window
    step: int = 0  # on the ladder
    flags: frozenset[Flag] = frozenset()  # that fired on the way here
    around: frozenset[Flag] = frozenset()  # LOOP, where a longer window around it looped
    best: Result | None = None  # the most believable text so far
    language: str = ""  # its own, where a recording may have several
    asks: bool = False  # whether it is to vote for a language before it is decoded

    def again(self, flags: frozenset[Flag], **changes: Any) -> Attempt:
        return replace(self, flags=self.flags | flags, **changes)


@dataclass(frozen=True)
class Result:
    """What was heard in a window, and what the guards say of it."""

    heard: HeardWindow
    flags: frozenset[Flag]
    temperature: float

    @property
    def belief(self) -> tuple[bool, float]:
        """Of two results the greater is the better: no loop first, then Whisper's own certainty."""
        return Flag.LOOP not in self.flags, self.heard.avg_logprob


@dataclass(frozen=True)
class Outcome:
    """What an attempt came to: a text that stays, and what must be decoded again. Often only one of them."""

    kept: Result | None = None
    again: tuple[Attempt, ...] = ()
    segments: tuple[Segment, ...] = ()  # of the text that stays, once it is written down


class Hearing:
    """One recording while it is heard: how its windows are decoded, and what becomes of them.

    It knows neither an engine nor an order. Who decodes takes the `attempts` at each window in the order of the clock,
    lets `detect` the language those that ask, asks for the `options` of each, hands the answer to `settle`, and has
    what is kept written down by `write`. Of what is heard for good, in order, the votes `count`.
    """

    def __init__(self, options: Options, how: DecodeOptions, known: Mapping[str, Known] | None = None) -> None:
        """`known` is what another one knew where this one goes on."""
        self._wanted = options
        self._how = replace(how, task=options.task, prompt=told(options))
        self._tongues = {channel: Tongue(options, each) for channel, each in (known or {}).items()}  # "": of the mix

    @property
    def known(self) -> dict[str, Known]:
        """What must be known to hear the rest of the recording as it would have been."""
        return {channel: tongue.known for channel, tongue in self._tongues.items()}

    def aligns(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Whether `write` needs the times of words: they are wanted, or it is in doubt whether the text is all."""
        return outcome.kept is not None and (self._wanted.words or _in_doubt(attempt, outcome.kept))

    def attempts(self, window: Window) -> tuple[Attempt, ...]:
        """Return what to decode of the next window; it is in pieces where the language may change in it."""
        asks = self._tongue(window).asks(window)
        return tuple(Attempt(piece, asks=asks) for piece in self._pieces(window))

    def _pieces(self, window: Window) -> tuple[Window, ...]:
        if not self._wanted.multilingual or len(window.pcm) <= SHORT * SAMPLE_RATE:
            return (window,)
        return tuple(piece for half in _halves(window) for piece in self._pieces(half))

    def undecided(self, window: Window) -> bool:
        """Whether the language of its recording, or of its channel, is still to be chosen."""
        return not self._tongue(window).language

    def options(self, attempt: Attempt) -> DecodeOptions:
        """Return how to decode it; what has equal options may share a batch. No language: it is undecided."""
        language = attempt.language or self._tongue(attempt.window).language
        return replace(self._how, language=language, temperature=LADDER[attempt.step])

    def detect(self, batch: Sequence[Attempt], chances: Sequence[Chances]) -> list[tuple[Attempt, Vote]]:
        """Let windows vote, and choose a language that is undecided; return them, with their own where it may change.

        Raises LanguageUnsure, if that is the caller's policy.
        """
        votes = [Vote.of(attempt.window, each) for attempt, each in zip(batch, chances, strict=True)]
        for channel in dict.fromkeys(attempt.window.channel for attempt in batch):
            rows = [row for row, attempt in enumerate(batch) if attempt.window.channel == channel]
            self._tongue(batch[rows[0]].window).decide([votes[row] for row in rows])
        return [
            (self._told_apart(attempt, each), vote) for attempt, each, vote in zip(batch, chances, votes, strict=True)
        ]

    def _told_apart(self, attempt: Attempt, chances: Chances) -> Attempt:
        own = self._tongue(attempt.window).of(chances) if self._wanted.multilingual else ""
        return replace(attempt, language=own, asks=False)

    def count(self, window: Window, votes: Sequence[Vote]) -> None:
        """A window is heard for good, and so is all before it."""
        self._tongue(window).count(window.speech, votes)

    def _tongue(self, window: Window) -> Tongue:
        return self._tongues.setdefault(window.channel or "", Tongue(self._wanted))

    def settle(self, attempt: Attempt, heard: HeardWindow) -> Outcome:
        """Keep a text, or choose what may cure it: shorter windows first, then the ladder."""
        window, heard = attempt.window, finite(heard)
        result = Result(heard, judge(window, heard), LADDER[attempt.step])
        flags = result.flags
        best = max(filter(None, (attempt.best, result)), key=lambda r: r.belief)
        if flags >= {Flag.NO_SPEECH, Flag.LOW_LOGPROB}:
            return Outcome(best)  # Whisper would not try again, nor do we
        if flags & {Flag.LOOP, Flag.SPARSE} and attempt.step == 0 and len(window.pcm) > SHORT * SAMPLE_RATE:
            around = attempt.around | (flags & {Flag.LOOP})
            return Outcome(again=tuple(attempt.again(flags, window=half, around=around) for half in _halves(window)))
        if not flags & {Flag.LOOP, Flag.LOW_LOGPROB}:
            return Outcome(result)
        if attempt.step + 1 == len(LADDER):
            return Outcome(best)
        return Outcome(again=(attempt.again(flags, step=attempt.step + 1, best=best),))

    def write(self, attempt: Attempt, outcome: Outcome, words: Sequence[Sequence[HeardWord]] = ()) -> Outcome:
        """Write down what is kept, and say what is to be heard again; `words` are each segment's, if it `aligns`."""
        if outcome.kept is None:
            return outcome
        unsaid = tuple(_unsaid(attempt, outcome.kept, words))
        several = self._wanted.multilingual or (self._wanted.channels == "separate" and not self._wanted.language)
        language = to_bcp47(self.options(attempt).language) if several else None
        about: dict[str, Any] = {"language": language, "channel": attempt.window.channel}
        about |= {} if self._wanted.words else {"words": ()}
        text = Text(
            window=attempt.window,
            heard=outcome.kept.heard,
            temperature=outcome.kept.temperature,
            fired=attempt.flags | outcome.kept.flags,
            signals=_signals(attempt, outcome.kept),
        )
        segments = tuple(moved(s.model_copy(update=about), by=self._wanted.start) for s in write(text, words))
        return replace(outcome, again=unsaid, segments=segments)

    def transcript(
        self, segments: Iterable[Segment], *, duration: float, warnings: tuple[str, ...], engine: Engine
    ) -> Transcript:
        """Stitch what was heard together, in the order in which it was said. `duration` in seconds."""
        heard = sorted(segments, key=lambda s: (s.start, s.end))
        kept = in_order(s for s in heard if not isinstance(s, DroppedSegment))
        main = self._main(kept)
        return Transcript(
            text=self._joined(kept, main.spoken),
            language=to_bcp47(main.spoken) if kept else NO_LANGUAGE,
            language_probability=main.probability if kept else None,
            duration=round(duration, 3),
            no_speech=not kept,
            segments=kept,
            dropped=tuple(s for s in heard if isinstance(s, DroppedSegment)),
            warnings=(*warnings, *(warning for tongue in self._tongues.values() for warning in tongue.warnings)),
            engine=engine,
        )

    def _main(self, kept: Iterable[Segment]) -> Tongue:
        """Return the tongue of the channel on which most is said."""
        spoken: Counter[str | None] = Counter()
        for segment in kept:
            spoken[segment.channel] += len(segment.text)
        channel = max(spoken, key=lambda each: spoken[each], default=None)
        return self._tongues.get(channel or "") or Tongue(self._wanted)

    def _joined(self, kept: Sequence[Segment], language: str) -> str:
        if self._wanted.task == "translate":
            return " ".join(s.text for s in kept)
        pieces = [s.text for s in kept[:1]]
        for before, segment in pairwise(kept):
            between = any(is_spaced(each.language or to_bcp47(language)) for each in (before, segment))
            pieces.append(f" {segment.text}" if between else segment.text)
        return "".join(pieces)


def told(options: Options) -> str:
    """Return what is told before each window: of a text that is too long the end is heard, so the prompt comes last."""
    return " ".join(filter(None, (", ".join(options.hotwords), (options.prompt or "").strip())))


def _signals(attempt: Attempt, result: Result) -> frozenset[Flag]:
    """Return what speaks against a text. A loop where there is no speech does, whatever was sampled after it."""
    looped = attempt.flags & {Flag.LOOP} if Flag.NO_SPEECH in result.flags else frozenset()
    return result.flags | attempt.around | looped


def _in_doubt(attempt: Attempt, result: Result) -> bool:
    """Whether the times and probabilities of words say more of a text than it says itself."""
    return Flag.NO_SPEECH in result.flags or _looped(attempt, result) or bool(uncovered(attempt.window, result.heard))


def _looped(attempt: Attempt, result: Result) -> bool:
    """Whether a believable text was found where a longer window looped."""
    return Flag.LOOP in attempt.around and not result.flags & {Flag.LOOP, Flag.LOW_LOGPROB}


def _unsaid(attempt: Attempt, result: Result, words: Sequence[Sequence[HeardWord]]) -> Iterator[Attempt]:
    """Yield what no text stands for, to be heard apart.

    Whisper's own times and the words' must agree on it; but once it looped, its times say nothing any more.
    """
    window = attempt.window
    gaps = uncovered(window, result.heard)
    if words:
        placed = place(window, (word for segment in words for word in segment))
        at = window.start / SAMPLE_RATE
        spoken = [HeardSegment(word.start - at, word.end - at, word.text) for word in placed]
        silent = uncovered(window, replace(result.heard, segments=spoken), closed=OPEN_TAIL)
        agreed = (part for gap in gaps for part in clip(silent, gap.start, gap.end))
        gaps = silent if _looped(attempt, result) else tuple(agreed)
    for stretch in gaps:
        rest = window.part(stretch.start, stretch.end + PAD)
        if len(rest.pcm) <= len(window.pcm) - SAMPLE_RATE:  # each is shorter, so that this ends
            flags = attempt.flags | {Flag.UNCOVERED}
            yield Attempt(rest, flags=flags, around=attempt.around, language=attempt.language)


def _halves(window: Window) -> tuple[Window, Window]:
    """Cut a window in two at a pause near its middle, else where it is quietest."""
    third = len(window.pcm) // 3
    pause = best_pause(window.spans, window.start + third, window.end - third)
    at = (pause[0].end + pause[1].start) // 2 if pause else window.start + quietest(window.pcm, third, 2 * third)
    return window.part(window.start, at), window.part(at, window.end)
