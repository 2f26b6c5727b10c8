"""Lines in small panels, as an SVG that a browser and a README can show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COLOURS = ("#0b6e99", "#d9730d", "#7c5cbf", "#8a8a8a")
WIDTH, HEIGHT = 300, 110
LEFT, TOP, GAP_X, GAP_Y = 170, 60, 60, 42

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """Lines by name, over hours. `log`: from `floor` up by factors of ten."""

    title: str
    lines: Mapping[str, Line]
    log: bool = False
    floor: float = 1.0

    @property
    def top(self) -> float:
        highest = max((y for line in self.lines.values() for _, y in line), default=1.0)
        if self.log:
            return float(10 ** math.ceil(math.log10(max(highest, self.floor * 10))))
        step = 10 ** math.floor(math.log10(max(highest, 1)))
        return float(math.ceil(max(highest, 1) / step) * step)

    def height(self, y: float) -> float:
        """Return how high a value stands, 0 to 1."""
        if self.log:
            return math.log(max(y, self.floor) / self.floor) / math.log(self.top / self.floor)
        return y / self.top


def draw(rows: Sequence[tuple[str, str, Sequence[Panel]]], names: Sequence[str]) -> str:
    """Draw rows of (title, subtitle, panels). Each of the names has its colour in all of them."""
    width = LEFT + len(rows[0][2]) * (WIDTH + GAP_X)
    height = TOP + len(rows) * (HEIGHT + GAP_Y)
    colours = dict(zip(names, COLOURS, strict=False))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif"'
        ' font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *_legend(colours),
    ]
    for row, (title, subtitle, panels) in enumerate(rows):
        y = TOP + row * (HEIGHT + GAP_Y)
        parts.append(_text(10, y + 14, title, weight="bold", size=13))
        parts += [_text(10, y + 30 + 13 * i, words) for i, words in enumerate(_wrapped(subtitle, 20))]
        for column, panel in enumerate(panels):
            parts += _panel(panel, LEFT + column * (WIDTH + GAP_X), y, colours, titled=row == 0)
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, x: float, y: float, colours: Mapping[str, str], *, titled: bool) -> list[str]:
    hours = max((line[-1][0] for line in panel.lines.values() if line), default=1.0)
    parts = [f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#ddd"/>']
    if titled:
        parts.append(_text(x, y - 8, panel.title, weight="bold"))
    ticks = _powers(panel) if panel.log else [0, panel.top / 2, panel.top]
    for tick in ticks:
        at = y + HEIGHT * (1 - panel.height(tick))
        parts.append(f'<line x1="{x}" x2="{x + WIDTH}" y1="{at:.1f}" y2="{at:.1f}" stroke="#eee"/>')
        parts.append(_text(x - 5, at + 4, f"{tick:,g}", anchor="end"))
    for hour in range(0, int(hours) + 1, max(1, int(hours) // 6)):
        parts.append(_text(x + WIDTH * hour / hours, y + HEIGHT + 13, f"{hour} h", anchor="middle"))
    for name, line in reversed(list(panel.lines.items())):  # the first is on top
        points = " ".join(
            f"{x + WIDTH * hour / hours:.1f},{y + HEIGHT * (1 - panel.height(value)):.1f}"
            for hour, value in _thin(line)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colours[name]}" stroke-width="1.3"/>')
    return parts


def _thin(line: Line) -> Line:
    """Keep the highest of every few points: nobody can see more than a panel has pixels."""
    step = max(1, 2 * len(line) // WIDTH)
    return [max(line[i : i + step], key=lambda point: point[1]) for i in range(0, len(line), step)]


def _powers(panel: Panel) -> list[float]:
    return [panel.floor * 10**i for i in range(round(math.log10(panel.top / panel.floor)) + 1)]


def _legend(colours: Mapping[str, str]) -> list[str]:
    parts = []
    for i, (name, colour) in enumerate(colours.items()):
        x = LEFT + i * 150
        parts.append(f'<line x1="{x}" x2="{x + 20}" y1="20" y2="20" stroke="{colour}" stroke-width="3"/>')
        parts.append(_text(x + 26, 24, name))
    return parts


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal", size: int = 11) -> str:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}"'
        f' fill="#333">{escaped}</text>'
    )


def _wrapped(words: str, width: int) -> list[str]:
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + len(word) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
