"""A tree that is only looked at, for telling what a run would do."""

from collections.abc import Container, Iterable
from pathlib import Path

from pypimirror.model import NormalizedName
from pypimirror.store.folders import Store
from pypimirror.store.spelling import Spelling, ignores_case
from pypimirror.store.temporary import Temporary


class ReadOnlyStore(Store):
    """A store whose every step that would write does nothing; it notes the pages that would change."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.pages_changed: set[tuple[NormalizedName | None, str]] = set()
        """Each page that would be written, by its folder and its name."""

    def sync(self) -> None:
        """Wait for nothing."""

    def spelling(self) -> Spelling:
        """Return which names are one file here, as far as it can be told without making one."""
        return Spelling(ignores_case(self._root), ignores_form=False)

    def sweep(self) -> int:
        """Leave temporary files to the next run that writes."""
        return 0

    def sweep_partial(self, wanted: Container[str]) -> None:
        """Leave what was kept for later."""

    def place(
        self, temporary: Temporary, project: NormalizedName | None, name: str, *, mtime: float | None = None
    ) -> None:
        """Place nothing."""

    def write(self, project: NormalizedName | None, name: str, content: bytes) -> bool:
        """Tell whether a page has other bytes."""
        return self.write_stream(project, name, [content])

    def write_stream(self, project: NormalizedName | None, name: str, chunks: Iterable[bytes]) -> bool:
        """Tell whether a page has other bytes."""
        is_changed = not self.has_bytes(project, name, chunks)
        if is_changed:
            self.pages_changed.add((project, name))
        return is_changed

    def link_from(self, folder: str, project: NormalizedName, name: str) -> None:
        """Link nothing."""

    def make_link(self, name: str, project: NormalizedName) -> bool:
        """Make no link, but as if it could be done."""
        return bool(name and project)

    def remove_link(self, name: str, project: NormalizedName) -> None:
        """Remove nothing."""

    def set_aside(self, project: NormalizedName, name: str) -> None:
        """Leave it where it is."""

    def sweep_aside(self, wanted: Container[tuple[str, str]]) -> None:
        """Leave what was put out of reach."""

    def make_readable(self, folder: str, name: str = "") -> bool:
        """Change no mode."""
        return not (folder or name)

    def rename_folder(self, folder: str, project: NormalizedName) -> None:
        """Rename nothing."""

    def remove(self, folder: str, name: str) -> None:
        """Remove nothing."""

    def remove_folder(self, folder: str) -> bool:
        """Remove nothing, but as if it could be done."""
        return bool(folder)

    def _write_private(self, path: Path, text: str) -> None:
        pass
