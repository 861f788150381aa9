"""Reading the settings of a file one by one; what is wrong with them is gathered."""

import difflib
import re
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pypimirror.addresses import masked
from pypimirror.config import ini, readers
from pypimirror.config.readers import COMMENT
from pypimirror.errors import Problem

_T = TypeVar("_T")
_COMMENT = re.compile(r"(?:^|\s)#.*", re.MULTILINE)


class Option(NamedTuple):
    """How an option is read, and its default as text; None where it has to be given or is computed."""

    read: Callable[..., Any]
    default: str | None = None
    is_required: bool = False
    names_files: bool = False
    """The value may name files to read: `read` also takes the folder to which they are relative."""


class Reader:
    """Reads settings one by one and gathers what is wrong with them."""

    def __init__(
        self,
        given: dict[str, ini.Setting],
        problems: list[Problem | str],
        folder: Path,
        *,
        misplaced: frozenset[str],
    ) -> None:
        self.given = given
        self.problems = problems
        self.folder = folder
        self._misplaced = misplaced
        """Options that stand where they don't count; that is told already."""

    def value(self, name: str, option: Option) -> Any:
        """Return an option's value, or its default; None where it has none, or is wrong."""
        section, text = self.given.get(name, ini.Setting(ini.SECTIONS[0], option.default or ""))
        if name not in self.given:
            if option.is_required and name not in self._misplaced:
                self.problems.append(Problem(section, name, None, "missing; it has to be set"))
            if option.default is None:
                return None
        if option.names_files:
            return self._read_with_files(name, section, text, option)
        return self.read(name, section, text, option.read)

    def _read_with_files(self, name: str, section: str, text: str, option: Option) -> Any:
        """Read a value that may name files by `@FILE`."""
        read = partial(option.read, folder=self.folder)
        if not _names_files_alone(text):
            return self.read(name, section, text, read)
        try:
            return read(text.strip())
        except (ValueError, RuntimeError) as error:
            self.problems.append(Problem(section, name, None, str(error)))
            return None

    def read(self, name: str, section: str, text: str, read: Callable[[str], Any]) -> Any:
        """Return what `read` makes of a text; None where that is wrong."""
        try:
            return read(text.strip())
        except (ValueError, RuntimeError) as error:  # RuntimeError: "~user" without such a user
            said = COMMENT if _is_good_without_comment(text, read) else _said(error, text, read)
            self.problems.append(Problem(section, name, text, said))
            return None

    def path(self, name: str, folder: Path, default: str | None = None) -> Path | None:
        """Return a path, relative to `folder`."""
        if name not in self.given and default is None:
            return None
        section, text = self.given.get(name, ini.Setting(ini.SECTIONS[0], default or ""))
        value: Path | None = self.read(name, section, text, partial(readers.path, folder=folder))
        return value

    def paths(self, name: str, folder: Path) -> tuple[Path, ...]:
        """Return the paths of a certificate and its key."""
        section, text = self.given.get(name, ini.Setting(ini.SECTIONS[0], ""))
        return self.read(name, section, text, partial(readers.certificate, folder=folder)) or ()

    def optional(self, name: str, read: Callable[[str], _T]) -> _T | None:
        """Return what `read` makes of an option that may be left empty."""
        if not self.text(name):
            return None
        section, text = self.given[name]
        value: _T | None = self.read(name, section, text, read)
        return value

    def text(self, name: str) -> str:
        """Return the text of an option; empty where it is not given."""
        return self.given[name].value.strip() if name in self.given else ""

    def check_unknown(self, referenced: frozenset[str], known: Collection[str]) -> None:
        """Gather the options that are none, and that no value refers to."""
        for name, (section, text) in self.given.items():
            if name in known or name in referenced:
                continue
            if " " in name and "@" in text:  # no name, but what stands before a colon in a password
                self.problems.append(Problem(section, "...", None, "unknown option"))
                continue
            near = difflib.get_close_matches(name, known, n=1)
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
    hidden = masked(text.strip())
    if hidden == text.strip():
        return str(error)
    try:
        read(hidden)
    except (ValueError, RuntimeError) as without:
        return str(without)
    return f"can't be used as it is; {readers.ENCODE}"
