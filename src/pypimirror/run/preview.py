"""What a run would do, project by project, out of a state that is not going to be kept."""

from collections.abc import Mapping
from typing import NamedTuple

from pypimirror.model import File, NormalizedName
from pypimirror.state import State
from pypimirror.state.rows import Delisted, Total


class Change(NamedTuple):
    """What a run would do with a project's files."""

    name: NormalizedName
    fetch: Total
    keep: Total
    leave: Total
    """Those that would leave the pages, and stay in the tree for their grace."""
    remove: Total
    """Those that would leave the tree."""


class Preview:
    """Gathers what a dry run finds."""

    def __init__(self) -> None:
        self._fetch: dict[NormalizedName, dict[str, int]] = {}
        """The files with their bytes: a page is read again where more is asked for of a project."""
        self._remove: dict[NormalizedName, dict[str, int]] = {}
        self.untold: dict[NormalizedName, tuple[str, ...]] = {}
        """Releases that would be fetched and of which nobody tells before that what they require."""

    def will_fetch(self, name: NormalizedName, files: tuple[File, ...]) -> None:
        """Note files that a run would fetch."""
        if files:
            self._fetch.setdefault(name, {}).update((file.filename, file.size or 0) for file in files)

    def needed(self) -> Total:
        """Return the files that a run would fetch, and their bytes as far as upstream tells sizes."""
        totals = [_total(files) for files in self._fetch.values()]
        return Total(sum(total.number for total in totals), sum(total.bytes for total in totals))

    def will_remove(self, gone: list[Delisted]) -> None:
        """Note files that a run would remove from the tree."""
        for file in gone:
            if file.size is not None:
                self._remove.setdefault(file.project, {})[file.filename] = file.size

    def changes(self, state: State, *, since: float) -> tuple[Change, ...]:
        """Return what would become of each project that is not left as it is, sorted by name.

        `since` when the run began; what leaves the tree is no longer in the state.
        """
        left = state.transitions.delisted_by_project(since)
        names = self._fetch.keys() | self._remove.keys() | left.keys()
        return tuple(
            Change(
                name=name,
                fetch=_total(self._fetch.get(name, {})),
                keep=state.files.held_total(name),
                leave=left.get(name, Total(0, 0)),
                remove=_total(self._remove.get(name, {})),
            )
            for name in sorted(names)
        )


def _total(files: Mapping[str, int]) -> Total:
    return Total(len(files), sum(files.values()))
