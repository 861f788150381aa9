"""Pages out of the state: a project's own, the root page, the page of all files."""

import hashlib
import itertools
import logging
from collections.abc import Iterator

from pypimirror import names, pages
from pypimirror.config import Config
from pypimirror.errors import TreeError
from pypimirror.model import NormalizedName
from pypimirror.simple import page_digest
from pypimirror.state import ProjectRow, Stocked
from pypimirror.store import FULL, HTML, JSON
from pypimirror.sync.run import Run

_log = logging.getLogger(__name__)

_ROOT_NOTE = "root"
_ROOT_WRITTEN_NOTE = "root written"
_FULL_WRITTEN_NOTE = "full written"
_BATCH = 1000
_OUR_HTML = b'<meta name="pypi:repository-version"'


def project(run: Run, name: NormalizedName) -> bool:
    """Write a project's pages, if their bytes change; tell whether they could be written.

    Then make the link under the name as shown.
    """
    digest = html_digest = None
    _remove_old_link(run, name)
    try:
        if run.config.create_indexes:
            rendered = _rendered(run, name)
            html, json = pages.project_html(rendered), pages.project_json(rendered)
            html_digest, digest = page_digest(html), page_digest(json)
            run.store.write(name, HTML, html)
            run.store.write(name, JSON, json)
        else:
            _remove_pages(run, name)
    except TreeError as error:
        run.unwritable.add(name)
        run.fail(name, name, str(error))
        return False
    row = run.state.project(name)
    if row is None or row.digest != digest:
        root_is_due(run)
    link(run, name)
    run.state.record_pages_written(name, fingerprint(run.config), digest=digest, html_digest=html_digest)
    return True


# -- links under names as shown ------------------------------------------------------------------


def intend_link(run: Run, name: NormalizedName) -> None:
    """Record the link that a project is going to have: to be committed before the project is written."""
    row = run.state.project(name)
    if row is not None and row.link is None and (wanted := _wanted_link(run, row)):
        run.state.record_link(name, wanted)


def link(run: Run, name: NormalizedName) -> None:
    """Make the link that is intended for a project, unless something else has its name."""
    row = run.state.project(name)
    if row is None or row.link is None or not run.may_link:
        return
    if run.store.link_target(row.link) is not None:
        return
    if not run.store.make_link(row.link, name):
        run.may_link = False
        _log.warning(
            "the file system of %s takes no symbolic links: old clients find projects only under their"
            " normalized names; say name_links = False",
            run.store.root,
        )


def is_linked(run: Run, link: str | None) -> bool:
    """Tell whether the link that a project shall have is there, or something else in its place."""
    return link is None or run.store.link_target(link) is not None


def _wanted_link(run: Run, row: ProjectRow) -> str | None:
    if not (run.config.name_links and run.config.create_indexes and row.is_listed):
        return None
    return names.link_name(row.shown if row.shown != row.name else row.spelled or row.shown, row.name)


def _remove_old_link(run: Run, name: NormalizedName) -> None:
    """Remove a link that is no longer wanted, or is wanted under another name; intend the other."""
    row = run.state.project(name)
    wanted = None if row is None else _wanted_link(run, row)
    if row is not None and row.link != wanted:
        if row.link is not None:
            run.store.remove_link(row.link, name)
        run.state.record_link(name, wanted)
        if wanted:
            run.state.commit()


# -- a project's pages ---------------------------------------------------------------------------


def wrong_pages(run: Run, project: Stocked, current: str) -> list[str]:
    """Return those of a project's pages that are not what the state renders to.

    `current` is today's fingerprint.
    """
    if not run.config.create_indexes:
        return []
    name = project.name
    found = {page: run.store.read(name, page) for page in (HTML, JSON)}
    if project.pages == current:
        # They show what is held: so what was published is what would be.
        published = {HTML: project.html_digest, JSON: project.digest}
        return [page for page, text in found.items() if text is None or page_digest(text) != published[page]]
    rendered = _rendered(run, name)
    expected = {HTML: pages.project_html(rendered), JSON: pages.project_json(rendered)}
    return [page for page, text in found.items() if text != expected[page]]


def wrong_root_pages(run: Run) -> list[str]:
    """Return those of the root pages that are not what the state renders to."""
    if not run.config.create_indexes:
        return []
    expected = {HTML: pages.root_html(run.state.listed()), JSON: pages.root_json(run.state.listed())}
    if run.config.full_index:
        expected[FULL] = pages.full_html(_all_rendered(run))
    return [page for page, chunks in expected.items() if not run.store.has_bytes(None, page, chunks)]


def has_full(run: Run) -> bool:
    """Tell whether the page of all files is one that we wrote."""
    return run.state.note(_FULL_WRITTEN_NOTE) is not None


def remove_project(run: Run, name: NormalizedName) -> None:
    """Remove link and pages of a project that left the mirror, and its folder if nothing is left in it."""
    _remove_old_link(run, name)
    try:
        _remove_pages(run, name)
    except TreeError as error:
        if error.is_denied:
            # Its pages are still there, and so its files stay.
            run.unwritable.add(name)
            run.fail(name, name, str(error))
            return
        _log.warning("%s", error)
    run.store.remove_folder(name)
    run.state.record_pages_written(name, "", digest=None, html_digest=None)
    run.state.forget_projects([name])


def _remove_pages(run: Run, name: str) -> None:
    """Remove pages that are of our making."""
    content = run.store.read(name, HTML)
    if content is not None and _OUR_HTML in content[:1024]:
        run.store.remove(name, HTML)
    run.store.remove(name, JSON)


def projects_due(run: Run) -> None:
    """Write the pages that lose something, and those that a kill, other options or an upgrade left behind."""
    due = iter(run.state.pages_due(fingerprint(run.config)))
    while batch := list(itertools.islice(due, _BATCH)):
        for name in batch:
            intend_link(run, name)
        run.state.commit()
        for name in batch:
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
    current = fingerprint(run.config)
    if run.state.note(_ROOT_NOTE) == current:
        return
    run.state.commit()
    if run.config.create_indexes:
        run.store.write_stream(None, HTML, pages.root_html(run.state.listed()))
        run.store.write_stream(None, JSON, pages.root_json(run.state.listed()))
    elif run.state.note(_ROOT_WRITTEN_NOTE):
        _remove_pages(run, ".")
    full(run)
    run.state.set_note(_ROOT_WRITTEN_NOTE, "yes" if run.config.create_indexes else None)
    run.state.set_note(_ROOT_NOTE, current)


def full(run: Run) -> None:
    """Write the page of all files, or remove it where it is no longer wanted."""
    if run.config.create_indexes and run.config.full_index:
        run.store.write_stream(None, FULL, pages.full_html(_all_rendered(run)))
        run.state.set_note(_FULL_WRITTEN_NOTE, "yes")
    elif run.state.note(_FULL_WRITTEN_NOTE):
        run.store.remove(".", FULL)
        run.state.set_note(_FULL_WRITTEN_NOTE, None)


def _rendered(run: Run, name: NormalizedName) -> pages.Project:
    row = run.state.project(name)
    return pages.Project(
        name=name,
        files=tuple(run.state.held(name).values()),
        status=row.status if row else None,
        status_reason=row.status_reason if row else None,
    )


def _all_rendered(run: Run) -> Iterator[pages.Project]:
    return (_rendered(run, name) for name, *_ in run.state.listed())


def fingerprint(config: Config) -> str:
    """Return what tells pages of one renderer and these options from others."""
    options = (
        pages.RENDERER,
        pages.API_VERSION,
        config.create_indexes,
        config.full_index,
        config.name_links,
    )
    return hashlib.sha256(repr(options).encode()).hexdigest()[:16]
