"""The race on paper: a table, a picture, and one line."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from xml.sax.saxutils import escape

from tests.bench.figures import LONG, SHORT, Errors, Figures, is_long, is_short, middle
from tests.bench.peers import OURS

WIDTH, HEIGHT, MARGIN = 720, 420, 64
"""Of the picture, in pixels."""

LETTER = 6.6
"""What a letter of a name takes of it, across."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def markdown(figures: Figures, machine: str) -> str:
    """Return the tables."""
    return "\n".join([*_head(figures, machine), *_speeds(figures), *_errors(figures), *_languages(figures), ""])


def summary(figures: Figures) -> str:
    """Return the one line that the race ends in. Speeds are over recordings longer than LONG, or all there are."""
    long = any(is_long(figures.recordings[lap.path]) for lap in figures.laps)
    against = [
        middle(figures.ratios(peer, where=is_long if long else lambda _: True, clock="wall"))
        for peer in ("faster-whisper, beam 1", "whisper", "faster-whisper, batched, beam 1")
    ]
    best = figures.best_sequential()
    return (
        f"bench: {against[0]} of faster-whisper sequential, {against[1]} of whisper, "
        f"{against[2]} of faster-whisper batched; "
        f"wer {figures.errors(OURS).rate:.2f} ours, {figures.errors(best).rate:.2f} best sequential peer"
    )


def _head(figures: Figures, machine: str) -> list[str]:
    seconds = sum(figures.recordings[path].seconds for path in {lap.path for lap in figures.laps})
    laps = 1 + max(lap.lap for lap in figures.laps)
    often = f"up to {laps} times" if laps > 1 else "once"
    varied = (
        " The first time it is as it is, then a variant that no ear tells apart (`tests/bench/variant.py`): one count "
        "of wrong words is a draw of a lottery, so errors are means over them."
    )
    untimed = ""
    if busy := len(figures.laps) - len(figures.timed):
        untimed = f"; {busy} of {len(figures.laps)} laps are not timed, since others wanted the machine then"
    return [
        "# The bench",
        "",
        f"Written by `make bench`: {len({lap.path for lap in figures.laps})} recordings, {seconds / 60:.0f} minutes, "
        f"each heard {often} by every peer in turn, in an order by lot.{varied if laps > 1 else ''} All have the "
        "same weights (Whisper base), detect the language themselves and time no words; each stands in a process of "
        "its own, and none works while another does.",
        "",
        f"`{OURS}` is what runs where nothing else is said: five beams on CTranslate2, in int8. A peer's bare name has "
        "its package's own defaults: five beams for faster-whisper, one for openai-whisper.",
        "",
        f"The machine: {machine}. Before a lap that is timed its load was "
        f"{median(lap.load for lap in figures.timed):.1f} (median; at most "
        f"{max(lap.load for lap in figures.timed):.1f}){untimed}.",
        "",
        "![Word error rate against speed](bench.svg)",
        "",
    ]


def _speeds(figures: Figures) -> list[str]:
    rows = [
        "## Speed",
        "",
        f"How many times as long as `{OURS}` a peer takes: the median over pairs of the same recording and lap. CPU "
        "time counts all threads, and minds a busy machine less. Over 1: it is slower.",
        "",
        f"| | × real time | over {LONG / 60:.0f} min: wall | CPU | under {SHORT:.0f} s: wall | CPU |",
        "|---|---|---|---|---|---|",
    ]
    for peer in figures.peers:
        cells = [
            middle(figures.ratios(peer, where=where, clock=clock))
            for where in (is_long, is_short)
            for clock in ("wall", "cpu")
        ]
        rows.append(f"| {peer} | {figures.speed(peer, where=lambda _: True):.1f} | {' | '.join(cells)} |")
    return [*rows, ""]


def _errors(figures: Figures) -> list[str]:
    rows = [
        "## Errors",
        "",
        f"The difference is `{OURS}` minus the peer, in points: 95 % of a paired bootstrap over recordings. Below 0: "
        f"`{OURS}` errs less.",
        "",
        "| | words | wrong | by lap | % | difference |",
        "|---|---|---|---|---|---|",
    ]
    for peer in figures.peers:
        errors = figures.errors(peer)
        low, high = figures.interval(peer)
        between = "" if peer == OURS else f"{low:+.2f} to {high:+.2f}"
        laps = ", ".join(map(str, figures.by_lap(peer)))
        rows.append(f"| {peer} | {errors.words:,} | {_count(errors)} | {laps} | {errors.rate:.2f} | {between} |")
    return [*rows, ""]


def _languages(figures: Figures) -> list[str]:
    rows = [
        "## By language",
        "",
        "Wrong words; characters for ja, zh and ko.",
        "",
        f"| | words | {' | '.join(figures.peers)} |",
        "|---|---|" + "---|" * len(figures.peers),
    ]
    for language in figures.languages():
        cells = [figures.errors(peer, language) for peer in figures.peers]
        rows.append(f"| {language} | {cells[0].words:,} | {' | '.join(map(_count, cells))} |")
    return rows


def _count(errors: Errors) -> str:
    return f"{round(errors.wrong, 1):,g}"


def picture(figures: Figures) -> str:
    """Return an SVG: each peer a point, faster to the right, better to the top."""
    points = {peer: (figures.speed(peer, where=lambda _: True), figures.errors(peer).rate) for peer in figures.peers}
    fast = 1.15 * max(speed for speed, _ in points.values())
    rates = [rate for _, rate in points.values()]
    least, most = min(rates) - 1, max(rates) + 1

    def place(speed: float, rate: float) -> tuple[float, float]:
        across, down = speed / fast, (rate - least) / (most - least)
        return MARGIN + across * (WIDTH - 2 * MARGIN), MARGIN + down * (HEIGHT - 2 * MARGIN)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{MARGIN}" y="28" font-size="15" fill="#222">Better to the top, faster to the right</text>',
    ]
    for tick in range(0, int(fast) + 1, max(1, round(fast / 6))):
        x, _ = place(tick, most)
        lines.append(f'<path d="M{x:.0f} {MARGIN}V{HEIGHT - MARGIN}" stroke="#e4e4e4"/>')
        lines.append(f'<text x="{x:.0f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle" fill="#666">{tick} ×</text>')
    for tick in range(int(least) + 1, int(most) + 1, max(1, round((most - least) / 5))):
        _, y = place(0, tick)
        lines.append(f'<path d="M{MARGIN} {y:.0f}H{WIDTH - MARGIN}" stroke="#e4e4e4"/>')
        lines.append(f'<text x="{MARGIN - 8}" y="{y + 4:.0f}" text-anchor="end" fill="#666">{tick} %</text>')
    lines.append(
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 18}" text-anchor="middle" fill="#666">seconds of audio a second; '
        "word errors to the left</text>"
    )
    places = {peer: place(*at) for peer, at in points.items()}
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in places.values()]
    for peer, (x, y) in places.items():
        color = "#c0392b" if peer.startswith(OURS) else "#34495e"
        box = _free_box(x, y, LETTER * len(peer), taken)
        taken.append(box)
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>')
        lines.append(f'<text x="{box[0]:.1f}" y="{box[3] - 3:.1f}" fill="{color}">{escape(peer)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _free_box(x: float, y: float, width: float, taken: Sequence[Box]) -> Box:
    """Return where a name can stand near its point, over no other and no name; on the right of it if it can."""
    heights = sorted(range(-36, 37, 4), key=abs)
    boxes = [(left, y + down - 7, left + width, y + down + 7) for down in heights for left in (x + 9, x - 9 - width)]
    return next((box for box in boxes if not any(_overlap(box, other) for other in taken)), boxes[0])


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
