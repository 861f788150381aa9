"""The story of a run, from top to bottom."""

import logging

from pypimirror.errors import DiskFullError, StateError, UpstreamError
from pypimirror.sync import adopt, attested, crawl, findings, projects, publish, recheck, recover, removals
from pypimirror.sync.findings import Finding, Tell, Verified
from pypimirror.sync.preview import Change, Preview
from pypimirror.sync.run import Counts, InFlight, Progress, Refusal, Report, Run
from pypimirror.sync.source import Source

__all__ = [
    "Change",
    "Counts",
    "Finding",
    "InFlight",
    "Preview",
    "Progress",
    "Refusal",
    "Report",
    "Run",
    "Source",
    "Tell",
    "Verified",
    "rewrite_pages",
    "update",
    "verify",
]

_log = logging.getLogger(__name__)


def update(run: Run) -> Report:
    """Bring the mirror up to date: list, per project page, plan, files and pages, then the root page.

    Raises UpstreamError where upstream can't be had or trusted, OSError where the machine fails.
    """
    recover.begin(run)
    try:
        return _updated(run)
    except UpstreamError:
        recover.end(run)
        raise


def _updated(run: Run) -> Report:
    adopt.own_pages(run)
    if run.is_recheck:
        recheck.forget_lost(run)
    held = run.totals()
    found = crawl.find_due(run)
    removals.deselect(run)
    selected = run.totals()
    raw_folders = adopt.raw_folders(run)
    try:
        outcome = projects.bring_up_to_date(run, found.due, raw_folders)
        crawl.check_any_answer(run, found, outcome)
        if run.config.external_links:
            _follow_links(run)
        if run.preview:
            run.space.check(run.preview.needed())
    except DiskFullError as full:
        attested.leave(run, [due.name for due in found.due])
        return _full(run, full)
    attested.leave(run, [due.name for due in found.due])
    for name in outcome.vanished:
        run.state.record_vanished(name, run.clock())
    removals.by_upstream(run, held=held, selected=selected)
    if run.is_recheck:
        publish.every_page(run)
    publish.all_due(run)
    removals.pages(run)
    adopt.remove_leftovers(run, raw_folders)
    crawl.keep_note(run, found)
    _remove_files(run)
    _warn_of_unmatched(run, found)
    run.state.record_told(run.told_links, run.clock())
    run.state.commit()
    return run.report()


def _follow_links(run: Run) -> None:
    """Ask other hosts, when nothing is left to be done that could have to wait for them."""
    from pypimirror.sync import outside  # noqa: PLC0415 (few mirrors follow links)

    publish.all_due(run)
    removals.set_aside(run)
    outside.follow(run)


def _remove_files(run: Run) -> None:
    """Remove the files whose grace is over; they are forgotten when it is on the disk that they are gone."""
    removals.set_aside(run)
    gone = removals.files(run)
    if run.preview:
        run.preview.will_remove(gone)
    run.state.commit()
    recover.end(run)
    removals.forget(run, gone)


def _full(run: Run, full: DiskFullError) -> Report:
    """End a run for which there is no more space: make what room there is, and publish what came in."""
    run.full = full
    _remove_files(run)  # pages need room, too
    try:
        publish.all_due(run)
        removals.pages(run)
    except DiskFullError as still_full:
        _log.warning("not all that came in could be published: %s", still_full)
    _remove_files(run)
    run.state.commit()
    return run.report()


def rewrite_pages(run: Run) -> Report:
    """Write all pages anew from the state, without asking upstream.

    Raises StateError where it knows of no project: that would empty the pages.
    """
    if run.state.is_empty():
        raise StateError(run.state.path, "knows of no project yet; --update-fetch adopts what is in the tree")
    recover.begin(run)
    removals.deselect(run)
    publish.every_page(run)
    publish.all_due(run)
    removals.pages(run)
    recover.end(run)
    run.state.commit()
    return run.report()


def verify(run: Run, tell: Tell, *, is_hashing: bool, is_repairing: bool) -> tuple[Verified, Report]:
    """Compare the tree with the state, telling each finding; with `is_repairing` mend what is wrong.

    Raises StateError where the state knows of no project.
    """
    verified, to_mend = findings.verify(run, tell, is_hashing=is_hashing, is_repairing=is_repairing)
    if is_repairing:
        for names in findings.batches(to_mend):
            run.only = names
            update(run)
        recover.begin(run)
        publish.all_due(run)
        recover.end(run)
        run.state.commit()
    return verified, run.report()


def _warn_of_unmatched(run: Run, found: crawl.Crawl) -> None:
    if not found.is_full:
        return
    unmatched = run.selection.unmatched_names()
    # Patterns of files can be judged only where every project's page was read.
    if run.counts.pages_read == run.totals().projects:
        unmatched += run.selection.unmatched_files()
    for pattern in unmatched:
        _log.warning("nothing upstream matches %s", pattern)
