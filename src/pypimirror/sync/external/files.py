"""What is wanted of other hosts for a project, and what becomes of it in the state and the tree."""

import itertools
import logging
from collections.abc import Collection

import msgspec

from pypimirror import elsewhere, links, metadata
from pypimirror.errors import TreeError
from pypimirror.filenames import is_wheel, version_of
from pypimirror.mirror import DAY_S, Mirror
from pypimirror.model import Digest, External, File, HeldFile, Link, NormalizedName
from pypimirror.publishing import companions
from pypimirror.state import ExternalRow, Failure
from pypimirror.store import aside_folder
from pypimirror.sync import record
from pypimirror.sync.external.tasks import FetchTask
from pypimirror.sync.run import Run

_log = logging.getLogger(__name__)

_HOUR_S = 3600.0
_QUIET_S = 7 * DAY_S
"""For so long nothing more is said of a link that still can't be followed."""


class Project:
    """A project whose links are looked at."""

    def __init__(self, run: Run, name: NormalizedName, *, is_full: bool, is_forced: bool) -> None:
        self.name = name
        self.is_full = is_full
        """All links are looked at, and not only new ones."""
        self.is_forced = is_forced
        """Files are looked at, however short a time ago they were."""
        self.known = run.mirror.state.external.external_links(name)
        self.rows = run.mirror.state.external.externals(name)
        self.dead = run.mirror.state.external.dead_links_of(name)
        """Addresses that could not be had the last time; True where they were asked for."""
        self.unfinished = 0
        """Tasks that wait or are under way."""
        self.is_chosen = False
        """All links were looked at, so that it is known which files are wanted."""
        self.looked: set[Link] = set()
        self.asked: set[str] = set()
        self.failed: dict[str, str] = {}
        """Why addresses could not be had."""
        self.candidates: dict[str, tuple[links.Candidate, External]] = {}
        self._ranks: dict[str, tuple[bool, bool, bool, int]] = {}
        self.has_changed = False
        """Its page is to be written."""

    def add(self, candidate: links.Candidate, link: Link, *, is_paged: bool) -> None:
        """Note a file behind a link. Of several for one file the best counts.

        That is one that could be had the last time, by itself rather than on a page, with a digest, and then
        the first.
        """
        place = list(self.known.every()).index(link.url)
        rank = (candidate.url in self.dead, is_paged, not candidate.digests, place)
        if rank < self._ranks.get(candidate.filename, (True, True, True, place + 1)):
            self._ranks[candidate.filename] = rank
            self.candidates[candidate.filename] = candidate, External(link=link.url, is_paged=is_paged)

    def is_doubtful(self, url: str) -> bool:
        """Tell whether an address was asked for the last time, and could not be had."""
        return self.dead.get(url, False)

    def is_held(self, filename: str) -> bool:
        """Tell whether a file from elsewhere is in the tree."""
        row = self.rows.get(filename)
        return row is not None and row.status == "held"


# -- what is wanted ------------------------------------------------------------------------------


def wanted(run: Run, project: Project) -> list[tuple[File, External]]:
    """Return the files to fetch, and those held that are due to be looked at, each with what is known of it.

    What is new comes first, and then what was looked at longest ago.
    """
    chosen = [f for f in project.candidates if _is_chosen(run.mirror, project, f)]
    _bring_back(run, project, chosen)
    _complete(run, project)
    own = run.mirror.state.external.own_names(project.name)
    found = [_known(run.mirror, project, filename) for filename in chosen if filename not in own]
    due = [each for each in found if _is_due(run.mirror, project, each[0])]
    return sorted(due, key=lambda each: _checked(project, each[0].filename))


def _is_chosen(mirror: Mirror, project: Project, filename: str) -> bool:
    reason = mirror.selection.why_not(filename)
    if mirror.selection.needs_provenance(project.name):
        reason = "provenance_required: what lies elsewhere has none"
    if reason:
        _log.debug("%s: skipped %s (%s)", project.name, filename, reason)
    return not reason


def _checked(project: Project, filename: str) -> float:
    return project.rows[filename].checked if project.is_held(filename) else 0.0


def _is_due(mirror: Mirror, project: Project, file: File) -> bool:
    row = project.rows.get(file.filename)
    if row is None or not project.is_held(file.filename) or project.is_forced or row.file.url != file.url:
        return True
    if row.external.refused is not None and _accepts(mirror, file, row.external.refused):
        return True
    interval = mirror.config.external_interval_hours * _HOUR_S
    return _contradicts(row, file) or not 0 <= mirror.clock() - row.checked < interval


def _contradicts(row: ExternalRow, file: File) -> bool:
    """Tell whether a link offers a digest that nobody compared with what is held."""
    known = dict(row.file.digests) | {"sha256": row.external.pinned or ""}
    return any(known.get(algorithm) != hexdigest for algorithm, hexdigest in file.digests)


def _known(mirror: Mirror, project: Project, filename: str) -> tuple[File, External]:
    """Return a file with what is known of it: what is pinned, and where that can tell, what it was like."""
    candidate, external = project.candidates[filename]
    version = version_of(filename, project.name)
    file = File(filename=filename, url=candidate.url, digests=candidate.digests, version=version)
    row = project.rows.get(filename)
    if row is None:
        return file, external
    known = msgspec.structs.replace(row.external, link=external.link, is_paged=external.is_paged)
    is_accepted = known.refused is not None and _accepts(mirror, file, known.refused)
    is_same_place = project.is_held(filename) and row.file.url == file.url
    if not is_same_place or is_accepted or _contradicts(row, file):
        known = msgspec.structs.replace(known, etag=None, last_modified=None, length=None)
    return file, known


def _bring_back(run: Run, project: Project, chosen: Collection[str]) -> None:
    """Hold again what is still in the tree: what is in its grace, or what the index itself has no longer.

    So bytes that were accepted once come back without a download, and stay pinned.
    """
    state, name = run.mirror.state, project.name
    back = record.restorable(run.mirror, name) | _put_back(run, project, chosen)
    vanished = state.transitions.vanished_files_of(name)
    held = state.files.held(name) if vanished else {}
    for filename in chosen:
        was = back.get(filename) or (held[filename] if filename in vanished else None)
        if was is None:
            continue
        candidate, external = project.candidates[filename]
        known = was.external or External(link="", length=was.size, pinned=was.sha256)
        known = msgspec.structs.replace(known, link=external.link, is_paged=external.is_paged)
        file = was.file if was.external else msgspec.structs.replace(was.file, url=candidate.url)
        state.files.record_held(name, [was], is_new=filename in back)
        state.external.record_external(name, file, known)
        project.rows[filename] = ExternalRow("held", file, known, checked=0.0, delisted_since=0.0)
        if filename in back:
            state.files.mark_pages_dirty(name)
            project.has_changed = True


def _put_back(run: Run, project: Project, chosen: Collection[str]) -> dict[str, HeldFile]:
    """Put those files back into their place that a quarantine put out of reach, and return them."""
    name = project.name
    folder = aside_folder(name)
    sizes = run.mirror.store.sizes(folder)
    delisted = run.mirror.state.files.delisted_of(name) if sizes else {}
    found = {f: delisted[f] for f in chosen if f in delisted and sizes.get(f) == delisted[f].size}
    if found:  # a new quarantine, after a kill, has to know where they may be
        run.mirror.state.transitions.record_reachable(name)
        run.tree.commit()
    for filename, held in list(found.items()):
        try:
            run.tree.take_over(name, folder, filename)
        except TreeError as error:
            project.failed[held.file.url] = str(error)
            del found[filename]
    return found


def _complete(run: Run, project: Project) -> None:
    """Write the core metadata that wheels from elsewhere have in them, and lack beside them."""
    name = project.name
    for filename, held in run.mirror.state.files.held(name).items():
        if held.external is None or held.metadata is not None or not is_wheel(filename):
            continue
        content = run.mirror.store.open_existing(name, filename)
        if content is None:
            continue
        with content:
            text = metadata.from_wheel(content, filename)
        if text is not None:
            run.mirror.state.files.mark_pages_dirty(name)
            run.tree.commit()
            project.has_changed = True
            try:
                run.mirror.state.files.record_held(
                    name, [companions.write_metadata(run.tree, name, held, text)]
                )
            except TreeError as error:
                project.failed[held.file.url] = str(error)


def _accepts(mirror: Mirror, file: File, sha256: str) -> bool:
    return mirror.config.accepts(msgspec.structs.replace(file, digests=(Digest("sha256", sha256),)))


def intend(run: Run, project: Project, file: File, external: External) -> None:
    """Record that a file is to come; one that was lost keeps what was wrong until it is there."""
    if project.is_held(file.filename):
        return
    row = project.rows.get(file.filename)
    if row is None or row.status == "delisted":
        run.mirror.state.files.record_arriving(project.name, [file])
    run.mirror.state.external.record_external(project.name, file, external)
    run.tally.counts.files += 1
    run.tally.counts.unsized += 1


# -- what became of it ---------------------------------------------------------------------------


def failed(mirror: Mirror, project: Project, file: File, reason: str) -> None:
    """Note that a file could not be had: what is held of it stays, and the grace of what is not goes on."""
    project.failed[file.url] = f"{file.filename}: {reason}"
    row = project.rows.get(file.filename)
    if row is not None and row.status == "delisted":
        mirror.state.external.delist_external_again(project.name, file.filename, row.delisted_since)
    else:
        mirror.state.external.delist_unfinished_externals(project.name, [file.filename])


def keep(run: Run, project: Project, file: File, external: External) -> None:
    """Record how a held file lies elsewhere now, with the very bytes that are held."""
    name, row = project.name, project.rows[file.filename]
    digests = tuple(sorted((dict(row.file.digests) | dict(file.digests)).items()))
    now = msgspec.structs.replace(row.file, url=file.url, digests=tuple(itertools.starmap(Digest, digests)))
    if now.digests != row.file.digests:
        run.mirror.state.files.mark_pages_dirty(name)
        project.has_changed = True
    run.mirror.state.external.record_external(name, now, external, checked=run.mirror.clock())
    if external.refused is not None:
        _tell_refused(run, name, now, external)
    elif row.external.refused is not None:
        run.mirror.state.external.forgive_external(name, file.filename)


def take(run: Run, project: Project, task: FetchTask, brought: elsewhere.Brought) -> None:
    """Pin what came first; of what comes later keep to that, unless the configuration accepts it.

    Raises TreeError where it can't be placed.
    """
    pinned, sha256 = brought.external.pinned, brought.sha256
    if pinned not in (None, sha256) and not _accepts(run.mirror, task.file, sha256):
        _refuse(run, project, task.file, brought)
        return
    external = msgspec.structs.replace(brought.external, pinned=sha256, refused=None)
    if pinned == sha256 and project.is_held(task.file.filename):
        keep(run, project, task.file, external)
    else:
        _place(run, project, task, brought, external)


def _refuse(run: Run, project: Project, file: File, brought: elsewhere.Brought) -> None:
    """Record what lies there now, so that it need not come again to be refused."""
    known = msgspec.structs.replace(project.rows[file.filename].file, url=file.url)
    external = msgspec.structs.replace(brought.external, refused=brought.sha256)
    run.mirror.state.external.record_external(project.name, known, external, checked=run.mirror.clock())
    _tell_refused(run, project.name, known, external)


def _tell_refused(run: Run, name: NormalizedName, file: File, external: External) -> None:
    reason = (
        f"refused: other bytes lie at {file.url} now, and sha256 {external.pinned} was accepted once;"
        f" accepted_changes = {file.filename} sha256={external.refused} takes them"
    )
    _log.error("%s: %s: %s", name, file.filename, reason)
    run.tally.counts.failed += 1
    run.mirror.state.external.record_external_refused(name, file.filename, reason, run.mirror.clock())


def _place(
    run: Run, project: Project, task: FetchTask, brought: elsewhere.Brought, external: External
) -> None:
    name, file = project.name, task.file
    for note in brought.notes:
        _log.warning("%s: %s", name, note)
    if project.is_held(file.filename):
        run.tree.withdraw(name, file, external)
    # From here on the project's page is due, whatever becomes of this run.
    run.mirror.state.files.mark_pages_dirty(name)
    run.tree.commit()
    held = HeldFile(file=file, sha256=brought.sha256, size=brought.size)
    try:
        run.tree.place(name, task.temporary, file.filename)
        if brought.metadata is not None:
            held = companions.write_metadata(run.tree, name, held, brought.metadata)
    except TreeError as error:
        if project.is_held(file.filename):  # its link is gone: it has to be fetched again
            run.mirror.state.files.record_file_failed(name, file.filename, str(error), run.mirror.clock())
        raise
    run.mirror.state.files.record_held(name, [held], is_new=True)
    run.mirror.state.external.record_external(name, file, external, checked=run.mirror.clock())
    run.tally.counts.stored += 1
    run.tally.counts.stored_bytes += brought.size
    run.tally.counts.done_bytes += brought.size
    project.has_changed = True
    if not file.digests:
        _log.warning("%s: %s: taken from %s without a digest, and pinned", name, file.filename, file.url)


def end(run: Run, project: Project, *, is_adopting: bool) -> None:
    """Record what was seen of a project's links, and publish what came."""
    state, name = run.mirror.state, project.name
    every = project.known.every()
    if is_adopting:
        _adopt_unseen(run.mirror, project)
    gone = [
        filename
        for filename, row in state.external.externals(name).items()
        if row.external.link not in every and filename not in project.candidates
    ]
    state.external.record_external_vanished(name, gone, run.mirror.clock())
    state.external.delist_unfinished_externals(name, gone, are_gone=True)
    _tell(run, project)
    if project.has_changed:
        _publish(run, project)
    looked = frozenset(every.values()) & (project.known.looked | project.looked)
    state.external.record_external_looked(
        name, msgspec.structs.replace(project.known, looked=looked), _next_look(run.mirror, project)
    )
    run.tree.commit()


def _adopt_unseen(mirror: Mirror, project: Project) -> None:
    """Where a state was lost and a link can't be followed: take what nobody lists for files behind it."""
    state, name = mirror.state, project.name
    link = next((url for url in project.known.every() if url in project.failed), None)
    held = state.files.held(name) if link else {}
    for filename in state.transitions.vanished_files_of(name) if link else ():
        was = held[filename]
        is_paged = mirror.config.follow_external_index_pages
        external = External(link=link or "", is_paged=is_paged, length=was.size, pinned=was.sha256)
        state.external.record_external(name, was.file, external)


def _next_look(mirror: Mirror, project: Project) -> float | None:
    """Return when to look at all links again; new ones alone put nothing off."""
    if not (project.known.every() or project.failed):
        return None
    due = None if project.is_full else mirror.state.external.next_external_look(project.name)
    return due if due is not None else mirror.clock() + mirror.config.external_interval_hours * _HOUR_S


def _publish(run: Run, project: Project) -> None:
    name = project.name
    run.pages.names.intend(name)
    if run.mirror.config.full_index:
        run.pages.mark_root_dirty()
    run.tree.commit()
    if run.pages.project(name):
        run.tally.note_changed(name, may_again=run.mirror.config.external_links)
        _log.info("%s: published, with files from elsewhere", name)


def _tell(run: Run, project: Project) -> None:
    """Record what could not be followed, and say what was not said for a while."""
    state, name, now = run.mirror.state, project.name, run.mirror.clock()
    for url, reason in project.failed.items():
        is_asked = url in project.asked
        is_news = state.external.record_dead_link(
            name, url, reason, is_asked=is_asked, now=now, quiet_s=_QUIET_S
        )
        if is_news and (name, url) not in run.tally.told_links:
            _log.warning("%s: a link can't be followed: %s", name, reason)
            run.tally.counts.failed += 1
            run.tally.external.append(Failure(name, None, reason, now))
            run.tally.told_links.add((name, url))
    for url in project.dead - project.failed.keys():
        if project.is_full or url in project.asked or not project.known.every():
            state.external.forget_dead_link(name, url)
