"""The tree against the state, file by file, and what to record of a difference so that it is mended."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from pypimirror import checksums
from pypimirror.mirror import Mirror
from pypimirror.model import NormalizedName
from pypimirror.publishing import Tree, companions
from pypimirror.state.inventory import Kept
from pypimirror.store import Store
from pypimirror.store.entries import size_of
from pypimirror.store.layout import FULL, HTML, JSON, METADATA, PROVENANCE, SUFFIXES

_log = logging.getLogger(__name__)

Entries = Mapping[str, "os.DirEntry[str]"]
"""What lies in a project's folder, by its names."""


class Kind(StrEnum):
    """What can be found."""

    MISSING = "missing"
    DAMAGED = "damaged"
    PAGE = "page"
    """A page that is not what the state renders to."""
    UNREADABLE = "unreadable"
    """Nobody but its owner can read it, so that no web server can serve it."""
    REWRITTEN = "rewritten"
    """A page that a repair wrote."""
    FOREIGN = "foreign"
    """Nothing that the state knows of; it is never touched."""


class Finding(NamedTuple):
    """Something in the tree that is not as the state has it."""

    kind: Kind
    path: str
    """Relative to the mirror's folder."""


class FoundFile(NamedTuple):
    """How a held file was found in the tree."""

    file: Kept
    wrong: Mapping[str, Kind]
    """What is missing or damaged, by its suffix: an empty one is the file, others lie beside it."""


def by_size(file: Kept, entries: Entries) -> FoundFile:
    """Look at a held file's size, and whether that is there which should lie beside it."""
    entry = entries.get(file.filename)
    if entry is None or size_of(entry) != file.size:
        return FoundFile(file, {"": Kind.DAMAGED if entry else Kind.MISSING})
    wrong = {}
    for suffix, known in ((METADATA, file.metadata), (PROVENANCE, file.provenance)):
        if known is not None:
            entry = entries.get(file.filename + suffix)
            if entry is None or size_of(entry) is None:
                wrong[suffix] = Kind.MISSING
    return FoundFile(file, wrong)


def by_bytes(store: Store, file: Kept) -> FoundFile:
    """Read a held file, and what lies beside it, in full; in a thread of its own."""
    content = store.open_existing(file.project, file.filename)
    if content is not None:
        with content:
            if checksums.sha256_of(content) == file.sha256:
                return _beside(store, file)
    return FoundFile(file, {"": Kind.DAMAGED})


def _beside(store: Store, file: Kept) -> FoundFile:
    """Read what lies beside a held file, which is small."""
    wrong = {
        suffix: Kind.DAMAGED
        for suffix, digest in ((METADATA, file.metadata), (PROVENANCE, file.provenance_sha256))
        if digest and not companions.is_there(store, file.project, file.filename + suffix, digest)
    }
    return FoundFile(file, wrong)


def repair(mirror: Mirror, found: FoundFile) -> None:
    """Record what is wrong with a held file: what upstream still has comes again."""
    name, filename, *_ = found.file
    if "" in found.wrong:
        mirror.state.files.record_lost(name, [filename], mirror.clock())
    elif found.wrong:
        mirror.state.files.record_companions_lost(
            name, filename, metadata=METADATA in found.wrong, provenance=PROVENANCE in found.wrong
        )


def tell_and_repair(mirror: Mirror, found: FoundFile) -> None:
    """Do that in an update, which says so in its log."""
    name, filename, *_ = found.file
    if "" in found.wrong:
        _log.warning("%s: %s is missing or damaged; it is fetched again", name, filename)
    elif found.wrong:
        _log.warning("%s: what lies beside %s is missing or damaged", name, filename)
    repair(mirror, found)


def every_file(mirror: Mirror, tree: Tree) -> None:
    """Look at every held file by its size and mode; an update sees nothing of what somebody else did."""
    for project in mirror.state.inventory.projects():
        if not project.is_listed:
            continue
        entries = mirror.store.entries(project.name)
        for file in project.held:
            found = by_size(file, entries)
            tell_and_repair(mirror, found if "" in found.wrong else _beside(mirror.store, file))
        tree.make_readable(project.name, unreadable(mirror.store, project.name, project.held, entries))
    tree.make_readable(".", unreadable_at_root(mirror.store))


def unreadable(store: Store, name: NormalizedName, files: Iterable[Kept], entries: Entries) -> Iterator[str]:
    """Yield what nobody else can read in a project's folder: of files, what lies beside them, and pages.

    A run under another umask left it to its owner alone. The folder itself is an empty name.
    """
    if entries and store.lacks_mode(name):
        yield ""
    ours = [HTML, JSON, *(file.filename + suffix for file in files for suffix in ("", *SUFFIXES))]
    yield from (each for each in ours if each in entries and store.entry_lacks_mode(entries[each]))


def unreadable_at_root(store: Store) -> Iterator[str]:
    """Yield the root pages that nobody else can read."""
    return (page for page in (HTML, JSON, FULL) if store.lacks_mode(".", page))
