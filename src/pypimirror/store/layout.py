"""Names in the tree, and which folder may hold one."""

import os
import pwd
from pathlib import Path

from pypimirror.errors import ConfigError
from pypimirror.filenames import is_distribution

PRIVATE = ".pypimirror"
HTML = "index.html"
JSON = "index.v1_json"
FULL = "full.html"
STATUS_HTML = "status.html"
STATUS_JSON = "status.json"
METADATA = ".metadata"
PROVENANCE = ".provenance"
SUFFIXES = (METADATA, PROVENANCE)
"""Of what lies beside a file."""
HTACCESS = ".htaccess"
"""Where Apache reads the configuration that `--server-config htaccess` prints."""


def check_root(root: Path) -> None:
    """Raise ConfigError where `root` is no folder to keep a mirror in.

    That is `/`, a home directory, or a folder that holds something else than projects.
    """
    reason = _why_no_root(root)
    if reason is not None:
        raise ConfigError(
            f"mirror_file_path = {root}", (f"{reason}; name an empty folder, or one of a mirror",)
        )


def _why_no_root(root: Path) -> str | None:
    real = root.resolve()
    if real == Path("/"):
        return "it is the root of the file system"
    if real in {Path(entry.pw_dir).resolve() for entry in pwd.getpwall()} | {
        Path(os.path.expanduser("~")).resolve()
    }:
        return "it is a home directory"
    if not root.exists():
        return None
    if not root.is_dir():
        return "it is no folder"
    if (root / PRIVATE / "id").exists():
        return None
    with os.scandir(root) as entries:
        foreign = next((e.name for e in entries if not _may_stay(e)), None)
    return foreign and f"its folder {foreign!r} is not laid out as <project>/<file>"


def _may_stay(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry may lie in a mirror's folder."""
    if entry.name.startswith(".") or entry.name == "lost+found" or not entry.is_dir():
        return True
    # A link to a folder is a name in another spelling.
    return entry.is_symlink() or _is_project_folder(entry.path)


def _is_project_folder(path: str) -> bool:
    with os.scandir(path) as entries:
        kinds = [(entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith(".")]
    if any(is_dir for _, is_dir in kinds):
        return False
    return not kinds or any(name == HTML or is_distribution(name) for name, _ in kinds)
