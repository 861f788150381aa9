"""The story of a run, from top to bottom."""

import logging

from pypimirror.errors import StateError
from pypimirror.sync import adopt, crawl, projects, publish, recheck, removals
from pypimirror.sync.preview import Change, Preview
from pypimirror.sync.run import Counts, InFlight, Progress, Refusal, Report, Run

__all__ = [
    "Change",
    "Counts",
    "InFlight",
    "Preview",
    "Progress",
    "Refusal",
    "Report",
    "Run",
    "rewrite_pages",
    "update",
]

_log = logging.getLogger(__name__)


def update(run: Run) -> Report:
    """Bring the mirror up to date: list, per project page, plan, files and pages, then the root page.

    Raises UpstreamError where upstream can't be had or trusted, OSError where the machine fails.
    """
    adopt.own_pages(run)
    if run.is_recheck:
        recheck.forget_lost(run)
    held = run.totals()
    found = crawl.find_due(run)
    removals.deselect(run)
    selected = run.totals()
    raw_folders = adopt.raw_folders(run)
    outcome = projects.bring_up_to_date(run, found.due, raw_folders)
    crawl.check_any_answer(run, found, outcome.errors, len(outcome.vanished))
    for name in outcome.vanished:
        run.state.record_vanished(name, run.clock())
    removals.by_upstream(run, held=held, selected=selected)
    if run.is_recheck:
        publish.every_page(run)
    publish.all_due(run)
    removals.pages(run)
    adopt.remove_leftovers(run, raw_folders)
    gone = removals.files(run)
    if run.preview:
        run.preview.will_remove(gone)
    crawl.keep_note(run, found)
    removals.forget(run, gone)
    _warn_of_unmatched(run, found)
    run.state.commit()
    return run.report()


def rewrite_pages(run: Run) -> Report:
    """Write all pages anew from the state, without asking upstream.

    Raises StateError where it knows of no project: that would empty the pages.
    """
    if run.state.is_empty():
        raise StateError(run.state.path, "knows of no project yet; --update-fetch adopts what is in the tree")
    removals.deselect(run)
    publish.every_page(run)
    publish.all_due(run)
    removals.pages(run)
    run.state.commit()
    return run.report()


def _warn_of_unmatched(run: Run, found: crawl.Crawl) -> None:
    if not found.is_full:
        return
    unmatched = run.selection.unmatched_names()
    # Patterns of files can be judged only where every project's page was read.
    if run.counts.pages_read == run.totals().projects:
        unmatched += run.selection.unmatched_files()
    for pattern in unmatched:
        _log.warning("nothing upstream matches %s", pattern)
