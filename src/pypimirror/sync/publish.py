"""Pages out of the state: a project's own, the root page, the page of all files."""

import hashlib
import logging
from collections.abc import Container, Iterator

from pypimirror import pages
from pypimirror.errors import TreeError
from pypimirror.model import NormalizedName
from pypimirror.store import FULL, HTML, JSON
from pypimirror.sync.run import Run

_log = logging.getLogger(__name__)

_ROOT_NOTE = "root"


def project(run: Run, name: NormalizedName) -> bool:
    """Write a project's pages, if their bytes change; tell whether they could be written."""
    try:
        if run.config.create_indexes:
            rendered = _rendered(run, name)
            run.store.write(name, HTML, [pages.project_html(rendered)])
            run.store.write(name, JSON, [pages.project_json(rendered)])
    except TreeError as error:
        run.fail(name, name, str(error))
        return False
    run.state.record_pages_written(name, _fingerprint(run))
    return True


def projects_due(run: Run, *, tried: Container[NormalizedName]) -> None:
    """Write the pages that an interrupted run, other options or an upgrade left behind.

    Projects in `tried` had their turn in this run.
    """
    for name in run.state.pages_due(_fingerprint(run)):
        if name not in tried:
            project(run, name)


def every_page(run: Run) -> None:
    """Write the pages of all projects, also those that somebody deleted or changed; the root page is due."""
    root_is_due(run)
    for name in [name for name, _ in run.state.listed()]:
        project(run, name)


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
        if run.config.full_index:
            run.store.write(None, FULL, pages.full_html(_all_rendered(run)))
    run.state.set_note(_ROOT_NOTE, fingerprint)


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
