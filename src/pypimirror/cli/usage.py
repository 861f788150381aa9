"""What is wrong with a command line beyond what argparse sees: a crontab with a field too many."""

import argparse
import difflib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pypimirror.errors import UsageError

_NAME = "pypimirror"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are raised, as cron's mail has to get each of them once a day alone."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(self.format_usage().strip(), f"{message}{self._hint(message)}")

    def _hint(self, message: str) -> str:
        """Return which flag may be meant by one that is none."""
        found = re.match(r"unrecognized arguments: (-[^\s=]+)", message)
        if found is None:
            return ""
        given = found[1]
        flags = [flag for action in self._actions for flag in action.option_strings]
        if given.startswith("--"):
            alike = [flag for flag in flags if flag.startswith(given)] or difflib.get_close_matches(
                given, flags
            )
        else:
            alike = [flag for flag in flags if flag.lower() == given.lower()]
        return f"; did you mean {' or '.join(alike)}?" if alike else "; --help lists what there is"


def check_first(argv: Sequence[str], usage: str) -> None:
    """Raise UsageError where the command was given its own path, as by a crontab with a user's field."""
    if len(argv) > 1 and not argv[0].startswith("-") and _is_command(Path(argv[0])):
        rest = " ".join(argv)
        message = (
            f"{argv[0]} is the command itself, and no configuration. In a crontab of a user (crontab -e) no"
            f" field names the user: write */6 * * * * {rest}. In /etc/crontab and /etc/cron.d the user"
            f" stands before it: */6 * * * * {_NAME} {rest}"
        )
        raise UsageError(usage.strip(), message)


def _is_command(path: Path) -> bool:
    """Tell whether a path is an installed pypimirror: a file with this name that can be run."""
    return path.name == _NAME and path.is_file() and os.access(path, os.X_OK)


def verify_kind(text: str) -> str:
    """Read what --verify compares. Raises argparse.ArgumentTypeError."""
    if text not in ("sizes", "hash"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no way to verify; write --verify, which compares sizes, or --verify=hash, which"
            " reads every file (the configuration stands before it)"
        )
    return text
