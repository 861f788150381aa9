"""What somebody deleted or cut in the tree: an update does not look, a full check does."""

import logging

import msgspec

from pypimirror import download
from pypimirror.model import HeldFile, NormalizedName
from pypimirror.sync.run import Run

_log = logging.getLogger(__name__)


def _has_metadata(run: Run, name: NormalizedName, held: HeldFile) -> bool:
    """Tell whether the core metadata beside a file is what it was; it is small, and its size not known."""
    text = run.store.read(name, f"{held.file.filename}.metadata")
    return text is not None and download.sha256(text) == held.metadata


def forget_lost(run: Run) -> None:
    """Hold no longer what is missing or has another size; what upstream still has, comes again."""
    for name, _ in list(run.state.listed()):
        held = run.state.held(name)
        sizes = run.store.sizes(name)
        lost = [filename for filename, file in held.items() if sizes.get(filename) != file.size]
        bare = [
            msgspec.structs.replace(file, metadata=None)
            for filename, file in held.items()
            if file.metadata is not None and not _has_metadata(run, name, file)
        ]
        run.state.record_held(name, bare)
        if lost or bare:
            run.state.record_lost(name, lost, run.clock())
        for filename in lost:
            _log.warning("%s: %s is missing or damaged; it is fetched again", name, filename)
