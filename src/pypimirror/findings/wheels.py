"""Wheels that the configuration leaves out, where it leaves out all of them: kept for whoever asks."""

import logging

import msgspec

from pypimirror.amounts import numbered
from pypimirror.mirror import Mirror, Tally
from pypimirror.state.notes import hint

_log = logging.getLogger(__name__)

NOTE = "wheels left out"


class WheelsLeftOut(msgspec.Struct):
    """How many wheels `filename_matches` left out, as far as pages were read, and whether it took any."""

    selection: str = ""
    left: int = 0
    takes_some: bool = False
    told: float = 0.0
    """When somebody at a terminal was told last."""

    @property
    def number(self) -> int:
        """How many were left out, if none was taken."""
        return 0 if self.takes_some else self.left


def known(note: str | None) -> WheelsLeftOut:
    """Read what is kept."""
    return hint(note, WheelsLeftOut) or WheelsLeftOut()


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
    before = known(mirror.state.notes.get(NOTE))
    if before.selection != mirror.selection.of_files:
        before = WheelsLeftOut(mirror.selection.of_files, told=before.told)
    now = msgspec.structs.replace(
        before,
        # A page that is read again shows the same once more.
        left=max(before.left, tally.wheels_left_out),
        takes_some=before.takes_some or bool(tally.wheels_taken),
    )
    if now != before:
        keep(mirror, now)
        if now.number:
            _log.warning("%s", text(now.number))


def keep(mirror: Mirror, left_out: WheelsLeftOut) -> None:
    """Keep it."""
    mirror.state.notes.keep(NOTE, left_out)
