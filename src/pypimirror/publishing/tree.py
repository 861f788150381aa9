"""The one way into the served tree, and out of it: record the intent, commit, act, record.

Nothing takes the place of what has a name already, and nothing is written beside a file, while a published
page may still link to what is there: the link goes first, the bytes change then, and the new link comes last.
A page that an earlier run did not get to write is such a page. A name that is new needs none of this. What
leaves goes the other way round: root page, project page, and after their grace the files; only what the state
knows.
"""

import itertools
import logging
from collections.abc import Iterable, Iterator

from pypimirror.amounts import HOUR_S, numbered
from pypimirror.errors import TreeError
from pypimirror.mirror import Mirror, Tally
from pypimirror.model import File, NormalizedName
from pypimirror.publishing.pages import Pages
from pypimirror.state.rows import AT_ONCE, UNPUBLISHED, Delisted
from pypimirror.store.folders import aside_folder
from pypimirror.store.layout import SUFFIXES
from pypimirror.store.temporary import Temporary

_log = logging.getLogger(__name__)

_SYNC_INTERVAL_S = 600.0


class Tree:
    """The owner of the promise that pages link to whole, verified files alone."""

    def __init__(self, mirror: Mirror, tally: Tally, pages: Pages) -> None:
        self._mirror = mirror
        self._tally = tally
        self._pages = pages
        self._synced_at = mirror.clock()
        """When all that was stored was last known to be on the disk."""
        self._is_full_finished = False
        """The page of all files links to no more than what was held when this run began."""
        self._intended: set[NormalizedName] = set()
        """Projects of whose files the state does not durably know yet that they are to come."""

    # -- the state and the disk --------------------------------------------------------------

    def commit(self) -> None:
        """Make durable what was recorded: intents before they are acted on, and what was done."""
        self._mirror.state.commit()
        self._intended.clear()

    def intend(self, name: NormalizedName) -> None:
        """Note that files of a project are to come: what is recorded of them is committed before they do."""
        self._intended.add(name)

    def sync(self) -> None:
        """Wait until all that was stored is on the disk, and record that."""
        self._mirror.store.sync()
        self._mirror.state.files.record_synced()
        self._synced_at = self._mirror.clock()

    def sync_if_due(self) -> None:
        """Do so now and then, so that a long run that is cut off costs no long look."""
        if self._mirror.clock() - self._synced_at > _SYNC_INTERVAL_S:
            self.sync()

    def make_readable(self, folder: str, entries: Iterable[str]) -> None:
        """Let others read entries of a folder, an empty name being the folder itself; the root comes first.

        That it is not readable either came from the same umask. An operator may have closed the root alone:
        then nothing below it needs this.
        """
        store = self._mirror.store
        for number, entry in enumerate(entries):
            if not number and store.lacks_mode("."):
                store.make_readable(".")
            if store.make_readable(folder, entry):
                _log.warning("%s/%s: made readable for the web server", folder, entry)

    # -- what comes --------------------------------------------------------------------------

    def finish_page(self, name: NormalizedName) -> None:
        """Write the page that an earlier run left as it was, so that it links to what is held and no more.

        The project's page is due again then. Raises TreeError where that can't be.
        """
        self.commit()
        if not self._pages.project(name):
            self._check(name)
        if not self._is_full_finished:
            self._pages.full()
            self._is_full_finished = True
        self._mirror.state.files.mark_pages_dirty(name)

    def withdraw(self, name: NormalizedName, file: File) -> None:
        """Take a file's link away before its bytes change; the page is due again then.

        Raises TreeError where that can't be.
        """
        state = self._mirror.state
        state.files.record_arriving(name, [file])
        state.files.mark_pages_dirty(name)
        self._is_full_finished = False
        self.finish_page(name)

    def republish(self, name: NormalizedName) -> None:
        """Publish what was recorded of a project, and let its page be due again."""
        self.commit()
        self._pages.project(name)
        self._mirror.state.files.mark_pages_dirty(name)
        self.commit()

    def place(
        self, name: NormalizedName, temporary: Temporary, filename: str, *, mtime: float | None = None
    ) -> None:
        """Give a file that came in its place; raise TreeError where something is in the way."""
        self._check(name)
        self._mirror.store.place(temporary, name, filename, mtime=mtime)

    def take_over(self, name: NormalizedName, folder: str, filename: str) -> None:
        """Give a file of another folder its place; raise TreeError where something is in the way."""
        self._check(name)
        self._mirror.store.link_from(folder, name, filename)

    def write_beside(self, name: NormalizedName, companion: str, content: bytes) -> bool:
        """Write what lies beside a file, and tell whether it changed; raise TreeError where that can't be."""
        self._check(name)
        return self._mirror.store.write(name, companion, content)

    def _check(self, name: NormalizedName) -> None:
        """Raise TreeError where a page differs from what the state renders to, and could not be written.

        What is about to be stored is known to the state before it lies in the tree.
        """
        if name in self._pages.unwritable:
            raise TreeError(name, "its page can't be written, and may still link to what is there")
        if name in self._intended:
            self.commit()

    # -- what goes ---------------------------------------------------------------------------

    def remove(self, folder: str, filename: str) -> None:
        """Remove what no page links to, and the state does not hold; raise TreeError."""
        self._mirror.store.remove(folder, filename)

    def rename_folder(self, folder: str, name: NormalizedName) -> None:
        """Give a folder that no page of ours links to its normalized name."""
        self._mirror.store.rename_folder(folder, name)

    def remove_folder(self, folder: str) -> bool:
        """Remove a folder that no page links to, if it is empty; tell whether it is gone."""
        return self._mirror.store.remove_folder(folder)

    def set_aside(self) -> None:
        """Put the files of projects in quarantine out of reach, for their grace (PEP 792)."""
        store, state = self._mirror.store, self._mirror.state
        for name, filename in (reachable := state.transitions.reachable()):
            try:
                store.set_aside(name, filename)
                for suffix in SUFFIXES:
                    store.remove(name, filename + suffix)
            except TreeError as error:
                reason = f"{filename} is in quarantine and still in reach: {error}"
                self._tally.fail(self._mirror, name, name, reason)
                continue
            state.transitions.record_aside([(name, filename)])
        if reachable:
            one, more = "file of a project in quarantine was", "files of projects in quarantine were"
            _log.warning("%s put out of reach", numbered(len(reachable), one, more))
            self.commit()

    def remove_files(self) -> list[Delisted]:
        """Remove the files whose grace is over; return those to `forget` once that is on the disk."""
        config = self._mirror.config
        before = self._mirror.clock() - config.removal_grace_hours * HOUR_S if config.cleanup else UNPUBLISHED
        delisted = self._mirror.state.transitions.delisted(before)
        if not config.cleanup:
            delisted = [file for file in delisted if not self._is_kept(file)]
        unwritable = self._pages.unwritable
        return [file for file in delisted if file.project not in unwritable and self._remove(file)]

    def _is_kept(self, file: Delisted) -> bool:
        """Tell whether a file stays without `cleanup` that was on no page: it is there, and not blocked."""
        folders = (file.project, *(() if file.aside is None else (aside_folder(file.project),)))
        entries = map(self._mirror.store.entries, folders)
        return file.since != AT_ONCE and any(file.filename in each for each in entries)

    def _remove(self, file: Delisted) -> bool:
        """Remove a file whose grace is over; tell whether it may be forgotten."""
        store = self._mirror.store
        try:
            # Beside the file go what stands for it alone.
            for suffix in ("", *SUFFIXES):
                store.remove(file.project, file.filename + suffix)
            if file.aside is not None:
                store.remove(aside_folder(file.project), file.filename)
        except TreeError as error:
            if error.is_denied:
                self._tally.fail(self._mirror, file.project, file.project, str(error))
                return False
            _log.warning("%s", error)
            return True
        if file.size is not None:
            self._tally.counts.removed += 1
            self._tally.counts.removed_bytes += file.size
            _log.info("%s: removed %s", file.project, file.filename)
        return True

    def forget(self, gone: list[Delisted]) -> None:
        """Forget files that are gone, and projects of which nothing is left."""
        for name in _projects(gone):
            row = self._mirror.state.projects.get(name)
            if row is None or not row.is_listed:
                self._mirror.store.remove_folder(name)
        self._mirror.state.transitions.forget_delisted(gone)


def _projects(files: list[Delisted]) -> Iterator[NormalizedName]:
    return (name for name, _ in itertools.groupby(files, key=lambda file: file.project))
