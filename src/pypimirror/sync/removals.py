"""What leaves the mirror, and in which order: root page, project page, and after their grace the files.

Each step is an intent in the state first, so that the next run does what a kill left undone. Only what the
state knows is ever removed.
"""

import itertools
import logging
from collections.abc import Iterator

from pypimirror.errors import TreeError
from pypimirror.model import NormalizedName
from pypimirror.plan import Loss, why_too_much
from pypimirror.state import Doomed
from pypimirror.store import aside_folder
from pypimirror.sync import companions, publish
from pypimirror.sync.run import Refusal, Run

_log = logging.getLogger(__name__)

PROJECTS_NOTE = "deselected projects"
FILES_NOTE = "deselected files"
_TOLD = 1000
_HOUR_S = 3600.0


def deselect(run: Run) -> None:
    """Take off the pages what the configuration no longer selects; no upstream is needed for that."""
    selection, state = run.selection, run.state
    is_same = state.note(PROJECTS_NOTE) == selection.of_projects
    if run.only or is_same:
        return
    are_files_same = state.note(FILES_NOTE) == selection.of_files
    external = _deselected_external(run)
    for name in state.names():
        if not selection.selects(name):
            _deselect_project(run, name)
        elif not are_files_same:
            _deselect_files(run, name, external.get(name, []))
    state.set_note(PROJECTS_NOTE, selection.of_projects)
    state.set_note(FILES_NOTE, selection.of_files)
    state.commit()


def _deselect_project(run: Run, name: NormalizedName) -> None:
    row = run.state.project(name)
    if row is not None and row.is_listed:
        _log.info("%s: no longer selected", name)
        publish.root_is_due(run)
        run.counts.deselected_projects += 1
        run.counts.deselected_files += run.state.held_total(name).number
    run.state.doom_project(name, run.clock())
    run.state.forget_projects([name])


def _deselected_external(run: Run) -> dict[NormalizedName, list[str]]:
    """Return the files that lie elsewhere and are not wanted any more; forget links that are not followed."""
    if not run.config.external_links:
        run.state.forget_external_links()
    found: dict[NormalizedName, list[str]] = {}
    for name, filename, external in run.state.all_externals():
        if run.selection.why_not(filename) or not run.config.follows(external):
            found.setdefault(name, []).append(filename)
    return found


def _deselect_files(run: Run, name: NormalizedName, external: list[str]) -> None:
    run.state.doom_unfinished_externals(name, external, are_gone=True)
    gone = [f for f in run.state.held_names(name) if f in external or run.selection.why_not(f)]
    if not gone:
        return
    _log.info("%s: %d files are no longer selected", name, len(gone))
    run.counts.deselected_files += len(gone)
    if run.config.full_index:
        publish.root_is_due(run)
    run.state.doom_files(name, gone, run.clock())


def by_upstream(run: Run, *, held: Loss, selected: Loss) -> None:
    """Take off the pages what upstream no longer has, unless that is too much of what was held.

    `held` when the run began, and of that what is still `selected`. What was removed in the window before it
    counts as held then and as gone now.
    """
    if not run.config.cleanup:
        return
    projects = [name for name in run.state.vanished_projects() if _is_meant(run, name)]
    whole = set(projects)
    files = {
        name: filenames
        for name, filenames in run.state.vanished_files().items()
        if _is_meant(run, name) and name not in whole and name not in run.unfollowed
    }
    of_projects = {name: run.state.held_names(name) for name in projects}
    gone = Loss(len(projects), sum(map(len, of_projects.values())) + sum(map(len, files.values())))
    left = run.totals().files - gone.files
    before = _removed_before(run) if any(gone) else Loss(0, 0)
    lost, had = _sum(gone, before), _sum(held, before)
    why = why_too_much(lost, had, _sum(selected, before), limit=run.config.removal_limit, left=left)
    if why and not run.allows_removals:
        names = [*projects, *(f"{name}/{each}" for name, filenames in files.items() for each in filenames)]
        _refuse(run, Refusal(lost, had, run.config.removal_window_hours, tuple(names[:_TOLD]), why))
        return
    run.counts.vanished_projects += gone.projects
    run.counts.vanished_files += gone.files
    for name, filenames in of_projects.items():
        _log.info("%s: leaves the mirror, as upstream no longer has it", name)
        _note_removed(run, name, filenames, is_whole=True)
        run.state.doom_project(name, run.clock())
    for name, filenames in files.items():
        _log.info("%s: %d files leave its page, as upstream no longer lists them", name, len(filenames))
        _note_removed(run, name, filenames)
        run.state.doom_files(name, filenames, run.clock())
    if projects or (files and run.config.full_index):
        publish.root_is_due(run)
    run.state.commit()


def _removed_before(run: Run) -> Loss:
    """Return what upstream's changes removed within the window, before this run."""
    if run.allows_removals:
        run.state.forget_removed()
    return Loss(*run.state.removed_since(run.clock() - run.config.removal_window_hours * _HOUR_S))


def _note_removed(run: Run, name: NormalizedName, filenames: list[str], *, is_whole: bool = False) -> None:
    """Remember what goes for later runs, unless the operator said that it is right, or no later run asks."""
    if run.config.removal_window_hours and not run.allows_removals:
        run.state.record_removed(name, filenames, run.clock(), is_whole=is_whole)


def _sum(one: Loss, other: Loss) -> Loss:
    return Loss(one.projects + other.projects, one.files + other.files)


def _is_meant(run: Run, name: NormalizedName) -> bool:
    return run.selection.selects(name) and (not run.only or name in run.only)


def _refuse(run: Run, refusal: Refusal) -> None:
    run.refusal = refusal
    for name in refusal.names:
        _log.warning("upstream no longer has %s, and nothing is removed in this run", name)


def pages(run: Run) -> None:
    """Remove the pages of projects that the root page no longer lists."""
    for name in run.state.pages_to_remove():
        publish.remove_project(run, name)


def set_aside(run: Run) -> None:
    """Put the files of projects in quarantine out of reach, for their grace (PEP 792)."""
    for name, filename in (reachable := run.state.reachable()):
        try:
            run.store.set_aside(name, filename)
            for suffix in companions.SUFFIXES:
                run.store.remove(name, filename + suffix)
        except TreeError as error:
            run.fail(name, name, f"{filename} is in quarantine and still in reach: {error}")
            continue
        run.state.record_aside([(name, filename)])
    if reachable:
        _log.warning("%d files of projects in quarantine were put out of reach", len(reachable))
        run.state.commit()


def files(run: Run) -> list[Doomed]:
    """Remove the files whose grace is over; what is returned may be forgotten when that is on the disk."""
    if not run.config.cleanup:
        return []
    now = run.clock()
    doomed = run.state.doomed(now - run.config.removal_grace_hours * _HOUR_S)
    return [file for file in doomed if file.project not in run.unwritable and _remove(run, file)]


def _remove(run: Run, file: Doomed) -> bool:
    """Remove a file whose grace is over; tell whether it may be forgotten."""
    try:
        # Beside the file go what stands for it alone.
        for suffix in ("", *companions.SUFFIXES):
            run.store.remove(file.project, file.filename + suffix)
        if file.aside is not None:
            run.store.remove(aside_folder(file.project), file.filename)
    except TreeError as error:
        if error.is_denied:
            run.fail(file.project, file.project, str(error))
            return False
        _log.warning("%s", error)
        return True
    if file.size is not None:
        run.counts.removed += 1
        run.counts.removed_bytes += file.size
        _log.info("%s: removed %s", file.project, file.filename)
    return True


def forget(run: Run, gone: list[Doomed]) -> None:
    """Forget files that are gone, and projects of which nothing is left."""
    for name in _projects(gone):
        row = run.state.project(name)
        if row is None or not row.is_listed:
            run.store.remove_folder(name)
    run.state.forget_doomed(gone)


def _projects(files_: list[Doomed]) -> Iterator[NormalizedName]:
    return (name for name, _ in itertools.groupby(files_, key=lambda file: file.project))
