"""Bringing projects up to date: page, plan, files, the mirror's own pages, record.

Workers fetch and verify; the main thread, in here, decides, stores and records. Each project is published as
soon as its last file is in, so that one that is slow or broken holds back no other.
"""

import logging
from collections import deque
from functools import partial

from pypimirror.amounts import numbered
from pypimirror.disk import full_or_itself
from pypimirror.errors import (
    DiskFullError,
    MirrorError,
    NotAskedError,
    NotFoundError,
    TreeError,
    UnavailableError,
)
from pypimirror.mirror import Tally
from pypimirror.model import NormalizedName
from pypimirror.run import Run
from pypimirror.sync import crawl, record, tasks
from pypimirror.sync.again import SeenPages
from pypimirror.sync.crawl import Due, PageOutcome
from pypimirror.sync.files import Downloads
from pypimirror.sync.project import Project
from pypimirror.sync.ready import Ready
from pypimirror.upstream import NotModified

_log = logging.getLogger(__name__)

_TURN_S = 0.2

_FEW, _MANY = 64, 256
"""Files waiting: below the first pages are read until there are the second, so that commits are few."""


def bring_up_to_date(run: Run, due: list[Due]) -> PageOutcome:
    """Ask upstream about every project that is due, fetch what is missing, publish what changed.

    Projects that lose something are not published yet. Raises DiskFullError, or OSError of the machine.
    """
    run.tally.counts.projects += len(due)
    engine = _Engine(run, due)
    try:
        engine.work()
    except OSError as error:
        raise full_or_itself(error) from error
    finally:
        engine.abandon()
        _tell_unverified(run.tally)
    return engine.outcome


def _tell_unverified(tally: Tally) -> None:
    """Say once what may have come as anybody sent it, however many files it is."""
    if number := tally.counts.unverified:
        files = numbered(number, "file was", "files were")
        _log.warning("%s taken without a digest, as upstream offers none", files)
        tally.counts.unverified = 0


class _Engine:
    def __init__(self, run: Run, due: list[Due]) -> None:
        self._run = run
        self._due = deque(due)
        self._asked = {each.name for each in due}
        self._unanswered = set(self._asked)
        """Of those that the configuration alone leads to; a project may be asked about once more."""
        self._is_reading = True
        self._ready = Ready(run)
        self._seen = SeenPages(run) if run.dependencies.are_followed else None
        self._files = Downloads(run, self._ready)
        self._waiting = self._files.waiting
        assert run.workers is not None
        self._workers = run.workers
        self._workers.latency = run.upstream.latency
        self.outcome = PageOutcome([], [], [])
        self._full: DiskFullError | None = None

    def work(self) -> None:
        while self._due or self._waiting or self._workers.unfinished or self._ready or self._asks_for_more():
            self._check_space()
            self._submit()
            for hand_over in self._workers.finished(_TURN_S if self._workers.unfinished else 0.0):
                hand_over()
            if self._ready and (self._ready.is_time() or not self._workers.unfinished):
                for project in self._ready.publish():
                    self._done(project)
                self._follow_new()
            self._run.tree.sync_if_due()
            self._show_progress()
        if self._full:
            raise self._full

    def _asks_for_more(self) -> bool:
        """Queue the projects of which more is asked for since they were asked about; tell whether any is."""
        grown, self._run.dependencies.grown = self._run.dependencies.grown, set()
        if self._full:
            return False
        if self._seen:
            self._seen.confirm(grown)
        return self._ask_for(grown)

    def _ask_for(self, names: set[NormalizedName]) -> bool:
        """Queue the projects of which not all that is asked for is there; tell whether any is."""
        more = [due for name in sorted(names) if (due := crawl.due_for_more(self._run, name))]
        self._run.tally.counts.projects += len(more)
        self._due += more
        return bool(more)

    def _follow_new(self) -> None:
        """Queue at once what is asked for and nothing is known of; the rest waits until all is asked once."""
        dependencies = self._run.dependencies
        new = {
            name for name in dependencies.grown - self._asked if not self._run.mirror.state.projects.get(name)
        }
        if new and not self._full:
            dependencies.grown -= new
            self._asked |= new
            self._ask_for(new)

    def _check_space(self) -> None:
        """Raise DiskFullError where what is still to come in of the files under way takes too much."""
        if self._waiting or self._files.arrivals:
            self._run.mirror.store.space.check(self._files.arrivals.still_to_come())

    def abandon(self) -> None:
        """Forget what is still on its way, and remove its temporary files."""
        self._workers.abandon()
        self._files.arrivals.abandon()

    def _submit(self) -> None:
        """Keep the workers busy: with files, and with many pages at a time before these run out."""
        try:
            if not self._full:
                self._submit_all()
        except DiskFullError as full:
            # What is on its way has its room; nothing more is begun.
            self._full = full
        if self._full:
            self._waiting.clear()
            self._due.clear()

    def _submit_all(self) -> None:
        self._is_reading = len(self._waiting) < (_MANY if self._is_reading else _FEW)
        if self._due and (reason := self._run.upstream.hosts.why_not(self._run.upstream.index_url)):
            for due in self._due:
                self._run.tally.leave(due.name, reason)
            self._due.clear()
        while self._due and self._is_reading and self._workers.has_room:
            project = Project(self._due.popleft())
            self._run.dependencies.as_held.discard(project.name)
            if self._seen and (seen := self._seen.page(project.name)):
                self._page_seen(project, seen)
                if self._ready.is_time():
                    return
                continue
            self._workers.submit(tasks.PageTask(project.due), partial(self._take_page, project))
        while self._waiting and self._workers.has_room:
            self._waiting.popleft()()

    def _show_progress(self) -> None:
        counts = self._run.tally.counts
        counts.retries = self._workers.retries + self._run.upstream.hosts.retries
        self._run.progress(counts, self._files.arrivals.shown())

    # -- pages -------------------------------------------------------------------------------

    def _take_page(self, project: Project, found: tasks.PageResult | MirrorError) -> None:
        result = found.result if isinstance(found, tasks.PageResult) else found
        project.is_pending = isinstance(found, tasks.PageResult) and found.is_stale
        if project.is_pending and record.has_empty_serial(self._run.mirror, project, result):
            project.is_pending = False
        if isinstance(result, NotFoundError):
            self._page_missing(project, result)
        elif isinstance(result, NotAskedError):
            self._page_unasked(project, self._files.why_unasked(result) or "")
        elif isinstance(result, MirrorError):
            self._page_failed(project, result)
        elif isinstance(result, NotModified):
            self._page_unchanged(project)
        else:
            self._page_seen(project, result)

    def _page_missing(self, project: Project, error: NotFoundError) -> None:
        """Tell apart what a missing page means: not there yet, gone, never there, or still listed."""
        run, name = self._run, project.name
        row = run.mirror.state.projects.get(name)
        is_known = row is not None and row.is_listed
        is_gone = is_known and not run.mirror.selection.needs_list and run.upstream.is_own(error.url)
        if project.is_pending and project.due.serial is not None:
            project.page_serial, project.is_missing = project.due.page_serial, True
            record.mark_current(run, project)
            self._done(project)
        elif project.due.is_from_list:
            # Without serials there is no list that a page could be older than.
            reason = f"{error.reason}, though the project list names it"
            self._page_failed(project, NotFoundError(error.url, reason))
        elif is_gone:
            _log.warning("%s: upstream no longer has it (%s)", name, error.reason)
            self.outcome.vanished.append(name)
            self._done(project)
        elif is_known:
            self._page_failed(project, error)
        else:
            self._note_unknown(name)
            self._note_error(project, error)
            run.mirror.state.transitions.delist_project(name, run.mirror.clock())
            run.mirror.state.transitions.forget_projects([name])
            self._done(project)

    def _note_unknown(self, name: NormalizedName) -> None:
        """Note that upstream never had a project; one that the configuration names is told of by itself."""
        config, selection = self._run.mirror.config, self._run.mirror.selection
        if selection.matches(name) or any(root.name == name for root in config.requirements.roots):
            self._run.tally.unknown.add(name)
        else:
            _log.info("%s: upstream has no such project", name)

    def _note_error(self, project: Project, error: MirrorError) -> None:
        """Note why a project could not be had, of those that the configuration alone leads to."""
        if project.name in self._unanswered:
            self.outcome.errors.append(error)
            self._unanswered.discard(project.name)

    def _page_failed(self, project: Project, error: MirrorError) -> None:
        self._note_error(project, error)
        self._run.tally.fail(self._run.mirror, project.name, project.due.display_name, str(error))
        pause = error.retry_after if isinstance(error, UnavailableError) else None
        self._run.pause(project.name, at_least=pause or 0.0)
        self._done(project)

    def _page_unasked(self, project: Project, reason: str) -> None:
        """Leave a project as it was: its own page has not failed."""
        self._run.tally.leave(project.name, reason)
        self._run.tally.counts.projects_done += 1

    def _page_unchanged(self, project: Project) -> None:
        self._unanswered.discard(project.name)
        project.page_serial, project.validators = project.due.page_serial, project.due.validators
        record.record_display_name(self._run.mirror, self._run.pages, project)
        if project.due.is_revalidation and not self._run.options.preview:
            self._files.look(
                project,
                record.without_digest(self._run.mirror, self._run.external, project.name),
                changed=set(),
            )
        if project.missing:
            return
        record.mark_current(self._run, project)
        self._done(project)

    def _page_seen(self, project: Project, seen: tasks.PageSeen) -> None:
        page = seen.page
        self._unanswered.discard(project.name)
        if page.project is None and not page.files and not project.due.is_from_list:
            self.outcome.unproven.append(project.name)
            row = self._run.mirror.state.projects.get(project.name)
            if row is None or not row.is_listed:
                _log.warning(
                    "%s: its page has no file, and nothing in it proves that it is one", project.name
                )
                self._done(project)
                return
        self._run.tree.intend(project.name)
        made = record.plan(self._run, project, seen, page)
        if self._seen:
            self._seen.note(project, seen)
        listed = {file.filename: file for file in page.files} if made.conflicts else {}
        for conflict in made.conflicts:
            hint = record.how_to_accept(listed[conflict.filename])
            reason = f"refused: {conflict.reason}; {hint}"
            record.file_failed(self._run, project, conflict.filename, reason, is_kept=True)
        try:
            self._files.queue(project, made)
        except TreeError:  # its page is not what is held, and can't be written: nothing may change below it
            self._run.pause(project.name)
            self._done(project)
            return
        if not project.missing:
            self._ready.add(project)

    # -- projects ------------------------------------------------------------------------------

    def _done(self, project: Project) -> None:
        self._run.tally.counts.projects_done += 1
        record.listed(self._run.mirror, project.due)
