"""The story of a run, from top to bottom."""

import logging

from msgspec.structs import replace

from pypimirror import adopt
from pypimirror.checks import compare, recover
from pypimirror.checks.compare import Finding, Kind
from pypimirror.checks.verify import Tell, Verification, Verified, batches
from pypimirror.disk import FreeSpace
from pypimirror.errors import DiskFullError, StateError, UpstreamError
from pypimirror.findings import damage, wheels
from pypimirror.findings.selected import SELECTED
from pypimirror.mirror import Counts
from pypimirror.run import Report, Run, report
from pypimirror.sync import attested, crawl, deselection, removals, unmatched

_log = logging.getLogger(__name__)

_MOST_PASSES = 4
"""Over projects that lost something for `max_project_size`: what one drops may be what another needs."""


def update(run: Run) -> Report:
    """Bring the mirror up to date: list, per project page, plan, files and pages, then the root page.

    Raises UpstreamError where upstream can't be had or trusted, OSError where the machine fails.
    """
    recover.begin(run.mirror, run.pages, run.tree)
    try:
        return _updated(run)
    except UpstreamError:
        if run.tally.has_blocked:  # that waits for nobody
            run.pages.publish()
            _remove_files(run)
        recover.end(run.mirror, run.tree)
        raise


def _updated(run: Run) -> Report:
    is_anew = run.mirror.state.projects.is_empty()
    _adopt(run)
    if run.options.is_recheck:
        compare.every_file(run.mirror, run.tree)
    is_new = deselection.is_new(run.mirror)
    if is_new:
        run.dependencies.catch_up()
        deselection.block(run)
    held = run.mirror.totals()
    found = crawl.find_due(run, has_new_selection=is_new)
    _deselect(run, is_new=is_new, is_anew=is_anew)
    selected = run.mirror.totals()
    run.tally.raw_folders = adopt.raw_folders(run.mirror, run.tree)
    try:
        outcome = _bring_up_to_date(run, found.due)
        crawl.check_any_answer(run, found, outcome)
        run.external.follow(run)
        if run.options.preview:
            FreeSpace(str(run.mirror.config.state_dir), 0).check_notes()
            run.mirror.store.space.check_fits(*run.options.preview.needed())
    except DiskFullError as full:
        attested.leave(run, [due.name for due in found.due])
        return _full(run, full)
    attested.leave(run, [due.name for due in found.due])
    for name in outcome.vanished:
        run.mirror.state.transitions.record_vanished(name, run.mirror.clock())
    removals.by_upstream(run, held=held, selected=selected)
    try:
        _drop_unneeded(run)
    except DiskFullError as full:
        return _full(run, full)
    if run.options.is_recheck:
        run.pages.mark_all_dirty()
    run.pages.publish()
    run.pages.remove_gone()
    adopt.remove_leftovers(run.mirror, run.pages, run.tree, run.tally.raw_folders)
    crawl.keep_note(run.mirror, run.tally, found)
    _remove_files(run)
    unmatched.record(run, found, outcome.vanished)
    wheels.record(run.mirror, run.tally)
    if run.options.is_recheck and not run.options.only:
        damage.record(run.mirror, 0, is_hashing=False)
    run.tree.commit()
    return _report(run)


def _bring_up_to_date(run: Run, due: list[crawl.Due]) -> crawl.PageOutcome:
    if not due and not run.dependencies.grown:
        return crawl.PageOutcome([], [], [])
    from pypimirror.sync import projects  # a run without changes needs none of it

    return projects.bring_up_to_date(run, due)


def _drop_unneeded(run: Run) -> None:
    """Drop what nobody asks for any more, and let come what has room then, and so on."""
    for _ in range(_MOST_PASSES):
        more_fit = deselection.by_requirements(run, are_pages_read=True)
        due = [due for name in sorted(more_fit) if (due := crawl.due_for_more(run, name)) is not None]
        if not due:
            return
        _bring_up_to_date(run, due)
    # What drives itself out time and again is looked at in the next run.
    run.mirror.state.projects.mark_stale(deselection.by_requirements(run, are_pages_read=True))


def _deselect(run: Run, *, is_new: bool, is_anew: bool) -> None:
    # What was taken over may be what another configuration selected, in a run for one project, too.
    if is_new and (is_anew or not run.options.only):
        deselection.by_configuration(run)
    elif run.options.only:
        deselection.in_run_for_some(run)


def _adopt(run: Run) -> None:
    """Take over what the tree's own pages list, where the state knows of nothing."""
    counts, trusts_sizes = run.tally.counts, run.options.preview is not None
    for number in adopt.own_pages(run.mirror, run.pages, run.tree, run.upstream, trusts_sizes=trusts_sizes):
        counts.files += number
        counts.adopted += number
        run.progress(counts, ())


def _remove_files(run: Run) -> None:
    """Remove the files whose grace is over; they are forgotten when it is on the disk that they are gone."""
    run.tree.set_aside()
    gone = run.tree.remove_files()
    if run.options.preview:
        run.options.preview.will_remove(gone)
    run.tree.commit()
    recover.end(run.mirror, run.tree)
    run.tree.forget(gone)


def _full(run: Run, full: DiskFullError) -> Report:
    """End a run for which there is no more space: make what room there is, and publish what came in."""
    run.tally.full = full
    _remove_files(run)  # pages need room, too
    try:
        run.pages.publish()
        run.pages.remove_gone()
    except DiskFullError as still_full:
        _log.warning("not all that came in could be published: %s", still_full)
    _remove_files(run)
    run.tree.commit()
    return _report(run)


def rewrite_pages(run: Run) -> Report:
    """Write all pages anew from the state, without asking upstream.

    Raises StateError where it knows of no project: that would empty the pages.
    """
    if run.mirror.state.projects.is_empty():
        raise StateError(
            run.mirror.state.path, "knows of no project yet; --update-fetch adopts what is in the tree"
        )
    recover.begin(run.mirror, run.pages, run.tree)
    if deselection.is_new(run.mirror):
        run.dependencies.catch_up()
        deselection.block(run)
        deselection.by_configuration(run)
        crawl.forget_list(run.mirror)
        # What it selects beside that comes in the next update.
        run.mirror.state.notes.set(SELECTED, None)
    deselection.by_requirements(run, are_pages_read=False)
    run.pages.mark_all_dirty()
    run.pages.publish()
    run.pages.remove_gone()
    if run.tally.has_blocked:  # that waits for no update
        _remove_files(run)
    recover.end(run.mirror, run.tree)
    run.tree.commit()
    return _report(run)


def verify(run: Run, tell: Tell, *, is_hashing: bool, is_repairing: bool) -> tuple[Verified, Report]:
    """Compare the tree with the state, telling each finding; with `is_repairing` mend what is wrong.

    Raises StateError where the state knows of no project.
    """
    held = run.mirror.totals()

    def show_progress() -> None:
        seen = look.done
        run.progress(
            Counts(held.projects, projects_done=seen.projects, files=held.files, stored=seen.files), ()
        )

    look = Verification(
        run.mirror,
        run.pages,
        run.tree,
        tell=tell,
        on_progress=show_progress,
        is_hashing=is_hashing,
        is_repairing=is_repairing,
    )
    verified = look.run()
    if is_repairing:
        run.pages.written = []
        for names in batches(look.to_mend):
            update(replace(run, options=replace(run.options, only=names)))
        recover.begin(run.mirror, run.pages, run.tree)
        run.pages.publish()
        recover.end(run.mirror, run.tree)
        for page in sorted(set(run.pages.written)):
            tell(Finding(Kind.REWRITTEN, page))
            _log.info("rewritten %s", page)
    damage.record(run.mirror, 0 if is_repairing else verified.wrong, is_hashing=is_hashing)
    run.tree.commit()
    return verified, _report(run)


def _report(run: Run) -> Report:
    return report(run.mirror, run.tally, run.options.preview)
