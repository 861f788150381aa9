"""The status page as HTML: no script, nothing from elsewhere, one style, drawn for every screen."""

import base64
import functools
import hashlib
import importlib.resources
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pypimirror.amounts import duration_text, numbered, size_text
from pypimirror.report import charts
from pypimirror.report.charts import Chart, Point, Rows
from pypimirror.report.status_page import StatusPage
from pypimirror.state.reading import Part
from pypimirror.state.runs import PastRun

if TYPE_CHECKING:
    import jinja2


def render(page: StatusPage, interval_hours: float) -> bytes:
    """Return the page as HTML in UTF-8."""
    now = page.now
    shown = len(now.failing) + len(now.pending) + len(now.held_back)
    style = importlib.resources.files("pypimirror").joinpath("templates/status/status.css").read_text("utf-8")
    text = _template().render(
        page=page,
        now=now,
        interval=f"{interval_hours:g}",
        style=style,
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        more=now.failing_count + now.pending_count + now.held_back_count - shown,
        over_times=_over_time(page),
        below=_below_each_other(page),
    )
    return text.encode("utf-8", "backslashreplace")


def _over_time(page: StatusPage) -> list[Chart]:
    sizes = [
        Point(
            each.moment,
            each.bytes,
            f"{_moment(each.moment)}: {size_text(each.bytes)}, {numbered(each.files, 'file')}",
        )
        for each in page.sizes
    ]
    stored = [_of_run(run, run.stored or 0, numbered(run.stored or 0, "file")) for run in page.changes]
    size = [_of_run(run, run.bytes or 0, size_text(run.bytes or 0)) for run in page.changes]
    took = [_of_run(run, _seconds(run), _duration(run)) for run in page.runs if run.ended is not None]
    found = (
        charts.line("Size over time", sizes, size_text, _day),
        charts.bars("Files stored per run", stored, _count, _day),
        charts.bars("Bytes stored per run", size, size_text, _day),
        charts.bars("Duration of runs", took, duration_text, _day),
    )
    return [chart for chart in found if chart is not None]


def _of_run(run: PastRun, value: float, told: str) -> Point:
    return Point(run.started, value, f"{_moment(run.started)}: {told}")


def _below_each_other(page: StatusPage) -> list[Rows]:
    def parts(found: list[Part]) -> list[tuple[str, float, str]]:
        return [
            (
                part.name or "others",
                part.bytes,
                f"{part.name or 'others'}: {numbered(part.files, 'file')}, {numbered(part.bytes, 'byte')}",
            )
            for part in found
        ]

    found = (
        charts.rows("Size by type of file", parts(page.breakdown.types), size_text),
        charts.rows("Largest projects", parts(page.breakdown.largest), size_text),
    )
    return [chart for chart in found if chart is not None]


@functools.cache
def _template() -> "jinja2.Template":
    import jinja2  # slow, and most runs write nothing

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pypimirror", "templates/status"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "moment": _moment,
        "iso": functools.partial(_in_utc, "%Y-%m-%dT%H:%M:%SZ"),
        "size": size_text,
        "number": _count,
        "duration": _duration,
    }
    return environment.get_template("status.html")


def _in_utc(form: str, seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(form)


_moment = functools.partial(_in_utc, "%Y-%m-%d %H:%M UTC")
_day = functools.partial(_in_utc, "%Y-%m-%d")


def _count(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _seconds(run: PastRun) -> float:
    return 0.0 if run.ended is None else max(run.ended - run.started, 0.0)


def _duration(run: PastRun) -> str:
    return "" if run.ended is None else duration_text(_seconds(run))
