"""Which projects a run has to ask upstream about."""

import logging
from typing import NamedTuple

import msgspec

from pypimirror import names
from pypimirror.errors import BadPageError, MirrorError, UnavailableError
from pypimirror.model import ListEntry, NormalizedName, Validators
from pypimirror.simple import ACCEPT, parse_project_list
from pypimirror.sync.run import Run
from pypimirror.upstream import NotModified

_log = logging.getLogger(__name__)

_LIST_NOTE = "list"


class Due(NamedTuple):
    """A project to ask about: its serial by the project list, and what makes the request conditional."""

    name: NormalizedName
    shown: str
    serial: str | None
    validators: Validators
    is_from_list: bool


class Crawl(NamedTuple):
    """What a crawl found."""

    due: list[Due]
    is_full: bool
    """Every selected project was looked for, so that a pattern without any match is worth a word."""
    note: str | None
    """What lets the next run ask for the list conditionally; to be kept once all that is due was done."""


class _Note(msgspec.Struct):
    selection: str
    etag: str | None
    last_modified: str | None


def find_due(run: Run) -> Crawl:
    """Find the projects to ask about: those named, the literal names of the selection, or by upstream's list.

    Raises UpstreamError where the list can't be had or trusted.
    """
    if run.only:
        return Crawl([_due(run, name) for name in run.only], is_full=False, note=None)
    if not run.selection.needs_list:
        return Crawl([_due(run, name) for name in run.selection.literal_names], is_full=True, note=None)
    return _by_list(run)


def keep_note(run: Run, crawl: Crawl) -> None:
    """Remember the list, once every project that it made due was looked at."""
    if crawl.is_full and run.selection.needs_list:
        run.state.set_note(_LIST_NOTE, crawl.note)


def _due(run: Run, name: NormalizedName, entry: ListEntry | None = None) -> Due:
    row = run.state.project(name)
    is_conditional = (
        row is not None and row.is_current and row.selection == run.selection.of_files and not run.is_recheck
    )
    return Due(
        name=name,
        shown=entry.name if entry else row.shown if row else name,
        serial=entry.serial if entry else None,
        validators=row.validators if row and is_conditional else Validators(),
        is_from_list=entry is not None,
    )


def _by_list(run: Run) -> Crawl:
    found = run.upstream.retrying(lambda: _read_list(run))
    if found is None:
        # The list is what it was, and so are the serials in it: only what is unfinished is due.
        unfinished = [name for name in run.state.unsettled() if run.selection.selects(name)]
        due = [_due(run, name, run.state.list_entry(name)) for name in unfinished]
        return Crawl(due, is_full=False, note=None)
    entries, note = found
    return Crawl([_due(run, name, entry) for name, entry in entries.items()], is_full=True, note=note)


def _read_list(run: Run) -> tuple[dict[NormalizedName, ListEntry], str | None] | None:
    """Return the projects whose serial moved, and the next note; None where the list is unchanged."""
    url = run.upstream.index_url
    known = {} if run.is_recheck else run.state.serials(run.selection.of_files)
    absent = set(run.state.unsettled())
    with run.upstream.open_page(url, accept=ACCEPT, validators=_validators(run)) as answer:
        if isinstance(answer, NotModified):
            return None
        due: dict[NormalizedName, ListEntry] = {}
        listed = 0
        has_serials = True
        for entry in parse_project_list(answer.chunks(is_decoded=True), answer.content_type, answer.url):
            listed += 1
            if not names.is_valid(entry.name):
                _log.debug("%r in the project list is no project's name", entry.name[:100])
                continue
            name = names.normalize(entry.name)
            if not run.selection.selects(name):
                continue
            absent.discard(name)
            has_serials = has_serials and entry.serial is not None
            if entry.serial is None or known.get(name) != entry.serial:
                due[name] = entry
        if not listed:
            raise BadPageError(answer.url, "lists no project at all")
        # Nothing is waited for from projects that a good list no longer names.
        run.state.forget_unfinished(absent)
        # Without serials an unchanged list says nothing about the projects' pages.
        note = _Note(run.selection.of_projects, *answer.validators)
        is_useful = has_serials and any(answer.validators)
        return due, msgspec.json.encode(note).decode() if is_useful else None


def _validators(run: Run) -> Validators:
    text = run.state.note(_LIST_NOTE)
    if text is None or run.is_recheck:
        return Validators()
    note = msgspec.json.decode(text, type=_Note)
    if note.selection != run.selection.of_projects:
        return Validators()
    return Validators(note.etag, note.last_modified)


def check_any_answer(run: Run, crawl: Crawl, errors: list[MirrorError]) -> None:
    """Raise UnavailableError where not one page of a mirror of literal names could be had."""
    if crawl.due and len(errors) == len(crawl.due) and not (run.only or run.selection.needs_list):
        reason = (
            f"not one project of {len(errors)} could be had (is index_url right?); the first: {errors[0]}"
        )
        raise UnavailableError(run.upstream.index_url, reason)
