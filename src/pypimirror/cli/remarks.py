"""What somebody at a terminal is told beside how the run ended, and others may read in `--status`."""

import msgspec

from pypimirror.amounts import DAY_S
from pypimirror.findings import wheels
from pypimirror.mirror import Mirror
from pypimirror.sync import Run

_SHOWN = 5
_MANY_FILES = 20_000
"""Of so many nobody waits for a look at their metadata; `--check` does that."""


def of_run(work: Run) -> tuple[str, ...]:
    """Return what is to be told of the mirror, and of what a run changed in it."""
    return (*_of_wheels(work.mirror), *_of_requirements(work))


def _of_requirements(work: Run) -> tuple[str, ...]:
    """Return what mirrored releases require and the mirror lacks, after a change: pip tells it one by one."""
    mirror = work.mirror
    if not work.tally.counts.changed or mirror.totals().files > _MANY_FILES:
        return ()
    from pypimirror.dependencies.check import missing_for_pip

    names = [each.name for each in mirror.state.projects.listed()]
    found = missing_for_pip(mirror.config, mirror.store, names, mirror.state.files.held)
    told = [f"pip will miss {each.need.name}: {each}" for each in found[:_SHOWN]]
    if len(found) > _SHOWN:
        told.append(f"and {len(found) - _SHOWN} more; --check lists them all")
    return tuple(told)


def _of_wheels(mirror: Mirror) -> tuple[str, ...]:
    """Return what it costs that no wheel is mirrored, once a day."""
    left_out, now = wheels.known(mirror.state.notes.get(wheels.NOTE)), mirror.clock()
    if not left_out.number or 0 <= now - left_out.told < DAY_S:
        return ()
    wheels.keep(mirror, msgspec.structs.replace(left_out, told=now))
    return (wheels.text(left_out.number),)
