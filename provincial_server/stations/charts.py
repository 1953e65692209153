"""Charts as SVG, made here: bars and a line with their numbers written beside them.

Colours and fonts come from the page's style sheet by class, so no style stands in the markup. The
title and the description say to a screen reader what the eye sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from markupsafe import Markup

_WIDTH, _HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 8, 26, 30
_numbers = count(1)


@dataclass(frozen=True)
class Series:
    """Labels under the axis and a value for each."""

    title: str
    labels: Sequence[str]
    values: Sequence[int]
    unit: str
    goal: int | None = None
    """A level to reach, drawn as a line of its own."""

    def described(self) -> str:
        pairs = zip(self.labels, self.values, strict=True)
        said = "; ".join(f"{label}: {value}" for label, value in pairs)
        goal = f" Mục tiêu: {self.goal} {self.unit}." if self.goal is not None else ""
        return f"{self.unit.capitalize()}. {said}.{goal}"


def bars(series: Series) -> Markup:
    """One bar for each value."""
    top = _round_up(max([*series.values, series.goal or 0, 1]))
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(series.values), 1)
    width = step * 0.68
    drawn = Markup("").join(
        _bar(
            x=_LEFT + step * place + (step - width) / 2,
            width=width,
            value=value,
            label=_label(_LEFT + step * (place + 0.5), label, place),
            top=top,
        )
        for place, (label, value) in enumerate(zip(series.labels, series.values, strict=True))
    )
    return _frame(series, top, drawn)


def line(series: Series) -> Markup:
    """Points joined by a line."""
    top = _round_up(max([*series.values, series.goal or 0, 1]))
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(series.values), 1)
    points = [
        (_LEFT + step * (place + 0.5), _level(value, top))
        for place, value in enumerate(series.values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    drawn = Markup('<polyline class="chart-line" points="{}" fill="none"/>').format(path)
    rows = zip(points, series.labels, series.values, strict=True)
    for place, ((x, y), label, value) in enumerate(rows):
        drawn += Markup('<circle class="chart-point" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(
            x, y
        )
        drawn += _text("chart-value", x, y - 8, value)
        drawn += _label(x, label, place)
    return _frame(series, top, drawn)


def spark(values: Sequence[int], title: str) -> Markup:
    """A row of small bars inside a table's cell; the table says the sum beside it."""
    top = max([*values, 1])
    drawn = Markup("").join(
        Markup('<rect class="chart-bar" x="{}" y="{:.1f}" width="5" height="{:.1f}"/>').format(
            place * 6, 22 - 20 * value / top, max(20 * value / top, 0.8)
        )
        for place, value in enumerate(values)
    )
    opening = Markup(
        '<svg class="spark" viewBox="0 0 {} 23" width="{}" height="23" role="img" aria-label="{}">'
    )
    wide = max(len(values) * 6, 6)
    return opening.format(wide, wide, title) + drawn + Markup("</svg>")


def _bar(*, x: float, width: float, value: int, label: Markup, top: int) -> Markup:
    y = _level(value, top)
    rect = Markup(
        '<rect class="chart-bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
    ).format(x, y, width, max(_HEIGHT - _BOTTOM - y, 0.8))
    return rect + _text("chart-value", x + width / 2, y - 6, value) + label


def _label(x: float, label: str, place: int) -> Markup:
    """Every second one may be left out where the page is narrow."""
    name = "chart-label chart-between" if place % 2 else "chart-label"
    return _text(name, x, _HEIGHT - 12, label)


def _frame(series: Series, top: int, drawn: Markup) -> Markup:
    number = next(_numbers)
    opening = Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="ct{n} cd{n}">'
        '<title id="ct{n}">{}</title><desc id="cd{n}">{}</desc>'
    ).format(_WIDTH, _HEIGHT, series.title, series.described(), n=number)
    grid = Markup("")
    for level in (0, top // 2, top):
        y = _level(level, top)
        grid += Markup(
            '<line class="chart-grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
        ).format(_LEFT, _WIDTH - _RIGHT, y=y)
        grid += Markup(
            '<text class="chart-scale" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
        ).format(_LEFT - 5, y + 4, level)
    goal = Markup("")
    if series.goal is not None:
        y = _level(series.goal, top)
        goal = Markup(
            '<line class="chart-goal" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
            '<text class="chart-goal-text" x="{}" y="{:.1f}" text-anchor="end">'
            "Kế hoạch: {}</text>"
        ).format(_LEFT, _WIDTH - _RIGHT, _WIDTH - _RIGHT, y - 5, series.goal, y=y)
    return opening + grid + drawn + goal + Markup("</svg>")


def _text(name: str, x: float, y: float, value: object) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>').format(
        name, x, y, value
    )


def _level(value: int, top: int) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * max(value, 0) / top


def _round_up(value: int) -> int:
    """The next even number that is pleasant to read on a scale."""
    step = int(10 ** (len(str(value)) - 1))
    for tenths in (10, 15, 20, 30, 40, 50, 60, 80, 100):
        if step * tenths >= value * 10:
            return max(step * tenths // 10, 2)
    return step * 10
