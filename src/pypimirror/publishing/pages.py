"""Pages out of the state: a project's own, the root page, the page of all files."""

import hashlib
import itertools
import logging
from collections.abc import Callable, Iterator

from pypimirror import pages
from pypimirror.config import Config
from pypimirror.errors import TreeError
from pypimirror.mirror import Mirror, Tally
from pypimirror.model import NormalizedName
from pypimirror.publishing.names import NameLinks
from pypimirror.simple import page_digest
from pypimirror.state.inventory import Stocked
from pypimirror.store.layout import FULL, HTML, JSON

_log = logging.getLogger(__name__)

_ROOT_NOTE = "root"
_ROOT_WRITTEN_NOTE = "root written"
_FULL_WRITTEN_NOTE = "full written"
_BATCH = 1000
_OUR_HTML = b'<meta name="pypi:repository-version"'


class Pages:
    """The pages of one mirror: one that is due is written if its bytes change, its intent first."""

    def __init__(self, mirror: Mirror, tally: Tally, on_progress: Callable[[], None] = lambda: None) -> None:
        self._mirror = mirror
        self._tally = tally
        self._on_progress = on_progress
        self.names = NameLinks(mirror)
        self.fingerprint = fingerprint(mirror.config)
        self._look = _look(mirror.config)
        self.unwritable: set[NormalizedName] = set()
        """Projects whose pages could not be written in this run."""
        self.written: list[str] | None = None
        """Pages that were written, where somebody wants to know."""

    def mark_root_dirty(self) -> None:
        """Record that the root pages have to be written."""
        self._mirror.state.notes.set(_ROOT_NOTE, None)

    def mark_all_dirty(self) -> None:
        """Make all pages due, also those that somebody deleted or changed."""
        self.mark_root_dirty()
        self._mirror.state.projects.mark_all_pages_dirty()

    def publish(self) -> None:
        """Write all pages that are due, the root page after those it links to; or remove them, before."""
        if not self._mirror.config.create_indexes:
            self._root()
        self._projects()
        self._root()

    def project(self, name: NormalizedName) -> bool:
        """Write a project's pages, if their bytes change; tell whether they could be written.

        Then make the link under the name as shown.
        """
        state, store = self._mirror.state, self._mirror.store
        digest = html_digest = None
        self.names.remove_old(name)
        try:
            if self._mirror.config.create_indexes:
                rendered = _rendered(self._mirror, name)
                html, json = pages.project_html(rendered, self._look), pages.project_json(rendered)
                html_digest, digest = page_digest(html), page_digest(json)
                for page, content in ((HTML, html), (JSON, json)):
                    self._note(f"{name}/{page}", is_written=store.write(name, page, content))
            else:
                self._remove(name)
        except TreeError as error:
            self._fail(name, error)
            return False
        row = state.projects.get(name)
        if row is None or row.digest != digest:
            self.mark_root_dirty()
        self.names.make(name)
        state.projects.record_pages_written(name, self.fingerprint, digest=digest, html_digest=html_digest)
        return True

    def _projects(self) -> None:
        """Write the pages that lose something, and those that a kill, options or an upgrade left behind."""
        names, counts = self._mirror.state.projects.pages_due(self.fingerprint), self._tally.counts
        counts.pages += len(names)
        due = iter(names)
        while batch := list(itertools.islice(due, _BATCH)):
            for name in batch:
                self.names.intend(name)
            self._mirror.state.commit()
            for name in batch:
                if name not in self.unwritable:
                    self.project(name)
                counts.pages_done += 1
                self._on_progress()

    def _root(self) -> None:
        """Write the root pages, if they are due."""
        state, store = self._mirror.state, self._mirror.store
        if state.notes.get(_ROOT_NOTE) == self.fingerprint:
            return
        state.commit()
        if self._mirror.config.create_indexes:
            json = pages.root_json(state.projects.listed())
            self._note(HTML, is_written=store.write_stream(None, HTML, self._root_html()))
            self._note(JSON, is_written=store.write_stream(None, JSON, json))
        elif state.notes.get(_ROOT_WRITTEN_NOTE):
            self._remove(".")
        self.full()
        state.notes.set(_ROOT_WRITTEN_NOTE, "yes" if self._mirror.config.create_indexes else None)
        state.notes.set(_ROOT_NOTE, self.fingerprint)

    def _root_html(self) -> Iterator[bytes]:
        state = self._mirror.state
        listed, held = (state.totals.of(status) for status in ("listed", "held"))
        counts = pages.PageTotals(listed.number, held.number, held.bytes)
        return pages.root_html(state.projects.listed(), counts, self._look)

    def full(self) -> None:
        """Write the page of all files, or remove it where it is no longer wanted."""
        state, store, config = self._mirror.state, self._mirror.store, self._mirror.config
        if config.create_indexes and config.full_index:
            content = pages.full_html(_all_rendered(self._mirror))
            self._note(FULL, is_written=store.write_stream(None, FULL, content))
            state.notes.set(_FULL_WRITTEN_NOTE, "yes")
        elif state.notes.get(_FULL_WRITTEN_NOTE):
            store.remove(".", FULL)
            state.notes.set(_FULL_WRITTEN_NOTE, None)

    def _note(self, page: str, *, is_written: bool) -> None:
        if is_written and self.written is not None:
            self.written.append(page)

    # -- projects that left ------------------------------------------------------------------

    def remove_gone(self) -> None:
        """Remove the pages of projects that the root page no longer lists."""
        for name in self._mirror.state.projects.pages_to_remove():
            self._remove_project(name)

    def _remove_project(self, name: NormalizedName) -> None:
        """Remove link and pages of a project that left, and its folder if nothing is left in it."""
        self.names.remove_old(name)
        try:
            self._remove(name)
        except TreeError as error:
            if error.is_denied:
                self._fail(name, error)  # its pages are still there, and so its files stay
                return
            _log.warning("%s", error)
        self._mirror.store.remove_folder(name)
        self._mirror.state.projects.record_pages_written(name, "", digest=None, html_digest=None)
        self._mirror.state.transitions.forget_projects([name])

    def _remove(self, folder: str) -> None:
        """Remove pages that are of our making."""
        content = self._mirror.store.read(folder, HTML)
        if content is not None and _OUR_HTML in content[:1024]:
            self._mirror.store.remove(folder, HTML)
        self._mirror.store.remove(folder, JSON)

    def _fail(self, name: NormalizedName, error: TreeError) -> None:
        self.unwritable.add(name)
        self.mark_root_dirty()  # it counts what is held, whether or not that is on a page
        self._tally.fail(self._mirror, name, name, str(error))

    # -- what is there -----------------------------------------------------------------------

    def wrong(self, project: Stocked) -> list[str]:
        """Return those of a project's pages that are not what the state renders to."""
        if not self._mirror.config.create_indexes:
            return []
        name = project.name
        found = {page: self._mirror.store.read(name, page) for page in (HTML, JSON)}
        if project.pages == self.fingerprint:
            # They show what is held: so what was published is what would be.
            published = {HTML: project.html_digest, JSON: project.digest}
            return [
                page for page, text in found.items() if text is None or page_digest(text) != published[page]
            ]
        rendered = _rendered(self._mirror, name)
        expected = {HTML: pages.project_html(rendered, self._look), JSON: pages.project_json(rendered)}
        return [page for page, text in found.items() if text != expected[page]]

    def wrong_at_root(self) -> list[str]:
        """Return those of the root pages that are not what the state renders to."""
        config, state = self._mirror.config, self._mirror.state
        if not config.create_indexes:
            return []
        expected = {
            HTML: self._root_html(),
            JSON: pages.root_json(state.projects.listed()),
        }
        if config.full_index:
            expected[FULL] = pages.full_html(_all_rendered(self._mirror))
        store = self._mirror.store
        return [page for page, chunks in expected.items() if not store.has_bytes(None, page, chunks)]

    def has_full(self) -> bool:
        """Tell whether the page of all files is one that we wrote."""
        return self._mirror.state.notes.get(_FULL_WRITTEN_NOTE) is not None


def _rendered(mirror: Mirror, name: NormalizedName) -> pages.PublishedProject:
    row = mirror.state.projects.get(name)
    return pages.PublishedProject(
        name=name,
        files=tuple(mirror.state.files.held(name).values()),
        display_name=row.display_name if row else "",
        status=row.status if row else None,
        status_reason=row.status_reason if row else None,
    )


def _all_rendered(mirror: Mirror) -> Iterator[pages.PublishedProject]:
    return (_rendered(mirror, name) for name, *_ in mirror.state.projects.listed())


def fingerprint(config: Config) -> str:
    """Return what tells pages of one renderer and these options from others."""
    options = (
        pages.RENDERER,
        pages.API_VERSION,
        config.create_indexes,
        config.full_index,
        config.name_links,
        _look(config),
    )
    return hashlib.sha256(repr(options).encode()).hexdigest()[:16]


def _look(config: Config) -> pages.Style:
    if config.page_style == "plain":
        return pages.PLAIN
    most_projects, most_files = config.plain_index_above
    return pages.Style(
        is_styled=True, most_projects=most_projects, most_files=most_files, base_url=config.base_url
    )
