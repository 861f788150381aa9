"""Values of several entries, some of which may stand in files that the value names (`@FILE`)."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

_T = TypeVar("_T")
HERE = Path()
"""Where relative paths begin that no configuration names."""
_MAX_BYTES = 1 << 28
"""Of a file; a larger one holds no patterns."""
_MOST_TOLD = 5
_LONGEST = 400
"""Characters of what is told of an entry."""
_LONGEST_PATH = 4096


class Entry(NamedTuple):
    """One word or line, and where it stands."""

    text: str
    place: str | None = None
    """Path and line of a file; None for the configuration itself."""


def words(text: str, folder: Path) -> Iterator[Entry]:
    """Yield the words of a value, and of the files that `@FILE` names in it. Raise ValueError."""
    for word in text.split():
        if word.startswith("@"):
            found = file_lines(word[1:], folder)
            yield from (Entry(each, line.place) for line in found for each in line.text.split())
        else:
            yield Entry(word)


def lines(text: str, folder: Path) -> Iterator[Entry]:
    """Yield the lines of a value, and of the files that lines of `@FILE` name. Raise ValueError."""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("@"):
            yield from file_lines(line[1:], folder)
        elif line:
            yield Entry(line)


def file_lines(name: str, folder: Path) -> list[Entry]:
    """Return what the lines of a file say, without comments, which begin with `#`. Raise ValueError."""
    path = _path(name, folder)
    found = []
    for number, line in enumerate(_read(path).splitlines(), start=1):
        said = line.strip() if "#" not in line else f" {line}".replace("\t", " ").partition(" #")[0].strip()
        if said.startswith("@"):
            raise ValueError(f"{path}:{number}: a file names no other one; name both in the option")
        if said:
            found.append(Entry(said, f"{path}:{number}"))
    return found


def _path(name: str, folder: Path) -> Path:
    if not name or "\0" in name:
        raise ValueError("behind @ stands the path of a file, without a space between them")
    if len(name) > _LONGEST_PATH:
        raise ValueError(f"{name[:40]}... is too long for a path")
    if "://" in name:
        raise ValueError(f"{name} is an address; fetch it into a file, and name that")
    return Path(os.path.normpath(folder / Path(name).expanduser()))


def _read(path: Path) -> str:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ValueError(
                f"{path} is no file, but a pipe or a device; write it into a file, and name that"
            )
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(
            f"{path} can't be read ({error.strerror}); a relative path is relative to the configuration file"
        ) from error
    if len(content) > _MAX_BYTES:
        raise ValueError(f"{path} has more than {_MAX_BYTES >> 20} MiB; is it the right file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}:{number}: not in UTF-8; is it the right file?") from error


def each(entries: Iterable[Entry], read: Callable[[str], _T]) -> tuple[_T, ...]:
    """Read each entry; raise one ValueError that names what can't be read, and where it stands."""
    found, wrong = [], []
    for text, place in entries:
        try:
            found.append(read(text))
        except ValueError as error:
            said = str(error) if len(str(error)) <= _LONGEST else f"{str(error)[:_LONGEST]}..."
            wrong.append(f"{place}: {said}" if place else said)
    if wrong:
        more = f"; and {len(wrong) - _MOST_TOLD:,} more" if len(wrong) > _MOST_TOLD else ""
        raise ValueError("; ".join(wrong[:_MOST_TOLD]) + more)
    return tuple(found)
