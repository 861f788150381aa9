"""Bringing projects up to date: page, plan, files, the mirror's own pages, record.

Workers fetch and verify; the main thread, in here, decides, stores and records. Each project is published as
soon as its last file is in, so that one that is slow or broken holds back no other.
"""

import contextlib
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial

import msgspec

from pypimirror import download
from pypimirror.errors import MirrorError, NotFoundError, TreeError, UnavailableError
from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage, Validators
from pypimirror.plan import Plan, make_plan
from pypimirror.state import ProjectRow
from pypimirror.sync import adopt, publish, tasks
from pypimirror.sync.crawl import Due
from pypimirror.sync.run import InFlight, Run
from pypimirror.upstream import NotModified
from pypimirror.workers import Pool

_log = logging.getLogger(__name__)

_AHEAD = 16
"""Tasks queued beyond the number of workers, so that none idles while the main thread stores and records."""

_TURN_S = 0.2


class _Project:
    """A project on its way: what upstream's page said, and what is still missing."""

    def __init__(self, due: Due) -> None:
        self.due = due
        self.name = due.name
        self.validators = Validators()
        self.page_serial: str | None = None
        self.missing = 0
        self.metadata: list[tuple[HeldFile, bytes]] = []
        self.arrived = 0
        self.is_whole = True
        self.has_changed = False


def bring_up_to_date(
    run: Run, due: list[Due], raw_folders: dict[NormalizedName, list[str]]
) -> list[MirrorError]:
    """Ask upstream about every project that is due, fetch what is missing, publish what changed.

    Returns why projects' pages could not be had. Raises OSError where the machine fails.
    """
    run.counts.projects = len(due)
    engine = _Engine(run, due, raw_folders)
    try:
        engine.work()
    finally:
        engine.abandon()
    return engine.page_errors


class _Engine:
    def __init__(self, run: Run, due: list[Due], raw_folders: dict[NormalizedName, list[str]]) -> None:
        self._run = run
        self._raw_folders = raw_folders
        self._due = deque(due)
        self._projects: dict[NormalizedName, _Project] = {}
        self._waiting: deque[Callable[[], None]] = deque()
        self._ready: deque[_Project] = deque()
        self._in_flight: dict[str, tasks.FileTask] = {}
        self._limit = run.config.workers + min(run.config.workers, _AHEAD)
        self._pool: Pool[tasks.Answer] = Pool(run.config.workers)
        self.page_errors: list[MirrorError] = []

    def work(self) -> None:
        while self._due or self._waiting or self._pool.unfinished:
            self._submit()
            answers = self._pool.finished(_TURN_S)
            for answer in answers:
                if isinstance(answer, tasks.PageAnswer):
                    self._take_page(answer)
            # What is about to be stored or published is known to the state before it lies in the tree.
            self._run.state.commit()
            for answer in answers:
                if isinstance(answer, tasks.FileAnswer):
                    self._take_file(answer)
                elif isinstance(answer, tasks.MetadataAnswer):
                    self._take_metadata(answer)
            while self._ready:
                self._publish(self._ready.popleft())
            self._show_progress()

    def abandon(self) -> None:
        """Remove the temporary files of what is still on its way."""
        for task in self._in_flight.values():
            self._run.store.discard(task.temporary)

    def _submit(self) -> None:
        """Keep the workers busy: with files first, and with pages while few files are waiting."""
        while self._waiting and self._pool.unfinished < self._limit:
            self._waiting.popleft()()
        while self._due and self._pool.unfinished < self._limit and len(self._waiting) < self._limit:
            project = _Project(self._due.popleft())
            self._projects[project.name] = project
            task = tasks.PageTask(project.name, project.due.validators)
            self._pool.submit(partial(tasks.fetch_page, self._run.upstream, task))

    def _show_progress(self) -> None:
        in_flight = [
            InFlight(task.file.filename, task.temporary.file.fileno(), task.file.size)
            for task in self._in_flight.values()
        ]
        self._run.progress(self._run.counts, in_flight)

    # -- pages -------------------------------------------------------------------------------

    def _take_page(self, answer: tasks.PageAnswer) -> None:
        project, result = self._projects[answer.name], answer.result
        if isinstance(result, MirrorError):
            self.page_errors.append(result)
            self._page_failed(project, result)
        elif isinstance(result, NotModified):
            self._page_unchanged(project)
        else:
            self._page_seen(project, result)

    def _page_failed(self, project: _Project, error: MirrorError) -> None:
        row = self._run.state.project(project.name)
        was_seen = project.due.is_from_list or (row is not None and row.is_listed)
        if isinstance(error, NotFoundError) and not was_seen:
            _log.warning("%s: upstream has no such project; is package_matches right?", project.name)
            self._run.state.forget_unfinished([project.name])
        else:
            self._run.fail(project.name, project.due.shown, str(error))
        self._done(project)

    def _page_unchanged(self, project: _Project) -> None:
        row = self._run.state.project(project.name)
        assert row is not None, "a request was conditional without a row"
        project.page_serial = row.page_serial
        project.validators = row.validators
        self._record_current(project)
        self._done(project)

    def _page_seen(self, project: _Project, seen: tasks.PageSeen) -> None:
        run, name, page = self._run, project.name, seen.page
        run.counts.pages_read += 1
        project.validators = seen.validators
        row = run.state.project(name)
        # A page without a serial, from an index that has them, confirms none.
        project.page_serial = page.serial or (row.page_serial if row else None)
        for reason in page.refused:
            _log.warning("%s: refused %s", name, reason)
        wanted, skipped = run.selection.decide(page.files)
        for skip in skipped:
            _log.debug("%s: skipped %s (%s)", name, skip.file.filename, skip.reason)
        plan = make_plan(wanted, run.state.held(name))
        self._note_page(project, page, plan)
        run.state.forgive(name, [file.filename for file in wanted])
        run.state.record_arriving(name, plan.fetch)
        run.state.record_held(name, plan.update)
        for conflict in plan.conflicts:
            self._file_failed(project, conflict.filename, f"refused: {conflict.reason}")
        self._queue(project, plan)
        if not project.missing:
            self._ready.append(project)

    def _note_page(self, project: _Project, page: ProjectPage, plan: Plan) -> None:
        """Record that the mirror's pages of the project are due, if they will change."""
        run, shown = self._run, project.due.shown
        row = run.state.project(project.name)
        is_new_on_root = row is None or not row.is_listed or row.shown != shown
        if not is_new_on_root and not (plan.fetch or plan.update or plan.complete) and _shows(row, page):
            return
        if is_new_on_root or run.config.full_index:
            publish.root_is_due(run)
        run.state.record_page(project.name, shown, page.status, page.status_reason)
        project.has_changed = True

    def _queue(self, project: _Project, plan: Plan) -> None:
        if plan.fetch:
            present = adopt.Present(self._run, project.name, self._raw_folders.get(project.name, []))
            self._waiting += [partial(self._start_file, project, file, present) for file in plan.fetch]
        self._waiting += [partial(self._start_metadata, project, held) for held in plan.complete]
        project.missing = len(plan.fetch) + len(plan.complete)
        self._run.counts.files += len(plan.fetch)
        self._run.counts.wanted_bytes += sum(file.size or 0 for file in plan.fetch)

    # -- files -------------------------------------------------------------------------------

    def _start_file(self, project: _Project, file: File, present: adopt.Present) -> None:
        temporary = self._run.store.open_temporary()
        task = tasks.FileTask(project.name, file, temporary, present.candidate(file))
        self._in_flight[temporary.path] = task
        self._pool.submit(partial(tasks.fetch_file, self._run.upstream, task))

    def _start_metadata(self, project: _Project, held: HeldFile) -> None:
        content = self._run.store.open_existing(project.name, held.file.filename)
        if content is None:
            reason = "it is gone from the tree; --initial-fetch brings it back"
            self._file_failed(project, held.file.filename, reason)
            self._one_less(project)
            return
        task = tasks.MetadataTask(project.name, held, content)
        self._pool.submit(partial(tasks.read_metadata, self._run.upstream, task))

    def _take_file(self, answer: tasks.FileAnswer) -> None:
        task, result = answer
        project = self._projects[task.name]
        try:
            if isinstance(result, OSError):
                raise result
            if isinstance(result, MirrorError):
                self._file_failed(project, task.file.filename, str(result))
            else:
                self._store(project, task, result)
        except TreeError as error:
            self._file_failed(project, task.file.filename, str(error))
        finally:
            del self._in_flight[task.temporary.path]
            self._run.store.discard(task.temporary)
        self._one_less(project)

    def _store(self, project: _Project, task: tasks.FileTask, received: download.Received) -> None:
        run, file = self._run, task.file
        for note in received.notes:
            _log.warning("%s: %s", project.name, note)
        if received.is_adopted:
            if task.candidate and task.candidate.folder != project.name:
                run.store.link_from(task.candidate.folder, project.name, file.filename)
            run.counts.adopted += 1
        else:
            run.store.place(task.temporary, project.name, file.filename, mtime=_moment(file.upload_time))
            run.counts.stored += 1
            run.counts.stored_bytes += received.size
        _log.debug("%s: %s %s", project.name, "adopted" if received.is_adopted else "stored", file.filename)
        project.arrived += 1
        run.counts.done_bytes += received.size
        held = HeldFile(file=file, sha256=received.sha256, size=received.size)
        self._record_held(project, held, received.metadata, received.metadata_error)

    def _take_metadata(self, answer: tasks.MetadataAnswer) -> None:
        project, held = self._projects[answer.name], answer.held
        for note in answer.notes:
            _log.info("%s: %s", project.name, note)
        try:
            self._record_held(project, held, answer.text, answer.error)
        except TreeError as error:
            self._file_failed(project, held.file.filename, str(error))
        self._one_less(project)

    def _record_held(
        self, project: _Project, held: HeldFile, metadata: bytes | None, error: UnavailableError | None
    ) -> None:
        if metadata is not None and held.metadata is not None:
            # A page tells of the old one: the new one comes right before the new page.
            project.metadata.append((held, metadata))
        elif metadata is not None:
            held = self._write_metadata(project, held, metadata)
        self._run.state.record_held(project.name, [held])
        if error is not None:
            reason = f"its core metadata could not be had: {error}"
            self._file_failed(project, held.file.filename, reason)

    def _write_metadata(self, project: _Project, held: HeldFile, text: bytes) -> HeldFile:
        self._run.store.write(project.name, f"{held.file.filename}.metadata", [text])
        return msgspec.structs.replace(held, metadata=download.sha256(text))

    def _file_failed(self, project: _Project, filename: str, reason: str) -> None:
        _log.error("%s: %s: %s", project.name, filename, reason)
        project.is_whole = False
        self._run.counts.failed += 1
        self._run.state.record_file_failed(project.name, filename, reason, self._run.clock())

    def _one_less(self, project: _Project) -> None:
        project.missing -= 1
        if not project.missing:
            self._ready.append(project)

    # -- projects ------------------------------------------------------------------------------

    def _publish(self, project: _Project) -> None:
        for held, text in project.metadata:
            try:
                self._run.state.record_held(project.name, [self._write_metadata(project, held, text)])
            except TreeError as error:
                self._file_failed(project, held.file.filename, str(error))
        is_written = not project.has_changed or publish.project(self._run, project.name)
        if project.has_changed and is_written:
            self._run.counts.changed += 1
            _log.info("%s: published, %d files came in", project.name, project.arrived)
        if project.is_whole and is_written:
            self._record_current(project)
        self._done(project)

    def _record_current(self, project: _Project) -> None:
        self._run.state.record_current(
            project.name,
            serial=project.due.serial,
            page_serial=project.page_serial,
            validators=project.validators,
            selection=self._run.selection.of_files,
        )

    def _done(self, project: _Project) -> None:
        self._run.counts.projects_done += 1
        if project.due.serial is not None:
            self._run.state.record_list_serial(project.name, project.due.serial)
        del self._projects[project.name]


def _shows(row: ProjectRow | None, page: ProjectPage) -> bool:
    """Tell whether the pages are there, with what upstream's page says of the project as a whole."""
    if row is None or row.pages is None:
        return False
    return (row.status, row.status_reason) == (page.status, page.status_reason)


def _moment(upload_time: str | None) -> float | None:
    """Return the time of an upload in POSIX seconds, if it can be read."""
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.fromisoformat(upload_time).timestamp() if upload_time else None
    return None
