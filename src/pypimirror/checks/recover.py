"""Power cuts: a sync of the file system before a run is complete, and a second look at what came after it.

No file is synced for itself: that would cost a full mirror days. What was stored since the last sync point is
marked in the state, and read again after a run that did not come to its end.
"""

import logging
from functools import partial

from pypimirror.amounts import DAY_S
from pypimirror.checks import compare
from pypimirror.checks.compare import FoundFile
from pypimirror.mirror import Mirror
from pypimirror.publishing import Pages, Tree
from pypimirror.store.machine import boot_id
from pypimirror.store.temporary import partial_key
from pypimirror.workers import Readers, suitable_readers

_log = logging.getLogger(__name__)

_NOTE = "open run"
"""Which boot of the machine a run began in that did not come to its end."""


def begin(mirror: Mirror, pages: Pages, tree: Tree) -> None:
    """Mend what a run that did not come to its end may have left, and record that one is going on."""
    boot = boot_id()
    before = mirror.state.notes.get(_NOTE)
    if before is not None:
        why = "the machine went down" if before != boot else "it was cut off"
        _log.warning("the last run did not come to its end (%s); what it stored is looked at", why)
        _look_again(mirror, pages, tree)
    mirror.state.clock.end_future(mirror.clock(), DAY_S)
    mirror.state.notes.set(_NOTE, boot)
    tree.commit()
    _sweep(mirror)


def end(mirror: Mirror, tree: Tree) -> None:
    """Record that the run came to its end, with all that it stored on the disk."""
    _sweep(mirror)
    tree.sync()
    mirror.state.notes.set(_NOTE, None)


def _sweep(mirror: Mirror) -> None:
    mirror.store.sweep_partial({partial_key(*file) for file in mirror.state.files.partials()})
    mirror.store.sweep_aside(mirror.state.transitions.aside())


def _look_again(mirror: Mirror, pages: Pages, tree: Tree) -> None:
    pages.mark_root_dirty()
    pool: Readers[FoundFile] = Readers(suitable_readers())
    for name in mirror.state.files.unsynced():
        mirror.state.files.mark_pages_dirty(name)
        mirror.state.transitions.record_reachable(name)
        for file in mirror.state.inventory.unsynced_of(name):
            pool.submit(partial(compare.by_bytes, mirror.store, file))
        _record(mirror, tree, pool, left=pool.size)
    _record(mirror, tree, pool, left=0)


def _record(mirror: Mirror, tree: Tree, pool: Readers[FoundFile], *, left: int) -> None:
    """Record what was found, until no more than so many files are still read."""
    while pool.unfinished > left:
        for found in pool.finished(1):
            compare.tell_and_repair(mirror, found)
        tree.commit()
