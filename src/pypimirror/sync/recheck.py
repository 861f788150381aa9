"""What somebody deleted or cut in the tree: an update does not look, a full check does."""

import logging

from pypimirror.sync import companions
from pypimirror.sync.run import Run

_log = logging.getLogger(__name__)


def forget_lost(run: Run) -> None:
    """Hold no longer what is missing or has another size; what upstream still has, comes again.

    Companions are small, and compared by their digests.
    """
    for name, *_ in list(run.state.listed()):
        sizes = run.store.sizes(name)
        lost = []
        for filename, held in run.state.held(name).items():
            if sizes.get(filename) != held.size:
                lost.append(filename)
                _log.warning("%s: %s is missing or damaged; it is fetched again", name, filename)
            elif (left := companions.found(run.store, name, held)) != held:
                _log.warning("%s: what lies beside %s is missing or damaged", name, filename)
                companions.record_lost(run, name, left)
        if lost:
            run.state.record_lost(name, lost, run.clock())
