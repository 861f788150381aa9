"""Whether what the configuration names can be where it says, before anything is touched."""

import os
from pathlib import Path

from pypimirror.config import Config
from pypimirror.errors import ConfigError, Problem
from pypimirror.store import PRIVATE, holds_mirror

NO_MIRROR = "holds no mirror; is its disk mounted? For a first run set expect_mirror = False"


def check(configuration: Config, source: Path) -> None:
    """Raise ConfigError where a lock or a log can't be, or a certificate is not there."""
    root = configuration.mirror_file_path
    problems = []
    for option, path in (
        ("lock_file_name", configuration.lock_file_name),
        ("log_filename", configuration.log_filename),
    ):
        if path.is_dir() or path == root:
            problems.append(Problem("DEFAULT", option, str(path), "it is a folder; name a file"))
        elif option == "log_filename" and str(path) != os.devnull and path.exists() and not path.is_file():
            problems.append(Problem("DEFAULT", option, str(path), "it is no regular file; name a file"))
        elif path.parent not in (root, root / PRIVATE) and not path.parent.is_dir():
            problems.append(
                Problem("DEFAULT", option, str(path), "its folder does not exist; make it, or name another")
            )
    for option, paths in (
        ("ca_bundle", [configuration.ca_bundle] if configuration.ca_bundle else []),
        ("client_certificate", configuration.client_certificate),
    ):
        problems += [
            Problem("DEFAULT", option, str(p), "it is not there; name a file of certificates")
            for p in paths
            if not p.exists()
        ]
    if configuration.expect_mirror and not holds_mirror(root):
        problems.append(Problem("DEFAULT", "expect_mirror", "True", f"{root} {NO_MIRROR}"))
    if problems:
        raise ConfigError(str(source), tuple(problems))


def check_adopted(folder: Path, configuration: Config) -> None:
    """Raise ConfigError where files can't be taken out of a folder."""
    problem = None
    if not folder.is_dir():
        problem = "it is no folder"
    elif folder.resolve().is_relative_to(configuration.mirror_file_path.resolve()):
        problem = "it is in the mirror's own folder, which is adopted without a word"
    if problem:
        raise ConfigError(f"--adopt {folder}", (problem,))
