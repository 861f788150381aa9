"""`--init DIR`: a configuration beside a mirror folder, and what comes next."""

import errno
import importlib.resources
import os
import pwd
import shlex
import shutil
import sys
from pathlib import Path

from pypimirror.cli.console import show
from pypimirror.errors import ConfigError
from pypimirror.report.exit_status import Status

SAMPLE = "pypimirror.cfg.sample"
_OF_THE_NAME = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP)
"""Errors that another folder mends."""
_MIRROR = "mirror"
"""What `mirror_file_path` is in the sample."""


def sample() -> bytes:
    """Return a configuration with every option."""
    return importlib.resources.files("pypimirror").joinpath(SAMPLE).read_bytes()


def run(path: Path) -> Status:
    """Write a configuration to `path`, make the mirror's folder beside it, and print what comes next.

    Raises ConfigError where something is there already: nothing is overwritten.
    """
    path = Path.cwd() / path
    _make(path)
    show(*_next_steps(path))
    return Status.OK


def _make(path: Path) -> None:
    try:
        (path.parent / _MIRROR).mkdir(parents=True, exist_ok=True)
        _write_new(path, sample())
    except OSError as error:
        place = path.parent
        if isinstance(error, FileExistsError):
            place = Path(error.filename or path)
            why = "is no folder; name another one"
            if place == path:
                why = "is there already, and stays as it is; name another folder, or go on with this one"
        elif isinstance(error, NotADirectoryError):
            why = "lies below a file; name another folder"
        elif error.errno in _OF_THE_NAME:
            why = f"can't be written ({error.strerror}); name a folder of your own"
        else:
            raise
        raise ConfigError(f"--init: {place}", (why,)) from error


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that was not there; none is left where that fails."""
    with path.open("xb") as file:
        try:
            file.write(content)
            file.flush()
        except OSError:
            path.unlink()
            raise


def _next_steps(path: Path) -> list[str]:
    command, config = _command(), shlex.quote(str(path))
    run = f"{command} {config} --update-fetch"
    user = _user()
    line = run.replace("%", "\\%")  # an unescaped one ends the command in a crontab
    own_user = "   A user of its own is better than root: make one, and give it the folder."
    return [
        f"{path} is written, with every option explained; the mirror will be in {path.parent / _MIRROR}.",
        "",
        "1. Name the projects you want in it (package_matches), and try it:",
        f"     {run}",
        "",
        "2. Let cron keep it up to date, by this line of /etc/cron.d/pypimirror",
        f'   (in "crontab -e" without the user, {user}):',
        f"     */6 * * * * {user} {line}",
        *([own_user] if user == "root" else []),
        "",
        "3. Let a web server serve it; this prints what nginx needs (or apache):",
        f"     {command} {config} --server-config nginx",
    ]


def _command() -> str:
    """Return how this command was called, so that cron finds it, too."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m pypimirror"
    return shlex.quote(os.path.abspath(shutil.which(sys.argv[0]) or called))  # links are kept


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
