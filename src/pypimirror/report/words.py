"""Moments and failures as people read them."""

from datetime import datetime

from pypimirror.dependencies.missing import Missing
from pypimirror.state.rows import Failure


def moment(seconds: float | None) -> str:
    """Return a moment in local time, to the minute."""
    return f"{datetime.fromtimestamp(seconds or 0).astimezone():%Y-%m-%d %H:%M}"


def moment_ahead(seconds: float, now: float) -> str:
    """Return a moment that comes: of today its time alone."""
    day, time = moment(seconds).split()
    return time if moment(now).startswith(day) else f"{day} {time}"


def place_text(failure: Failure) -> str:
    """Return what failed."""
    return failure.project if failure.filename is None else f"{failure.project}/{failure.filename}"


def failure_text(failure: Failure) -> str:
    """Return what failed, why, and since when."""
    return f"{place_text(failure)}: {failure.reason} (since {moment(failure.since)})"


def missing_text(missing: Missing) -> str:
    """Return a project that mirrored ones require and the mirror lacks, and who requires it."""
    return f"{missing.name}, as {missing.why}: {'; '.join(missing.needs[:3])}"
