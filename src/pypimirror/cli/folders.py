"""Whether what the configuration names can be where it says, before anything is touched."""

import os
from collections.abc import Iterator
from pathlib import Path

from pypimirror.config import Config, ini
from pypimirror.errors import ConfigError, NoMirrorError, Problem
from pypimirror.store.changes import JOURNAL
from pypimirror.store.layout import PRIVATE, holds_mirror, why_no_folder

NO_MIRROR = "holds no mirror; is its disk mounted? For a first run set expect_mirror = False"
_IS_FOLDER = "it is a folder; name a file"
_WRITTEN = ("report", "metrics", "changed_paths", "log_filename", "lock_file_name")
_OWN = {"id", "lock", "new", "partial", "aside", "told-lock", "pypimirror.log", "afterwards.json", JOURNAL}
"""Names in the private folder."""


def check(configuration: Config, source: Path) -> None:
    """Raise ConfigError where a lock or a log can't be made, or a certificate is missing.

    Raises NoMirrorError where only a mirror is missing that is expected.
    """
    root = configuration.mirror_file_path
    problems = [
        *_of_lock_and_log(configuration, source),
        *_of_state(configuration),
        *_of_reports(configuration, source),
        *_of_certificates(configuration),
    ]
    is_wrong = bool(problems)
    if configuration.expect_mirror and not holds_mirror(root):
        problems.append(Problem("DEFAULT", "expect_mirror", "True", f"{root} {NO_MIRROR}"))
    if problems:
        raise (ConfigError if is_wrong else NoMirrorError)(str(source), tuple(problems))


def _problem(option: str, path: Path, why: str) -> Problem:
    return Problem("DEFAULT", option, str(path), why)


def _of_lock_and_log(configuration: Config, source: Path) -> Iterator[Problem]:
    root = configuration.mirror_file_path
    for option in ("lock_file_name", "log_filename"):
        path: Path = getattr(configuration, option)
        may_be_special = option == "lock_file_name" or str(path) == os.devnull
        why = _IS_FOLDER if path == root else _why_no_file(path, source, may_be_special=may_be_special)
        if why is None and path.parent not in (root, root / PRIVATE) and not path.parent.is_dir():
            why = "its folder does not exist; make it, or name another"
        if why:
            yield _problem(option, path, why)


def _why_no_file(path: Path, source: Path, *, may_be_special: bool = False) -> str | None:
    """Say why what is at a path is no file that may be written; None where it may, or nothing is there."""
    if path.is_dir():
        return _IS_FOLDER
    if is_same_file(path, source):
        return "it is the configuration itself; name a file of its own"
    if path.exists() and not path.is_file() and not may_be_special:
        return "it is no regular file; name a file"
    return None


def _of_state(configuration: Config) -> Iterator[Problem]:
    """Yield what is wrong with the folder of the state, which nobody shall be served."""
    folder = configuration.state_dir
    root, real = _real(configuration.mirror_file_path), _real(folder)
    if folder == configuration.mirror_file_path / PRIVATE:
        return
    if why := why_no_folder(folder):
        yield _problem("state_dir", folder, f"{why}; name a folder")
    elif real.is_relative_to(root) and not real.is_relative_to(root / PRIVATE):
        where = "name a folder outside of mirror_file_path, or leave the option out"
        yield _problem("state_dir", folder, f"it is where files are served; {where}")


def _of_reports(configuration: Config, source: Path) -> Iterator[Problem]:
    """Yield what is wrong with the files that are written when a run is over.

    Where one can't be written is told when that was tried: then the mirror is up to date all the same.
    """
    root, state = _real(configuration.mirror_file_path), _real(configuration.state_dir)
    used = {_resolved(configuration.lock_file_name), _resolved(configuration.log_filename)}
    own = {root / PRIVATE / name for name in _OWN} | {state / "state.sqlite", state / "state.sqlite-journal"}
    for option in ("report", "metrics", "changed_paths"):
        path: Path | None = getattr(configuration, option)
        if path is None:
            continue
        real = _resolved(path)
        if why := _why_no_file(path, source):
            pass
        elif reader := next((name for name, read in _files_read(source) if is_same_file(path, read)), None):
            why = f"{reader} reads this file; name one of its own"
        elif real in used:
            why = "it is the file of another option; name one of its own"
        elif real.is_relative_to(root) and real.parent != root / PRIVATE:
            why = "it is where files are served; name one outside of mirror_file_path, or in its .pypimirror"
        elif real in own:
            why = "it is a file of pypimirror's own; name another one"
        if why:
            yield _problem(option, path, why)
        else:
            used.add(real)


def _of_certificates(configuration: Config) -> Iterator[Problem]:
    if not (configuration.ca_bundle or configuration.client_certificate):
        return
    from pypimirror.upstream import why_unusable  # few mirrors have any, and not all modes make requests

    bundle = [configuration.ca_bundle] if configuration.ca_bundle else []
    for option, paths in (("ca_bundle", bundle), ("client_certificate", configuration.client_certificate)):
        missing = [path for path in paths if not path.exists()]
        for path in missing:
            yield _problem(option, path, "it is not there; name a file of certificates")
        if paths and not missing:
            named = tuple(map(str, paths))
            why = why_unusable(named[0], ()) if option == "ca_bundle" else why_unusable("", named)
            if why:
                yield Problem("DEFAULT", option, " ".join(named), why)


def _files_read(source: Path) -> Iterator[tuple[str, Path]]:
    """Yield each option with the files that may be named in it, for pypimirror to read."""
    for name, setting in ini.parse(source.read_bytes()).settings.items():
        if name not in _WRITTEN:
            for word in setting.value.split():
                yield name, source.parent / word.removeprefix("@")


def is_same_file(path: Path, other: Path) -> bool:
    """Tell whether two paths lead to one file that is there."""
    try:
        return path.is_file() and path.samefile(other)
    except (OSError, ValueError):
        return False


def _resolved(path: Path) -> Path:
    """Return where a file is or will be; a link in its place gives way to it."""
    return _real(path.parent) / path.name


def check_adopted(folder: Path, configuration: Config) -> None:
    """Raise ConfigError where files can't be taken out of a folder."""
    if not folder.is_dir():
        raise ConfigError(f"--adopt {folder}", ("it is no folder",))
    if _real(folder).is_relative_to(_real(configuration.mirror_file_path)):
        problem = "it is in the mirror's own folder, which is adopted without a word"
        raise ConfigError(f"--adopt {folder}", (problem,))


def _real(path: Path) -> Path:
    """Return where a path leads; a circle of links ends somewhere in it, and is told of when it is used."""
    return Path(os.path.realpath(path))
