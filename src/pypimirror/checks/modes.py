"""What a web server can't read, as a run under another umask left it to its owner alone."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping

from pypimirror.model import NormalizedName
from pypimirror.publishing import Tree
from pypimirror.store import FULL, HTML, JSON, SUFFIXES, Store

_log = logging.getLogger(__name__)


def unreadable(
    store: Store, name: NormalizedName, filenames: Iterable[str], entries: "Mapping[str, os.DirEntry[str]]"
) -> Iterator[str]:
    """Yield what nobody else can read in a project's folder: of files, what lies beside them, and pages.

    The folder itself is an empty name.
    """
    if entries and store.lacks_mode(name):
        yield ""
    ours = [HTML, JSON]
    for filename in filenames:
        ours += [filename, *(f"{filename}{suffix}" for suffix in SUFFIXES)]
    yield from (each for each in ours if each in entries and store.entry_lacks_mode(entries[each]))


def unreadable_at_root(store: Store) -> Iterator[str]:
    """Yield the root pages that nobody else can read."""
    return (page for page in (HTML, JSON, FULL) if store.lacks_mode(".", page))


def mend(tree: Tree, folder: str, entries: Iterable[str]) -> None:
    """Make readable what is not; that the root is not either came from the same umask, and so it comes first.

    An operator may have closed the root alone: then nothing below it needs this.
    """
    for number, entry in enumerate(entries):
        if not number and tree.lacks_root_mode():
            tree.make_readable(".")
        if tree.make_readable(folder, entry):
            _log.warning("%s/%s: made readable for the web server", folder, entry)
