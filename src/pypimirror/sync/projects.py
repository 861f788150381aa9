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
from typing import BinaryIO, NamedTuple

import msgspec

from pypimirror import download
from pypimirror.errors import MirrorError, NotFoundError, TreeError, UnavailableError
from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage, Validators
from pypimirror.plan import Plan, make_plan
from pypimirror.simple import ACCEPT, parse_project_page
from pypimirror.state import ProjectRow
from pypimirror.store import Temporary
from pypimirror.sync import adopt, publish
from pypimirror.sync.crawl import Due
from pypimirror.sync.run import InFlight, Run
from pypimirror.upstream import NotModified, Upstream
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
        self.arrived = 0
        self.is_whole = True
        self.has_changed = False


class _PageAnswer(NamedTuple):
    project: _Project
    result: "_Page | NotModified | MirrorError"


class _Page(NamedTuple):
    content: ProjectPage
    validators: Validators


class _FileAnswer(NamedTuple):
    task: "_FileTask"
    result: download.Received | MirrorError | OSError


class _MetadataAnswer(NamedTuple):
    project: _Project
    held: HeldFile
    text: bytes | None
    notes: tuple[str, ...]
    error: UnavailableError | None


class _FileTask(NamedTuple):
    project: _Project
    file: File
    temporary: Temporary
    candidate: adopt.Candidate | None


_Answer = _PageAnswer | _FileAnswer | _MetadataAnswer


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
        self._pages = deque(due)
        self._files: deque[Callable[[], None]] = deque()
        self._in_flight: dict[str, _FileTask] = {}
        self._limit = run.config.workers + min(run.config.workers, _AHEAD)
        self._pool: Pool[_Answer] = Pool(run.config.workers)
        self.page_errors: list[MirrorError] = []

    def work(self) -> None:
        while self._pages or self._files or self._pool.unfinished:
            self._submit()
            answers = self._pool.finished(_TURN_S)
            for answer in answers:
                if isinstance(answer, _PageAnswer):
                    self._take_page(answer)
            # What is about to be stored is known to the state before it lies in the tree.
            self._run.state.commit()
            for answer in answers:
                if isinstance(answer, _FileAnswer):
                    self._take_file(answer)
                elif isinstance(answer, _MetadataAnswer):
                    self._take_metadata(answer)
            self._show_progress()

    def abandon(self) -> None:
        """Remove the temporary files of what is still on its way."""
        for task in self._in_flight.values():
            self._run.store.discard(task.temporary)

    def _submit(self) -> None:
        while self._files and self._pool.unfinished < self._limit:
            self._files.popleft()()
        while self._pages and self._pool.unfinished < self._limit and len(self._files) < self._limit:
            project = _Project(self._pages.popleft())
            self._pool.submit(partial(_fetch_page, self._run.upstream, project))

    def _show_progress(self) -> None:
        tasks = self._in_flight.values()
        in_flight = [InFlight(t.file.filename, t.temporary.file.fileno(), t.file.size) for t in tasks]
        self._run.progress(self._run.counts, in_flight)

    # -- pages -------------------------------------------------------------------------------

    def _take_page(self, answer: _PageAnswer) -> None:
        project, result = answer
        if isinstance(result, MirrorError):
            self.page_errors.append(result)
            self._page_failed(project, result)
        elif isinstance(result, NotModified):
            self._page_unchanged(project)
        else:
            self._page_changed(project, result)

    def _page_failed(self, project: _Project, error: MirrorError) -> None:
        row = self._run.state.project(project.name)
        self._run.counts.projects_done += 1
        if (
            isinstance(error, NotFoundError)
            and not project.due.is_from_list
            and (row is None or not row.is_listed)
        ):
            _log.warning(
                "%s: upstream has no such project; is its name in package_matches right?", project.name
            )
            return
        self._run.fail(project.name, project.due.shown, str(error))

    def _page_unchanged(self, project: _Project) -> None:
        row = self._run.state.project(project.name)
        assert row is not None, "a request was conditional without a row"
        self._run.counts.projects_done += 1
        project.page_serial = row.page_serial
        project.validators = row.validators
        self._record_current(project)

    def _page_changed(self, project: _Project, page: _Page) -> None:
        run, name = self._run, project.name
        run.counts.pages_read += 1
        project.validators = page.validators
        project.page_serial = page.content.serial
        for reason in page.content.refused:
            _log.warning("%s: refused %s", name, reason)
        wanted, skipped = run.selection.decide(page.content.files)
        for skip in skipped:
            _log.debug("%s: skipped %s (%s)", name, skip.file.filename, skip.reason)
        plan = make_plan(wanted, self._held(name))
        self._note_page(project, page.content, plan)
        run.state.forget_unwanted(name, [file.filename for file in wanted])
        run.state.record_arriving(name, plan.fetch)
        run.state.record_held(name, plan.update)
        for conflict in plan.conflicts:
            self._file_failed(project, conflict.filename, f"refused: {conflict.reason}", is_held=True)
        self._queue(project, plan)
        if not project.missing:
            self._finish(project)

    def _held(self, name: NormalizedName) -> dict[str, HeldFile]:
        held = self._run.state.held(name)
        if not self._run.is_recheck:
            return held
        sizes = self._run.store.sizes(name)
        lost = [filename for filename, h in held.items() if sizes.get(filename) != h.size]
        for filename in lost:
            _log.warning("%s: %s is missing or damaged; it is fetched again", name, filename)
        return {filename: h for filename, h in held.items() if filename not in lost}

    def _note_page(self, project: _Project, page: ProjectPage, plan: Plan) -> None:
        """Record that the mirror's pages of the project are due, if they will change."""
        run, due = self._run, project.due
        row = run.state.project(project.name)
        is_new = row is None or not row.is_listed
        if row is None or is_new or row.shown != due.shown:
            publish.root_is_due(run)
        elif not (plan.fetch or plan.update or plan.complete) and _shows(row, page):
            return
        run.state.record_page(
            project.name, shown=due.shown, status=page.status, status_reason=page.status_reason
        )
        project.has_changed = is_new or bool(plan.fetch or plan.update)
        if run.config.full_index:
            publish.root_is_due(run)

    def _queue(self, project: _Project, plan: Plan) -> None:
        if plan.fetch:
            raw = self._raw_folders.get(project.name, [])
            present = adopt.Present(self._run, project.name, raw)
            self._files += [partial(self._start_file, project, file, present) for file in plan.fetch]
        self._files += [partial(self._start_metadata, project, held) for held in plan.complete]
        project.missing = len(plan.fetch) + len(plan.complete)
        self._run.counts.files += len(plan.fetch)
        self._run.counts.wanted_bytes += sum(file.size or 0 for file in plan.fetch)

    # -- files -------------------------------------------------------------------------------

    def _start_file(self, project: _Project, file: File, present: adopt.Present) -> None:
        task = _FileTask(project, file, self._run.store.open_temporary(), present.candidate(file))
        self._in_flight[task.temporary.path] = task
        self._pool.submit(partial(_fetch_file, self._run.upstream, task))

    def _start_metadata(self, project: _Project, held: HeldFile) -> None:
        content = self._run.store.open_existing(project.name, held.file.filename)
        if content is None:
            reason = "it is gone from the tree; --initial-fetch brings it back"
            self._file_failed(project, held.file.filename, reason, is_held=True)
            self._one_less(project)
            return
        self._pool.submit(partial(_read_metadata, self._run.upstream, project, held, content))

    def _take_file(self, answer: _FileAnswer) -> None:
        task, result = answer
        project, file = task.project, task.file
        try:
            if isinstance(result, download.Received):
                self._store(task, result)
            elif isinstance(result, MirrorError):
                self._file_failed(project, file.filename, str(result))
            else:
                raise result
        except TreeError as error:
            self._file_failed(project, file.filename, str(error))
        finally:
            del self._in_flight[task.temporary.path]
            self._run.store.discard(task.temporary)
        self._one_less(project)

    def _store(self, task: _FileTask, received: download.Received) -> None:
        run, name, file = self._run, task.project.name, task.file
        for note in received.notes:
            _log.warning("%s: %s", name, note)
        if not received.is_adopted:
            run.store.place(task.temporary, name, file.filename, mtime=_moment(file.upload_time))
            run.counts.stored += 1
            run.counts.stored_bytes += received.size
            _log.debug("%s: stored %s (%d bytes)", name, file.filename, received.size)
        elif task.candidate and task.candidate.folder != name:
            run.store.link_from(task.candidate.folder, name, file.filename)
        if received.is_adopted:
            run.counts.adopted += 1
            _log.debug("%s: adopted %s", name, file.filename)
        task.project.arrived += 1
        run.counts.done_bytes += received.size
        held = HeldFile(file=file, sha256=received.sha256, size=received.size)
        self._record_held(task.project, held, received.metadata, received.metadata_error)

    def _take_metadata(self, answer: _MetadataAnswer) -> None:
        project, held, text, notes, error = answer
        for note in notes:
            _log.info("%s: %s", project.name, note)
        if text is not None or error is not None:
            try:
                self._record_held(project, held, text, error)
            except TreeError as tree_error:
                self._file_failed(project, held.file.filename, str(tree_error), is_held=True)
        self._one_less(project)

    def _record_held(
        self, project: _Project, held: HeldFile, metadata: bytes | None, error: UnavailableError | None
    ) -> None:
        if metadata is not None:
            self._run.store.write(project.name, f"{held.file.filename}.metadata", [metadata])
            held = msgspec.structs.replace(held, metadata=download.sha256(metadata))
        self._run.state.record_held(project.name, [held])
        if error is not None:
            reason = f"its core metadata could not be had: {error}"
            self._file_failed(project, held.file.filename, reason, is_held=True)

    def _file_failed(self, project: _Project, filename: str, reason: str, *, is_held: bool = False) -> None:
        project.is_whole = False
        if is_held:
            self._run.fail(project.name, project.due.shown, f"{filename}: {reason}")
            return
        _log.error("%s: %s: %s", project.name, filename, reason)
        self._run.counts.failed += 1
        self._run.state.record_file_failed(project.name, filename, reason, self._run.clock())

    def _one_less(self, project: _Project) -> None:
        project.missing -= 1
        if not project.missing:
            self._finish(project)

    # -- projects ------------------------------------------------------------------------------

    def _finish(self, project: _Project) -> None:
        run = self._run
        run.counts.projects_done += 1
        row = run.state.project(project.name)
        if (row is None or row.pages is None) and not publish.project(run, project.name):
            return
        if project.has_changed:
            run.counts.changed += 1
            _log.info("%s: published, %d files came in", project.name, project.arrived)
        if project.is_whole:
            self._record_current(project)

    def _record_current(self, project: _Project) -> None:
        self._run.state.record_current(
            project.name,
            serial=project.due.serial,
            page_serial=project.page_serial,
            validators=project.validators,
            selection=self._run.selection.of_files,
        )


def _shows(row: ProjectRow, page: ProjectPage) -> bool:
    """Tell whether the pages are there, with what upstream's page says of the project as a whole."""
    return row.pages is not None and (row.status, row.status_reason) == (page.status, page.status_reason)


def _moment(upload_time: str | None) -> float | None:
    """Return the time of an upload in POSIX seconds, if it can be read."""
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.fromisoformat(upload_time).timestamp() if upload_time else None
    return None


# -- in the workers --------------------------------------------------------------------------------


def _fetch_page(upstream: Upstream, project: _Project) -> _PageAnswer:
    due = project.due
    try:
        fetched = upstream.page(upstream.project_url(due.name), accept=ACCEPT, validators=due.validators)
        if isinstance(fetched, NotModified):
            return _PageAnswer(project, fetched)
        page = parse_project_page(fetched.content, fetched.content_type, fetched.url, due.name)
        if page.serial is None:
            page = msgspec.structs.replace(page, serial=fetched.serial)
        return _PageAnswer(project, _Page(page, fetched.validators))
    except MirrorError as error:
        return _PageAnswer(project, error)


def _fetch_file(upstream: Upstream, task: _FileTask) -> _FileAnswer:
    existing = task.candidate.file if task.candidate else None
    return _FileAnswer(task, download.obtain(upstream, task.file, task.temporary.file, existing))


def _read_metadata(
    upstream: Upstream, project: _Project, held: HeldFile, content: BinaryIO
) -> _MetadataAnswer:
    with content:
        return _MetadataAnswer(project, held, *download.core_metadata(upstream, held.file, content))
