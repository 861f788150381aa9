"""Which projects a run has to ask upstream about."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from pypimirror import names
from pypimirror.amounts import DAY_S
from pypimirror.dependencies import Dependencies
from pypimirror.errors import BadPageError, MirrorError, NotFoundError, UnavailableError
from pypimirror.mirror import Mirror, Tally
from pypimirror.model import ListEntry, NormalizedName, Validators
from pypimirror.run import Options, Run, why_unasked
from pypimirror.simple import ACCEPT, Demands, ListFacts, is_json, parse_project_list
from pypimirror.state.rows import ProjectRow
from pypimirror.upstream import NotModified, Upstream

_log = logging.getLogger(__name__)

_LIST_NOTE = "list"
_JSON_NOTE = "speaks json"
_CONFIG_NOTE = "configuration"
_INDEX_NOTE = "index"
_LACKING_NOTE = "asked for what upstream lacks"
SELECTION_NOTE = "selection"
_SEEN = "seen"


class Due(NamedTuple):
    """A project to ask about: its serial by the project list, and what makes the request conditional."""

    name: NormalizedName
    display_name: str
    serial: str | None
    page_serial: str | None
    """What the last page said."""
    validators: Validators
    is_from_list: bool
    failures: int
    """How many tries failed in a row."""
    url: str | None
    """Where the list's own link leads, if not to the normalized address."""
    speaks_json: bool
    """Its address was seen to give JSON: HTML that comes from there has to name its API version."""
    is_revalidation: bool
    """It is to be looked at whatever upstream's hints say, with all that can be told of its files."""
    next_try: float = 0.0
    """Of those that failed who waits longest comes first."""


class _Note(msgspec.Struct):
    selection: str
    etag: str | None
    last_modified: str | None


class Crawl(NamedTuple):
    """What a crawl found."""

    due: list[Due]
    is_full: bool
    """Every selected project was looked for, so that a pattern without any match is worth a word."""
    note: _Note | None
    """What lets the next run ask for the list conditionally; to be kept once all that is due was done."""


_NAMELESS = "as the project list has an entry without a readable name"


def find_due(run: Run, *, has_new_selection: bool) -> Crawl:
    """Find the projects to ask about: those named, the literal names of the selection, or by upstream's list.

    Raises UpstreamError where the list can't be had or trusted.
    """
    _end_pauses_of_another_configuration(run.mirror, run.upstream)
    if run.mirror.config.min_age_days:
        run.mirror.state.choices.end_waits(run.mirror.clock())
    if has_new_selection or run.dependencies.is_stale:
        _forget_answers_to_another_selection(run.mirror, run.dependencies)
    run.mirror.state.revalidation.set_revalidation(run.mirror.config.revalidate_days, run.mirror.clock())
    if run.options.only:
        return Crawl(_all_due(run, dict.fromkeys(run.options.only)), is_full=False, note=None)
    if not run.mirror.selection.needs_list:
        names_ = dict.fromkeys(run.mirror.selection.literal_names)
        return Crawl(_all_due(run, names_), is_full=True, note=None)
    return _by_list(run)


def _end_pauses_of_another_configuration(mirror: Mirror, upstream: Upstream) -> None:
    """End all pauses when the configuration changed: it may be what was wrong, or say what to do."""
    fingerprint = mirror.config.fingerprint
    if mirror.state.notes.get(_CONFIG_NOTE) != fingerprint:
        mirror.state.projects.end_pauses()
        if mirror.state.notes.get(_INDEX_NOTE) != upstream.index_url:
            mirror.state.projects.forget_learned()
            mirror.state.notes.set(_INDEX_NOTE, upstream.index_url)
        mirror.state.notes.set(_CONFIG_NOTE, fingerprint)


def _forget_answers_to_another_selection(mirror: Mirror, dependencies: Dependencies) -> None:
    """Let pages be asked for again of which the selection now wants something else."""
    state, selection = mirror.state, mirror.selection
    is_known = state.notes.get(SELECTION_NOTE) == selection.of_projects
    if is_known and not dependencies.is_stale:
        return
    state.projects.mark_stale(
        name
        for name, fingerprint in state.projects.selections()
        if selection.selects(name) and fingerprint != selection.fingerprint(name)
    )
    state.notes.set(SELECTION_NOTE, selection.of_projects)
    if not is_known:
        # What was deselected since the list was read is news again, though the list may be what it was.
        state.notes.set(_LIST_NOTE, None)


def _speaks_json(run: Run) -> bool:
    """Tell whether the list's own address was seen to give JSON; of projects' pages that says nothing."""
    return run.mirror.state.notes.get(_JSON_NOTE) == run.upstream.index_url and not run.options.is_recheck


def forget_list(mirror: Mirror) -> None:
    """Let the next run read the whole list, as another selection acted without it."""
    mirror.state.notes.set(SELECTION_NOTE, None)
    mirror.state.notes.set(_LIST_NOTE, None)


def keep_note(mirror: Mirror, tally: Tally, crawl: Crawl) -> None:
    """Remember the list, once every project that it made due was looked at."""
    if crawl.is_full and mirror.selection.needs_list and not tally.unasked:
        mirror.state.notes.keep(_LIST_NOTE, crawl.note)


def _all_due(run: Run, entries: Mapping[NormalizedName, ListEntry | None]) -> list[Due]:
    """Return the projects to ask about now; those that keep failing come last, and not in their pauses."""
    due = [
        _due(run, name, row, entry)
        for name, entry in entries.items()
        if not _is_paused(run.mirror, run.options, row := run.mirror.state.projects.get(name), entry)
    ]
    return sorted(due, key=lambda each: (each.failures > 0, each.next_try))


def _is_paused(mirror: Mirror, options: Options, row: ProjectRow | None, entry: ListEntry | None) -> bool:
    if row is None or row.next_try is None or options.is_recheck or options.only:
        return False
    has_news = entry is not None and entry.serial != row.serial
    # A moment that is further away than any pause was recorded by a clock that was wrong.
    return not has_news and 0 < row.next_try - mirror.clock() <= DAY_S


def due_for_more(run: Run, name: NormalizedName) -> Due | None:
    """Return a project to ask about again, as more is asked for of it; None where that is there already."""
    row, selection = run.mirror.state.projects.get(name), run.mirror.selection
    if not selection.selects(name) or (row is not None and row.selection == selection.fingerprint(name)):
        return None
    return _due(run, name, row, run.mirror.state.projects.list_entry(name))


def _due(run: Run, name: NormalizedName, row: ProjectRow | None, entry: ListEntry | None) -> Due:
    is_conditional = (
        row is not None
        and row.is_current
        and row.selection == run.mirror.selection.fingerprint(name)
        and not run.options.is_recheck
    )
    url = _link(run.upstream, name, row, entry)
    return Due(
        name=name,
        display_name=_display_name(name, row, entry),
        serial=entry.serial if entry else None,
        page_serial=row.page_serial if row else None,
        validators=row.validators if row and is_conditional else Validators(),
        is_from_list=entry is not None,
        failures=row.failures if row else 0,
        next_try=(row.next_try if row else None) or 0.0,
        url=url,
        speaks_json=bool(row and row.speaks_json and row.url == url) and not run.options.is_recheck,
        is_revalidation=run.options.is_recheck or is_to_revalidate(run.mirror, row),
    )


def _display_name(name: NormalizedName, row: ProjectRow | None, entry: ListEntry | None) -> str:
    """Return how a project is shown: as a list spells it that does not normalize, else as its files do."""
    if entry is not None and entry.name != name:
        return entry.name
    if row is None:
        return name
    return (row.spelled or name) if entry else row.display_name


def _link(
    upstream: Upstream, name: NormalizedName, row: ProjectRow | None, entry: ListEntry | None
) -> str | None:
    """Return where the list's own link leads, or led when the list was last read; not the usual address."""
    url = entry.url if entry else row.url if row else None
    return None if url == upstream.project_url(name) else url


def is_to_revalidate(mirror: Mirror, row: ProjectRow | None) -> bool:
    """Tell whether it is time to ask for a page though nothing tells of a change."""
    if row is None or row.revalidate_at is None or not mirror.config.revalidate_days:
        return False
    return not 0 < row.revalidate_at - mirror.clock() <= mirror.config.revalidate_days * DAY_S


def _by_list(run: Run) -> Crawl:
    days = run.mirror.config.revalidate_days
    too_old = run.mirror.state.revalidation.to_revalidate(run.mirror.clock(), days) if days else []
    try:
        found = run.upstream.retrying(lambda: _read_list(run, too_old))
    except NotFoundError as error:
        raise NotFoundError(error.url, f"{error.reason}; is index_url right?") from error
    except BadPageError as error:
        if run.mirror.state.projects.is_empty():  # else it was right before
            raise type(error)(error.url, f"{error.reason}; is index_url right?") from error
        raise
    if found is None:
        # The list is what it was, and so are the serials in it: only what is unfinished is due, or too old.
        projects, selects = run.mirror.state.projects, run.mirror.selection.selects
        again = dict.fromkeys([*projects.stale(), *too_old, *_unlisted(run)])
        due = _all_due(run, {name: projects.list_entry(name) for name in again if selects(name)})
        return Crawl(due, is_full=False, note=None)
    entries, note = found
    return Crawl(_all_due(run, entries), is_full=True, note=note)


def _unlisted(run: Run) -> list[NormalizedName]:
    """Return the projects that are required and not there, to be asked about though the list is unchanged.

    Some lists do not name all that upstream has, so they have their turn once a day.
    """
    unlisted, is_stale = run.dependencies.unlisted(), run.dependencies.is_stale
    notes, now = run.mirror.state.notes, run.mirror.clock()
    return unlisted if unlisted and notes.once_a_day(_LACKING_NOTE, now, is_news=is_stale) else []


def _read_list(
    run: Run, too_old: list[NormalizedName]
) -> tuple[dict[NormalizedName, ListEntry], _Note | None] | None:
    """Return the projects whose serial moved, and the next note; None where the list is unchanged."""
    url = run.upstream.index_url
    known = run.mirror.state.projects.serials()
    # Whatever the list says of these: no serial that was seen confirms them.
    known |= {name: None for name in too_old if name in known}
    with run.upstream.open_page(
        url, accept=ACCEPT, validators=_validators(run.mirror, run.options)
    ) as answer:
        if isinstance(answer, NotModified):
            return None
        due: dict[NormalizedName, ListEntry] = {}
        facts = ListFacts()
        listed = 0

        def choose(display_names: Sequence[str]) -> Sequence[int]:
            nonlocal listed
            listed += len(display_names)
            return run.mirror.selection.choose(display_names)

        has_serials = True
        entries = parse_project_list(
            answer.chunks(),
            answer.content_type,
            answer.url,
            asked=url,
            demands=Demands(version=_speaks_json(run), end=not answer.tells_its_end),
            choose=choose,
            seen=facts,
        )
        for name, entry in _told_apart(_selected(run.mirror, entries), facts):
            has_serials = has_serials and entry.serial is not None
            serial = known.get(name)
            if serial == _SEEN or name in due:  # under two spellings: the first counts, in each run
                continue
            if name in known:
                known[name] = _SEEN
            if run.options.is_recheck or entry.serial is None or serial != entry.serial:
                due[name] = entry
        if not listed:
            raise BadPageError(answer.url, "lists no project at all")
        if is_json(answer.content_type):
            run.mirror.state.notes.set(_JSON_NOTE, run.upstream.index_url)
        _note_absent(run.mirror, known, facts)
        # Without serials an unchanged list says nothing about the projects' pages.
        note = _Note(run.mirror.selection.of_projects, *answer.validators)
        is_useful = has_serials and any(answer.validators)
        return due, note if is_useful else None


def _told_apart(
    entries: Iterable[tuple[NormalizedName, ListEntry]], facts: ListFacts
) -> Iterator[tuple[NormalizedName, ListEntry]]:
    """Yield all entries; serials that are all equal say nothing, and are left out."""
    waiting = []
    for each in entries:
        if not facts.serials_differ and each[1].serial is not None:
            waiting.append(each)
            continue
        yield from waiting
        waiting.clear()
        yield each
    for name, entry in waiting:
        yield name, entry if facts.serials_tell else ListEntry(entry.name, None, entry.url)


def _selected(mirror: Mirror, entries: Iterable[ListEntry]) -> Iterator[tuple[NormalizedName, ListEntry]]:
    for entry in entries:
        try:
            name = names.normalize(entry.name)
        except ValueError:
            _log.debug("%r in the project list is no project's name", entry.name[:100])
            continue
        if mirror.selection.selects(name):
            yield name, entry


def _note_absent(mirror: Mirror, known: Mapping[NormalizedName, str | None], facts: ListFacts) -> None:
    """Record which projects a good list no longer names, and which it names again."""
    for name in mirror.state.projects.vanished_projects():
        if known.get(name) == _SEEN:
            mirror.state.transitions.record_returned(name)
    absent = [name for name, seen in known.items() if seen != _SEEN and mirror.selection.selects(name)]
    revalidation, now = mirror.state.revalidation, mirror.clock()
    for each in revalidation.held_back():
        if each.reason == _NAMELESS and not (facts.nameless and each.project in absent):
            revalidation.record_held_back(each.project, None, now)
    if facts.nameless:
        for name in absent:
            _log.warning("%s is not on the project list, but is kept: %s", name, _NAMELESS)
            revalidation.record_held_back(name, _NAMELESS, now)
        return
    for name in absent:
        _log.info("%s: upstream's list no longer names it", name)
        mirror.state.transitions.record_vanished(name, mirror.clock())
    # Of what never had a page nothing is left to keep.
    mirror.state.transitions.forget_projects(absent)


def _validators(mirror: Mirror, options: Options) -> Validators:
    note = mirror.state.notes.hint(_LIST_NOTE, _Note)
    if note is None or options.is_recheck or note.selection != mirror.selection.of_projects:
        return Validators()
    return Validators(note.etag, note.last_modified)


class PageOutcome(NamedTuple):
    """What became of the pages that were asked for."""

    errors: list[MirrorError]
    """Why some could not be had."""
    vanished: list[NormalizedName]
    """Projects that were held, and are now said to be not there."""
    unproven: list[NormalizedName]
    """Of those that no list names: whose page has no file, and nothing else of an index's page."""


def check_any_answer(run: Run, crawl: Crawl, answers: PageOutcome) -> None:
    """Raise UnavailableError where not one page of a mirror of literal names could be had."""
    if run.options.only or run.mirror.selection.needs_list:
        return
    errors, unproven = answers.errors, answers.unproven
    # What is required is asked for, too, and some projects twice.
    number = len({each.name for each in crawl.due}.intersection([*answers.vanished, *unproven])) + len(errors)
    left = len(frozenset().union(*run.tally.unasked.values()))
    if left and left + number == len(crawl.due):
        run.mirror.state.projects.end_pauses()
        raise UnavailableError(run.upstream.index_url, "; ".join(why_unasked(run.tally)))
    # One project without a file and its page may be just that.
    if not errors and len(unproven) < 2:
        return
    if number == len(crawl.due):
        # The trouble is not theirs, and when it is over they are all wanted at once.
        run.mirror.state.projects.end_pauses()
        first = errors[0] if errors else f"the page of {unproven[0]} has no file, and no mark of an index"
        reason = (
            f"not one project of {len(crawl.due):,} could be had (is index_url right?); the first: {first}"
        )
        raise UnavailableError(run.upstream.index_url, reason)
