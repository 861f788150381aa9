"""Files on other hosts than the index's: looked for behind its links, fetched, pinned, published.

The folder may be deleted: the command alone imports it, and only if links are followed, or were. Here are
the five calls by which a run knows of it.
"""

from collections.abc import Collection

import msgspec

from pypimirror.config import Config
from pypimirror.external.model import LinkOrigin
from pypimirror.external.tables import Tables
from pypimirror.mirror import Mirror
from pypimirror.model import Link, NormalizedName
from pypimirror.run import Run
from pypimirror.run.external import ExternalLinks

__all__ = ["opened"]

_CONFIG_NOTE = "external links of configuration"
_INDEX_NOTE = "external links of index"
_MOST_LINKS = 2000
"""Links that are kept of a project while its pages can't tell which are gone."""


def opened(mirror: Mirror, index_url: str) -> ExternalLinks:
    """Return the external links of a mirror: none, if it follows none and has no file of earlier ones.

    Links of another index are forgotten. All are due where the configuration changed: it may be what was
    wrong.
    """
    tables, notes = Tables(mirror.state), mirror.state.notes
    tables.sweep()
    if not mirror.config.external_links and not tables.has_files():
        tables.drop()
        return ExternalLinks()
    if notes.get(_CONFIG_NOTE) != mirror.config.fingerprint:
        tables.record_all_due()
        if notes.get(_INDEX_NOTE) != index_url:
            tables.forget_links()
            notes.set(_INDEX_NOTE, index_url)
        notes.set(_CONFIG_NOTE, mirror.config.fingerprint)
    return _Followed(mirror, tables)


class _Followed(ExternalLinks):
    def __init__(self, mirror: Mirror, tables: Tables) -> None:
        self._mirror = mirror
        self._tables = tables

    def note(
        self, name: NormalizedName, links: tuple[Link, ...] | None, *, can_remove: bool, has_news: bool
    ) -> None:
        if not self._mirror.config.external_links:
            return
        known = self._tables.links(name)
        found = known.page if links is None else links
        if not can_remove:
            found = tuple(dict.fromkeys(known.page + found))[:_MOST_LINKS]
        if has_news or found != known.page:
            self._tables.record_links(name, msgspec.structs.replace(known, page=found))

    def owned(self, name: NormalizedName, /) -> frozenset[str]:
        return self._tables.owned(name)

    def follow(self, run: Run) -> None:
        if not self._mirror.config.external_links:
            return
        from pypimirror.external.stage import follow  # not in modes that make no request

        run.pages.publish()
        run.tree.set_aside()
        follow(run, self._tables)

    def deselect(self) -> dict[NormalizedName, list[str]]:
        if not self._mirror.config.external_links:
            self._tables.forget_links()
        found: dict[NormalizedName, list[str]] = {}
        for name, filename, origin in self._tables.every_file():
            if self._mirror.selection.why_not(filename) or not _follows(self._mirror.config, origin):
                found.setdefault(name, []).append(filename)
        for name, filenames in found.items():
            self._tables.delist_unfinished(name, filenames, are_gone=True)
        return found

    def forget(self, name: NormalizedName, filenames: Collection[str]) -> None:
        self._tables.forget_files(name, filenames)


def _follows(config: Config, origin: LinkOrigin) -> bool:
    """Tell whether an external file that came as this one did is still wanted."""
    return config.external_links and (config.follow_external_index_pages or not origin.is_paged)
