"""The part of a run that asks other hosts than the index's.

It comes after all that the index has itself is there and published, so that nothing new of it waits for
another host. What other hosts fail to do removes nothing, and is told as any other failure.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import msgspec

from pypimirror import adopt
from pypimirror.amounts import DAY_S, HOUR_S
from pypimirror.disk import full_or_itself
from pypimirror.errors import DiskFullError, MirrorError, TreeError
from pypimirror.external import files
from pypimirror.external.links import LinkedFile, file_named
from pypimirror.external.model import LinkOrigin, Links
from pypimirror.external.project import ExternalProject, end
from pypimirror.external.tables import Tables
from pypimirror.external.tasks import Brought, DocumentTask, FetchTask, LegacyDocument, LinkTask, Looked
from pypimirror.external.turns import Turns
from pypimirror.external.wanted import wanted
from pypimirror.mirror import Mirror
from pypimirror.model import File, Link, NormalizedName
from pypimirror.run import Options, Run
from pypimirror.run.arrivals import Arrivals
from pypimirror.selection import Selection
from pypimirror.state.rows import Failure
from pypimirror.workers import Task

_log = logging.getLogger(__name__)

_TURN_S = 0.2
_MOST_LOOKS = 100
"""Of a project's links that name no file so many are looked at."""
_OPEN = 200
"""Projects that are looked at together."""
_LONGEST_S = 1800.0
"""After so long nothing more is begun: the rest is for the next run."""
_PATIENCE_S = 1000.0
"""For so long what is under way is waited for then."""


def follow(run: Run, tables: Tables) -> None:
    """Follow the links of all projects that are due. Raises DiskFullError, or OSError of the machine."""
    due = _due(run.mirror, run.options, tables)
    if not due:
        return
    stage = _Stage(run, tables, due)
    try:
        stage.work()
    except OSError as error:
        raise full_or_itself(error) from error
    finally:
        stage.abandon()


class _DueProject(NamedTuple):
    """A project whose links are to be looked at: whether all of them, and how many failed the last time."""

    name: NormalizedName
    is_full: bool
    failures: int


def _due(mirror: Mirror, options: Options, tables: Tables) -> list[_DueProject]:
    """Return the projects whose links are to be looked at, the last one first.

    Those of which most addresses could not be had come last, so that what drops each request for one project
    keeps no other one from the same host: such a one may have failed itself, as the host was left alone.
    """
    if options.only:
        rows = map(mirror.state.projects.get, options.only)
        due = [(row.name, True) for row in rows if row is not None and row.is_listed]
    elif options.is_recheck:
        due = [(name, True) for name in tables.linked()]
    else:
        interval = mirror.config.external_interval_hours * HOUR_S
        due = tables.due(mirror.clock(), interval + DAY_S)
    failures = mirror.state.failures.of
    found = [
        _DueProject(name, is_full, sum("/" in subject for subject in failures(name)))
        for name, is_full in due
        if mirror.selection.selects(name)
    ]
    return sorted(found, key=lambda each: each.failures)[::-1]


class _Stage:
    def __init__(self, run: Run, tables: Tables, due: list[_DueProject]) -> None:
        self._run = run
        self._tables = tables
        self._due = due
        self._open: dict[NormalizedName, ExternalProject] = {}
        self._failures = 0
        """Of each project that is under way so many addresses failed the last time."""
        self._turns = Turns(run.upstream.hosts, run.upstream.index_url)
        self._arrivals = Arrivals(run.mirror.store)
        assert run.workers is not None
        self._workers = run.workers
        self._workers.is_far = True
        self._is_adopting = adopt.is_adopting(run.mirror)
        self._full: DiskFullError | None = None
        self._left: list[NormalizedName] = []
        """Projects for which there was no time."""
        self._ends_at = time.monotonic() + _LONGEST_S

    def work(self) -> None:
        while self._due or self._open:
            late = time.monotonic() - self._ends_at
            if self._full or late > 0:
                self._left += [each.name for each in self._due]
                self._due.clear()
                self._turns.clear()
                if not self._workers.unfinished or late > _PATIENCE_S:
                    break
            while self._due and len(self._open) < _OPEN and self._is_its_turn(self._due[-1]):
                self._begin(self._due.pop())
            self._turns.begin(lambda: self._workers.has_room)
            for hand_over in self._workers.finished(_TURN_S):
                hand_over()
            self._run.tree.sync_if_due()
            self._run.progress(self._run.tally.counts, self._arrivals.shown())
        if self._full:
            raise self._full
        self._tell_left()

    def _tell_left(self) -> None:
        """Say for which projects there was no time; nothing of them is taken for gone."""
        self._left += self._open
        self._run.tally.unfollowed |= set(self._left)
        if self._left:
            more = f" (and of {len(self._left) - 1:,} projects more)" if len(self._left) > 1 else ""
            reason = f"not all of its links{more} could be followed in half an hour; the next run goes on"
            _log.warning("%s: %s", self._left[0], reason)
            self._run.tally.passing.append(Failure(self._left[0], None, reason, self._run.tally.started))

    def abandon(self) -> None:
        """Forget what is still on its way; what is not done stays due."""
        self._workers.abandon()
        self._arrivals.abandon()
        self._workers.is_far = False

    def _is_its_turn(self, due: _DueProject) -> bool:
        """Tell whether no project is under way of which fewer addresses failed: that is to be asked first."""
        if not self._open:
            self._failures = due.failures
        return due.failures == self._failures

    def _begin(self, due: _DueProject) -> None:
        name = due.name
        project = self._open[name] = ExternalProject(
            self._run.mirror, self._tables, name, is_full=due.is_full
        )
        row = self._run.mirror.state.projects.get(name)
        if row is not None and row.status == "quarantined":  # PEP 792: nothing of it may be offered
            project.known = Links()
            self._go_on(project)
            return
        project.unfinished += 1
        self._submit(project, DocumentTask(name), self._take_document)

    def _submit(
        self, project: ExternalProject, task: Task[Any], take: Callable[[ExternalProject, Any], None]
    ) -> None:
        self._workers.submit(task, partial(self._take, project, take))

    def _take(
        self, project: ExternalProject, take: Callable[[ExternalProject, Any], None], result: object
    ) -> None:
        project.unfinished -= 1
        take(project, result)
        self._go_on(project)

    def _go_on(self, project: ExternalProject) -> None:
        """Fetch when all links were looked at, end when all files are in; stay due where the disk is full."""
        if self._full:
            return
        if not project.unfinished and not project.is_chosen:
            project.is_chosen = True
            self._fetch_all(project)
        if not project.unfinished:
            del self._open[project.name]
            end(self._run, project, is_adopting=self._is_adopting)

    # -- links -----------------------------------------------------------------------------------

    def _take_document(self, project: ExternalProject, result: LegacyDocument | MirrorError | None) -> None:
        url = self._run.upstream.document_url(project.name)
        project.asked.add(url)
        # Where it can't be had, what it said the last time still counts.
        if isinstance(result, MirrorError):
            project.fail(url, str(result))
        elif result is not None:
            project.known = msgspec.structs.replace(project.known, document=result.link)
        self._look(project)

    def _look(self, project: ExternalProject) -> None:
        """Take the files to which links lead by their addresses, and queue a look at all other links."""
        selection = (
            self._run.mirror.selection if self._run.mirror.config.follow_external_index_pages else None
        )
        every = project.known.every()
        # Where a link went, its file may still be behind another one.
        project.is_full |= any(
            row.status == "failed" or (row.status == "held" and row.origin.link not in every)
            for row in project.rows.values()
        )
        looks = 0
        for link in sorted(every.values(), key=lambda link: link.url in project.failed_before):
            if not project.is_full and link in project.known.looked:
                continue
            project.looked.add(link)
            if filename := file_named(link.url, project.name):
                project.add(LinkedFile(filename, link.url, link.digests), link, is_paged=False)
                continue
            looks += 1
            if looks > _MOST_LOOKS:
                _log.info("%s: too many links that name no file: %s is left out", project.name, link.url)
                continue
            self._turns.add(
                link.url,
                partial(self._start_look, project, link, selection),
                partial(self._refused, project, link.url),
            )
            project.unfinished += 1

    def _start_look(self, project: ExternalProject, link: Link, selection: Selection | None) -> None:
        task = LinkTask(project.name, link, selection)
        self._submit(project, task, partial(self._take_look, link))

    def _take_look(self, link: Link, project: ExternalProject, result: Looked | MirrorError) -> None:
        project.asked.add(link.url)
        if isinstance(result, MirrorError):
            self._turns.end(link.url, result)
            project.fail(link.url, str(result))
            return
        self._turns.end(link.url, result, delay=result.delay)
        for candidate in result.candidates:
            project.add(candidate, link, is_paged=result.is_page)

    def _refused(self, project: ExternalProject, url: str, error: MirrorError) -> None:
        """Take it that a link's host is given up."""
        project.unfinished -= 1
        project.refuse(url, error)
        self._go_on(project)

    # -- files -----------------------------------------------------------------------------------

    def _fetch_all(self, project: ExternalProject) -> None:
        """Queue what is new, and what is held and may have changed."""
        found = wanted(self._run, project)
        if self._run.options.preview:
            new = (file for file, _ in found if not project.is_held(file.filename))
            self._run.options.preview.will_fetch(project.name, tuple(new))
            return
        for file, origin in found:
            files.intend(self._run.mirror, self._run.tally, project, file, origin)
        project.unfinished += len(found)
        # Files come before looks, so that one project after the other is done; what failed before comes last.
        again = [each for each in found if each[0].url in project.failed_before]
        for file, origin in [*again, *(each for each in reversed(found) if each not in again)]:
            self._turns.add(
                file.url,
                partial(self._start, project, file, origin),
                partial(self._refused_file, project, file),
                is_next=file.url not in project.failed_before,
            )

    def _start(self, project: ExternalProject, file: File, origin: LinkOrigin) -> None:
        store = self._run.mirror.store
        store.space.check(0)
        task = FetchTask(project.name, file, store.new_temporary(), origin, store.space)
        self._arrivals.add(task.temporary, file)
        self._submit(project, task, partial(self._take_file, task))

    def _refused_file(self, project: ExternalProject, file: File, error: MirrorError) -> None:
        """Take it that a file's host is given up."""
        files.let_go(project, file)
        self._refused(project, file.url, error)

    def _take_file(
        self, task: FetchTask, project: ExternalProject, result: Brought | MirrorError | None
    ) -> None:
        self._turns.end(task.file.url, result)
        project.asked.add(task.file.url)
        try:
            if isinstance(result, DiskFullError):
                self._full = result
            elif isinstance(result, MirrorError):
                files.failed(project, task.file, str(result))
            elif isinstance(result, Brought):
                files.take(self._run, project, task, result)
            else:
                files.keep(self._run, project, task.file, task.origin)
        except TreeError as error:
            files.failed(project, task.file, str(error))
        finally:
            self._arrivals.end(task.temporary)
