"""The rule `min_age_days`: what is new waits."""

import msgspec

from pypimirror.amounts import DAY_S
from pypimirror.model import File
from pypimirror.selection.want import No
from pypimirror.upload_times import posix_time, shown_time

_EARLIEST = 946_684_800.0
"""2000: there was no index before."""
_FARTHEST_S = 366 * DAY_S
"""So far ahead no clock goes."""


class Age(msgspec.Struct, frozen=True):
    """How old a file has to be."""

    days: float
    allows_unknown: bool = False

    def no(self, file: File, now: float) -> No | None:
        """Say why a file has to wait, and until when; None where it need not."""
        uploaded = _uploaded(file, now)
        if uploaded is None:
            why = "nobody tells when it was uploaded (min_age_unknown = allow lets it through)"
            return None if self.allows_unknown else No("min_age_days", why)
        until = uploaded + self.days * DAY_S
        if now >= until:
            return None
        age = max(now - uploaded, 0.0) / DAY_S
        why = f"it is {age:.1f} of {self.days:g} days old, and comes on {shown_time(until)}"
        return No("min_age_days", why, until)


def _uploaded(file: File, now: float) -> float | None:
    moment = posix_time(file.upload_time) if file.upload_time else None
    return moment if moment is not None and _EARLIEST <= moment <= now + _FARTHEST_S else None
