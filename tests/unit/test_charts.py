from hypothesis import given
from hypothesis import strategies as st

from pypimirror.report import charts
from pypimirror.report.charts import HEIGHT, WIDTH, Point

VALUES = st.floats(0, 1e18, allow_nan=False) | st.integers(0, 10**18).map(float)
POINTS = st.lists(st.tuples(st.floats(0, 1e10), VALUES), min_size=2, max_size=60).map(
    lambda found: [Point(moment, value, "told") for moment, value in sorted(found)]
)


def day(moment: float) -> str:
    return f"day {moment:g}"


def label(value: float) -> str:
    return f"{value:g}"


@given(POINTS)
def test_a_line_stays_in_its_box(points: list[Point]) -> None:
    chart = charts.line("Size", points, label, day)
    assert chart is not None
    assert [dot.value for dot in chart.dots] == [point.value for point in points]
    assert all(0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in chart.dots)
    assert 2 <= len(chart.ticks) <= 6
    heights = [
        dot.y for _, dot in sorted(zip(points, chart.dots, strict=True), key=lambda each: each[0].value)
    ]
    assert heights == sorted(heights, reverse=True)
    assert (chart.first, chart.last) == (day(points[0].moment), day(points[-1].moment))


@given(POINTS)
def test_bars_stay_in_their_box_beside_each_other(points: list[Point]) -> None:
    chart = charts.bars("Files", points, label, day)
    if chart is None:
        assert not any(point.value for point in points)
        return
    floor = chart.ticks[0].at
    for bar, beside in zip(chart.bars, chart.bars[1:], strict=False):
        assert bar.x + bar.width <= beside.x + 0.02
    for bar in chart.bars:
        assert 0 <= bar.x <= WIDTH
        assert bar.x + bar.width <= WIDTH
        assert abs(bar.y + bar.height - floor) < 0.03


def test_ticks_are_round() -> None:
    for largest, expected in {
        0.5: ["0", "0.2", "0.4", "0.6"],
        3: ["0", "1", "2", "3"],
        24: ["0", "10", "20", "30"],
        100: ["0", "50", "100"],
        401: ["0", "200", "400", "600"],
    }.items():
        chart = charts.line("x", [Point(0, 0, ""), Point(1, largest, "")], lambda v: f"{v:.3g}", day)
        assert chart is not None
        assert [tick.label for tick in chart.ticks] == expected


def test_nothing_is_drawn_of_nothing() -> None:
    assert charts.line("x", [Point(0, 1, "")], label, day) is None
    assert charts.bars("x", [], label, day) is None
    assert charts.bars("x", [Point(0, 0, "")], label, day) is None
    assert charts.rows("x", [], label) is None


def test_rows_have_lengths_by_their_values_and_short_names() -> None:
    chart = charts.rows("x", [("a" * 30 + "z", 10.0, "ten"), ("b", 5.0, "five"), ("c", 0.0, "none")], label)
    assert chart is not None
    first, second, third = chart.rows
    assert (first.width, third.width) == (2 * second.width, 0)
    assert first.name == "aaaaaaaaa…aaaaaaaaz"
    assert (first.told, first.number) == ("ten", "10")
