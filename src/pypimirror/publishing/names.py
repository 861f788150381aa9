"""Symbolic links under the names that people type, for old clients behind any web server."""

import logging

from pypimirror import names
from pypimirror.mirror import Mirror
from pypimirror.model import NormalizedName
from pypimirror.state.rows import ProjectRow

_log = logging.getLogger(__name__)


class NameLinks:
    """The links of one tree: intended in the state first, then made."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._can_link = True
        """False once the file system refused a symbolic link."""

    def intend(self, name: NormalizedName) -> None:
        """Record the link that a project is going to have: to be committed before it is made."""
        row = self._mirror.state.projects.get(name)
        if row is not None and row.link is None and (wanted := self._wanted(row)):
            self._mirror.state.projects.record_link(name, wanted)

    def make(self, name: NormalizedName) -> None:
        """Make the link that is intended for a project, unless something else has its name."""
        store, row = self._mirror.store, self._mirror.state.projects.get(name)
        if row is None or row.link is None or not self._can_link:
            return
        if store.link_target(row.link) is not None:
            return
        if not store.make_link(row.link, name):
            self._can_link = False
            _log.warning(
                "the file system of %s takes no symbolic links: old clients find projects only under their"
                " normalized names; say name_links = False",
                store.root,
            )

    def is_there(self, link: str | None) -> bool:
        """Tell whether the link that a project shall have is there, or something else in its place."""
        return link is None or self._mirror.store.link_target(link) is not None

    def remove_old(self, name: NormalizedName) -> None:
        """Remove a link that is no longer wanted, or is wanted under another name; intend the other."""
        state, row = self._mirror.state, self._mirror.state.projects.get(name)
        wanted = None if row is None else self._wanted(row)
        if row is not None and row.link != wanted:
            if row.link is not None:
                self._mirror.store.remove_link(row.link, name)
            state.projects.record_link(name, wanted)
            if wanted:
                state.commit()

    def _wanted(self, row: ProjectRow) -> str | None:
        config = self._mirror.config
        if not (config.name_links and config.create_indexes and row.is_listed):
            return None
        return names.link_name(
            row.display_name if row.display_name != row.name else row.spelled or row.display_name, row.name
        )
