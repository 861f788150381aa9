"""What becomes of an external file: it comes, fails, stays, is pinned or refused."""

import itertools
import logging

import msgspec

from pypimirror.errors import TreeError
from pypimirror.external.model import LinkOrigin
from pypimirror.external.project import ExternalProject
from pypimirror.external.tasks import Brought, FetchTask
from pypimirror.mirror import Mirror, Tally
from pypimirror.model import Digest, File, HeldFile
from pypimirror.publishing import companions
from pypimirror.run import Run, blocking
from pypimirror.state.rows import UNPUBLISHED

_log = logging.getLogger(__name__)


def intend(mirror: Mirror, tally: Tally, project: ExternalProject, file: File, origin: LinkOrigin) -> None:
    """Record that a file is to come; one that was lost keeps what was wrong until it is there."""
    if project.is_held(file.filename):
        return
    row = project.rows.get(file.filename)
    if row is None or row.status == "delisted":
        mirror.state.files.record_arriving(project.name, [file])
    project.tables.record(project.name, file, origin)
    tally.counts.files += 1
    tally.counts.unsized += 1


def failed(project: ExternalProject, file: File, reason: str) -> None:
    """Note that a file could not be had: a held one stays, and the grace of another goes on."""
    project.fail(file.url, f"{file.filename}: {reason}")
    let_go(project, file)


def let_go(project: ExternalProject, file: File) -> None:
    """Let go of a file that did not come, and was to."""
    row = project.rows.get(file.filename)
    since = row.delisted_since if row else UNPUBLISHED
    project.tables.delist_unfinished(project.name, [file.filename], since=since)


def keep(run: Run, project: ExternalProject, file: File, origin: LinkOrigin) -> None:
    """Record how a held external file is now, with the very bytes that are held."""
    name, row = project.name, project.rows[file.filename]
    digests = tuple(sorted((dict(row.file.digests) | dict(file.digests)).items()))
    now = msgspec.structs.replace(row.file, url=file.url, digests=tuple(itertools.starmap(Digest, digests)))
    if now.digests != row.file.digests:
        run.mirror.state.files.mark_pages_dirty(name)
        project.has_changed = True
    project.tables.record(name, now, origin, checked=run.mirror.clock())
    if origin.refused is not None:
        _tell_refused(run.mirror, run.tally, project, now, origin)
    elif row.origin.refused is not None:
        project.tables.record_wrong(name, file.filename, None, run.mirror.clock())


def take(run: Run, project: ExternalProject, task: FetchTask, brought: Brought) -> None:
    """Pin what came first; of what comes later keep to that, unless the configuration accepts it.

    Raises TreeError where it can't be placed.
    """
    pinned, sha256 = brought.origin.pinned, brought.sha256
    if sha256 in run.mirror.selection.blocked_digests:
        blocking.refuse(run, project.name, task.file, sha256, brought.size)
        return
    if pinned not in (None, sha256) and not run.mirror.config.accepts_bytes(task.file.filename, sha256):
        _refuse(run, project, task.file, brought)
        return
    origin = msgspec.structs.replace(brought.origin, pinned=sha256, refused=None)
    if pinned == sha256 and project.is_held(task.file.filename):
        keep(run, project, task.file, origin)
    else:
        _place(run, project, task, brought, origin)


def _refuse(run: Run, project: ExternalProject, file: File, brought: Brought) -> None:
    """Record what lies there now, so that it need not come again to be refused."""
    known = msgspec.structs.replace(project.rows[file.filename].file, url=file.url)
    origin = msgspec.structs.replace(brought.origin, refused=brought.sha256)
    project.tables.record(project.name, known, origin, checked=run.mirror.clock())
    _tell_refused(run.mirror, run.tally, project, known, origin)


def _tell_refused(
    mirror: Mirror, tally: Tally, project: ExternalProject, file: File, origin: LinkOrigin
) -> None:
    reason = (
        f"refused: other bytes lie at {file.url} now, and sha256 {origin.pinned} was accepted once;"
        f" accepted_changes = {file.filename} sha256={origin.refused} takes them"
    )
    _log.error("%s: %s: %s", project.name, file.filename, reason)
    tally.counts.failed += 1
    project.tables.record_wrong(project.name, file.filename, reason, mirror.clock())


def _place(run: Run, project: ExternalProject, task: FetchTask, brought: Brought, origin: LinkOrigin) -> None:
    name, file = project.name, task.file
    for note in brought.notes:
        _log.warning("%s: %s", name, note)
    if project.is_held(file.filename):
        project.tables.record(name, file, origin)
        run.tree.withdraw(name, file)
    # From here on the project's page is due, whatever becomes of this run.
    run.mirror.state.files.mark_pages_dirty(name)
    run.tree.commit()
    held = HeldFile(file=file, sha256=brought.sha256, size=brought.size)
    try:
        run.tree.place(name, task.temporary, file.filename)
        if brought.metadata is not None:
            held = companions.write_metadata(run.tree, name, held, brought.metadata)
    except TreeError as error:
        if project.is_held(file.filename):  # its link is gone: it has to be fetched again
            run.mirror.state.files.record_file_failed(name, file.filename, str(error), run.mirror.clock())
        raise
    run.mirror.state.files.record_held(name, [held], is_new=True)
    project.tables.record(name, file, origin, checked=run.mirror.clock())
    run.tally.counts.stored += 1
    run.tally.counts.stored_bytes += brought.size
    run.tally.counts.done_bytes += brought.size
    project.has_changed = True
    if not file.digests:
        _log.warning("%s: %s: taken from %s without a digest, and pinned", name, file.filename, file.url)
