"""What is wanted of other hosts for a project, and what becomes of it in the state and the tree."""

import logging

import msgspec

from pypimirror import elsewhere, links
from pypimirror.filenames import version_of
from pypimirror.model import Digest, External, File, HeldFile, Link, NormalizedName
from pypimirror.state import ExternalRow, Failure
from pypimirror.sync import companions, publish, record
from pypimirror.sync.outside.tasks import FetchTask
from pypimirror.sync.run import DAY_S, Run

_log = logging.getLogger(__name__)

_HOUR_S = 3600.0
_QUIET_S = 7 * DAY_S
"""For so long nothing more is said of a link that still can't be followed."""


class Project:
    """A project whose links are looked at."""

    def __init__(self, run: Run, name: NormalizedName, *, is_full: bool) -> None:
        self.name = name
        self.is_full = is_full
        """All links are looked at, and not only new ones."""
        self.known = run.state.external_links(name)
        self.rows = run.state.externals(name)
        self.unfinished = 0
        """Tasks that wait or are under way."""
        self.is_chosen = False
        """All links were looked at, so that it is known which files are wanted."""
        self.looked: set[str] = set()
        self.failed: dict[str, str] = {}
        """Why links could not be followed."""
        self.candidates: dict[str, tuple[links.Candidate, External]] = {}
        self.arrived = 0

    def add(self, candidate: links.Candidate, link: Link, *, is_paged: bool) -> None:
        """Note a file behind a link; what a link leads to by itself comes before what stands on a page."""
        if candidate.filename not in self.candidates or not is_paged:
            self.candidates[candidate.filename] = candidate, External(link=link.url, is_paged=is_paged)

    def is_held(self, filename: str) -> bool:
        """Tell whether a file from elsewhere is in the tree."""
        row = self.rows.get(filename)
        return row is not None and row.status == "held"


# -- what is wanted ------------------------------------------------------------------------------


def wanted(run: Run, project: Project, *, is_adopting: bool) -> list[tuple[File, External]]:
    """Return the files to fetch, and those held to look at again, each with what is known of it."""
    name = project.name
    own = run.state.known_names(name) - project.rows.keys()
    if is_adopting:
        own -= _adopted(run, project)
    found = []
    for filename, (candidate, external) in project.candidates.items():
        if reason := run.selection.why_not(filename):
            _log.debug("%s: skipped %s (%s)", name, filename, reason)
        elif filename in own:
            _log.debug("%s: the index has %s itself", name, filename)
        else:
            version = version_of(filename, name)
            file = File(filename=filename, url=candidate.url, digests=candidate.digests, version=version)
            found.append((file, _known(run, project, file, external)))
    return found


def _known(run: Run, project: Project, file: File, external: External) -> External:
    """Return what is known of a file: what is pinned, and where it did not move what it was like."""
    row = project.rows.get(file.filename)
    if row is None:
        return external
    known = msgspec.structs.replace(row.external, link=external.link, is_paged=external.is_paged)
    is_accepted = known.refused is not None and _accepts(run, file, known.refused)
    if project.is_held(file.filename) and row.file.url == file.url and not is_accepted:
        return known
    return msgspec.structs.replace(known, etag=None, last_modified=None, length=None)


def _adopted(run: Run, project: Project) -> set[str]:
    """Take what our own pages listed when a state was lost, and upstream's does not, for files elsewhere."""
    state, name = run.state, project.name
    held = state.held(name)
    found = state.vanished_files_of(name) & project.candidates.keys()
    for filename in found:
        candidate, external = project.candidates[filename]
        was = held[filename]
        external = msgspec.structs.replace(external, pinned=was.sha256, length=was.size)
        file = msgspec.structs.replace(was.file, url=candidate.url)
        state.record_held(name, [msgspec.structs.replace(was, file=file)])
        state.record_external(name, filename, external)
        project.rows[filename] = ExternalRow("held", file, external)
    return found


def _accepts(run: Run, file: File, sha256: str) -> bool:
    return run.config.accepts(msgspec.structs.replace(file, digests=(Digest("sha256", sha256),)))


def intend(run: Run, project: Project, file: File, external: External) -> None:
    """Record that a file is to come; one that was lost keeps what was wrong until it is there."""
    if project.is_held(file.filename):
        return
    row = project.rows.get(file.filename)
    if row is None or row.status == "doomed":
        run.state.record_arriving(project.name, [file])
    run.state.record_external(project.name, file.filename, external)
    run.counts.files += 1


# -- what became of it ---------------------------------------------------------------------------


def failed(run: Run, project: Project, file: File, reason: str) -> None:
    """Note that a file could not be had: what is held of it stays."""
    project.failed[file.url] = f"{file.filename}: {reason}"
    run.state.doom_unfinished_externals(project.name, [file.filename])


def keep(run: Run, project: Project, file: File, external: External) -> None:
    """Record how a held file lies elsewhere now, with the very bytes that are held."""
    run.state.record_external(project.name, file.filename, external)
    run.state.forgive_external(project.name, file.filename)


def take(run: Run, project: Project, task: FetchTask, brought: elsewhere.Brought) -> None:
    """Pin what came first; of what comes later keep to that, unless the configuration accepts it.

    Raises TreeError where it can't be placed.
    """
    pinned, sha256 = brought.external.pinned, brought.sha256
    if pinned not in (None, sha256) and not _accepts(run, task.file, sha256):
        _refuse(run, project, task.file, brought)
        return
    external = msgspec.structs.replace(brought.external, pinned=sha256, refused=None)
    if pinned == sha256 and project.is_held(task.file.filename):
        keep(run, project, task.file, external)
    else:
        _place(run, project, task, brought, external)


def _refuse(run: Run, project: Project, file: File, brought: elsewhere.Brought) -> None:
    """Record what lies there now, so that it need not come again to be refused."""
    name, external = project.name, brought.external
    reason = (
        f"refused: other bytes lie at {file.url} now, and sha256 {external.pinned} was accepted once;"
        f" accepted_changes = {file.filename} sha256={brought.sha256} takes them"
    )
    _log.error("%s: %s: %s", name, file.filename, reason)
    run.counts.failed += 1
    run.state.record_external(name, file.filename, msgspec.structs.replace(external, refused=brought.sha256))
    run.state.record_external_refused(name, file.filename, reason, run.clock())


def _place(
    run: Run, project: Project, task: FetchTask, brought: elsewhere.Brought, external: External
) -> None:
    name, file = project.name, task.file
    for note in brought.notes:
        _log.warning("%s: %s", name, note)
    if project.is_held(file.filename):
        record.withdraw(run, name, file, external)
    # From here on the project's page is due, whatever becomes of this run.
    run.state.record_pages_unsure(name)
    run.state.commit()
    run.store.place(task.temporary, name, file.filename)
    held = HeldFile(file=file, sha256=brought.sha256, size=brought.size)
    if brought.metadata is not None:
        held = companions.write_metadata(run, name, held, brought.metadata)
    run.state.record_held(name, [held], is_new=True)
    run.state.record_external(name, file.filename, external)
    run.counts.stored += 1
    run.counts.stored_bytes += brought.size
    run.counts.done_bytes += brought.size
    project.arrived += 1
    if not file.digests:
        _log.warning("%s: %s: taken from %s without a digest, and pinned", name, file.filename, file.url)


def end(run: Run, project: Project) -> None:
    """Record what was seen of a project's links, and publish what came."""
    state, name = run.state, project.name
    every = project.known.every()
    gone = [
        filename
        for filename, row in state.externals(name).items()
        if row.external.link not in every and filename not in project.candidates
    ]
    state.record_external_vanished(name, gone, run.clock())
    state.doom_unfinished_externals(name, gone, are_gone=True)
    _tell(run, project)
    if project.arrived:
        _publish(run, project)
    looked = frozenset(every) & (project.known.looked | project.looked)
    state.record_external_looked(
        name, msgspec.structs.replace(project.known, looked=looked), _next_look(run, project)
    )
    state.commit()


def _next_look(run: Run, project: Project) -> float | None:
    """Return when to look at all links again; new ones alone put nothing off."""
    if not (project.known.every() or project.failed):
        return None
    due = None if project.is_full else run.state.next_external_look(project.name)
    return due if due is not None else run.clock() + run.config.external_interval_hours * _HOUR_S


def _publish(run: Run, project: Project) -> None:
    name = project.name
    publish.intend_link(run, name)
    if run.config.full_index:
        publish.root_is_due(run)
    run.state.commit()
    if publish.project(run, name):
        run.note_changed(name)
        _log.info("%s: published, %d files came in from elsewhere", name, project.arrived)


def _tell(run: Run, project: Project) -> None:
    """Record what could not be followed, and say what was not said for a while."""
    state, name, now = run.state, project.name, run.clock()
    for url, reason in project.failed.items():
        if state.record_dead_link(name, url, reason, now=now, quiet_s=_QUIET_S):
            _log.warning("%s: a link can't be followed: %s", name, reason)
            run.counts.failed += 1
            run.outside.append(Failure(name, None, reason, now))
    for url in state.dead_links_of(name) - project.failed.keys():
        if project.is_full or url in project.looked:
            state.forget_dead_link(name, url)
