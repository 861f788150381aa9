"""Numbers and moments as people read them."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypimirror.state import Failure, Total


def size_text(size: float) -> str:
    """Return a number of bytes."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB" if size < 1000 else f"{size / 1000:.1f} TB"


def numbered(number: int, noun: str) -> str:
    """Return a number of things: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def total_text(total: "Total") -> str:
    """Return a number of files, and of their bytes."""
    return f"{total.number} ({size_text(total.bytes)})"


def duration_text(seconds: float) -> str:
    """Return a duration, to the second below an hour."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"


def moment(seconds: float | None) -> str:
    """Return a moment in local time, to the minute."""
    return f"{datetime.fromtimestamp(seconds or 0).astimezone():%Y-%m-%d %H:%M}"


def failure_text(failure: "Failure") -> str:
    """Return what failed, why, and since when."""
    place = failure.project if failure.filename is None else f"{failure.project}/{failure.filename}"
    return f"{place}: {failure.reason} (since {moment(failure.since)})"


def missing_text(missing: Mapping[str, Any]) -> str:
    """Return a project that mirrored ones require and the mirror lacks, and who requires it."""
    return f"{missing['name']}, as {missing['why']}: {'; '.join(map(str, missing['needs'][:3]))}"


def moment_ahead(seconds: float, now: float) -> str:
    """Return a moment that comes, in local time: of today its time alone."""
    then, today = (datetime.fromtimestamp(each).astimezone() for each in (seconds, now))
    return f"{then:%H:%M}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M}"
