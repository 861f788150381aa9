"""The story of a run, from top to bottom."""

import logging

from pypimirror.errors import StateError
from pypimirror.sync import adopt, crawl, projects, publish, recheck
from pypimirror.sync.run import Counts, InFlight, Progress, Report, Run

__all__ = ["Counts", "InFlight", "Progress", "Report", "Run", "rewrite_pages", "update"]

_log = logging.getLogger(__name__)


def update(run: Run) -> Report:
    """Bring the mirror up to date: list, per project page, plan, files and pages, then the root page.

    Raises UpstreamError where upstream can't be had or trusted, OSError where the machine fails.
    """
    adopt.own_pages(run)
    if run.is_recheck:
        recheck.forget_lost(run)
    found = crawl.find_due(run)
    raw_folders = adopt.raw_folders(run)
    errors = projects.bring_up_to_date(run, found.due, raw_folders)
    crawl.check_any_answer(run, found, errors)
    publish.projects_due(run, tried={due.name for due in found.due})
    if run.is_recheck:
        publish.every_page(run)
    publish.root(run)
    adopt.remove_leftovers(run, raw_folders)
    crawl.keep_note(run, found)
    _warn_of_unmatched(run, found)
    run.state.commit()
    return run.report()


def rewrite_pages(run: Run) -> Report:
    """Write all pages anew from the state, without asking upstream.

    Raises StateError where it knows of no project: that would empty the pages.
    """
    if run.state.is_empty():
        raise StateError(run.state.path, "knows of no project yet; --update-fetch adopts what is in the tree")
    publish.every_page(run)
    publish.root(run)
    run.state.commit()
    return run.report()


def _warn_of_unmatched(run: Run, found: crawl.Crawl) -> None:
    if not found.is_full:
        return
    unmatched = run.selection.unmatched_names()
    # Patterns of files can be judged only where every project's page was read.
    if run.counts.pages_read == run.state.listed_count():
        unmatched += run.selection.unmatched_files()
    for pattern in unmatched:
        _log.warning("nothing upstream matches %s", pattern)
