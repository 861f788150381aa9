"""Readers of the options that choose among a project's files; what they return is sorted."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pypimirror import names
from pypimirror.config import lines
from pypimirror.config.readers import boolean
from pypimirror.model import NormalizedName
from pypimirror.selection.globs import check_name_pattern
from pypimirror.selection.options import FILE_TYPES, Blocked, LatestReleases, Prereleases, ProjectVersions

_T = TypeVar("_T")
_PYTHON = re.compile(r"([23])\.([0-9]{1,2})(t?)")
_LIKE_PYTHON = re.compile(r"(?:cp|py|pp|python)?([23])\.?([0-9]{1,2})(?:\.[0-9*]+)?(t?)")
_FIRST_FREE_THREADED = (3, 13)
_GLIBC = re.compile(r"([0-9]{1,2})\.([0-9]{1,3})")
_LINE = re.compile(r"([A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?)(?:\s+|(?=[<>=!~]))(\S.*)", re.IGNORECASE)
_SHA256 = re.compile(r"(?:sha256[:=])?([0-9a-f]{64})", re.IGNORECASE)
_OTHER_DIGEST = re.compile(r"(?:\w+[:=])?[0-9a-f]{32,128}|(?:sha|md|blake)\w*[:=].*", re.IGNORECASE)
_RELEASE = re.compile(r"([^\s=]+)\s*={2,3}\s*(\S+)")
_IMPLEMENTATIONS = {"cp": ("cp", "cpython", "c", "python", "py"), "pp": ("pp", "pypy", "pypy3")}
_LAST_OF_2 = 7


def _python(text: str) -> str:
    found = _PYTHON.fullmatch(text)
    if found is None:
        like = _LIKE_PYTHON.fullmatch(text.lower())
        near = f"; did you mean {like[1]}.{like[2]}{like[3]}?" if like else _apart(text)
        raise ValueError(
            f"{text} is no version of Python such as 3.13, or 3.13t without its lock (GIL){near}"
        )
    version = (int(found[1]), int(found[2]))
    if version[0] == 2 and version[1] > _LAST_OF_2:
        raise ValueError(f"{text}: there is no such Python; did you mean 2.7, or 3.{found[2]}?")
    if found[3] and version < _FIRST_FREE_THREADED:
        raise ValueError(f"{text}: Python is built without its lock (GIL) from 3.13t on")
    return f"{version[0]}.{version[1]}{found[3]}"


def _apart(text: str) -> str:
    """Say that words are separated by white space, where commas do it."""
    return f"; did you mean {' '.join(text.replace(',', ' ').split())}?" if "," in text else ""


def python_key(version: str) -> tuple[int, int, str]:
    """Return what versions of Python are sorted and compared by."""
    major, _, minor = version.rstrip("t").partition(".")
    return int(major), int(minor), version


def _platform(text: str) -> str:
    from pypimirror.selection.platforms import check_platform

    if "," in text:
        raise ValueError(f"{text} is no short name of a platform{_apart(text)}")
    check_platform(text)
    return text


def _implementation(text: str) -> str:
    if text in _IMPLEMENTATIONS:
        return text
    near = next((f"; did you mean {n}?" for n, like in _IMPLEMENTATIONS.items() if text.lower() in like), "")
    raise ValueError(f"{text} is neither cp (CPython) nor pp (PyPy){near or _apart(text)}")


def glibc(text: str) -> tuple[int, int] | None:
    """Read a version of glibc, such as 2.28; nothing is any."""
    found = _GLIBC.fullmatch(text)
    if text and found is None:
        raise ValueError("not a version of glibc, such as 2.28 (ldd --version tells a machine's own)")
    return (int(found[1]), int(found[2])) if found else None


def _file_type(text: str) -> str:
    if text not in FILE_TYPES:
        like = difflib.get_close_matches(text.lower(), FILE_TYPES, n=1)
        near = _apart(text) or (f"; did you mean {like[0]}?" if like else "")
        raise ValueError(f"{text} is none of {' '.join(FILE_TYPES)}{near}")
    return text


def _words(read: Callable[[str], str], key: Callable[[str], Any] = str) -> Callable[[str], tuple[str, ...]]:
    """Make a reader of words that are separated by white space."""
    return lambda text: _sorted(lines.each(map(lines.Entry, text.split()), read), key)


python_versions = _words(_python, python_key)
platforms = _words(_platform)
implementations = _words(_implementation)
file_types = _words(_file_type)


def prereleases(text: str) -> Prereleases:
    """Read a boolean, or `if-needed`."""
    if re.sub(r"[ _-]", "", text).lower() == "ifneeded":
        return "if-needed"
    try:
        return boolean(text)
    except ValueError as error:
        raise ValueError(f"{error}, nor if-needed") from error


def versions(text: str, folder: Path = lines.HERE) -> ProjectVersions:
    """Read lines of a project and a specifier, such as `django >=4.2,<5`."""
    return _sorted(lines.each(lines.lines(text, folder), _versions))


def _versions(line: str) -> tuple[NormalizedName, str]:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    found = _LINE.fullmatch(line)
    if found is None or ";" in line or "[" in line:
        raise ValueError(f"{line}: not a project and its versions, such as django >=4.2,<5, one in a line")
    try:
        return names.normalize(found[1]), str(SpecifierSet(found[2]))
    except InvalidSpecifier as error:
        hint = f"; did you mean =={found[2]}?" if re.fullmatch(r"v?\d[\w.+!*-]*", found[2]) else ""
        raise ValueError(f"{line}: {found[2]} is no specifier such as >=4.2,<5 (PEP 440){hint}") from error


def latest_releases(text: str, folder: Path = lines.HERE) -> LatestReleases:
    """Read a number for all projects, and lines of a glob and the number for what it matches."""
    read = lines.each(lines.lines(text, folder), _latest)
    numbers = {number for glob, number in read if glob is None}
    if len(numbers) > 1:
        raise ValueError(f"{' and '.join(map(str, sorted(numbers)))}: one number can be that of all projects")
    overrides = _sorted((glob, number) for glob, number in read if glob is not None)
    return LatestReleases(max(numbers, default=0), overrides)


def _latest(line: str) -> tuple[str | None, int]:
    *globs, number = line.split()
    if len(globs) > 1 or "".join(globs).isdecimal() or not re.fullmatch(r"[0-9]{1,6}", number):
        raise ValueError(
            f"{line}: neither a number of releases, nor a glob of projects and a number, such as django* 10,"
            " each in a line of its own; 0 is all"
        )
    if globs:
        check_name_pattern(globs[0])
    return (globs[0] if globs else None), int(number)


def blocked_files(text: str, folder: Path = lines.HERE) -> Blocked:
    """Read SHA-256 digests, lines such as `name==version`, and paths of files that have such lines."""
    entries = list(_blocked_entries(text, folder))
    read = lines.each(entries, _blocked)
    digests = _sorted(value for value in read if isinstance(value, str))
    return Blocked(digests, _sorted(value for value in read if isinstance(value, tuple)))


def _blocked_entries(text: str, folder: Path) -> Iterator[lines.Entry]:
    """Yield the entries of the value and of the files that it names."""
    for line in map(str.strip, text.splitlines()):
        for word in [line] if _RELEASE.fullmatch(line) else line.split():
            if _is_blocked(word):
                yield lines.Entry(word)
            else:
                yield from lines.file_lines(word.removeprefix("@"), folder)


def _is_blocked(word: str) -> bool:
    return bool(re.search("[=<>!~]=", word) or _SHA256.fullmatch(word) or _OTHER_DIGEST.fullmatch(word))


def _blocked(entry: str) -> str | tuple[NormalizedName, str]:
    if digest := _SHA256.fullmatch(entry):
        return digest[1].lower()
    release = _RELEASE.fullmatch(entry)
    if release and "*" not in release[2] and "," not in release[2]:
        return names.normalize(release[1]), release[2]
    hint = "; ranges of versions belong into excluded_versions" if re.search("[<>~!*,]", entry) else ""
    raise ValueError(
        f"{entry}: neither a SHA-256 digest of 64 hexadecimal digits, nor a release such as demo==1.0{hint}"
    )


def _sorted(values: Iterable[_T], key: Callable[[_T], Any] = lambda value: value) -> tuple[_T, ...]:
    return tuple(sorted(set(values), key=key))
