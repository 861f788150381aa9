"""What a run saw of projects of which more may be asked for: upstream need not tell the same twice."""

from collections.abc import Iterable

from pypimirror.model import NormalizedName
from pypimirror.run import Run
from pypimirror.sync.project import Project
from pypimirror.sync.tasks import PageSeen

MAX_KEPT = 1 << 24
"""Bytes of pages that are kept for that; those that came first are asked for most."""


class SeenPages:
    """What the good pages of this run had, as long as more of it may be asked for."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._kept: dict[NormalizedName, PageSeen] = {}
        self._size = 0
        self._whole: set[NormalizedName] = set()
        """Projects of whose pages nothing was left out."""

    def note(self, project: Project, seen: PageSeen) -> None:
        """Note what a page had that was decided on."""
        self._whole.discard(project.name)
        if project.is_pending or not project.is_proven:
            return
        if not project.left_out:
            self._whole.add(project.name)
        elif project.name not in self._kept and self._size + len(seen.packed) <= MAX_KEPT:
            self._kept[project.name] = seen
            self._size += len(seen.packed)

    def page(self, name: NormalizedName) -> PageSeen | None:
        """Return the page of a project, if it is kept."""
        return self._kept.get(name)

    def confirm(self, names: Iterable[NormalizedName]) -> None:
        """Record that those are what is asked for now of which everything is there already."""
        selection, projects = self._run.mirror.selection, self._run.mirror.state.projects
        for name in self._whole.intersection(names):
            projects.record_selection(name, selection.fingerprint(name))
