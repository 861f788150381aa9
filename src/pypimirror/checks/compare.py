"""The tree against the state, file by file, and what to record of a difference so that it is mended."""

import logging
from collections.abc import Mapping
from typing import NamedTuple

from pypimirror import download
from pypimirror.checks import modes
from pypimirror.mirror import Mirror
from pypimirror.model import HeldFile, NormalizedName
from pypimirror.publishing import Tree, companions
from pypimirror.store import Store, size_of

_log = logging.getLogger(__name__)


class FoundFile(NamedTuple):
    """How a held file was found in the tree."""

    name: NormalizedName
    held: HeldFile
    is_whole: bool
    left: HeldFile
    """With the companions that were found beside it."""


def by_bytes(store: Store, name: NormalizedName, held: HeldFile) -> FoundFile:
    """Read a held file, and what lies beside it, in full; in a thread of its own."""
    content = store.open_existing(name, held.file.filename)
    is_whole = False
    if content is not None:
        with content:
            is_whole = download.sha256_of(content) == held.sha256
    return FoundFile(name, held, is_whole, companions.found(store, name, held))


def by_size(store: Store, name: NormalizedName, held: HeldFile, sizes: Mapping[str, int]) -> FoundFile:
    """Compare a held file by its size, and what lies beside it, which is small, by its digest."""
    is_whole = sizes.get(held.file.filename) == held.size
    return FoundFile(name, held, is_whole, companions.found(store, name, held) if is_whole else held)


def repair(mirror: Mirror, found: FoundFile) -> None:
    """Record what is wrong with a held file: what upstream still has comes again."""
    filename = found.held.file.filename
    if not found.is_whole:
        _log.warning("%s: %s is missing or damaged; it is fetched again", found.name, filename)
        mirror.state.files.record_lost(found.name, [filename], mirror.clock())
    elif found.left != found.held:
        _log.warning("%s: what lies beside %s is missing or damaged", found.name, filename)
        companions.record_lost(mirror.state, found.name, found.left)


def every_file(mirror: Mirror, tree: Tree) -> None:
    """Look at every held file by its size and mode; an update sees nothing of what somebody else did."""
    for name, *_ in list(mirror.state.projects.listed()):
        entries = mirror.store.entries(name)
        sizes = {entry: size for entry, each in entries.items() if (size := size_of(each)) is not None}
        files = mirror.state.files.held(name)
        for held in files.values():
            repair(mirror, by_size(mirror.store, name, held, sizes))
        modes.mend(tree, name, modes.unreadable(mirror.store, name, files, entries))
    modes.mend(tree, ".", modes.unreadable_at_root(mirror.store))
