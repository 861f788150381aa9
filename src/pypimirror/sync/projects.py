"""Bringing projects up to date: page, plan, files, the mirror's own pages, record.

Workers fetch and verify; the main thread, in here, decides, stores and records. Each project is published as
soon as its last file is in, so that one that is slow or broken holds back no other.
"""

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec

from pypimirror import download
from pypimirror.errors import (
    BrokenWorkerError,
    CutOffError,
    DiskFullError,
    MirrorError,
    NotAskedError,
    NotFoundError,
    TreeError,
    UnavailableError,
    VerificationError,
)
from pypimirror.model import File, HeldFile, NormalizedName
from pypimirror.plan import Plan, lacks_metadata
from pypimirror.store import full_or_itself, partial_key
from pypimirror.sync import adopt, companions, placing, record, recover, tasks
from pypimirror.sync.arrivals import BIG, Arrivals
from pypimirror.sync.crawl import Due
from pypimirror.sync.ready import Ready
from pypimirror.sync.record import Project
from pypimirror.sync.run import Run
from pypimirror.upstream import NotModified, given_up, host_and_port
from pypimirror.workers import Crew

_log = logging.getLogger(__name__)

_TURN_S = 0.2

_FEW, _MANY = 64, 256
"""Files waiting: below the first pages are read until there are the second, so that commits are few."""


class Outcome(NamedTuple):
    """What became of the projects' pages: why some could not be had, which are said to be gone."""

    errors: list[MirrorError]
    vanished: list[NormalizedName]
    unproven: list[NormalizedName]
    """Of those that no list names: whose page has no file, and nothing else of an index's page."""


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
        _tell_unverified(run)
    return engine.outcome


def _tell_unverified(run: Run) -> None:
    """Say once what may have come as anybody sent it, however many files it is."""
    if number := run.counts.unverified:
        files = "1 file was" if number == 1 else f"{number} files were"
        _log.warning("%s taken without a digest, as upstream offers none", files)
        run.counts.unverified = 0


class _Engine:
    def __init__(self, run: Run, due: list[Due], raw_folders: dict[NormalizedName, list[str]]) -> None:
        self._run = run
        self._raw_folders = raw_folders
        self._due = deque(due)
        self._projects: dict[NormalizedName, Project] = {}
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_reading = True
        self._ready = Ready(run, self._commit)
        self._uncommitted: set[NormalizedName] = set()
        """Projects whose files the state does not durably know of yet."""
        self._arrivals = Arrivals(run.store)
        assert run.crew is not None
        self._crew: Crew[tasks.Task] = run.crew
        self._crew.latency = run.upstream.latency
        self.outcome = Outcome([], [], [])
        self._full: DiskFullError | None = None
        self._partial = run.state.partials()
        """The validators of what earlier runs got of files."""

    def work(self) -> None:
        while self._due or self._waiting or self._crew.unfinished or self._ready:
            self._check_space()
            self._submit()
            done = self._crew.finished(_TURN_S)
            for task, result in done:
                self._take(task, result)
            if self._ready and (self._ready.is_time() or not self._crew.unfinished):
                for project in self._ready.publish():
                    self._done(project)
            recover.sync_point_if_due(self._run)
            self._show_progress()
        if self._full:
            raise self._full

    def _given_up(self, url: str) -> str | None:
        """Say why the host of an address is not asked any more in this run; None where it is."""
        host = host_and_port(url)
        failures = self._crew.given_up.get(host)
        return None if failures is None else given_up(host, failures)

    def _take(self, task: tasks.Task, result: Any) -> None:
        if isinstance(task, tasks.PageTask):
            self._take_page(task, result)
            return
        # What is about to be stored is known to the state before it lies in the tree.
        if task.name in self._uncommitted:
            self._commit()
        if isinstance(task, tasks.FileTask):
            self._take_file(task, result)
        elif isinstance(task, tasks.LookTask):
            self._take_look(task, result)
        elif isinstance(task, tasks.MetadataTask):
            self._take_metadata(task, result)
        else:
            self._take_provenance(task, result)

    def _commit(self) -> None:
        self._run.state.commit()
        self._uncommitted.clear()

    def _check_space(self) -> None:
        """Raise DiskFullError where what is still to come in of the files under way takes too much."""
        if self._waiting or self._arrivals:
            self._run.space.check(self._arrivals.still_to_come())

    def abandon(self) -> None:
        """Forget what is still on its way, and remove its temporary files."""
        self._crew.abandon()
        self._arrivals.abandon()

    def _submit(self) -> None:
        """Keep the crew busy: with files, and with many pages at a time before these run out."""
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
        if self._due and (reason := self._given_up(self._run.upstream.index_url)):
            for due in self._due:
                self._run.leave(due.name, reason)
            self._due.clear()
        while self._due and self._is_reading and self._crew.has_room:
            project = Project(self._due.popleft())
            self._projects[project.name] = project
            task = tasks.PageTask(
                name=project.name,
                validators=project.due.validators,
                serial=project.due.serial,
                page_serial=project.due.page_serial,
                is_from_list=project.due.is_from_list,
                url=project.due.url,
                needs_version=project.due.speaks_json,
            )
            self._begin(task)
        while self._waiting and self._crew.has_room:
            self._waiting.popleft()()

    def _begin(self, task: tasks.Task) -> None:
        tasks.submit(self._crew, task, self._run.space)

    def _show_progress(self) -> None:
        self._run.progress(self._run.counts, self._arrivals.shown())

    # -- pages -------------------------------------------------------------------------------

    def _take_page(self, task: tasks.PageTask, found: tasks.PageResult | BrokenWorkerError) -> None:
        project = self._projects[task.name]
        result = found.result if isinstance(found, tasks.PageResult) else found
        project.is_pending = isinstance(found, tasks.PageResult) and found.is_stale
        if project.is_pending and record.has_empty_serial(self._run, project, result):
            project.is_pending = False
        if isinstance(result, NotFoundError):
            self._page_missing(project, result)
        elif isinstance(result, NotAskedError):
            self._page_unasked(project, self._why_unasked(result) or "")
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
        if project.is_pending and project.due.serial is not None:
            project.page_serial, project.is_missing = project.due.page_serial, True
            record.settle(run, project)
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
            _log.warning("%s: upstream has no such project; is package_matches right?", name)
            self.outcome.errors.append(error)
            run.state.doom_project(name, run.clock())
            run.state.forget_projects([name])
            self._done(project)

    def _page_failed(self, project: Project, error: MirrorError) -> None:
        self.outcome.errors.append(error)
        self._run.fail(project.name, project.due.shown, str(error))
        pause = error.retry_after if isinstance(error, UnavailableError) else None
        self._run.pause(project.name, at_least=pause or 0.0)
        self._done(project)

    def _page_unasked(self, project: Project, reason: str) -> None:
        """Leave a project as it was: its own page has not failed."""
        self._run.leave(project.name, reason)
        self._run.counts.projects_done += 1
        del self._projects[project.name]

    def _page_unchanged(self, project: Project) -> None:
        project.page_serial, project.validators = project.due.page_serial, project.due.validators
        record.shown(self._run, project)
        if project.due.is_revalidation and not self._run.preview:
            self._look(project, record.without_digest(self._run, project.name), changed=set())
        if project.missing:
            return
        record.settle(self._run, project)
        self._done(project)

    def _page_seen(self, project: Project, seen: tasks.PageSeen) -> None:
        if seen.page.project is None and not seen.page.files and not project.due.is_from_list:
            self.outcome.unproven.append(project.name)
            row = self._run.state.project(project.name)
            if row is None or not row.is_listed:
                _log.warning(
                    "%s: its page has no file, and nothing in it proves that it is one", project.name
                )
                self._done(project)
                return
        self._uncommitted.add(project.name)
        made = record.plan(self._run, project, seen)
        listed = {file.filename: file for file in seen.page.files} if made.conflicts else {}
        for conflict in made.conflicts:
            hint = record.how_to_accept(listed[conflict.filename])
            record.file_failed(self._run, project, conflict.filename, f"refused: {conflict.reason}; {hint}")
        try:
            self._queue(project, made)
        except TreeError:  # its page is not what is held, and can't be written: nothing may change below it
            self._run.pause(project.name)
            self._done(project)
            return
        if not project.missing:
            self._ready.add(project)

    def _queue(self, project: Project, made: Plan) -> None:
        if self._run.preview:
            self._run.preview.will_fetch(project.name, self._missing(project, made))
            return
        present = adopt.Present(self._run, project.name, self._raw_folders.get(project.name, []), made.fetch)
        if not project.is_published and _is_over(project, made, present):
            self._uncommitted.discard(project.name)
            placing.finish_page(self._run, project.name)
        self._waiting += [partial(self._start_file, project, file, present) for file in made.fetch]
        self._waiting += [partial(self._start_metadata, project, held) for held in made.complete]
        sure = {held.file.filename for held in (*made.update, *made.restore)}
        self._look(project, made.look, changed=sure)
        attested = [held for held in made.keep if self._wants_provenance(project, held)]
        self._waiting += [partial(self._start_provenance, project, held) for held in attested]
        unwanted = [h for h in made.keep if h.provenance and not self._wants_provenance(project, h)]
        if not project.is_attested:  # there it is what the file is held for
            companions.drop_provenance(self._run, project.name, unwanted)
        project.missing += len(made.fetch) + len(made.complete) + len(attested)
        self._run.counts.files += len(made.fetch)
        self._run.counts.wanted_bytes += sum(file.size or 0 for file in made.fetch)

    def _missing(self, project: Project, made: Plan) -> tuple[File, ...]:
        """Return those of a plan's files that the tree does not have by name and size."""
        present = adopt.Present(self._run, project.name, self._raw_folders.get(project.name, []), made.fetch)
        return tuple(
            file
            for file in made.fetch
            if (file.filename in project.replaces or not present.has(file))
            and not self._run.space.why_never(file.size or 0)
        )

    # -- files -------------------------------------------------------------------------------

    def _start_file(self, project: Project, file: File, present: adopt.Present) -> None:
        candidate = present.candidate(file)
        # What is there already takes no more space.
        if candidate is None and (file.size or 0) >= BIG and not self._has_room(project, file):
            self._one_less(project)
            return
        validator = self._partial.get((project.name, file.filename))
        temporary = self._run.store.open_temporary(
            partial_key(project.name, file.filename) if validator else None
        )
        task = tasks.FileTask(
            project.name, file, temporary, candidate, validator, is_attested=project.is_attested
        )
        self._arrivals.add(task)
        self._begin(task)

    def _has_room(self, project: Project, file: File) -> bool:
        """Tell whether a big file fits; one that does not is left out, and smaller ones go on."""
        size, space = file.size or 0, self._run.space
        if reason := space.why_never(size):
            record.file_failed(self._run, project, file.filename, reason)
            return False
        try:
            space.check(self._arrivals.still_to_come() + size)
        except DiskFullError as full:
            self._skip(project, full)
            return False
        return True

    def _skip(self, project: Project, full: DiskFullError) -> None:
        """Leave out a file that does not fit now: the run ends with that, and the next one tries again."""
        self._run.full = self._run.full or full
        project.is_whole, project.is_left = False, True

    def _start_metadata(self, project: Project, held: HeldFile) -> None:
        content = self._run.store.open_existing(project.name, held.file.filename)
        if content is None:
            reason = "it is gone from the tree; --initial-fetch brings it back"
            record.file_failed(self._run, project, held.file.filename, reason)
            self._one_less(project)
            return
        self._begin(tasks.MetadataTask(project.name, held, content))

    def _look(self, project: Project, held_files: Iterable[HeldFile], *, changed: set[str]) -> None:
        """Look again at held files; those whose entry `changed` are held against their very bytes."""
        for held in held_files:
            trusts_size = held.file.filename not in changed
            self._waiting.append(partial(self._start_look, project, held, trusts_size=trusts_size))
            project.missing += 1

    def _start_look(self, project: Project, held: HeldFile, *, trusts_size: bool) -> None:
        if record.is_now_accepted(self._run, held):
            held = msgspec.structs.replace(held, served=None)  # so that the bytes come
        temporary = self._run.store.open_temporary(None)
        task = tasks.LookTask(project.name, held, temporary, trusts_size)
        self._arrivals.add(task)
        self._begin(task)

    def _take_look(
        self, task: tasks.LookTask, result: download.Received | download.Unchanged | MirrorError | OSError
    ) -> None:
        project, filename = self._projects[task.name], task.file.filename
        try:
            if isinstance(result, OSError):
                raise result
            if isinstance(result, DiskFullError):
                self._full = result
                return
            if isinstance(result, MirrorError):
                record.file_failed(self._run, project, filename, f"it could not be looked at again: {result}")
            elif isinstance(result, download.Unchanged):
                self._found_unchanged(project, task.held, result)
            elif record.takes_other_bytes(self._run, project, task.held, result):
                self._run.counts.files += 1
                self._store(project, task, result)
        except TreeError as error:
            record.file_failed(self._run, project, filename, str(error))
        finally:
            self._arrivals.end(task)
        self._one_less(project)

    def _found_unchanged(self, project: Project, held: HeldFile, found: download.Unchanged) -> None:
        record.looked(self._run, project, held, found.served)
        if lacks_metadata(held):
            self._waiting.append(partial(self._start_metadata, project, held))
            project.missing += 1

    def _wants_provenance(self, project: Project, held: HeldFile) -> bool:
        is_kept = self._run.config.provenance or project.is_attested
        return is_kept and held.file.provenance is not None

    def _start_provenance(self, project: Project, held: HeldFile) -> None:
        url = held.file.provenance or ""
        self._begin(tasks.ProvenanceTask(project.name, held, url, is_attested=project.is_attested))

    def _take_file(self, task: tasks.FileTask, result: download.Received | MirrorError | OSError) -> None:
        project = self._projects[task.name]
        try:
            if isinstance(result, OSError):
                raise result
            if isinstance(result, DiskFullError):
                self._skip(project, result)
            elif reason := self._why_unasked(result):
                self._leave(project, reason)
            elif isinstance(result, MirrorError):
                record.file_failed(self._run, project, task.file.filename, str(result))
                if isinstance(result, CutOffError):
                    self._run.store.keep_partial(task.temporary, partial_key(task.name, task.file.filename))
                    self._run.state.record_partial(task.name, task.file.filename, result.validator)
            else:
                self._store(project, task, result)
        except TreeError as error:
            record.file_failed(self._run, project, task.file.filename, str(error))
        finally:
            self._arrivals.end(task)
        self._one_less(project)

    def _why_unasked(self, result: object) -> str | None:
        """Say why upstream was not asked for something; None where it was."""
        if isinstance(result, NotAskedError):
            return self._given_up(result.url) or result.reason
        return None

    def _leave(self, project: Project, reason: str) -> None:
        """Note that something of a project has to wait for the next run."""
        project.is_whole, project.is_left = False, True
        self._run.leave(project.name, reason)

    def _store(
        self, project: Project, task: tasks.FileTask | tasks.LookTask, received: download.Received
    ) -> None:
        run, file = self._run, task.file
        for note in received.notes:
            _log.warning("%s: %s", project.name, note)
        if received.is_adopted:
            if task.candidate and task.candidate.folder != project.name:
                placing.take_over(run, project.name, task.candidate.folder, file.filename)
            run.counts.adopted += 1
        else:
            run.counts.unverified += not received.is_verified
            if file.filename in project.replaces:
                placing.withdraw(run, project.name, file)
                run.state.record_pages_lost(project.name)
            mtime = _moment(file.upload_time)
            placing.place(run, project.name, task.temporary, file.filename, mtime=mtime)
            run.counts.stored += 1
            run.counts.stored_bytes += received.size
        _log.debug("%s: %s %s", project.name, "adopted" if received.is_adopted else "stored", file.filename)
        project.arrived += 1
        run.counts.done_bytes += received.size
        held = HeldFile(file=file, sha256=received.sha256, size=received.size)
        self._record_held(project, held, received.metadata, received.metadata_error)
        if received.served is not None:
            run.state.record_served(project.name, file.filename, received.served)
        if received.provenance is not None:
            filename = file.filename
            companions.keep_provenance(run, project.name, filename, received.provenance, is_verified=True)
        elif self._wants_provenance(project, held):
            self._waiting.append(partial(self._start_provenance, project, held))
            project.missing += 1

    def _take_metadata(self, task: tasks.MetadataTask, found: tasks.Metadata | BrokenWorkerError) -> None:
        project, held = self._projects[task.name], task.held
        task.content.close()
        if isinstance(found, BrokenWorkerError):
            found = tasks.Metadata(None, (), found)
        for note in found.notes:
            _log.info("%s: %s", project.name, note)
        try:
            self._record_held(project, held, found.text, found.error)
        except TreeError as error:
            record.file_failed(self._run, project, held.file.filename, str(error))
        self._one_less(project)

    def _take_provenance(
        self, task: tasks.ProvenanceTask, found: download.Document | NotModified | MirrorError
    ) -> None:
        project, filename = self._projects[task.name], task.held.file.filename
        try:
            if isinstance(found, MirrorError):
                raise found
            companions.keep_provenance(self._run, task.name, filename, found, is_verified=task.is_attested)
        except (NotFoundError, VerificationError) as error:
            if task.is_attested:
                record.file_failed(self._run, project, filename, str(error))
            else:
                _log.warning("%s: %s: its provenance is not kept: %s", task.name, filename, error)
        except MirrorError as error:
            if reason := self._why_unasked(error):
                self._leave(project, reason)
            else:
                record.file_failed(self._run, project, filename, f"its provenance could not be had: {error}")
        self._one_less(project)

    def _record_held(
        self, project: Project, held: HeldFile, metadata: bytes | None, error: MirrorError | None
    ) -> None:
        if metadata is not None and held.metadata is not None:
            # A page tells of the old one: the new one comes right before the new page.
            project.metadata.append((held, metadata))
        elif metadata is not None:
            held = companions.write_metadata(self._run, project.name, held, metadata)
        self._run.state.record_held(project.name, [held], is_new=True)
        if error is None:
            return
        if reason := self._why_unasked(error):
            self._leave(project, reason)
        else:
            reason = f"its core metadata could not be had: {error}"
            record.file_failed(self._run, project, held.file.filename, reason)

    def _one_less(self, project: Project) -> None:
        project.missing -= 1
        if not project.missing:
            self._ready.add(project)

    # -- projects ------------------------------------------------------------------------------

    def _done(self, project: Project) -> None:
        self._run.counts.projects_done += 1
        record.listed(self._run, project.due)
        del self._projects[project.name]


def _is_over(project: Project, made: Plan, present: adopt.Present) -> bool:
    """Tell whether a plan changes what the tree or the state knows already."""
    names = {file.filename for file in made.fetch}
    return bool(made.complete) or not names.isdisjoint(project.known) or present.has_any(names)


def _moment(upload_time: str | None) -> float | None:
    """Return the time of an upload in POSIX seconds, if it can be read."""
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.fromisoformat(upload_time).timestamp() if upload_time else None
    return None
