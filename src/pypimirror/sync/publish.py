"""Pages out of the state: a project's own, the root page, the page of all files."""

import hashlib
import logging
from collections.abc import Iterator

from pypimirror import pages
from pypimirror.errors import TreeError
from pypimirror.model import NormalizedName
from pypimirror.store import FULL, HTML, JSON
from pypimirror.sync.run import Run

_log = logging.getLogger(__name__)

_ROOT_NOTE = "root"
_ROOT_WRITTEN_NOTE = "root written"
_FULL_WRITTEN_NOTE = "full written"
_OUR_HTML = b'<meta name="pypi:repository-version"'


def project(run: Run, name: NormalizedName) -> bool:
    """Write a project's pages, if their bytes change; tell whether they could be written."""
    try:
        if run.config.create_indexes:
            rendered = _rendered(run, name)
            run.store.write(name, HTML, [pages.project_html(rendered)])
            run.store.write(name, JSON, [pages.project_json(rendered)])
        else:
            _remove_pages(run, name)
    except TreeError as error:
        run.unwritable.add(name)
        run.fail(name, name, str(error))
        return False
    run.state.record_pages_written(name, _fingerprint(run))
    return True


def is_as_rendered(run: Run, name: NormalizedName) -> bool:
    """Tell whether a project's pages are what the state renders to."""
    if not run.config.create_indexes:
        return True
    rendered = _rendered(run, name)
    return run.store.has_bytes(name, HTML, [pages.project_html(rendered)]) and run.store.has_bytes(
        name, JSON, [pages.project_json(rendered)]
    )


def is_root_as_rendered(run: Run) -> bool:
    """Tell whether the root pages are what the state renders to."""
    if not run.config.create_indexes:
        return True
    has_bytes = run.store.has_bytes
    return (
        has_bytes(None, HTML, pages.root_html(run.state.listed()))
        and has_bytes(None, JSON, pages.root_json(run.state.listed()))
        and (not run.config.full_index or has_bytes(None, FULL, pages.full_html(_all_rendered(run))))
    )


def has_full(run: Run) -> bool:
    """Tell whether the page of all files is one that we wrote."""
    return run.state.note(_FULL_WRITTEN_NOTE) is not None


def remove_project(run: Run, name: NormalizedName) -> None:
    """Remove the pages of a project that left the mirror, and its folder if nothing is left in it."""
    try:
        _remove_pages(run, name)
    except TreeError as error:
        _log.warning("%s", error)
    run.store.remove_folder(name)
    run.state.record_pages_written(name, "")
    run.state.forget_projects([name])


def _remove_pages(run: Run, name: str) -> None:
    """Remove pages that are of our making."""
    content = run.store.read(name, HTML)
    if content is not None and _OUR_HTML in content[:1024]:
        run.store.remove(name, HTML)
    run.store.remove(name, JSON)


def projects_due(run: Run) -> None:
    """Write the pages that lose something, and those that a kill, other options or an upgrade left behind."""
    for name in run.state.pages_due(_fingerprint(run)):
        if name not in run.unwritable:
            project(run, name)


def all_due(run: Run) -> None:
    """Write all pages that are due, the root page after those that it links to; or remove them, before."""
    if not run.config.create_indexes:
        root(run)
    projects_due(run)
    root(run)


def every_page(run: Run) -> None:
    """Make the pages of all projects due, also those that somebody deleted or changed, and the root page."""
    root_is_due(run)
    run.state.record_all_pages_due()


def root_is_due(run: Run) -> None:
    """Record that the root pages have to be written."""
    run.state.set_note(_ROOT_NOTE, None)


def root(run: Run) -> None:
    """Write the root pages, if they are due."""
    fingerprint = _fingerprint(run)
    if run.state.note(_ROOT_NOTE) == fingerprint:
        return
    run.state.commit()
    if run.config.create_indexes:
        run.store.write(None, HTML, pages.root_html(run.state.listed()))
        run.store.write(None, JSON, pages.root_json(run.state.listed()))
    elif run.state.note(_ROOT_WRITTEN_NOTE):
        _remove_pages(run, ".")
    full(run)
    run.state.set_note(_ROOT_WRITTEN_NOTE, "yes" if run.config.create_indexes else None)
    run.state.set_note(_ROOT_NOTE, fingerprint)


def full(run: Run) -> None:
    """Write the page of all files, or remove it where it is no longer wanted."""
    if run.config.create_indexes and run.config.full_index:
        run.store.write(None, FULL, pages.full_html(_all_rendered(run)))
        run.state.set_note(_FULL_WRITTEN_NOTE, "yes")
    elif run.state.note(_FULL_WRITTEN_NOTE):
        run.store.remove(".", FULL)
        run.state.set_note(_FULL_WRITTEN_NOTE, None)


def _rendered(run: Run, name: NormalizedName) -> pages.Project:
    row = run.state.project(name)
    # PEP 792: no file of a quarantined project may be offered.
    is_quarantined = row is not None and row.status == "quarantined"
    return pages.Project(
        name=name,
        files=() if is_quarantined else tuple(run.state.held(name).values()),
        status=row.status if row else None,
        status_reason=row.status_reason if row else None,
    )


def _all_rendered(run: Run) -> Iterator[pages.Project]:
    return (_rendered(run, name) for name, _ in run.state.listed())


def _fingerprint(run: Run) -> str:
    options = (pages.RENDERER, pages.API_VERSION, run.config.create_indexes, run.config.full_index)
    return hashlib.sha256(repr(options).encode()).hexdigest()[:16]
