"""Reading the settings of a file one by one; what is wrong with them is gathered."""

import difflib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pypimirror.addresses import masked
from pypimirror.config import ini, readers
from pypimirror.config.values import OPTIONS
from pypimirror.errors import Problem

_COMMENT = re.compile(r"(?:^|\s)#.*", re.MULTILINE)


class Reader:
    """Reads settings one by one and gathers what is wrong with them."""

    def __init__(self, found: ini.Ini) -> None:
        self.given = found.settings
        self.problems = list(found.problems)
        self.misplaced = found.misplaced
        """Options that stand where they don't count; that is told already."""
        self._referenced = found.referenced

    def value(self, name: str, folder: Path) -> Any:
        """Return an option's value, or its default; None where it has none, or is wrong."""
        option = OPTIONS[name]
        section, text = self.given.get(name, ini.Setting(ini.SECTIONS[0], option.default or ""))
        if name not in self.given and option.default is None:
            if option.is_required and name not in self.misplaced:
                self.problems.append(Problem(section, name, None, "missing; it has to be set"))
            return None
        takes_folder = option.takes_folder or option.names_files
        read = partial(option.read, folder=folder) if takes_folder else option.read
        try:
            return read(text.strip())
        except (ValueError, RuntimeError) as error:  # RuntimeError: "~user" without such a user
            is_plain = option.names_files and _names_files_alone(text)
            said = str(error) if is_plain else _said(error, text, read)
            self.problems.append(Problem(section, name, None if is_plain else text, said))
            return None

    def text(self, name: str) -> str:
        """Return the text of an option; empty where it is not given."""
        return self.given[name].value.strip() if name in self.given else ""

    def check_unknown(self) -> None:
        """Gather the unknown options; those that a value refers to are meant for that."""
        for name, (section, text) in self.given.items():
            if name in OPTIONS or name in self._referenced:
                continue
            if " " in name and "@" in text:  # no name, but what stands before a colon in a password
                self.problems.append(Problem(section, "...", None, "unknown option"))
                continue
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; docs/configuration.md lists the options"
            self.problems.append(Problem(section, name, None, f"unknown option{hint}"))


def _names_files_alone(text: str) -> bool:
    """Tell whether each `@` in a value begins the name of a file, and so stands in no password."""
    return "@" in text and ":" not in text and not re.search(r"\S@", text)


def _is_good_without_comment(text: str, read: Callable[[str], Any]) -> bool:
    """Tell whether it is a comment behind a value, as other programs take it, that makes it a bad one."""
    bare = _COMMENT.sub("", text)
    if bare == text or not bare.strip():
        return False
    try:
        read(bare.strip())
    except (ValueError, RuntimeError):
        return False
    return True


def _said(error: Exception, text: str, read: Callable[[str], Any]) -> str:
    """Return what a reader says of a value, or where there may be a password in it, of the rest."""
    if _is_good_without_comment(text, read):
        return readers.COMMENT
    hidden = masked(text.strip())
    if hidden == text.strip():
        return str(error)
    try:
        read(hidden)
    except (ValueError, RuntimeError) as without:
        return str(without)
    return f"can't be used as it is; {readers.ENCODE}"
