"""What a project's page means for the state: what is due, what vanished, what to wait for."""

import logging

import msgspec

from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage, Validators
from pypimirror.plan import Conflict, Plan, make_plan, told_apart
from pypimirror.state import ProjectRow
from pypimirror.sync import attested, publish, tasks
from pypimirror.sync.crawl import Due, note_json
from pypimirror.sync.run import DAY_S, Run

_log = logging.getLogger(__name__)

_MOST_LINKS = 2000
"""Links elsewhere that are kept of a project while its pages can't tell which are gone."""


class Project:
    """A project on its way: what upstream's page said, and what is still missing."""

    def __init__(self, due: Due) -> None:
        self.due = due
        self.name = due.name
        self.validators = Validators()
        self.page_serial: str | None = None
        self.is_pending = False
        """Upstream's page is not the one that its list speaks of."""
        self.is_attested = False
        """Only files whose provenance was verified may be on its pages."""
        self.replaces: frozenset[str] = frozenset()
        """Held files that other content takes the place of."""
        self.loses = False
        """Files of it leave the pages, unless that is too much."""
        self.missing = 0
        self.metadata: list[tuple[HeldFile, bytes]] = []
        self.arrived = 0
        self.is_whole = True
        self.is_left = False
        """It waits for files whose host is not asked any more in this run."""
        self.has_changed = False
        self.is_published = False
        """The published page links to what was held before and no more, as an earlier run came to its end."""
        self.known: frozenset[str] = frozenset()
        """Where it is not, the names to which the page may link."""


def plan(run: Run, project: Project, seen: tasks.PageSeen) -> Plan:
    """Record what a page says of its project, and return what brings the project to it."""
    name, page = project.name, seen.page
    run.counts.pages_read += 1
    project.is_attested = run.selection.needs_provenance(name)
    project.validators = seen.validators
    # A page without a serial, from an index that has them, confirms none.
    project.page_serial = page.serial or project.due.page_serial
    if seen.is_json:
        note_json(run)
    _tell(name, page)
    # PEP 792: no file of a project in quarantine may be offered.
    is_quarantined = page.status == "quarantined"
    wanted, skipped = run.selection.decide(() if is_quarantined else page.files)
    for skip in skipped:
        _log.debug("%s: skipped %s (%s)", name, skip.file.filename, skip.reason)
    _note_published(run, project)
    wanted = attested.wanted(run, name, wanted)
    wanted, clashes = _told_apart(run, name, wanted)
    made = _compared(run, name, wanted)
    _record_page(run, project, page, made)
    if run.config.external_links:
        _record_links(run, project, page)
    if is_quarantined:
        run.state.record_returned(name)
        run.state.record_quarantined(name, run.clock())
    else:
        _record_vanished(run, project, page, made)
    run.state.forgive(name, [file.filename for file in wanted])
    _refuse(run, project, clashes)
    project.replaces = frozenset(held.file.filename for held in made.replace)
    # What has to be verified before it comes back stays what it is: on no page, and in its grace.
    waiting = project.replaces | (run.state.doomed_of(name).keys() if project.is_attested else set())
    run.state.record_arriving(name, [f for f in made.fetch if f.filename not in waiting])
    run.state.record_held(name, [*made.update, *made.restore])
    return made


def _note_published(run: Run, project: Project) -> None:
    """Note whether the page that is published may link to something else than what is held."""
    row = run.state.project(project.name)
    project.is_published = row is not None and bool(row.pages)
    if row is not None and not project.is_published:
        project.known = frozenset(run.state.file_names(project.name))


def _told_apart(
    run: Run, name: NormalizedName, wanted: tuple[File, ...]
) -> tuple[tuple[File, ...], tuple[Conflict, ...]]:
    """Leave out what would overwrite another file, where the file system takes two names for one."""
    spelling = run.store.spelling()
    if not any(spelling):
        return wanted, ()
    present = [*run.state.held_names(name), *run.state.doomed_of(name)]
    return told_apart(wanted, present, spelling.key)


def _refuse(run: Run, project: Project, clashes: tuple[Conflict, ...]) -> None:
    """Tell of names that are one file here; no row is made of the second, which would end as the first."""
    if not clashes:
        return
    project.is_whole = False
    more = f" (and of {len(clashes) - 1} files more)" if len(clashes) > 1 else ""
    reason = f"refused {clashes[0].filename}{more}: {clashes[0].reason}; keep the mirror on one that does"
    run.fail(project.name, project.due.shown, reason)


def _tell(name: NormalizedName, page: ProjectPage) -> None:
    """Log what of a page was not taken as it stands there."""
    for reason in page.refused:
        _log.warning("%s: refused %s", name, reason)
    if page.more_refused:
        _log.warning("%s: refused %d more", name, page.more_refused)
    for skipped in page.skipped:
        _log.info("%s: skipped %s", name, skipped)
    for note in page.notes:
        _log.info("%s: dropped: %s", name, note)


def _compared(run: Run, name: NormalizedName, wanted: tuple[File, ...]) -> Plan:
    """Compare what is wanted with what is held. What lies elsewhere comes and goes by its links alone.

    But the index's word counts for more: what it has itself now takes the place of what came from elsewhere.
    """
    own = {file.filename for file in wanted}
    held = run.state.held(name)
    external = {filename for filename, each in held.items() if each.external is not None}
    back = attested.may_return(run, name, restorable(run, name))
    made = make_plan(
        wanted,
        {filename: each for filename, each in held.items() if filename not in external - own},
        doomed={f: each for f, each in back.items() if each.external is None},
        accepts=lambda file: file.filename in external or run.config.accepts(file),
    )
    for filename in external & own - {each.file.filename for each in made.replace}:
        run.state.record_own(name, filename)
    return made


def _record_links(run: Run, project: Project, page: ProjectPage) -> None:
    """Record where else there may be files; only a good page tells that a link is gone."""
    known = run.state.external_links(project.name)
    links = known.page if page.links is None else page.links
    if project.is_pending or not can_remove(project.name, page):
        links = tuple(dict.fromkeys(known.page + links))[:_MOST_LINKS]
    # A page comes at each run from an index that can't say whether it changed.
    can_tell = project.due.serial is not None or any(project.validators)
    if can_tell or project.has_changed or links != known.page:
        run.state.record_external_links(project.name, msgspec.structs.replace(known, page=links))


def can_remove(name: NormalizedName, page: ProjectPage) -> bool:
    """Tell whether a file that is not on the page is gone: the page is the project's, and names all files."""
    return page.project == name and not page.nameless


def restorable(run: Run, name: NormalizedName) -> dict[str, HeldFile]:
    """Return the files that left the pages and are still in the tree."""
    doomed = run.state.doomed_of(name)
    sizes = run.store.sizes(name) if doomed else {}
    return {
        filename: held if f"{filename}.metadata" in sizes else msgspec.structs.replace(held, metadata=None)
        for filename, held in doomed.items()
        if sizes.get(filename) == held.size
    }


def _record_page(run: Run, project: Project, page: ProjectPage, made: Plan) -> None:
    """Record that the mirror's pages of the project are due, if they will change."""
    shown = project.due.shown
    row = run.state.project(project.name)
    is_new_on_root = row is None or not row.is_listed or row.shown != shown
    has_news = bool(made.fetch or made.restore or made.update or made.complete)
    if not is_new_on_root and not has_news and _shows(row, page):
        return
    if is_new_on_root or run.config.full_index:
        publish.root_is_due(run)
    run.state.record_page(project.name, shown, page.status, page.status_reason)
    publish.intend_link(run, project.name)
    project.has_changed = True


def _shows(row: ProjectRow | None, page: ProjectPage) -> bool:
    """Tell whether the pages are there, with what upstream's page says of the project as a whole."""
    if row is None or row.pages is None:
        return False
    return (row.status, row.status_reason) == (page.status, page.status_reason)


def _record_vanished(run: Run, project: Project, page: ProjectPage, made: Plan) -> None:
    """Record what a good page no longer lists; one that is older than the project list is not good."""
    name = project.name
    run.state.record_returned(name)
    vanished = {held.file.filename for held in made.vanished} - page.unusable
    if project.is_pending or not can_remove(name, page):
        vanished &= run.state.vanished_files_of(name)
    run.state.record_vanished_files(name, vanished, run.clock())
    project.loses = bool(vanished) and run.config.cleanup
    if made.vanished and not can_remove(name, page):
        _log.warning("%s: what is not on its page is kept, as this page can't tell that it is gone", name)


def file_failed(run: Run, project: Project, filename: str, reason: str) -> None:
    """Record that a file could not be had, or not be stored."""
    _log.error("%s: %s: %s", project.name, filename, reason)
    project.is_whole = False
    run.counts.failed += 1
    run.state.record_file_failed(project.name, filename, reason, run.clock())


def shown(run: Run, project: Project) -> None:
    """Record how the project list spells a project whose page is unchanged."""
    row = run.state.project(project.name)
    if row is not None and row.is_listed and project.due.is_from_list and row.shown != project.due.shown:
        run.state.record_page(project.name, project.due.shown, row.status, row.status_reason)
        publish.intend_link(run, project.name)
        publish.root_is_due(run)


def settle(run: Run, project: Project) -> None:
    """Record that the project is what upstream's page says; or that it waits, if that is an old page."""
    if project.is_pending:
        _wait(run, project)
        return
    run.state.record_current(
        project.name,
        serial=project.due.serial,
        page_serial=project.page_serial,
        validators=project.validators,
        selection=run.selection.of_files,
    )


def _wait(run: Run, project: Project) -> None:
    """Record that upstream's list and page don't agree: silently for a day, as a failure after that."""
    name, shown = project.name, project.due.shown
    since = run.state.record_pending(name, shown, project.page_serial, run.clock())
    _log.info("%s: upstream's page is not yet the one that its list speaks of", name)
    if run.clock() - since > DAY_S:
        reason = "upstream's page has not been the one that its list speaks of for more than a day"
        run.fail(name, shown, reason, since=since)
    run.pause(name)
