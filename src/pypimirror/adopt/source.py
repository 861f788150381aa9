"""Another tool's tree, whose files need not be downloaded again (`--adopt`)."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pypimirror.model import File, NormalizedName
from pypimirror.store import Store

_DEPTH = 12


class Source:
    """A folder with files: in folders of projects, as upstream's addresses have them, or all in one."""

    def __init__(self, root: Path, store: Store) -> None:
        self._root = str(root)
        self._named = store.named_folders(self._root)

    def folders(self, name: NormalizedName, file: File) -> Iterator[str]:
        """Yield where a file of a project may lie; nothing is searched, as there may be millions of files."""
        for folder in self._named.get(name, ()):
            yield f"{self._root}/{folder}"
        # bandersnatch keeps the path that a file has upstream; a part of it may be in the folder's own name.
        parts = [unquote(part) for part in urlsplit(file.url).path.split("/")[1:-1]][-_DEPTH:]
        if any(part in ("", ".", "..") or "/" in part or "\0" in part for part in parts):
            parts = []
        for start in range(len(parts) + 1):
            yield "/".join([self._root, *parts[start:]])
