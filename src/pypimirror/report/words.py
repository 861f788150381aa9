"""Numbers and moments as people read them."""

from datetime import datetime

from pypimirror.state import Failure, Total


def size_text(size: float) -> str:
    """Return a number of bytes."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB" if size < 1000 else f"{size / 1000:.1f} TB"


def total_text(total: Total) -> str:
    """Return a number of files, and of their bytes."""
    return f"{total.number} ({size_text(total.bytes)})"


def moment(seconds: float | None) -> str:
    """Return a moment in local time, to the minute."""
    return f"{datetime.fromtimestamp(seconds or 0).astimezone():%Y-%m-%d %H:%M}"


def failure_text(failure: Failure) -> str:
    """Return what failed, why, and since when."""
    place = failure.project if failure.filename is None else f"{failure.project}/{failure.filename}"
    return f"{place}: {failure.reason} (since {moment(failure.since)})"
