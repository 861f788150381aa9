"""What leaves the mirror as upstream no longer has it: root page, project page, and in the end the files.

Each step is an intent in the state first, so that the next run does what a kill left undone. Only what the
state knows is ever removed.
"""

import logging

from pypimirror.amounts import HOUR_S, numbered
from pypimirror.mirror import Refusal
from pypimirror.model import NormalizedName
from pypimirror.plan import Loss, why_too_much
from pypimirror.run import Run
from pypimirror.sync import question

_log = logging.getLogger(__name__)


def by_upstream(run: Run, *, held: Loss, selected: Loss) -> None:
    """Take off the pages what upstream no longer has; keep it all where that is more than may just go.

    `held` when the run began, and of that what is still `selected`. What was removed in the window before it
    counts as held then and as gone now.
    """
    if not run.mirror.config.cleanup:
        return
    state = run.mirror.state
    projects = {
        name: state.files.held_names(name)
        for name in state.projects.vanished_projects()
        if _is_meant(run, name)
    }
    files = {
        name: filenames
        for name, filenames in state.transitions.vanished_files().items()
        if _is_meant(run, name) and name not in projects and name not in run.tally.unfollowed
    }
    gone = Loss(len(projects), sum(map(len, projects.values())) + sum(map(len, files.values())))
    left = run.mirror.totals().files - gone.files
    before = _removed_before(run) if any(gone) else Loss(0, 0)
    lost, had = _sum(gone, before), _sum(held, before)
    why = why_too_much(lost, had, _sum(selected, before), limit=run.mirror.config.removal_limit, left=left)
    if why and not run.options.allows_removals:
        names = [*projects, *(f"{name}/{each}" for name, filenames in files.items() for each in filenames)]
        told = tuple(names[: question.MOST_NAMED])
        run.tally.refusal = Refusal(lost, had, run.mirror.config.removal_window_hours, told, why)
        for name in told:
            _log.warning("upstream no longer has %s, and nothing is removed in this run", name)
        return
    run.tally.counts.vanished_projects += gone.projects
    run.tally.counts.vanished_files += gone.files
    for name, filenames in projects.items():
        _log.info("%s: leaves the mirror, as upstream no longer has it", name)
        _note_removed(run, name, filenames, is_whole=True)
        run.mirror.state.transitions.delist_project(name, run.mirror.clock())
        run.dependencies.forget(name)
    for name, filenames in files.items():
        what = numbered(len(filenames), "file leaves", "files leave")
        _log.info("%s: %s its page, as upstream no longer lists them", name, what)
        _note_removed(run, name, filenames)
        run.mirror.state.transitions.delist_files(name, filenames, run.mirror.clock())
        run.dependencies.note(name, has_changed=True)
    if projects or (files and run.mirror.config.full_index):
        run.pages.mark_root_dirty()
    run.tree.commit()


def _removed_before(run: Run) -> Loss:
    """Return what upstream's changes removed within the window, before this run."""
    begin = run.mirror.clock() - run.mirror.config.removal_window_hours * HOUR_S
    # Who allows removals begins to count anew.
    since = float("inf") if run.options.allows_removals else begin
    return Loss(*run.mirror.state.transitions.removed_since(since))


def _note_removed(run: Run, name: NormalizedName, filenames: list[str], *, is_whole: bool = False) -> None:
    """Remember what goes, where later runs count it; what the operator allowed is not counted."""
    if run.mirror.config.removal_window_hours and not run.options.allows_removals:
        run.mirror.state.transitions.record_removed(name, filenames, run.mirror.clock(), is_whole=is_whole)


def _sum(one: Loss, other: Loss) -> Loss:
    return Loss(one.projects + other.projects, one.files + other.files)


def _is_meant(run: Run, name: NormalizedName) -> bool:
    return run.mirror.selection.selects(name) and (not run.options.only or name in run.options.only)
