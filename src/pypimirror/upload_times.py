"""Upload times in the one form that every client reads (PEP 700). Pure."""

import functools
import math
import re
from datetime import UTC, datetime

_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d{1,12}))?\s?(Z|z|UTC|GMT|[+-]\d\d:?\d\d)", re.ASCII
)


def normal_time(text: str) -> str | None:
    """Return an upload time as `YYYY-MM-DDTHH:MM:SS[.ffffff]Z`; None where no moment is certain.

    That is without a zone, or out of range: uv rejects the whole page for one such time.
    """
    found = _FORM.fullmatch(text.strip()) if len(text) <= 50 else None
    if found is None:
        return None
    day, time, fraction, zone = found.groups()
    try:
        if zone in ("Z", "z", "UTC", "GMT"):
            datetime.fromisoformat(f"{day}T{time}")
        else:
            moment = datetime.fromisoformat(f"{day}T{time}{zone}").astimezone(UTC)
            day, time = moment.isoformat()[:10], moment.isoformat()[11:19]
    except (ValueError, OverflowError):
        return None
    return f"{day}T{time}{'.' + fraction[:6] if fraction else ''}Z"


@functools.lru_cache(maxsize=4096)
def posix_time(text: str) -> float | None:
    """Return an upload time as POSIX seconds; None where it is no moment."""
    found = normal_time(text)
    return datetime.fromisoformat(found).timestamp() if found else None


def shown_time(posix_s: float) -> str:
    """Return a moment as people read it, in UTC and to the next minute."""
    try:
        moment = datetime.fromtimestamp(math.ceil(posix_s / 60) * 60, UTC)
    except (ValueError, OverflowError, OSError):
        return "no day of this calendar"
    return f"{moment:%Y-%m-%d %H:%M} UTC"
