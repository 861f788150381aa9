"""Names in the tree, and which folder may hold one."""

import contextlib
import errno
import os
import pwd
import stat
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


def holds_mirror(root: Path) -> bool:
    """Tell whether a folder is a mirror that a run has begun to fill."""
    return (root / PRIVATE / "id").exists()


def check_root(root: Path) -> None:
    """Raise ConfigError where `root` is no folder to keep a mirror in.

    That is `/`, a home directory, or a folder that holds something else than projects.
    """
    reason = _why_no_root(root)
    if reason is not None:
        raise ConfigError(
            f"mirror_file_path = {root}", (f"{reason}; name an empty folder, or one of a mirror",)
        )


def why_no_folder(path: Path) -> str | None:
    """Say why no folder is or can be made at a path; None where one may."""
    try:
        return None if stat.S_ISDIR(path.stat().st_mode) else "it is no folder"
    except FileNotFoundError:
        return "it is a link that leads nowhere" if path.is_symlink() else why_no_folder(path.parent)
    except NotADirectoryError:
        return "it lies below a file"
    except OSError as error:
        return "links lead to it in a circle" if error.errno == errno.ELOOP else None


def _why_not_there(real: Path) -> str | None:
    """Say in which mirror's folder a path lies; None where it lies in none."""
    for parent in real.parents:
        with contextlib.suppress(OSError):
            if holds_mirror(parent):
                return f"it lies in the folder of another mirror, {parent}"
    return None


def _why_no_root(root: Path) -> str | None:
    real = Path(os.path.realpath(root))
    if reason := why_no_folder(root) or _why_not_there(real):
        return reason
    if real == Path("/"):
        return "it is the root of the file system"
    if holds_mirror(root):  # to look up all users takes time, the more where a network knows them
        return None
    homes = [os.path.expanduser("~"), *(entry.pw_dir for entry in pwd.getpwall())]
    if str(real) in map(os.path.realpath, homes):
        return "it is a home directory"
    if not root.exists():
        return None
    with os.scandir(root) as entries:
        return next(filter(None, map(_why_foreign, sorted(entries, key=lambda entry: entry.name))), None)


def _why_foreign(entry: os.DirEntry[str]) -> str | None:
    """Say why an entry may not lie in a mirror's folder; None where it may."""
    if entry.name.startswith(".") or entry.name == "lost+found" or not entry.is_dir():
        return None
    if entry.is_symlink():  # a name in another spelling
        return None
    with os.scandir(entry.path) as entries:
        kinds = sorted((each.name, each.is_dir()) for each in entries if not each.name.startswith("."))
    below = next((name for name, is_dir in kinds if is_dir), None)
    if below is not None:
        return f"its folder {f'{entry.name}/{below}'!r} lies deeper than <project>/<file>"
    if kinds and not any(name == HTML or is_distribution(name) for name, _ in kinds):
        return f"its folder {entry.name!r} is not laid out as <project>/<file>"
    return None
