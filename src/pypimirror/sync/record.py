"""What a project's page means for the state: what is due, what vanished, what to wait for."""

import logging

import msgspec

from pypimirror.amounts import DAY_S, numbered
from pypimirror.checksums import strongest
from pypimirror.download import Received
from pypimirror.errors import MirrorError
from pypimirror.filenames import is_wheel
from pypimirror.mirror import LONGEST_REASON, Mirror
from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage, Served
from pypimirror.plan import Conflict, Plan, make_plan, told_apart
from pypimirror.publishing import Pages, companions
from pypimirror.run import Run, blocking
from pypimirror.run.external import ExternalLinks
from pypimirror.sync import attested, chosen, tasks
from pypimirror.sync.crawl import Due
from pypimirror.sync.project import Project
from pypimirror.upstream import NotModified

_log = logging.getLogger(__name__)


def plan(run: Run, project: Project, seen: tasks.PageSeen, page: ProjectPage) -> Plan:
    """Record what a page says of its project, and return what brings the project to it."""
    name = project.name
    run.tally.counts.pages_read += 1
    project.is_attested = run.mirror.selection.needs_provenance(name)
    project.validators = seen.validators
    project.is_proven = page.project == name
    # A page without a serial, from an index that has them, confirms none.
    project.page_serial = page.serial or project.due.page_serial
    _tell(name, page)
    # PEP 792: no file of a project in quarantine may be offered.
    is_quarantined = page.status == "quarantined"
    # A file that is not on the page is gone where the page is the project's, and names all files.
    tells = not project.is_pending and project.is_proven and not page.nameless
    wanted = () if is_quarantined else chosen.decide(run, project, page, tells_what_is_gone=tells)
    _note_published(run.mirror, project)
    wanted = attested.wanted(run.mirror, project, wanted)
    wanted, clashes = _told_apart(run.mirror, name, wanted)
    made = _compared(run.mirror, run.external, project, wanted)
    project.is_new = project.is_new and not made.keep
    _record_page(run.mirror, run.pages, project, page, made)
    run.mirror.state.choices.record_falls_due(name, project.falls_due)
    if project.has_changed:  # a page that is read again and again fills no log
        chosen.log(project)
    _record_address(run.mirror, project.due, is_json=seen.is_json)
    # Where else there may be files; only a good page tells that a link is gone.
    run.external.note(
        name,
        page.links,
        can_remove=tells,
        # A page comes at each run from an index that can't say whether it changed.
        has_news=project.due.serial is not None or any(project.validators) or project.has_changed,
    )
    if is_quarantined:
        run.mirror.state.transitions.record_returned(name)
        run.tally.counts.vanished_files += run.mirror.state.files.held_total(name).number
        run.mirror.state.transitions.record_quarantined(name, run.mirror.clock())
        _record_held_back(run.mirror, project, page, set())
    else:
        _record_vanished(run, project, page, made, tells_what_is_gone=tells)
    run.mirror.state.files.forgive(name, [file.filename for file in wanted], but=run.external.owned(name))
    _refuse(run, project, clashes)
    _tell_disputed(name, made)
    project.replaces = frozenset(held.file.filename for held in made.replace)
    # What has to be verified before it comes back stays what it is: on no page, and in its grace.
    waiting = project.replaces | (
        run.mirror.state.files.delisted_of(name).keys() if project.is_attested else set()
    )
    run.mirror.state.files.record_arriving(name, [f for f in made.fetch if f.filename not in waiting])
    run.mirror.state.files.record_held(name, [*made.update, *made.restore])
    return made


def _note_published(mirror: Mirror, project: Project) -> None:
    """Note whether the page that is published may link to something else than what is held."""
    row = mirror.state.projects.get(project.name)
    project.is_new = row is None
    project.is_published = row is not None and bool(row.pages)
    if row is not None and not project.is_published:
        project.known = frozenset(mirror.state.files.file_names(project.name))


def _told_apart(
    mirror: Mirror, name: NormalizedName, wanted: tuple[File, ...]
) -> tuple[tuple[File, ...], tuple[Conflict, ...]]:
    """Leave out what would overwrite another file, where the file system takes two names for one."""
    spelling = mirror.store.spelling()
    if not any(spelling):
        return wanted, ()
    present = [*mirror.state.files.held_names(name), *mirror.state.files.delisted_of(name)]
    return told_apart(wanted, present, spelling.key)


def _refuse(run: Run, project: Project, clashes: tuple[Conflict, ...]) -> None:
    """Tell of names that are one file here; no row is made of the second, which would end as the first."""
    if not clashes:
        return
    project.is_whole, project.lacks_some = False, True
    more = f" (and of {len(clashes) - 1:,} files more)" if len(clashes) > 1 else ""
    reason = f"refused {clashes[0].filename}{more}: {clashes[0].reason}; keep the mirror on one that does"
    run.tally.fail(run.mirror, project.name, project.due.display_name, reason)


def _tell(name: NormalizedName, page: ProjectPage) -> None:
    """Log what of a page was not taken as it stands there."""
    for reason in page.refused:
        _log.warning("%s: refused %s", name, reason)
    if page.more_refused:
        _log.warning("%s: refused %s more", name, f"{page.more_refused:,}")
    for skipped in page.skipped:
        _log.info("%s: skipped %s", name, skipped)
    for note in page.notes:
        _log.info("%s: dropped: %s", name, note)


def has_empty_serial(
    mirror: Mirror, project: Project, found: tasks.PageSeen | NotModified | MirrorError
) -> bool:
    """Tell whether the page's serial says nothing, as another project's page has the same."""
    if isinstance(found, MirrorError):
        return False
    own = found.serial if isinstance(found, tasks.PageSeen) else None
    serial = own or project.due.page_serial
    return serial is not None and mirror.state.projects.has_page_serial(serial, but=project.name)


def _record_address(mirror: Mirror, due: Due, *, is_json: bool) -> None:
    """Record what was learned of the address of a project's page."""
    row = mirror.state.projects.get(due.name)
    speaks_json = is_json or due.speaks_json
    if row is not None and bool(row.speaks_json) != speaks_json:
        mirror.state.projects.record_speaks_json(due.name, speaks_json=speaks_json)


def _tell_disputed(name: NormalizedName, made: Plan) -> None:
    """Log, when it is new, that upstream offers core metadata that is not a held wheel's own."""
    for held in made.update:
        offered = dict(held.file.core_metadata or ()).get("sha256")
        if is_wheel(held.file.filename) and held.metadata and offered not in (None, held.metadata):
            filename = held.file.filename
            _log.warning("%s: %s: upstream offers core metadata that is not the wheel's own", name, filename)


def _compared(mirror: Mirror, external: ExternalLinks, project: Project, wanted: tuple[File, ...]) -> Plan:
    """Compare what is wanted with what is held. What is external comes and goes by its links alone.

    But the index's word counts for more: what it has itself now takes the place of what is external.
    """
    name = project.name
    foreign = external.owned(name)
    own = {file.filename for file in wanted}
    held = mirror.state.files.held(name)
    back = attested.may_return(mirror, name, companions.restorable(mirror, name))
    made = make_plan(
        wanted,
        {
            filename: each
            for filename, each in held.items()
            if filename not in foreign - own and filename not in project.drops
        },
        delisted={filename: each for filename, each in back.items() if filename not in foreign},
        accepts=lambda file: file.filename in foreign or mirror.config.accepts(file),
        looks=project.due.is_revalidation,
        foreign=foreign,
    )
    if made.replace:
        made = _without_blocked(mirror, project, made)
    external.forget(name, foreign & own - {each.file.filename for each in made.replace})
    return made


def _without_blocked(mirror: Mirror, project: Project, made: Plan) -> Plan:
    """Leave what is held as it is, where the bytes that would take its place were seen to be blocked."""
    trusts_names = not project.due.is_revalidation
    blocked = blocking.seen(mirror, project.name, made.fetch, trusts_names=trusts_names)
    return msgspec.structs.replace(
        made,
        fetch=tuple(file for file in made.fetch if file.filename not in blocked),
        replace=tuple(held for held in made.replace if held.file.filename not in blocked),
    )


def _record_page(mirror: Mirror, pages: Pages, project: Project, page: ProjectPage, made: Plan) -> None:
    """Record that the mirror's pages of the project are due, if they will change."""
    display_name = project.due.display_name
    row = mirror.state.projects.get(project.name)
    is_new_on_root = row is None or not row.is_listed or row.display_name != display_name
    has_news = made.fetch or made.restore or made.update or made.complete
    is_shown = row is not None and row.pages is not None
    says_the_same = row is not None and (row.status, row.status_reason) == (page.status, page.status_reason)
    if is_shown and says_the_same and not is_new_on_root and not has_news:
        return
    if is_new_on_root or mirror.config.full_index:
        pages.mark_root_dirty()
    mirror.state.projects.record_page(project.name, display_name, page.status, page.status_reason)
    pages.names.intend(project.name)
    project.has_changed = True


def _record_vanished(
    run: Run, project: Project, page: ProjectPage, made: Plan, *, tells_what_is_gone: bool
) -> None:
    """Record what a good page no longer lists; one that is older than the project list is not good."""
    name, transitions = project.name, run.mirror.state.transitions
    transitions.record_returned(name)
    unlisted = {held.file.filename for held in made.vanished}
    vanished = unlisted - page.unusable
    if not tells_what_is_gone:
        vanished &= transitions.vanished_files_of(name)
    transitions.record_vanished_files(name, vanished, run.mirror.clock(), but=run.external.owned(name))
    project.loses = bool(vanished) and run.mirror.config.cleanup
    _record_held_back(run.mirror, project, page, unlisted - vanished)


def _record_held_back(mirror: Mirror, project: Project, page: ProjectPage, kept: set[str]) -> None:
    """Record why files that a page does not list are kept, or that there are none; that is told after a day.

    Of a page that is older than the list that is told by itself.
    """
    why = None
    if not project.is_pending and mirror.config.cleanup and kept - page.unusable:
        why = _why_not_gone(project.name, page)
    row = mirror.state.projects.get(project.name)
    if why is not None:
        what = numbered(
            len(kept), "file that is not on its page is kept", "files that are not on its page are kept"
        )
        _log.warning("%s: %s: %s", project.name, what, why)
    if row is not None and row.held_back != why and not project.is_pending:
        mirror.state.revalidation.record_held_back(project.name, why, mirror.clock())


def _why_not_gone(name: NormalizedName, page: ProjectPage) -> str | None:
    """Say why a page can't tell that what it does not list is gone; None where it can."""
    if page.project != name:
        return "as this page can't tell that they are gone: nothing in it proves that it is this project's"
    if page.nameless:
        entries = numbered(page.nameless, "entry has", "entries have")
        return f"as this page can't tell that they are gone: {entries} no readable file name"
    return None


def without_digest(mirror: Mirror, external: ExternalLinks, name: NormalizedName) -> list[HeldFile]:
    """Return the held files of a project that upstream offers no digest of."""
    foreign = external.owned(name)
    held = mirror.state.files.held(name)
    return [each for f, each in held.items() if f not in foreign and (each.served or not each.file.digests)]


def looked(run: Run, project: Project, held: HeldFile, served: Served | None) -> None:
    """Record that upstream has the bytes that are held, or still those that were refused."""
    filename = held.file.filename
    if served is not None:
        run.mirror.state.files.record_served(project.name, filename, served)
    elif held.served is not None and held.served.refused:
        _refuse_other_bytes(run, project, filename, held.sha256, held.served.refused)


def is_now_accepted(mirror: Mirror, held: HeldFile) -> bool:
    """Tell whether bytes that were refused may come now."""
    refused = held.served and held.served.refused
    return bool(refused and mirror.config.accepts_bytes(held.file.filename, refused))


def takes_other_bytes(run: Run, project: Project, held: HeldFile, received: Received) -> bool:
    """Tell whether other bytes may take the place of a held file's; record it where they may not."""
    filename = held.file.filename
    # Where provenance is required, a document has to prove these bytes, and they came without any.
    if run.mirror.config.accepts_bytes(filename, received.sha256) and not project.is_attested:
        project.replaces |= {filename}
        project.has_changed = True
        return True
    assert received.served is not None
    refused = msgspec.structs.replace(received.served, refused=received.sha256)
    run.mirror.state.files.record_served(project.name, filename, refused)
    _refuse_other_bytes(run, project, filename, held.sha256, received.sha256)
    return False


def _refuse_other_bytes(run: Run, project: Project, filename: str, held: str, other: str) -> None:
    hint = f"if that is right, say accepted_changes = {filename} sha256={other}"
    reason = f"refused: upstream now has other bytes (sha256 {other}); held is {held}; {hint}"
    file_failed(run, project, filename, reason, is_kept=True)


def how_to_accept(file: File) -> str:
    """Say what lets new content take the place of a held file: the option, and the line to put there."""
    digest = strongest(file.digests)
    if digest is None:
        return "if that is right, say replace_changed_files = True"
    return f"if that is right, say accepted_changes = {file.filename} {digest.algorithm}={digest.hexdigest}"


def file_failed(run: Run, project: Project, filename: str, reason: str, *, is_kept: bool = False) -> None:
    """Record that a file could not be had or stored, or that it is kept as it was."""
    reason = reason[:LONGEST_REASON]
    _log.error("%s: %s: %s", project.name, filename, reason)
    project.is_whole = False
    project.lacks_some = project.lacks_some or not is_kept
    run.tally.counts.failed += 1
    run.mirror.state.files.record_file_failed(project.name, filename, reason, run.mirror.clock())


def record_display_name(mirror: Mirror, pages: Pages, project: Project) -> None:
    """Record how the project list spells a project whose page is unchanged."""
    if not project.due.is_from_list:
        return
    row = mirror.state.projects.get(project.name)
    if row is not None and row.is_listed and row.display_name != project.due.display_name:
        mirror.state.projects.record_page(
            project.name, project.due.display_name, row.status, row.status_reason
        )
        pages.names.intend(project.name)
        pages.mark_root_dirty()


def listed(mirror: Mirror, due: Due) -> None:
    """Record what the project list says of a project, whatever came of asking for its page."""
    mirror.state.projects.record_listed(due.name, due.serial, due.url)


def mark_current(run: Run, project: Project) -> None:
    """Record that the project is what upstream's page says; or that it waits, if that is an old page."""
    if project.is_pending:
        _wait(run, project)
        return
    if not project.is_proven:
        run.mirror.state.projects.record_unproven(project.name)
        return
    run.mirror.state.projects.mark_current(
        project.name,
        serial=project.due.serial,
        page_serial=project.page_serial,
        validators=project.validators,
        selection=project.selection or run.mirror.selection.fingerprint(project.name),
    )
    row = run.mirror.state.projects.get(project.name)
    days = run.mirror.config.revalidate_days
    if project.due.is_revalidation or (days and row is not None and row.revalidate_at is None):
        run.mirror.state.revalidation.record_revalidated(project.name, run.mirror.clock(), days)


def _wait(run: Run, project: Project) -> None:
    """Record that upstream's list and page don't agree: silently for a day, as a failure after that."""
    name, display_name, now = project.name, project.due.display_name, run.mirror.clock()
    since = run.mirror.state.projects.record_pending(name, display_name, project.page_serial, now)
    what = "answers 404, though the list names it" if project.is_missing else "is older than the list says"
    _log.info("%s: upstream's page %s; it is waited for", name, what)
    if now - since > DAY_S:
        reason = (
            "upstream's page answers 404, though its list has named the project for more than a day"
            if project.is_missing
            else "upstream's page has not been the one that its list speaks of for more than a day"
        )
        run.tally.fail(run.mirror, name, display_name, reason, since=since)
    run.pause(name)
