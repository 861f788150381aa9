"""A project whose links are followed: what is known and found of it, and how that is recorded."""

import logging

import msgspec

from pypimirror.addresses import host_of
from pypimirror.amounts import HOUR_S
from pypimirror.errors import MirrorError
from pypimirror.external.links import LinkedFile
from pypimirror.external.model import LinkOrigin
from pypimirror.external.tables import Tables
from pypimirror.mirror import LONGEST_REASON, Mirror
from pypimirror.model import Link, NormalizedName
from pypimirror.run import Run

_log = logging.getLogger(__name__)


class ExternalProject:
    """A project whose links are looked at."""

    def __init__(self, mirror: Mirror, tables: Tables, name: NormalizedName, *, is_full: bool) -> None:
        self.name = name
        self.tables = tables
        self.is_full = is_full
        """All links are looked at, and not only new ones."""
        self.known = tables.links(name)
        self.rows = tables.files(name)
        self.failed_before = mirror.state.failures.of(name)
        """Addresses that could not be had the last time, and hosts that did not answer."""
        self.failed: dict[str, str] = {}
        """The same of this time, with the reasons."""
        self.unfinished = 0
        """Tasks that wait or are under way."""
        self.is_chosen = False
        """All links were looked at, so that it is known which files are wanted."""
        self.looked: set[Link] = set()
        self.asked: set[str] = set()
        self.candidates: dict[str, tuple[LinkedFile, LinkOrigin]] = {}
        self._ranks: dict[str, tuple[bool, bool, bool, int]] = {}
        self.has_changed = False
        """Its page is to be written."""

    def add(self, candidate: LinkedFile, link: Link, *, is_paged: bool) -> None:
        """Note a file behind a link. Of several for one file the best counts.

        That is one that could be had the last time, by itself rather than on a page, with a digest, and then
        the first.
        """
        place = list(self.known.every()).index(link.url)
        rank = (self._had_failed(candidate.url), is_paged, not candidate.digests, place)
        if rank < self._ranks.get(candidate.filename, (True, True, True, place + 1)):
            self._ranks[candidate.filename] = rank
            self.candidates[candidate.filename] = candidate, LinkOrigin(link=link.url, is_paged=is_paged)

    def _had_failed(self, url: str) -> bool:
        return url in self.failed_before or host_of(url) in self.failed_before

    def fail(self, url: str, reason: str) -> None:
        """Note why an address could not be had."""
        self.failed[url] = reason[:LONGEST_REASON]

    def refuse(self, url: str, error: MirrorError) -> None:
        """Note that an address was not asked for, as its host is given up: that is told once for a host."""
        self.failed.setdefault(host_of(url), str(error)[:LONGEST_REASON])

    def is_held(self, filename: str) -> bool:
        """Tell whether an external file is in the tree."""
        row = self.rows.get(filename)
        return row is not None and row.status == "held"


def end(run: Run, project: ExternalProject, *, is_adopting: bool) -> None:
    """Record what was seen of a project's links, and publish what came."""
    tables, name = project.tables, project.name
    every = project.known.every()
    if is_adopting:
        _adopt_unseen(run.mirror, project)
    gone = [
        filename
        for filename, row in tables.files(name).items()
        if row.origin.link not in every and filename not in project.candidates
    ]
    tables.record_vanished(name, gone, run.mirror.clock())
    tables.delist_unfinished(name, gone, are_gone=True)
    _record_failures(run, project)
    if project.has_changed:
        _publish(run, project)
    looked = frozenset(every.values()) & (project.known.looked | project.looked)
    links = msgspec.structs.replace(project.known, looked=looked)
    tables.record_looked(name, links, _next_look(run.mirror, project))
    run.tree.commit()


def _adopt_unseen(mirror: Mirror, project: ExternalProject) -> None:
    """Where a state was lost and a link can't be followed: take what nobody lists for files behind it."""
    state, name, failed = mirror.state, project.name, project.failed
    link = next((url for url in project.known.every() if url in failed or host_of(url) in failed), None)
    if link is None:
        return
    held = state.files.held(name)
    for filename in state.transitions.vanished_files_of(name) - project.tables.owned(name):
        was = held[filename]
        is_paged = mirror.config.follow_external_index_pages
        origin = LinkOrigin(link=link, is_paged=is_paged, length=was.size, pinned=was.sha256)
        project.tables.record(name, was.file, origin)


def _next_look(mirror: Mirror, project: ExternalProject) -> float | None:
    """Return when to look at all links again; new ones alone put nothing off."""
    if not (project.known.every() or project.failed):
        return None
    due = None if project.is_full else project.tables.next_look(project.name)
    return due if due is not None else mirror.clock() + mirror.config.external_interval_hours * HOUR_S


def _record_failures(run: Run, project: ExternalProject) -> None:
    """Record what could not be followed, and that what was is right again."""
    name = project.name
    for reason in project.failed.values():
        _log.warning("%s: a link can't be followed: %s", name, reason)
    run.tally.counts.failed += len(project.failed)
    run.mirror.state.failures.record(name, project.failed, run.mirror.clock())
    is_all = project.is_full or not project.known.every()
    seen = project.failed_before if is_all else project.asked | {host_of(url) for url in project.asked}
    run.mirror.state.failures.forget(name, seen - project.failed.keys())


def _publish(run: Run, project: ExternalProject) -> None:
    name = project.name
    run.pages.names.intend(name)
    if run.mirror.config.full_index:
        run.pages.mark_root_dirty()
    run.tree.commit()
    if run.pages.project(name):
        run.tally.note_changed(name, may_again=run.mirror.config.external_links)
        _log.info("%s: published, with files from elsewhere", name)
