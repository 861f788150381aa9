"""Wheels that the configuration leaves out, where it leaves out all of them: kept for whoever asks."""

import logging

import msgspec

from pypimirror.amounts import numbered
from pypimirror.mirror import Mirror, Tally

_log = logging.getLogger(__name__)

NOTE = "wheels left out"
TOLD_NOTE = "wheels left out told"
"""When somebody at a terminal was told last."""


class WheelsLeftOut(msgspec.Struct):
    """How many wheels `filename_matches` left out, as far as pages were read, and whether it took any."""

    selection: str = ""
    left: int = 0
    takes_some: bool = False

    @property
    def number(self) -> int:
        """How many were left out, if none was taken."""
        return 0 if self.takes_some else self.left


def text(number: int) -> str:
    """Say what that costs."""
    return (
        f"{numbered(number, 'wheel is', 'wheels are')} left out, and no wheel is mirrored;"
        " add *.whl to filename_matches, else pip has to build everything itself"
    )


def record(mirror: Mirror, tally: Tally) -> None:
    """Add what the pages showed that this run read; another selection begins anew."""
    if not (tally.wheels_left_out or tally.wheels_taken):
        return
    before = mirror.state.notes.hint(NOTE, WheelsLeftOut) or WheelsLeftOut()
    if before.selection != mirror.selection.of_files:
        before = WheelsLeftOut(mirror.selection.of_files)
    now = msgspec.structs.replace(
        before,
        # A page that is read again shows the same once more.
        left=max(before.left, tally.wheels_left_out),
        takes_some=before.takes_some or bool(tally.wheels_taken),
    )
    if now != before:
        mirror.state.notes.keep(NOTE, now)
        if now.number:
            _log.warning("%s", text(now.number))
