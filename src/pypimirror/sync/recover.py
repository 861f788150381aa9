"""Power cuts: a sync of the file system before a run is complete, and a second look at what came after it.

No file is synced for itself: that would cost a full mirror days. What was stored since the last sync point is
marked in the state, and read again after a run that did not come to its end.
"""

import logging
from functools import partial
from typing import NamedTuple

from pypimirror import download
from pypimirror.model import HeldFile, NormalizedName
from pypimirror.store import Store, boot_id, partial_key
from pypimirror.sync import companions, publish
from pypimirror.sync.run import DAY_S, Run
from pypimirror.workers import Pool, suitable_readers

_log = logging.getLogger(__name__)

_NOTE = "open run"
"""Which boot of the machine a run began in that did not come to its end."""

_INTERVAL_S = 600.0


class Look(NamedTuple):
    """How a held file was found in the tree."""

    name: NormalizedName
    held: HeldFile
    is_whole: bool
    left: HeldFile
    """With the companions that were found beside it."""


def begin(run: Run) -> None:
    """Mend what a run that did not come to its end may have left, and record that one is going on."""
    boot = boot_id()
    before = run.state.note(_NOTE)
    if before is not None:
        why = "the machine went down" if before != boot else "it was cut off"
        _log.warning("the last run did not come to its end (%s); what it stored is looked at", why)
        _look_again(run)
    run.state.heed_clock(run.clock(), DAY_S)
    run.state.set_note(_NOTE, boot)
    run.state.commit()
    _sweep(run)


def sync_point(run: Run) -> None:
    """Wait until all that was stored is on the disk, and record that."""
    run.store.sync()
    run.state.record_synced()
    run.synced_at = run.clock()


def end(run: Run) -> None:
    """Record that the run came to its end, with all that it stored on the disk."""
    _sweep(run)
    sync_point(run)
    run.state.set_note(_NOTE, None)


def _sweep(run: Run) -> None:
    run.store.sweep_partial({partial_key(*file) for file in run.state.partials()})
    run.store.sweep_aside(run.state.aside())


def sync_point_if_due(run: Run) -> None:
    """Make a sync point now and then, so that a long run that is cut off costs no long look."""
    if run.clock() - run.synced_at > _INTERVAL_S:
        sync_point(run)


def _look_again(run: Run) -> None:
    publish.root_is_due(run)
    pool: Pool[Look] = Pool(suitable_readers())
    for name in run.state.unsynced():
        run.state.record_pages_unsure(name)
        run.state.record_reachable(name)
        for held in run.state.unsynced_of(name).values():
            pool.submit(partial(look, run.store, name, held))
        while pool.unfinished > pool.size:
            _record(run, pool)
    while pool.unfinished:
        _record(run, pool)


def look(store: Store, name: NormalizedName, held: HeldFile) -> Look:
    """Read a held file, and what lies beside it, in full; in a worker."""
    content = store.open_existing(name, held.file.filename)
    is_whole = False
    if content is not None:
        with content:
            is_whole = download.sha256_of(content) == held.sha256
    return Look(name, held, is_whole, companions.found(store, name, held))


def record(run: Run, found: Look) -> None:
    """Record what is wrong with a held file, so that it is mended."""
    filename = found.held.file.filename
    if not found.is_whole:
        _log.warning("%s: %s is missing or damaged; it is fetched again", found.name, filename)
        run.state.record_lost(found.name, [filename], run.clock())
    elif found.left != found.held:
        _log.warning("%s: what lies beside %s is missing or damaged", found.name, filename)
        companions.record_lost(run, found.name, found.left)


def _record(run: Run, pool: Pool[Look]) -> None:
    for found in pool.finished(1):
        record(run, found)
    run.state.commit()
