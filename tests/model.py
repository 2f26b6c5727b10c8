"""A job's way as a state machine so small that a computer can walk all of it.

One job, two workers, the queue, the reaper and the owner. Every read and every write of the real thing is a step of its
own, and between any two steps anybody else may take theirs: a worker may pause for ever, die, or be given a message
twice; a lease may run out at any moment, which is also what clocks that disagree come to; a message may be lost or come
again. `Rules` are the promises by which it works: each can be taken away, to see what it is there for.

What must hold is written in `broken` (in each state) and `changed_wrongly` (in each step); what must be possible, in
`stuck`: from wherever things have got to, the willing bring every job to its end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

WORKERS = (0, 1)
MAX_ATTEMPTS = 2
MAX_GENERATION = 3
"""The model's own bound: the real one has none. What would go beyond it is not walked."""

MOST_COPIES = 2

TERMINAL = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Rules:
    """How it is done. Each may be broken, to see that the checker would notice."""

    fenced: bool = True  # a write names the attempt, and only the holder's is taken
    revision_checked: bool = True  # and what it was made from must still be stored
    reaper: bool = True
    lease_respected: bool = True  # a claim of what somebody holds is refused


class Job(NamedTuple):
    status: str = "queued"
    generation: int = 1
    attempts: int = 0
    holder: int | None = None  # the attempt that holds the lease
    lease: bool = False  # whether it still runs
    revision: int = 0  # of what is stored; a number that differs after every change


class Seen(NamedTuple):
    """What somebody remembers of the job as it was read: what a condition will be made of."""

    revision: int
    holder: int | None
    generation: int = 0  # where the next one is made from it


class Hand(NamedTuple):
    """What a worker has in mind: all that a crash makes it forget."""

    at: str  # received | free | spent | claimed | stored | ended
    message: int  # its generation
    seen: Seen | None = None  # for what is to be written next


class State(NamedTuple):
    job: Job = Job()
    visible: tuple[int, ...] = (1,)  # messages on the queue, by generation
    hidden: tuple[int, ...] = ()
    hands: tuple[Hand | None, ...] = (None,) * len(WORKERS)
    reaper: Seen | None = None  # what it read, and has sent (or written) half of
    ends: int = 0  # terminal events told
    stored: frozenset[int | None] = frozenset()  # attempts whose transcript lies in the bucket
    pointer: int | None = None  # whose transcript the job names
    mishaps: int = 1  # that a message may still be lost, or come twice, or the reaper die between its two writes


Step: TypeAlias = tuple[str, State]

HARMFUL = ("crash", "lose", "copy", "cancel", "gives back")
"""Steps that nobody willing takes."""


def steps(state: State, rules: Rules) -> Iterator[Step]:
    """Yield all that may happen next."""
    yield from _queue(state)
    for worker in WORKERS:
        yield from _worker(state, worker, rules)
    if rules.reaper:
        yield from _reap(state, rules)
    if state.job.status not in TERMINAL:  # read and written at once: what was read too early, the table refuses
        yield "cancel", _ended(state, "cancelled")
    if state.job.lease:
        yield "lease ends", state._replace(job=state.job._replace(lease=False))


# ---------------------------------------------------------------- the queue


def _queue(state: State) -> Iterator[Step]:
    for message in set(state.hidden):
        yield "visible again", _shown(state, message)
    for message in set(state.visible):
        rest = _without(state.visible, message)
        if state.mishaps:
            yield "lose", state._replace(visible=rest, mishaps=state.mishaps - 1)
            yield "copy", state._replace(visible=_with(state.visible, message), mishaps=state.mishaps - 1)


def _shown(state: State, message: int) -> State:
    return state._replace(hidden=_without(state.hidden, message), visible=_with(state.visible, message))


def _deleted(state: State, message: int) -> State:
    """Deleting by a handle takes one message, wherever it is by now."""
    if message in state.hidden:
        return state._replace(hidden=_without(state.hidden, message))
    return state._replace(visible=_without(state.visible, message))


def _with(messages: tuple[int, ...], message: int) -> tuple[int, ...]:
    """A third message of one generation is a second one that comes once more: it is left out."""
    return messages if messages.count(message) >= MOST_COPIES else tuple(sorted((*messages, message)))


def _without(messages: tuple[int, ...], message: int) -> tuple[int, ...]:
    if message not in messages:
        return messages
    at = messages.index(message)
    return messages[:at] + messages[at + 1 :]


# ---------------------------------------------------------------- a worker


def _worker(state: State, worker: int, rules: Rules) -> Iterator[Step]:
    hand = state.hands[worker]
    if hand is None:
        for message in set(state.visible):
            received = state._replace(visible=_without(state.visible, message), hidden=_with(state.hidden, message))
            yield "receive", _hand(received, worker, Hand("received", message))
        return
    yield "crash", _hand(state, worker, None)
    yield from _go_on(state, worker, hand, rules)


def _go_on(state: State, worker: int, hand: Hand, rules: Rules) -> Iterator[Step]:
    match hand.at:
        case "received":
            yield _read(state, worker, hand, rules)
            if hand.message > state.job.generation:  # it has looked often enough: there will be no such job
                yield "gives up looking", _hand(state, worker, Hand("ended", hand.message))
        case "free":
            yield _claim(state, worker, hand, rules)
        case "spent":
            yield _give_up(state, worker, hand, rules)
        case "claimed":
            yield _renew(state, worker, hand, rules)
            stored = state._replace(stored=state.stored | {_attempt(hand)})
            yield "store", _hand(stored, worker, hand._replace(at="stored"))
            for counted in (True, False):
                yield _give_back(state, worker, hand, counted, rules)
        case "stored":
            yield _complete(state, worker, hand, rules)
        case "ended":
            yield "delete", _hand(_deleted(state, hand.message), worker, None)


def _attempt(hand: Hand) -> int:
    assert hand.seen
    assert hand.seen.holder
    return hand.seen.holder


def _read(state: State, worker: int, hand: Hand, rules: Rules) -> Step:
    """Decide what to do; whether it may be done, the table says."""
    job = state.job
    if job.status in TERMINAL or hand.message < job.generation:
        return "leftover", _hand(state, worker, Hand("ended", hand.message))
    if hand.message > job.generation or (job.lease and rules.lease_respected):
        return "look again later", _hand(state, worker, None)  # the message comes back by itself
    at = "spent" if job.attempts >= MAX_ATTEMPTS else "free"
    seen = Seen(job.revision, job.holder if at == "spent" else None)
    return f"reads: {at}", _hand(state, worker, Hand(at, hand.message, seen))


def _claim(state: State, worker: int, hand: Hand, rules: Rules) -> Step:
    assert hand.seen
    free = not state.job.lease or not rules.lease_respected
    if not free or (rules.revision_checked and state.job.revision != hand.seen.revision):
        return "claim refused", _hand(state, worker, None)
    attempt = 1 + max(_attempts(state), default=0)
    job = _next(state.job, status="processing", holder=attempt, lease=True, attempts=state.job.attempts + 1)
    holding = Hand("claimed", hand.message, Seen(job.revision, attempt))
    return "claim", _hand(state._replace(job=job), worker, holding)


def _give_up(state: State, worker: int, hand: Hand, rules: Rules) -> Step:
    if not _unchanged(state.job, hand.seen, rules):
        return "gives up in vain", _hand(state, worker, None)
    return "attempts spent", _hand(_ended(state, "failed"), worker, Hand("ended", hand.message))


def _renew(state: State, worker: int, hand: Hand, rules: Rules) -> Step:
    if state.job.holder != _attempt(hand) and rules.fenced:
        return "lease lost", _hand(state, worker, None)
    return "renew", state._replace(job=state.job._replace(lease=state.job.holder is not None))


def _complete(state: State, worker: int, hand: Hand, rules: Rules) -> Step:
    if not _unchanged(state.job, hand.seen, rules):
        return "completion refused", _hand(state._replace(stored=state.stored - {_attempt(hand)}), worker, None)
    done = _ended(state, "completed")._replace(pointer=_attempt(hand))
    return "complete", _hand(done, worker, Hand("ended", hand.message))


def _give_back(state: State, worker: int, hand: Hand, counted: bool, rules: Rules) -> Step:
    """An error that may pass, or SIGTERM; then the message is shown at once."""
    if not _unchanged(state.job, hand.seen, rules):
        return "gives back in vain", _hand(state, worker, None)
    attempts = state.job.attempts - (not counted)
    returned = state._replace(job=_next(state.job, status="queued", holder=None, lease=False, attempts=attempts))
    shown = _shown(returned, hand.message) if hand.message in state.hidden else returned
    return "gives back", _hand(shown, worker, None)


def _hand(state: State, worker: int, hand: Hand | None) -> State:
    hands = tuple(hand if one == worker else state.hands[one] for one in WORKERS)
    return state._replace(hands=hands)


# ---------------------------------------------------------------- the reaper


def _reap(state: State, rules: Rules) -> Iterator[Step]:
    """Two writes: a message under a higher generation, then the record; it may die in between."""
    job = state.job
    if state.reaper is None:
        lapsed = job.status == "processing" and not job.lease
        lost = job.status == "queued" and not state.visible and not state.hidden
        if lapsed and job.attempts >= MAX_ATTEMPTS:
            yield "reaper fails it", _ended(state, "failed")
        elif (lapsed or lost) and job.generation < MAX_GENERATION:
            sent = state._replace(visible=_with(state.visible, job.generation + 1))
            yield "reaper sends", sent._replace(reaper=Seen(job.revision, job.holder, job.generation))
        return
    seen = state.reaper
    if state.mishaps:
        yield "crash", state._replace(reaper=None, mishaps=state.mishaps - 1)
    if _unchanged(job, seen, rules):
        yield "reaper writes", state._replace(job=_resent(job), reaper=None)
    else:
        yield "reaper was late", state._replace(reaper=None)


def _resent(job: Job) -> Job:
    return _next(job, status="queued", holder=None, lease=False, generation=job.generation + 1)


# ---------------------------------------------------------------- what the table does


def _unchanged(job: Job, seen: Seen | None, rules: Rules) -> bool:
    """The condition of every write that ends or returns a job: this very holder, this very revision."""
    assert seen
    held = job.holder == seen.holder or not rules.fenced
    return held and (job.revision == seen.revision or not rules.revision_checked)


def _next(job: Job, **changes: Any) -> Job:
    return job._replace(revision=job.revision + 1, **changes)


def _ended(state: State, status: str) -> State:
    job = _next(state.job, status=status, holder=None, lease=False)
    return state._replace(job=job, ends=state.ends + 1)


# ---------------------------------------------------------------- what is the same


NOW, NAMED, LATE = 1, 2, 3
"""What an attempt may be: the holder, the one whose transcript the job names, or one that came too late for either."""


def same(state: State) -> State:
    """Return one state for all that differ by nothing that matters: which worker is which, and how far counters ran.

    A revision is only ever compared with the stored one, which no earlier one will ever be again; an attempt only with
    the holder. So there is this one, and the others. That makes a finite number of states out of endless days.
    """
    job = state.job

    def attempt(one: int | None) -> int | None:
        return None if one is None else NOW if one == job.holder else NAMED if one == state.pointer else LATE

    def seen(one: Seen | None) -> Seen | None:
        return one and Seen(int(one.revision == job.revision), attempt(one.holder), one.generation)

    hands = (hand and hand._replace(seen=seen(hand.seen)) for hand in state.hands)
    return state._replace(
        job=job._replace(revision=1, holder=attempt(job.holder)),
        hands=tuple(sorted(hands, key=str)),
        reaper=seen(state.reaper),
        stored=frozenset(attempt(one) for one in state.stored & {job.holder, state.pointer}),
        pointer=attempt(state.pointer),
    )


def _seen(state: State) -> Iterator[Seen]:
    for seen in (state.reaper, *(hand.seen for hand in state.hands if hand)):
        if seen:
            yield seen


def _attempts(state: State) -> set[int]:
    """Return the attempts that somebody may still name."""
    named = {state.job.holder, state.pointer, *(seen.holder for seen in _seen(state))}
    return {number for number in named if number is not None}


# ---------------------------------------------------------------- what must hold


def broken(state: State) -> str | None:
    """Return which promise this state breaks."""
    job = state.job
    if (job.holder is not None) != (job.status == "processing"):
        return "who processes holds the job, and nobody else does"
    if job.attempts > MAX_ATTEMPTS:
        return "no more attempts than there may be"
    if state.ends > 1:
        return "one end, told once"
    if (job.status in TERMINAL) != (state.ends == 1):
        return "an end is told, and nothing else is told as one"
    if (state.pointer is not None) != (job.status == "completed"):
        return "a transcript is named by a completed job alone"
    if state.pointer is not None and state.pointer not in state.stored:
        return "the transcript that a job names is there"
    return None


def changed_wrongly(before: State, after: State) -> str | None:
    """Return which promise this step breaks."""
    if before.job.status in TERMINAL and after.job != before.job:
        return "an end is an end"
    if before.pointer is not None and after.pointer != before.pointer:
        return "a job names one transcript, for good"
    return None


# ---------------------------------------------------------------- the walk


@dataclass
class Walk:
    """Every state that can be reached, each with the steps that lead on; `violations` with the way there."""

    edges: dict[State, list[Step]]
    violations: list[tuple[str, list[str]]]

    @property
    def transitions(self) -> int:
        return sum(map(len, self.edges.values()))


def walk(rules: Rules, *, mishaps: int = 1, stop_at_first: bool = False) -> Walk:
    """Walk breadth first, so that the way to a violation is a shortest one."""
    start = same(State(mishaps=mishaps))
    came: dict[State, tuple[State, str] | None] = {start: None}
    found = Walk({}, [])
    ahead = deque([start])
    while ahead:
        state = ahead.popleft()
        found.edges[state] = [(name, same(after)) for name, after in steps(state, rules)]
        for name, after in found.edges[state]:
            wrong = changed_wrongly(state, after) or (None if after in came else broken(after))
            if after not in came:
                came[after] = state, name
                ahead.append(after)
            if wrong:
                found.violations.append((wrong, [*_way(state, came), name]))
                if stop_at_first:
                    return found
    return found


def _way(state: State, came: dict[State, tuple[State, str] | None]) -> list[str]:
    names: list[str] = []
    while (step := came[state]) is not None:
        state, name = step
        names.append(name)
    return names[::-1]


def stuck(found: Walk) -> list[State]:
    """Return the states from which the willing cannot bring the job to its end."""
    back: dict[State, list[State]] = {}
    for state, ways in found.edges.items():
        for name, after in ways:
            if name not in HARMFUL:
                back.setdefault(after, []).append(state)
    good = {state for state in found.edges if state.job.status in TERMINAL or _at_the_bound(state)}
    ahead = deque(good)
    while ahead:
        for before in back.get(ahead.popleft(), ()):
            if before not in good:
                good.add(before)
                ahead.append(before)
    return [state for state in found.edges if state not in good]


def _at_the_bound(state: State) -> bool:
    """The reaper would send once more, and the model walks no further."""
    return state.job.generation == MAX_GENERATION and not state.visible and not state.hidden
