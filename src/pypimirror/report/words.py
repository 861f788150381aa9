"""Moments, totals and failures as people read them."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pypimirror.amounts import size_text

if TYPE_CHECKING:
    from pypimirror.state import Failure, Total


def total_text(total: "Total") -> str:
    """Return a number of files, and of their bytes."""
    return f"{total.number} ({size_text(total.bytes)})"


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
