"""What leaves the mirror as upstream no longer has it: root page, project page, and in the end the files.

Each step is an intent in the state first, so that the next run does what a kill left undone. Only what the
state knows is ever removed.
"""

import logging

from pypimirror.amounts import HOUR_S
from pypimirror.mirror import Mirror, Refusal, Tally
from pypimirror.model import NormalizedName
from pypimirror.plan import Loss, why_too_much
from pypimirror.run import Options, Run

_log = logging.getLogger(__name__)

_TOLD = 1000


def by_upstream(run: Run, *, held: Loss, selected: Loss) -> None:
    """Take off the pages what upstream no longer has; keep it all where that is more than may just go.

    `held` when the run began, and of that what is still `selected`. What was removed in the window before it
    counts as held then and as gone now.
    """
    if not run.mirror.config.cleanup:
        return
    projects = [
        name
        for name in run.mirror.state.projects.vanished_projects()
        if _is_meant(run.mirror, run.options, name)
    ]
    whole = set(projects)
    files = {
        name: filenames
        for name, filenames in run.mirror.state.transitions.vanished_files().items()
        if _is_meant(run.mirror, run.options, name) and name not in whole and name not in run.tally.unfollowed
    }
    of_projects = {name: run.mirror.state.files.held_names(name) for name in projects}
    gone = Loss(len(projects), sum(map(len, of_projects.values())) + sum(map(len, files.values())))
    left = run.mirror.totals().files - gone.files
    before = _removed_before(run.mirror, run.options) if any(gone) else Loss(0, 0)
    lost, had = _sum(gone, before), _sum(held, before)
    why = why_too_much(lost, had, _sum(selected, before), limit=run.mirror.config.removal_limit, left=left)
    if why and not run.options.allows_removals:
        names = [*projects, *(f"{name}/{each}" for name, filenames in files.items() for each in filenames)]
        _refuse(
            run.tally, Refusal(lost, had, run.mirror.config.removal_window_hours, tuple(names[:_TOLD]), why)
        )
        return
    run.tally.counts.vanished_projects += gone.projects
    run.tally.counts.vanished_files += gone.files
    for name, filenames in of_projects.items():
        _log.info("%s: leaves the mirror, as upstream no longer has it", name)
        _note_removed(run.mirror, run.options, name, filenames, is_whole=True)
        run.mirror.state.transitions.delist_project(name, run.mirror.clock())
        run.dependencies.forget(name)
    for name, filenames in files.items():
        _log.info("%s: %d files leave its page, as upstream no longer lists them", name, len(filenames))
        _note_removed(run.mirror, run.options, name, filenames)
        run.mirror.state.transitions.delist_files(name, filenames, run.mirror.clock())
        run.dependencies.note(name, has_changed=True)
    if projects or (files and run.mirror.config.full_index):
        run.pages.mark_root_dirty()
    run.tree.commit()


def _removed_before(mirror: Mirror, options: Options) -> Loss:
    """Return what upstream's changes removed within the window, before this run."""
    if options.allows_removals:
        mirror.state.removed.forget()
    return Loss(*mirror.state.removed.since(mirror.clock() - mirror.config.removal_window_hours * HOUR_S))


def _note_removed(
    mirror: Mirror, options: Options, name: NormalizedName, filenames: list[str], *, is_whole: bool = False
) -> None:
    """Remember what goes, where later runs count it; what the operator allowed is not counted."""
    if mirror.config.removal_window_hours and not options.allows_removals:
        mirror.state.removed.record(name, filenames, mirror.clock(), is_whole=is_whole)


def _sum(one: Loss, other: Loss) -> Loss:
    return Loss(one.projects + other.projects, one.files + other.files)


def _is_meant(mirror: Mirror, options: Options, name: NormalizedName) -> bool:
    return mirror.selection.selects(name) and (not options.only or name in options.only)


def _refuse(tally: Tally, refusal: Refusal) -> None:
    tally.refusal = refusal
    for name in refusal.names:
        _log.warning("upstream no longer has %s, and nothing is removed in this run", name)
