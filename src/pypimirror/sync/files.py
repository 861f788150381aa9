"""A project's files on their way in: what is begun for each, and what becomes of the results.

The main thread alone works here; what a worker brings is stored and recorded, and counted for its project.
"""

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from pypimirror import adopt, checksums, documents, download
from pypimirror.disk import is_full
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
from pypimirror.model import File, HeldFile
from pypimirror.plan import Plan, lacks_metadata
from pypimirror.publishing import companions
from pypimirror.run import Run
from pypimirror.run.arrivals import BIG, Arrivals
from pypimirror.store.temporary import partial_key
from pypimirror.sync import record, tasks
from pypimirror.sync.project import Project
from pypimirror.sync.ready import Ready
from pypimirror.upstream import NotModified
from pypimirror.want import Told

_log = logging.getLogger(__name__)


class Downloads:
    """The files of all projects of a run that are to come, or are under way."""

    def __init__(self, run: Run, ready: Ready) -> None:
        self._run = run
        self._ready = ready
        self.arrivals = Arrivals(run.mirror.store)
        assert run.workers is not None
        self._workers = run.workers
        self.waiting: deque[Callable[[], None]] = deque()
        """What is to be begun."""
        self._partial = run.mirror.state.files.partials()
        """The validators of what earlier runs got of files."""

    def why_unasked(self, result: object) -> str | None:
        """Say why upstream was not asked for something; None where it was."""
        if isinstance(result, NotAskedError):
            return self._run.upstream.hosts.why_not(result.url) or result.reason
        return None

    def _wait(self, project: Project, begin: Callable[[], None]) -> None:
        """Queue something that is missing of a project."""
        self.waiting.append(begin)
        project.missing += 1

    def _one_less(self, project: Project) -> None:
        """Note that one thing less is missing of a project."""
        project.missing -= 1
        if not project.missing:
            self._ready.add(project)

    def queue(self, project: Project, made: Plan) -> None:
        """Queue what a plan has to bring; raise TreeError where the page can't be made ready for that."""
        if self._run.options.preview:
            self._run.options.preview.will_fetch(project.name, self._missing(project, made))
            self._ask_requirements(project, made)
            return
        present = self._present(project, made)
        if not project.is_published and _is_over(project, made, present):
            self._run.tree.finish_page(project.name)
        for file in made.fetch:
            self._wait(project, partial(self._start_file, project, file, present))
        for held in made.complete:
            self._wait(project, partial(self._start_metadata, project, held))
        sure = {held.file.filename for held in (*made.update, *made.restore)}
        self.look(project, made.look, changed=sure)
        for held in made.keep:
            self._wait_for_provenance(project, held)
        unwanted = [h for h in made.keep if h.provenance and not self._wants_provenance(project, h)]
        if not project.is_attested:  # there it is what the file is held for
            companions.drop_provenance(self._run.mirror, self._run.tree, project.name, unwanted)
        self._run.tally.counts.files += len(made.fetch)
        self._run.tally.counts.wanted_bytes += sum(file.size or 0 for file in made.fetch)
        self._run.tally.counts.unsized += sum(file.size is None for file in made.fetch)

    def _ask_requirements(self, project: Project, made: Plan) -> None:
        """Ask what releases require that a run would fetch: their core metadata stands for the wheels."""
        if not self._run.dependencies.are_followed:
            return
        from pypimirror.dependencies import requires

        asked = list(requires.to_ask(made.fetch))
        for file in asked:
            task = tasks.RequiresTask(project.name, file)
            take = partial(self._take_requires, project, file)
            self._wait(project, partial(self._workers.submit, task, take))
        releases = {requires.release_of(file, project.name) for file in made.fetch}
        known = {requires.release_of(file, project.name) for file in asked}
        project.told += [Told(release, None) for release in sorted(releases - known)]

    def _take_requires(self, project: Project, file: File, found: tuple[str, ...] | MirrorError) -> None:
        from pypimirror.dependencies import requires

        told = None if isinstance(found, MirrorError) else found
        project.told.append(Told(requires.release_of(file, project.name), told))
        self._one_less(project)

    def _missing(self, project: Project, made: Plan) -> tuple[File, ...]:
        """Return those of a plan's files that the tree does not have by name and size."""
        present = self._present(project, made)
        return tuple(
            file
            for file in made.fetch
            if (file.filename in project.replaces or present.candidate(file) is None)
            and not self._run.mirror.store.space.why_never(file.size or 0)
        )

    def _present(self, project: Project, made: Plan) -> adopt.Present:
        """Return what lies in the project's folders of what a plan fetches."""
        folders = self._run.tally.raw_folders.get(project.name, [])
        return adopt.Present(
            self._run.mirror.store, self._run.options.source, project.name, folders, made.fetch
        )

    def _start_file(self, project: Project, file: File, present: adopt.Present) -> None:
        candidate = present.candidate(file)
        # What is there already takes no more space.
        if candidate is None and (file.size or 0) >= BIG and not self._has_room(project, file):
            self._one_less(project)
            return
        # Parts of two files are told by a digest alone.
        validator = checksums.strongest(file.digests) and self._partial.get((project.name, file.filename))
        store = self._run.mirror.store
        temporary = store.new_temporary(partial_key(project.name, file.filename) if validator else None)
        task = tasks.FileTask(
            project.name,
            file,
            temporary,
            store.space,
            candidate,
            validator,
            is_attested=project.is_attested,
            asks_requires=self._run.dependencies.are_followed,
        )
        self.arrivals.add(temporary, file, is_there=candidate is not None)
        take = partial(self._take, project, task, use=partial(self._store, project, task))
        self._workers.submit(task, take)

    def _has_room(self, project: Project, file: File) -> bool:
        """Tell whether a big file fits; one that does not is left out, and smaller ones go on."""
        size, space = file.size or 0, self._run.mirror.store.space
        if reason := space.why_never(size):
            record.file_failed(self._run, project, file.filename, reason)
            return False
        try:
            space.check(self.arrivals.still_to_come() + size)
        except DiskFullError as full:
            self._skip(project, full)
            return False
        return True

    def _skip(self, project: Project, full: DiskFullError) -> None:
        """Leave out a file that does not fit now: the run ends with that, and the next one tries again."""
        self._run.tally.full = self._run.tally.full or full
        project.leave()

    def _start_metadata(self, project: Project, held: HeldFile) -> None:
        path = self._run.mirror.store.path(project.name, held.file.filename)
        task = tasks.MetadataTask(project.name, held, path, self._run.dependencies.are_followed)
        self._workers.submit(task, partial(self._take_metadata, project, held))

    def look(self, project: Project, held_files: Iterable[HeldFile], *, changed: set[str]) -> None:
        """Look again at held files; those whose entry `changed` are held against their very bytes."""
        for held in held_files:
            trusts_size = held.file.filename not in changed
            self._wait(project, partial(self._start_look, project, held, trusts_size=trusts_size))

    def _start_look(self, project: Project, held: HeldFile, *, trusts_size: bool) -> None:
        if record.is_now_accepted(self._run.mirror, held):
            held = msgspec.structs.replace(held, served=None)  # so that the bytes come
        store = self._run.mirror.store
        task = tasks.LookTask(project.name, held, store.new_temporary(), store.space, trusts_size)
        self.arrivals.add(task.temporary, task.file)
        take = partial(self._take, project, task, use=partial(self._use_look, project, task))
        self._workers.submit(task, take)

    def _use_look(
        self, project: Project, task: tasks.LookTask, found: download.Received | download.Unchanged
    ) -> None:
        """Take what a second look at a held file found: the same, or other bytes."""
        if isinstance(found, download.Unchanged):
            self._found_unchanged(project, task.held, found)
        elif record.takes_other_bytes(self._run, project, task.held, found):
            self._run.tally.counts.files += 1
            self._store(project, task, found)

    def _found_unchanged(self, project: Project, held: HeldFile, found: download.Unchanged) -> None:
        record.looked(self._run, project, held, found.served)
        if lacks_metadata(held):
            self._wait(project, partial(self._start_metadata, project, held))

    def _wants_provenance(self, project: Project, held: HeldFile) -> bool:
        is_kept = self._run.mirror.config.provenance or project.is_attested
        return is_kept and held.file.provenance is not None

    def _wait_for_provenance(self, project: Project, held: HeldFile) -> None:
        if self._wants_provenance(project, held):
            task = tasks.ProvenanceTask(held, is_attested=project.is_attested)
            take = partial(self._take_provenance, project, task)
            self._wait(project, partial(self._workers.submit, task, take))

    def _take(
        self,
        project: Project,
        task: tasks.FileTask | tasks.LookTask,
        result: tasks.FileResult,
        *,
        use: Callable[[Any], None],
    ) -> None:
        """Use what a task brought, or record why it brought nothing; raise what is wrong with the machine."""
        filename = task.file.filename
        try:
            if isinstance(result, OSError):
                if is_full(result):
                    self._run.mirror.store.give_up(task.temporary)
                raise result
            if isinstance(result, DiskFullError):
                self._skip(project, result)
                self._run.mirror.store.give_up(task.temporary)
            elif reason := self.why_unasked(result):
                self._leave(project, reason)
                self._run.mirror.store.give_up(task.temporary)
            elif isinstance(result, MirrorError):
                record.file_failed(self._run, project, filename, str(result))
                self._keep_part(task, result)
            else:
                use(result)
        except TreeError as error:
            record.file_failed(self._run, project, filename, str(error))
        finally:
            self.arrivals.end(task.temporary)
        self._one_less(project)

    def _keep_part(self, task: tasks.FileTask | tasks.LookTask, error: MirrorError) -> None:
        """Keep what came of a file for the next run; or what came before, where nothing speaks against it."""
        store, validator = self._run.mirror.store, None
        if isinstance(error, CutOffError):
            store.keep_partial(task.temporary, partial_key(task.name, task.file.filename))
            validator = error.validator
        elif isinstance(error, BrokenWorkerError | UnavailableError) and isinstance(task, tasks.FileTask):
            store.give_up(task.temporary)
            validator = task.validator
        if validator:
            self._run.mirror.state.files.record_partial(task.name, task.file.filename, validator)

    def _leave(self, project: Project, reason: str) -> None:
        project.leave()
        self._run.tally.leave(project.name, reason)

    def _store(
        self, project: Project, task: tasks.FileTask | tasks.LookTask, received: download.Received
    ) -> None:
        run, file = self._run, task.file
        if received.sha256 in run.mirror.selection.blocked_digests:
            from pypimirror.run.blocking import refuse

            refuse(run, project.name, file, received.sha256, received.size)
            return
        for note in received.notes:
            _log.warning("%s: %s", project.name, note)
        if received.is_adopted:
            if task.candidate and task.candidate.folder != project.name:
                run.tree.take_over(project.name, task.candidate.folder, file.filename)
            run.tally.counts.adopted += 1
        else:
            run.tally.counts.unverified += not received.is_verified
            if file.filename in project.replaces:
                run.external.forget(project.name, [file.filename])
                run.tree.withdraw(project.name, file)
                run.mirror.state.files.record_pages_lost(project.name)
            mtime = _moment(file.upload_time)
            run.tree.place(project.name, task.temporary, file.filename, mtime=mtime)
            run.tally.counts.stored += 1
            run.tally.counts.stored_bytes += received.size
        _log.debug("%s: %s %s", project.name, "adopted" if received.is_adopted else "stored", file.filename)
        project.arrived += 1
        run.tally.counts.done_bytes += received.size
        held = HeldFile(file=file, sha256=received.sha256, size=received.size)
        metadata = tasks.Metadata(received.metadata, (), received.metadata_error, received.requires)
        self._record_held(project, held, metadata)
        if received.served is not None:
            run.mirror.state.files.record_served(project.name, file.filename, received.served)
        if received.provenance is not None:
            companions.keep_provenance(run.mirror, run.tree, project.name, file.filename, received.provenance)
        else:
            self._wait_for_provenance(project, held)

    def _take_metadata(
        self, project: Project, held: HeldFile, found: tasks.Metadata | MirrorError | None
    ) -> None:
        if isinstance(found, MirrorError):
            found = tasks.Metadata(None, (), found)
        if found is None:
            reason = "it is gone from the tree; --initial-fetch brings it back"
            record.file_failed(self._run, project, held.file.filename, reason)
            self._one_less(project)
            return
        for note in found.notes:
            _log.info("%s: %s", project.name, note)
        try:
            self._record_held(project, held, found)
        except TreeError as error:
            record.file_failed(self._run, project, held.file.filename, str(error))
        self._one_less(project)

    def _take_provenance(
        self,
        project: Project,
        task: tasks.ProvenanceTask,
        found: documents.Document | NotModified | MirrorError,
    ) -> None:
        filename = task.held.file.filename
        try:
            if isinstance(found, MirrorError):
                raise found
            if isinstance(found, documents.Document):  # else it is what it was
                companions.keep_provenance(self._run.mirror, self._run.tree, project.name, filename, found)
        except (NotFoundError, VerificationError) as error:
            if task.is_attested:
                record.file_failed(self._run, project, filename, str(error))
            else:
                _log.warning("%s: %s: its provenance is not kept: %s", project.name, filename, error)
        except MirrorError as error:
            if reason := self.why_unasked(error):
                self._leave(project, reason)
            else:
                record.file_failed(self._run, project, filename, f"its provenance could not be had: {error}")
        self._one_less(project)

    def _record_held(self, project: Project, held: HeldFile, metadata: tasks.Metadata) -> None:
        if metadata.text is not None and held.metadata is not None:
            # A page tells of the old one: the new one comes right before the new page.
            project.metadata.append((held, metadata.text))
        elif metadata.text is not None:
            held = companions.write_metadata(self._run.tree, project.name, held, metadata.text)
            if held.metadata is not None and metadata.requires is not None:
                project.requires[held.metadata] = metadata.requires
        project.brought[held.file.filename] = held
        self._run.mirror.state.files.record_held(project.name, [held], is_new=True)
        if metadata.error is None:
            return
        if reason := self.why_unasked(metadata.error):
            self._leave(project, reason)
        else:
            reason = f"its core metadata could not be had: {metadata.error}"
            record.file_failed(self._run, project, held.file.filename, reason)


def _is_over(project: Project, made: Plan, present: adopt.Present) -> bool:
    """Tell whether a plan changes what the tree or the state knows already."""
    names = {file.filename for file in made.fetch}
    return bool(made.complete) or not names.isdisjoint(project.known) or present.has_any(names)


def _moment(upload_time: str | None) -> float | None:
    """Return the time of an upload in POSIX seconds, if it can be read."""
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.fromisoformat(upload_time).timestamp() if upload_time else None
    return None
