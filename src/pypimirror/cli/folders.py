"""Whether what the configuration names can be where it says, before anything is touched."""

import os
from collections.abc import Iterator
from pathlib import Path

from pypimirror.config import Config, ini
from pypimirror.errors import ConfigError, NoMirrorError, Problem
from pypimirror.store import JOURNAL, PRIVATE, holds_mirror, why_no_folder

NO_MIRROR = "holds no mirror; is its disk mounted? For a first run set expect_mirror = False"
_IS_CONFIGURATION = "it is the configuration itself; name a file of its own"
_WRITTEN = ("report", "metrics", "changed_paths", "log_filename", "lock_file_name")
_OWN = {"id", "lock", "new", "partial", "aside", "told-lock", "pypimirror.log", "afterwards.json", JOURNAL}
"""Names in the private folder."""


def check(configuration: Config, source: Path) -> None:
    """Raise ConfigError where a lock or a log can't be, or a certificate is not there.

    Raises NoMirrorError where all is well but for a mirror that is expected and is not there.
    """
    root = configuration.mirror_file_path
    problems = []
    for option, path in (
        ("lock_file_name", configuration.lock_file_name),
        ("log_filename", configuration.log_filename),
    ):
        if path.is_dir() or path == root:
            problems.append(Problem("DEFAULT", option, str(path), "it is a folder; name a file"))
        elif _is_same(path, source):
            problems.append(Problem("DEFAULT", option, str(path), _IS_CONFIGURATION))
        elif option == "log_filename" and str(path) != os.devnull and path.exists() and not path.is_file():
            problems.append(Problem("DEFAULT", option, str(path), "it is no regular file; name a file"))
        elif path.parent not in (root, root / PRIVATE) and not path.parent.is_dir():
            problems.append(
                Problem("DEFAULT", option, str(path), "its folder does not exist; make it, or name another")
            )
    problems += _of_state(configuration)
    problems += _of_reports(configuration, source)
    for option, paths in (
        ("ca_bundle", [configuration.ca_bundle] if configuration.ca_bundle else []),
        ("client_certificate", configuration.client_certificate),
    ):
        problems += [
            Problem("DEFAULT", option, str(p), "it is not there; name a file of certificates")
            for p in paths
            if not p.exists()
        ]
    no_mirror = []
    if configuration.expect_mirror and not holds_mirror(root):
        no_mirror = [Problem("DEFAULT", "expect_mirror", "True", f"{root} {NO_MIRROR}")]
    if problems:
        raise ConfigError(str(source), (*problems, *no_mirror))
    if no_mirror:
        raise NoMirrorError(str(source), tuple(no_mirror))


def _of_state(configuration: Config) -> Iterator[Problem]:
    """Yield what is wrong with the folder of the state, which nobody shall be served."""
    root, folder = configuration.mirror_file_path, configuration.state_dir
    if folder == root / PRIVATE:
        return
    real = _real(folder)
    if why := why_no_folder(folder):
        yield Problem("DEFAULT", "state_dir", str(folder), f"{why}; name a folder")
    elif real.is_relative_to(_real(root)) and not real.is_relative_to(_real(root) / PRIVATE):
        why = (
            "it is where files are served; name a folder outside of mirror_file_path, or leave the option out"
        )
        yield Problem("DEFAULT", "state_dir", str(folder), why)


def _of_reports(configuration: Config, source: Path) -> Iterator[Problem]:
    """Yield what is wrong with the files that are written when a run is over.

    Where one can't be written is told when that was tried: then the mirror is up to date all the same.
    """
    root = _real(configuration.mirror_file_path)
    used = {_resolved(configuration.lock_file_name), _resolved(configuration.log_filename)}
    state = _real(configuration.state_dir)
    own = {root / PRIVATE / name for name in _OWN} | {state / "state.sqlite", state / "state.sqlite-journal"}
    for option, path in (
        ("report", configuration.report),
        ("metrics", configuration.metrics),
        ("changed_paths", configuration.changed_paths),
    ):
        if path is None:
            continue
        real = _resolved(path)
        if _is_same(path, source):
            problem = _IS_CONFIGURATION
        elif reader := next((name for name, read in _files_read(source) if _is_same(path, read)), None):
            problem = f"{reader} reads this file; name one of its own"
        elif real.is_dir():
            problem = "it is a folder; name a file"
        elif real.exists() and not real.is_file():
            problem = "it is no regular file; name a file"
        elif real in used:
            problem = "it is the file of another option; name one of its own"
        elif real.is_relative_to(root) and real.parent != root / PRIVATE:
            problem = (
                "it is where files are served; name one outside of mirror_file_path, or in its .pypimirror"
            )
        elif real in own:
            problem = "it is a file of pypimirror's own; name another one"
        else:
            used.add(real)
            continue
        yield Problem("DEFAULT", option, str(path), problem)


def _files_read(source: Path) -> Iterator[tuple[str, Path]]:
    """Yield each option with the files that may be named in it, for pypimirror to read."""
    for name, setting in ini.parse(source.read_bytes()).settings.items():
        if name not in _WRITTEN:
            for word in setting.value.split():
                yield name, source.parent / word.removeprefix("@")


def _is_same(path: Path, other: Path) -> bool:
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
    problem = None
    if not folder.is_dir():
        problem = "it is no folder"
    elif _real(folder).is_relative_to(_real(configuration.mirror_file_path)):
        problem = "it is in the mirror's own folder, which is adopted without a word"
    if problem:
        raise ConfigError(f"--adopt {folder}", (problem,))


def _real(path: Path) -> Path:
    """Return where a path leads; a circle of links ends somewhere in it, and is told of when it is used."""
    return Path(os.path.realpath(path))
