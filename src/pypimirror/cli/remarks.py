"""What somebody at a terminal is told beside how the run ended, and others may read in `--status`."""

import msgspec

from pypimirror.mirror import DAY_S, Mirror
from pypimirror.sync import wheels


def of_mirror(mirror: Mirror) -> tuple[str, ...]:
    """Return what is to be told, each remark once a day, and remember that it was."""
    left_out, now = wheels.known(mirror.state.notes.get(wheels.NOTE)), mirror.clock()
    if not left_out.number or 0 <= now - left_out.told < DAY_S:
        return ()
    wheels.keep(mirror, msgspec.structs.replace(left_out, told=now))
    return (wheels.text(left_out.number),)
