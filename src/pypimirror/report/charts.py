"""Charts as shapes in a box: what a template draws. Pure.

A chart is as wide as a phone's screen in its own units, and is drawn larger where there is room.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 360.0, 150.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 6.0, 8.0, 20.0
_ROOM, _HEIGHT, _FLOOR = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM, HEIGHT - _BOTTOM
"""Of what is drawn: how wide and high it may be, and where it stands."""
_GAP = 0.2
"""Share of a bar's room that stays empty."""
_ROW, _NAMES, _NUMBERS = 22.0, 130.0, 82.0
_LONGEST_NAME = 20


class Point(NamedTuple):
    """A value over a moment, in POSIX seconds, and what is said of it."""

    moment: float
    value: float
    told: str


class Bar(NamedTuple):
    """A rectangle that stands for a value."""

    x: float
    y: float
    width: float
    height: float
    value: float
    told: str


class Tick(NamedTuple):
    """A line across a chart, with what it stands for."""

    at: float
    label: str


class Chart(NamedTuple):
    """Points joined by a line, or bars, over moments."""

    title: str
    ticks: tuple[Tick, ...]
    """From below to above."""
    first: str
    """The moment at the left end, and the one at the right."""
    last: str
    bars: tuple[Bar, ...] = ()
    dots: tuple[Bar, ...] = ()
    """Points as rectangles without a width."""
    line: str = ""
    """The `points` of a polyline."""
    area: str = ""


class NamedBar(NamedTuple):
    """A name with its bar and its number."""

    name: str
    y: float
    width: float
    value: float
    number: str
    told: str


class Rows(NamedTuple):
    """Bars that lie below each other, the largest first."""

    title: str
    height: float
    rows: tuple[NamedBar, ...]


def line(
    title: str, points: Sequence[Point], label: Callable[[float], str], day: Callable[[float], str]
) -> Chart | None:
    """Return a line over moments; None where there are fewer than two."""
    if len(points) < 2:
        return None
    top, ticks = _scale(max(point.value for point in points), label)
    begin, end = points[0].moment, points[-1].moment
    span = max(end - begin, 1.0)
    dots = tuple(_bar(point, top, _LEFT + _ROOM * (point.moment - begin) / span) for point in points)
    drawn = " ".join(f"{dot.x:g},{dot.y:g}" for dot in dots)
    area = f"{dots[0].x:g},{_FLOOR:g} {drawn} {dots[-1].x:g},{_FLOOR:g}"
    return Chart(title, ticks, day(begin), day(end), dots=dots, line=drawn, area=area)


def bars(
    title: str, points: Sequence[Point], label: Callable[[float], str], day: Callable[[float], str]
) -> Chart | None:
    """Return one bar for each point, side by side; None where all are 0."""
    if not any(point.value for point in points):
        return None
    top, ticks = _scale(max(point.value for point in points), label)
    room = _ROOM / len(points)
    drawn = tuple(
        _bar(point, top, _LEFT + room * (number + _GAP / 2), room * (1 - _GAP))
        for number, point in enumerate(points)
    )
    return Chart(title, ticks, day(points[0].moment), day(points[-1].moment), bars=drawn)


def rows(title: str, values: Sequence[tuple[str, float, str]], label: Callable[[float], str]) -> Rows | None:
    """Return a bar for each name, value and what is said of it; None where there is none."""
    if not values:
        return None
    top = max(value for _, value, _ in values) or 1.0
    room = WIDTH - _NAMES - _NUMBERS
    drawn = tuple(
        NamedBar(_shortened(name), number * _ROW, _round(room * value / top), value, label(value), told)
        for number, (name, value, told) in enumerate(values)
    )
    return Rows(title, len(values) * _ROW, drawn)


def _shortened(name: str) -> str:
    if len(name) <= _LONGEST_NAME:
        return name
    half = (_LONGEST_NAME - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def _bar(point: Point, top: float, x: float, width: float = 0.0) -> Bar:
    """Return a point as a bar below `top`, the value at the top of the chart."""
    y, height = _y(point.value / top), _round(_HEIGHT * point.value / top)
    return Bar(_round(x), y, _round(width), height, point.value, point.told)


def _y(share: float) -> float:
    """Return where a share of a chart's height ends."""
    return _round(_TOP + _HEIGHT * (1 - share))


def _scale(largest: float, label: Callable[[float], str]) -> tuple[float, tuple[Tick, ...]]:
    """Return the value at the top of a chart, and the lines across it: from 0 in round steps."""
    step = _step(largest)
    number = max(math.ceil(largest / step - 1e-9), 1)
    return step * number, tuple(Tick(_y(each / number), label(each * step)) for each in range(number + 1))


_SMALLEST = 1e-9
"""Less is nothing that anybody draws."""


def _step(largest: float) -> float:
    """Return 1, 2 or 5 times a power of ten, of which at most four reach a value."""
    if largest < _SMALLEST:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest / 4))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power * 4 >= largest * (1 - 1e-9))
    return max(step, 1.0) if largest >= 1 else step


def _round(value: float) -> float:
    return round(value, 2)
