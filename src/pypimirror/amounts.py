"""Numbers, sizes and durations as people read them. Pure."""

import math
from collections.abc import Sequence

HOUR_S = 3600.0
DAY_S = 86_400.0


def numbered(number: int, one: str, more: str = "") -> str:
    """Return a number of things, with what is said of them: `1 file is`, `2,000 files are`.

    Without `more` that is `one` with an s.
    """
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"


def about(number: int, noun: str) -> str:
    """Return a number of things with the two digits that seldom change; a small one as it is."""
    return numbered(number, noun) if number < 100 else f"about {numbered(rounded(number), noun)}"


def listed(texts: Sequence[str], most: int) -> str:
    """Return the first few of some texts, and how many more there are."""
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def rounded(number: int) -> int:
    """Return a number that is rounded to two digits."""
    return int(float(f"{number:.1e}"))


def size_text(size: float, digits: int = 2) -> str:
    """Return a number of bytes in units of 1000, with so many significant digits at least."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.{_decimals(size, digits)}f} {unit}"
    return f"{size / 1000:,.{digits - 1}f} TB"


def _decimals(number: float, digits: int) -> int:
    """Return how many decimals show so many digits of a number from 1 on, as it is rounded."""
    return next(d for d in range(digits - 1, -1, -1) if not d or number < 10 ** (digits - d) - 0.5 / 10**d)


def duration_text(seconds: float) -> str:
    """Return a duration: to the tenth of a second below ten, and to the minute from an hour on."""
    if seconds < 10 and seconds % 1:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours}:{minutes:02} h"
    return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"
