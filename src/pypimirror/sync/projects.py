"""Bringing projects up to date: page, plan, files, the mirror's own pages, record.

Workers fetch and verify; the main thread, in here, decides, stores and records. Each project is published as
soon as its last file is in, so that one that is slow or broken holds back no other.
"""

import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from pypimirror import download
from pypimirror.errors import (
    CutOffError,
    DiskFullError,
    MirrorError,
    NotFoundError,
    TreeError,
    UnavailableError,
    VerificationError,
)
from pypimirror.model import File, HeldFile, NormalizedName
from pypimirror.plan import Plan
from pypimirror.store import full_or_itself, partial_key
from pypimirror.sync import adopt, companions, publish, record, recover, spelling, tasks
from pypimirror.sync.crawl import Due, speaks_json
from pypimirror.sync.record import Project
from pypimirror.sync.run import InFlight, Run
from pypimirror.upstream import NotModified
from pypimirror.workers import Pool

_log = logging.getLogger(__name__)

_AHEAD = 16
"""Tasks queued beyond the number of workers, so that none idles while the main thread stores and records."""

_TURN_S = 0.2

_BIG = 1 << 20
"""Files from so many bytes on are looked at one by one for the space that they need."""


class Outcome(NamedTuple):
    """What became of the projects' pages: why some could not be had, and which are said to be gone."""

    errors: list[MirrorError]
    vanished: list[NormalizedName]


def bring_up_to_date(run: Run, due: list[Due], raw_folders: dict[NormalizedName, list[str]]) -> Outcome:
    """Ask upstream about every project that is due, fetch what is missing, publish what changed.

    Projects that lose something are not published yet. Raises DiskFullError, or OSError of the machine.
    """
    run.counts.projects = len(due)
    engine = _Engine(run, due, raw_folders)
    try:
        engine.work()
    except OSError as error:
        raise full_or_itself(error) from error
    finally:
        engine.abandon()
    return engine.outcome


class _Engine:
    def __init__(self, run: Run, due: list[Due], raw_folders: dict[NormalizedName, list[str]]) -> None:
        self._run = run
        self._raw_folders = raw_folders
        self._due = deque(due)
        self._projects: dict[NormalizedName, Project] = {}
        self._waiting: deque[Callable[[], None]] = deque()
        self._ready: deque[Project] = deque()
        self._in_flight: dict[str, tasks.FileTask] = {}
        self._limit = run.config.workers + min(run.config.workers, _AHEAD)
        self._pool: Pool[tasks.Answer] = Pool(run.config.workers)
        self.outcome = Outcome([], [])
        self._needs_version = speaks_json(run)
        self._full: DiskFullError | None = None

    def work(self) -> None:
        while self._due or self._waiting or self._pool.unfinished:
            self._check_space()
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
                elif isinstance(answer, tasks.ProvenanceAnswer):
                    self._take_provenance(answer)
            self._publish_ready()
            recover.sync_point_if_due(self._run)
            self._show_progress()
        if self._full:
            raise self._full

    def _check_space(self) -> None:
        """Raise DiskFullError where what is still to come in of the files under way takes too much."""
        if self._waiting or self._in_flight:
            self._run.check_space(self._still_to_come())

    def _still_to_come(self) -> int:
        """Return the bytes that big files under way still need."""
        big = [t for t in self._in_flight.values() if (t.file.size or 0) >= _BIG and t.candidate is None]
        return sum(
            max(0, (task.file.size or 0) - os.fstat(task.temporary.file.fileno()).st_size) for task in big
        )

    def abandon(self) -> None:
        """Remove the temporary files of what is still on its way."""
        for task in self._in_flight.values():
            self._run.store.abandon(task.temporary)

    def _submit(self) -> None:
        """Keep the workers busy: with files first, and with pages while few files are waiting."""
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
        while self._waiting and self._pool.unfinished < self._limit:
            self._waiting.popleft()()
        while self._due and self._pool.unfinished < self._limit and len(self._waiting) < self._limit:
            project = Project(self._due.popleft())
            self._projects[project.name] = project
            task = tasks.PageTask(
                name=project.name,
                validators=project.due.validators,
                serial=project.due.serial,
                page_serial=project.due.page_serial,
                is_from_list=project.due.is_from_list,
                needs_version=self._needs_version,
            )
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
        project.is_pending = answer.is_stale
        if isinstance(result, NotFoundError):
            self._page_missing(project, result)
        elif isinstance(result, MirrorError):
            self._page_failed(project, result)
        elif isinstance(result, NotModified):
            self._page_unchanged(project)
        else:
            self._page_seen(project, result)

    def _page_missing(self, project: Project, error: NotFoundError) -> None:
        """Tell apart: not there yet, gone, never there, and not gone by any good list."""
        run, name = self._run, project.name
        row = run.state.project(name)
        is_known = row is not None and row.is_listed
        is_gone = is_known and not run.selection.needs_list and run.upstream.is_own(error.url)
        if project.is_pending:
            project.page_serial = project.due.page_serial
            record.settle(run, project)
            self._done(project)
        elif is_gone:
            _log.warning("%s: upstream no longer has it (%s)", name, error.reason)
            self.outcome.vanished.append(name)
            self._done(project)
        elif is_known:
            self._page_failed(project, error)
        else:
            _log.warning("%s: upstream has no such project; is package_matches right?", name)
            self.outcome.errors.append(error)
            run.state.doom_project(name, run.clock())
            run.state.forget_projects([name])
            self._done(project)

    def _page_failed(self, project: Project, error: MirrorError) -> None:
        self.outcome.errors.append(error)
        self._run.fail(project.name, project.due.shown, str(error))
        self._run.pause(project.name)
        self._done(project)

    def _page_unchanged(self, project: Project) -> None:
        project.page_serial, project.validators = project.due.page_serial, project.due.validators
        record.shown(self._run, project)
        record.settle(self._run, project)
        self._done(project)

    def _page_seen(self, project: Project, seen: tasks.PageSeen) -> None:
        plan = record.plan(self._run, project, seen)
        for conflict in plan.conflicts:
            self._file_failed(project, conflict.filename, f"refused: {conflict.reason}")
        self._queue(project, plan)
        if not project.missing:
            self._ready.append(project)

    def _queue(self, project: Project, plan: Plan) -> None:
        if self._run.preview:
            self._run.preview.will_fetch(project.name, self._missing(project, plan))
            return
        if plan.fetch:
            present = adopt.Present(self._run, project.name, self._raw_folders.get(project.name, []))
            self._waiting += [partial(self._start_file, project, file, present) for file in plan.fetch]
        self._waiting += [partial(self._start_metadata, project, held) for held in plan.complete]
        attested = [held for held in plan.keep if self._wants_provenance(held)]
        self._waiting += [partial(self._start_provenance, project, held) for held in attested]
        unwanted = [held for held in plan.keep if held.provenance and not self._wants_provenance(held)]
        companions.drop_provenance(self._run, project.name, unwanted)
        project.missing = len(plan.fetch) + len(plan.complete) + len(attested)
        self._run.counts.files += len(plan.fetch)
        self._run.counts.wanted_bytes += sum(file.size or 0 for file in plan.fetch)

    def _missing(self, project: Project, plan: Plan) -> tuple[File, ...]:
        """Return those of a plan's files that the tree does not have by name and size."""
        present = adopt.Present(self._run, project.name, self._raw_folders.get(project.name, []))
        return tuple(
            file for file in plan.fetch if file.filename in project.replaces or not present.has(file)
        )

    # -- files -------------------------------------------------------------------------------

    def _start_file(self, project: Project, file: File, present: adopt.Present) -> None:
        candidate = present.candidate(file)
        # What is there already takes no more space.
        if candidate is None and (file.size or 0) >= _BIG:
            self._run.check_space(self._still_to_come() + (file.size or 0))
        validator = self._run.state.partial(project.name, file.filename)
        temporary = self._run.store.open_temporary(
            partial_key(project.name, file.filename) if validator else None
        )
        task = tasks.FileTask(project.name, file, temporary, candidate, validator, self._run.check_space)
        self._in_flight[temporary.path] = task
        self._pool.submit(partial(tasks.fetch_file, self._run.upstream, task))

    def _start_metadata(self, project: Project, held: HeldFile) -> None:
        content = self._run.store.open_existing(project.name, held.file.filename)
        if content is None:
            reason = "it is gone from the tree; --initial-fetch brings it back"
            self._file_failed(project, held.file.filename, reason)
            self._one_less(project)
            return
        task = tasks.MetadataTask(project.name, held, content)
        self._pool.submit(partial(tasks.read_metadata, self._run.upstream, task))

    def _wants_provenance(self, held: HeldFile) -> bool:
        return self._run.config.provenance and held.file.provenance is not None

    def _start_provenance(self, project: Project, held: HeldFile) -> None:
        task = tasks.ProvenanceTask(project.name, held, held.file.provenance or "")
        self._pool.submit(partial(tasks.fetch_provenance, self._run.upstream, task))

    def _take_file(self, answer: tasks.FileAnswer) -> None:
        task, result = answer
        project = self._projects[task.name]
        try:
            if isinstance(result, OSError):
                raise result
            if isinstance(result, DiskFullError):
                self._full = result
                return
            if isinstance(result, MirrorError):
                self._file_failed(project, task.file.filename, str(result))
                if isinstance(result, CutOffError):
                    self._run.store.keep_partial(task.temporary, partial_key(task.name, task.file.filename))
                    self._run.state.record_partial(task.name, task.file.filename, result.validator)
            else:
                self._store(project, task, result)
        except TreeError as error:
            self._file_failed(project, task.file.filename, str(error))
        finally:
            del self._in_flight[task.temporary.path]
            self._run.store.discard(task.temporary)
        self._one_less(project)

    def _store(self, project: Project, task: tasks.FileTask, received: download.Received) -> None:
        run, file = self._run, task.file
        for note in received.notes:
            _log.warning("%s: %s", project.name, note)
        if received.is_adopted:
            if task.candidate and task.candidate.folder != project.name:
                run.store.link_from(task.candidate.folder, project.name, file.filename)
            run.counts.adopted += 1
        else:
            if file.filename in project.replaces:
                self._unlink(project, file)
            run.store.place(task.temporary, project.name, file.filename, mtime=_moment(file.upload_time))
            run.counts.stored += 1
            run.counts.stored_bytes += received.size
        _log.debug("%s: %s %s", project.name, "adopted" if received.is_adopted else "stored", file.filename)
        project.arrived += 1
        run.counts.done_bytes += received.size
        held = HeldFile(file=file, sha256=received.sha256, size=received.size)
        self._record_held(project, held, received.metadata, received.metadata_error)
        if self._wants_provenance(held):
            self._waiting.append(partial(self._start_provenance, project, held))
            project.missing += 1

    def _unlink(self, project: Project, file: File) -> None:
        """Take a file's link away before its bytes change; raise TreeError where that can't be."""
        run, name = self._run, project.name
        run.state.record_arriving(name, [file])
        run.state.commit()
        if not publish.project(run, name):
            raise TreeError(file.filename, "its link could not be taken away")
        publish.full(run)
        run.state.record_pages_lost(name)

    def _take_metadata(self, answer: tasks.MetadataAnswer) -> None:
        project, held = self._projects[answer.name], answer.held
        for note in answer.notes:
            _log.info("%s: %s", project.name, note)
        try:
            self._record_held(project, held, answer.text, answer.error)
        except TreeError as error:
            self._file_failed(project, held.file.filename, str(error))
        self._one_less(project)

    def _take_provenance(self, answer: tasks.ProvenanceAnswer) -> None:
        project, filename = self._projects[answer.name], answer.held.file.filename
        try:
            if isinstance(answer.result, MirrorError):
                raise answer.result
            companions.keep_provenance(self._run, answer)
        except (NotFoundError, VerificationError) as error:
            _log.warning("%s: %s: its provenance is not kept: %s", answer.name, filename, error)
        except MirrorError as error:
            self._file_failed(project, filename, f"its provenance could not be had: {error}")
        self._one_less(project)

    def _record_held(
        self, project: Project, held: HeldFile, metadata: bytes | None, error: UnavailableError | None
    ) -> None:
        if metadata is not None and held.metadata is not None:
            # A page tells of the old one: the new one comes right before the new page.
            project.metadata.append((held, metadata))
        elif metadata is not None:
            held = companions.write_metadata(self._run, project.name, held, metadata)
        self._run.state.record_held(project.name, [held], is_new=True)
        if error is not None:
            reason = f"its core metadata could not be had: {error}"
            self._file_failed(project, held.file.filename, reason)

    def _file_failed(self, project: Project, filename: str, reason: str) -> None:
        _log.error("%s: %s: %s", project.name, filename, reason)
        project.is_whole = False
        self._run.counts.failed += 1
        self._run.state.record_file_failed(project.name, filename, reason, self._run.clock())

    def _one_less(self, project: Project) -> None:
        project.missing -= 1
        if not project.missing:
            self._ready.append(project)

    # -- projects ------------------------------------------------------------------------------

    def _publish_ready(self) -> None:
        ready = list(self._ready)
        self._ready.clear()
        # The intent of a link is committed before the link is made, for all of them at once.
        noted = [spelling.note(self._run, project.name) for project in ready]
        if any(noted):
            self._run.state.commit()
        for project in ready:
            self._publish(project)

    def _publish(self, project: Project) -> None:
        if project.metadata:
            companions.withdraw_metadata(self._run, project.name, [held for held, _ in project.metadata])
        for held, text in project.metadata:
            try:
                completed = companions.write_metadata(self._run, project.name, held, text)
                self._run.state.record_held(project.name, [completed])
            except TreeError as error:
                self._file_failed(project, held.file.filename, str(error))
        # What loses something is published once, at the end, when it is known whether it may.
        is_written = not project.has_changed or project.loses or publish.project(self._run, project.name)
        if project.has_changed and is_written:
            self._run.counts.changed += 1
            _log.info("%s: published, %d files came in", project.name, project.arrived)
        if project.is_whole and is_written:
            record.settle(self._run, project)
        else:
            self._run.pause(project.name)
        self._done(project)

    def _done(self, project: Project) -> None:
        self._run.counts.projects_done += 1
        if project.due.serial is not None:
            self._run.state.record_list_serial(project.name, project.due.serial)
        del self._projects[project.name]


def _moment(upload_time: str | None) -> float | None:
    """Return the time of an upload in POSIX seconds, if it can be read."""
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.fromisoformat(upload_time).timestamp() if upload_time else None
    return None
