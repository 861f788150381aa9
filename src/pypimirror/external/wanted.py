"""What is wanted of other hosts for a project: of the files behind its links those that are new or due."""

import logging
from collections.abc import Collection

import msgspec

from pypimirror import metadata
from pypimirror.amounts import HOUR_S
from pypimirror.errors import TreeError
from pypimirror.external.model import Known, LinkOrigin
from pypimirror.external.project import ExternalProject
from pypimirror.filenames import is_wheel, version_of
from pypimirror.mirror import Mirror
from pypimirror.model import File, HeldFile
from pypimirror.publishing import Tree, companions
from pypimirror.run import Run, blocking
from pypimirror.state.rows import UNPUBLISHED
from pypimirror.store.folders import aside_folder

_log = logging.getLogger(__name__)


def wanted(run: Run, project: ExternalProject) -> list[tuple[File, LinkOrigin]]:
    """Return the files to fetch, and those held that are due to be looked at, each with what is known of it.

    What is new comes first, and then what was looked at longest ago.
    """
    chosen = [f for f in project.candidates if _is_chosen(run.mirror, project, f)]
    _bring_back(run, project, chosen)
    _complete(run.mirror, run.tree, project)
    own = run.mirror.state.files.file_names(project.name) - project.tables.owned(project.name)
    found = [_known(run.mirror, project, filename) for filename in chosen if filename not in own]
    is_forced = run.options.is_recheck or bool(run.options.only)
    new = [file for file, _ in found if not project.is_held(file.filename)]
    blocked = blocking.seen(run.mirror, project.name, new, trusts_names=not is_forced)
    due = [
        each
        for each in found
        if each[0].filename not in blocked and (is_forced or _is_due(run.mirror, project, each[0]))
    ]
    return sorted(due, key=lambda each: _checked(project, each[0].filename))


def _is_chosen(mirror: Mirror, project: ExternalProject, filename: str) -> bool:
    reason = mirror.selection.why_not(filename)
    if mirror.selection.needs_provenance(project.name):
        reason = "provenance_required: what lies elsewhere has none"
    reason = reason or mirror.selection.is_blocked(project.name, _file(project, filename), None)
    if reason:
        _log.debug("%s: skipped %s (%s)", project.name, filename, reason)
    return not reason


def _checked(project: ExternalProject, filename: str) -> float:
    return project.rows[filename].checked if project.is_held(filename) else 0.0


def _is_due(mirror: Mirror, project: ExternalProject, file: File) -> bool:
    row = project.rows.get(file.filename)
    if row is None or not project.is_held(file.filename) or row.file.url != file.url:
        return True
    if row.origin.refused is not None and mirror.config.accepts_bytes(file.filename, row.origin.refused):
        return True
    interval = mirror.config.external_interval_hours * HOUR_S
    return _contradicts(row, file) or not 0 <= mirror.clock() - row.checked < interval


def _contradicts(row: Known, file: File) -> bool:
    """Tell whether a link offers a digest that nobody compared with what is held."""
    known = dict(row.file.digests) | {"sha256": row.origin.pinned or ""}
    return any(known.get(algorithm) != hexdigest for algorithm, hexdigest in file.digests)


def _known(mirror: Mirror, project: ExternalProject, filename: str) -> tuple[File, LinkOrigin]:
    """Return a file with what is known of it: what is pinned, and where that can tell, what it was like."""
    file, (_, origin) = _file(project, filename), project.candidates[filename]
    row = project.rows.get(filename)
    if row is None:
        return file, origin
    known = msgspec.structs.replace(row.origin, link=origin.link, is_paged=origin.is_paged)
    is_accepted = known.refused is not None and mirror.config.accepts_bytes(file.filename, known.refused)
    is_same_place = project.is_held(filename) and row.file.url == file.url
    if not is_same_place or is_accepted or _contradicts(row, file):
        known = msgspec.structs.replace(known, etag=None, last_modified=None, length=None)
    return file, known


def _file(project: ExternalProject, filename: str) -> File:
    candidate, _ = project.candidates[filename]
    version = version_of(filename, project.name)
    return File(filename=filename, url=candidate.url, digests=candidate.digests, version=version)


def _bring_back(run: Run, project: ExternalProject, chosen: Collection[str]) -> None:
    """Hold again what is still in the tree: what is in its grace, or what the index itself has no longer.

    So bytes that were accepted once come back without a download, and stay pinned.
    """
    state, name = run.mirror.state, project.name
    if blocked := run.mirror.selection.blocked_digests:
        lying = state.files.delisted_of(name)
        chosen = [f for f in chosen if f not in lying or lying[f].sha256 not in blocked]
    back = companions.restorable(run.mirror, name) | _put_back(run.mirror, run.tree, project, chosen)
    vanished = state.transitions.vanished_files_of(name) - project.tables.owned(name)
    held = state.files.held(name) if vanished else {}
    for filename in chosen:
        was = back.get(filename) or (held[filename] if filename in vanished else None)
        if was is None:
            continue
        candidate, origin = project.candidates[filename]
        row = project.rows.get(filename)
        known = row.origin if row else LinkOrigin(link="", length=was.size, pinned=was.sha256)
        known = msgspec.structs.replace(known, link=origin.link, is_paged=origin.is_paged)
        file = was.file if row else msgspec.structs.replace(was.file, url=candidate.url)
        state.files.record_held(name, [was], is_new=filename in back)
        project.tables.record(name, file, known)
        project.rows[filename] = Known("held", file, known, checked=0.0, delisted_since=UNPUBLISHED)
        if filename in back:
            state.files.mark_pages_dirty(name)
            project.has_changed = True


def _put_back(
    mirror: Mirror, tree: Tree, project: ExternalProject, chosen: Collection[str]
) -> dict[str, HeldFile]:
    """Put those files back into their place that a quarantine put out of reach, and return them."""
    name = project.name
    folder = aside_folder(name)
    sizes = mirror.store.sizes(folder)
    delisted = mirror.state.files.delisted_of(name) if sizes else {}
    found = {f: delisted[f] for f in chosen if f in delisted and sizes.get(f) == delisted[f].size}
    if found:  # a new quarantine, after a kill, has to know where they may be
        mirror.state.transitions.record_reachable(name)
        tree.commit()
    for filename, held in list(found.items()):
        try:
            tree.take_over(name, folder, filename)
        except TreeError as error:
            project.fail(held.file.url, str(error))
            del found[filename]
    return found


def _complete(mirror: Mirror, tree: Tree, project: ExternalProject) -> None:
    """Write the core metadata that external wheels have in them, and lack beside them."""
    name = project.name
    owned = project.tables.owned(name)
    for filename, held in (mirror.state.files.held(name) if owned else {}).items():
        if filename not in owned or held.metadata is not None or not is_wheel(filename):
            continue
        content = mirror.store.open_existing(name, filename)
        if content is None:
            continue
        try:
            with content:
                text = metadata.from_wheel(content, filename)
        except OSError as error:
            reason = TreeError.unreadable(mirror.store.path(name, filename), error)
            project.fail(held.file.url, str(reason))
            continue
        if text is not None:
            mirror.state.files.mark_pages_dirty(name)
            tree.commit()
            project.has_changed = True
            try:
                mirror.state.files.record_held(name, [companions.write_metadata(tree, name, held, text)])
            except TreeError as error:
                project.fail(held.file.url, str(error))
