"""The part of a run that asks other hosts than the index's.

It comes after all that the index has itself is there and published, so that nothing of it waits for another
host. What other hosts fail to do removes nothing, and is told once a week.
"""

import time
from functools import partial
from typing import Any

import msgspec

from pypimirror import elsewhere, links
from pypimirror.addresses import host_of
from pypimirror.errors import BrokenWorkerError, DiskFullError, MirrorError, TreeError, UnreachableError
from pypimirror.model import External, File, NormalizedName
from pypimirror.state import ExternalLinks
from pypimirror.store import full_or_itself
from pypimirror.sync import adopt, recover
from pypimirror.sync.arrivals import Arrivals
from pypimirror.sync.outside import files, tasks
from pypimirror.sync.outside.files import Project
from pypimirror.sync.outside.hosts import Hosts
from pypimirror.sync.outside.tasks import DocumentTask, FetchTask, LookTask
from pypimirror.sync.run import Run
from pypimirror.workers import Crew

_TURN_S = 0.2
_OPEN = 200
"""Projects that are looked at together."""
_LONGEST_S = 1800.0
"""After so long nothing more is begun: the rest is for the next run."""


def follow(run: Run) -> None:
    """Follow the links of all projects that are due. Raises DiskFullError, or OSError of the machine."""
    due = _due(run)
    if not due:
        return
    stage = _Stage(run, due)
    try:
        stage.work()
    except OSError as error:
        raise full_or_itself(error) from error
    finally:
        stage.abandon()


def _due(run: Run) -> list[tuple[NormalizedName, bool]]:
    """Return the projects whose links are to be looked at, the last one first, and whether at all of them."""
    if run.only:
        due = [(name, True) for name in run.only]
    elif run.is_recheck:
        due = [(name, True) for name in run.state.externally_linked()]
    else:
        due = run.state.external_due(run.clock())
    return [each for each in reversed(due) if run.selection.selects(each[0])]


class _Stage:
    def __init__(self, run: Run, due: list[tuple[NormalizedName, bool]]) -> None:
        self._run = run
        self._due = due
        self._open: dict[NormalizedName, Project] = {}
        self._hosts = Hosts(run.state, run.clock())
        self._arrivals = Arrivals(run.store)
        assert run.crew is not None
        self._crew: Crew[tasks.Task] = run.crew
        self._crew.is_far = True
        self._is_adopting = adopt.is_adopting(run)
        self._full: DiskFullError | None = None
        self._ends_at = time.monotonic() + _LONGEST_S

    def work(self) -> None:
        while self._due or self._open:
            if self._full or time.monotonic() > self._ends_at:
                self._due.clear()
                self._hosts.clear()
                if not self._crew.unfinished:
                    break
            while self._due and len(self._open) < _OPEN:
                self._begin(*self._due.pop())
            self._hosts.begin(lambda: self._crew.has_room)
            for task, result in self._crew.finished(_TURN_S):
                self._take(task, result)
            recover.sync_point_if_due(self._run)
            self._run.progress(self._run.counts, self._arrivals.shown())
        if self._full:
            raise self._full

    def abandon(self) -> None:
        """Forget what is still on its way; what is not done stays due."""
        self._crew.abandon()
        self._arrivals.abandon()
        self._crew.is_far = False

    def _begin(self, name: NormalizedName, is_full: bool) -> None:  # noqa: FBT001 (half of a pair)
        project = self._open[name] = Project(self._run, name, is_full=is_full)
        row = self._run.state.project(name)
        if row is not None and row.status == "quarantined":  # PEP 792: nothing of it may be offered
            project.known = ExternalLinks()
            self._go_on(project)
            return
        project.unfinished += 1
        self._submit(DocumentTask(name))

    def _submit(self, task: tasks.Task) -> None:
        tasks.submit(self._crew, task, self._run.space, self._hosts.dead)

    def _take(self, task: tasks.Task, result: Any) -> None:
        project = self._open[task.name]
        project.unfinished -= 1
        if isinstance(result, OSError):
            raise result
        if isinstance(task, DocumentTask):
            self._take_document(project, result)
        elif isinstance(task, LookTask):
            self._take_look(project, task, result)
        else:
            self._take_file(project, task, result)
        self._go_on(project)

    def _go_on(self, project: Project) -> None:
        """Fetch when all links were looked at, end when all files are in; stay due where the disk is full."""
        if self._full:
            return
        if not project.unfinished and not project.is_chosen:
            project.is_chosen = True
            self._fetch_all(project)
        if not project.unfinished:
            del self._open[project.name]
            files.end(self._run, project)

    # -- links -----------------------------------------------------------------------------------

    def _take_document(self, project: Project, result: tasks.Document | MirrorError) -> None:
        url = self._run.upstream.document_url(project.name)
        project.looked.add(url)
        if isinstance(result, tasks.Document):
            project.known = msgspec.structs.replace(project.known, document=result.link)
        else:  # what it said the last time still counts
            project.failed[url] = str(result)
        self._look(project)

    def _look(self, project: Project) -> None:
        """Take the files to which links lead by their addresses, and queue a look at all other links."""
        selection = self._run.selection if self._run.config.follow_external_index_pages else None
        for link in project.known.every().values():
            if not project.is_full and link.url in project.known.looked:
                continue
            project.looked.add(link.url)
            if filename := links.file_named(link.url, project.name):
                project.add(links.Candidate(filename, link.url, link.digests), link, is_paged=False)
                continue
            task = LookTask(project.name, link, selection)
            self._hosts.add(link.url, partial(self._submit, task), partial(self._take, task))
            project.unfinished += 1

    def _take_look(self, project: Project, task: LookTask, result: elsewhere.Looked | MirrorError) -> None:
        if isinstance(result, MirrorError):
            self._note_host(task.link.url, result)
            project.failed[task.link.url] = str(result)
            return
        self._note_host(task.link.url, result, delay=result.delay)
        for candidate in result.candidates:
            project.add(candidate, task.link, is_paged=result.is_page)

    def _note_host(self, url: str, result: object, *, delay: float = 0.0) -> None:
        """Note that a host's turn is over, and whether it answers."""
        self._hosts.end(host_of(url), delay=delay)
        if isinstance(result, UnreachableError):
            self._hosts.note_dead(host_of(result.url))
        elif not isinstance(result, BrokenWorkerError):
            self._hosts.note_alive(host_of(url))

    # -- files -----------------------------------------------------------------------------------

    def _fetch_all(self, project: Project) -> None:
        """Queue what is new, and what is held and may have changed."""
        wanted = files.wanted(self._run, project, is_adopting=self._is_adopting)
        if self._run.preview:
            new = (file for file, _ in wanted if not project.is_held(file.filename))
            self._run.preview.will_fetch(project.name, tuple(new))
            return
        for file, external in wanted:
            files.intend(self._run, project, file, external)
            self._hosts.add(
                file.url,
                partial(self._start, project, file, external),
                partial(self._refused, project, file),
            )
            project.unfinished += 1

    def _start(self, project: Project, file: File, external: External) -> None:
        self._run.space.check(0)
        task = FetchTask(project.name, file, self._run.store.open_temporary(), external)
        self._arrivals.add(task)
        self._submit(task)

    def _refused(self, project: Project, file: File, error: MirrorError) -> None:
        """Take it that a file's host is dead."""
        project.unfinished -= 1
        files.failed(self._run, project, file, str(error))
        self._go_on(project)

    def _take_file(
        self,
        project: Project,
        task: FetchTask,
        result: elsewhere.Brought | elsewhere.Unchanged | MirrorError,
    ) -> None:
        self._note_host(task.file.url, result)
        project.looked.add(task.file.url)
        try:
            if isinstance(result, DiskFullError):
                self._full = result
            elif isinstance(result, MirrorError):
                files.failed(self._run, project, task.file, str(result))
            elif isinstance(result, elsewhere.Brought):
                files.take(self._run, project, task, result)
            elif task.external.refused is None:
                files.keep(self._run, project, task.file, task.external)
        except TreeError as error:
            files.failed(self._run, project, task.file, str(error))
        finally:
            self._arrivals.end(task)
