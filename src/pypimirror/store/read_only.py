"""A tree that is only looked at, for telling what a run would do."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ParamSpec

from pypimirror.model import NormalizedName
from pypimirror.store.folders import Store
from pypimirror.store.spelling import Spelling, ignores_case
from pypimirror.store.temporary import Temporary

_P = ParamSpec("_P")


class ReadOnlyStore(Store):
    """A store whose steps do nothing, as if each had worked; it notes the pages that would change."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.pages_changed: set[tuple[NormalizedName | None, str]] = set()
        """Each page that would be written, by its folder and its name."""

    def _step(self, path: str, change: Callable[_P, object], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Change nothing."""

    def new_temporary(self, _key: str | None = None, /) -> Temporary:
        """Return a file that keeps nothing."""
        return Temporary(os.devnull, is_begun=True)

    def spelling(self) -> Spelling:
        """Return which names are one file here, as far as it can be told without making one."""
        return Spelling(ignores_case(self._root), ignores_form=False)

    def sweep(self) -> int:
        """Leave temporary files to the next run that writes."""
        return 0

    def write(self, project: NormalizedName | None, name: str, content: bytes) -> bool:
        """Tell whether a page has other bytes."""
        return self.write_stream(project, name, [content])

    def write_stream(self, project: NormalizedName | None, name: str, chunks: Iterable[bytes]) -> bool:
        """Tell whether a page has other bytes."""
        is_changed = not self.has_bytes(project, name, chunks)
        if is_changed:
            self.pages_changed.add((project, name))
        return is_changed
