"""The rule `max_project_size`, and sizes as reasons name them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pypimirror.model import File
from pypimirror.selection.kinds import kind_of
from pypimirror.selection.options import FILE_TYPES
from pypimirror.selection.releases import Release, newest_first
from pypimirror.selection.want import No

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


class Sized(NamedTuple):
    """A file that is wanted so far."""

    file: File
    release: Release
    is_pinned: bool


def no_room(files: Iterable[Sized], largest: int) -> Iterator[tuple[File, No]]:
    """Yield the files that a project has no room for, each with why.

    What a requirement pins comes first, and then the newest, release by release; from the first file on that
    has no room, all that come after it are left out, too, so that no release is missing between others.
    """
    taken, unknown, is_full = 0, 0, False
    for file, _, _ in _in_turn(files):
        is_full = is_full or taken + (file.size or 0) > largest
        if is_full:
            yield file, No("max_project_size", _said(file, taken, unknown, largest))
        else:
            taken += file.size or 0
            unknown += file.size is None


def _in_turn(files: Iterable[Sized]) -> list[Sized]:
    sized = list(files)
    order = {each.text: number for number, each in enumerate(newest_first(each.release for each in sized))}
    return sorted(
        sized,
        key=lambda each: (
            not each.is_pinned,
            order[each.release.text],
            FILE_TYPES.index(kind_of(each.file.filename)),
            each.file.filename,
        ),
    )


def _said(file: File, taken: int, unknown: int, largest: int) -> str:
    size = "unknown size" if file.size is None else shown_size(file.size)
    more = f"; {unknown} of unknown size counted as 0" if unknown else ""
    return (
        f"of {size}, behind {shown_size(taken)} of what is newer, and {shown_size(largest)} are allowed{more}"
    )


def shown_size(size: int) -> str:
    """Return a size as people read it."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{size} {'byte' if size == 1 else 'bytes'}" if not unit else f"{amount:.1f} {_UNITS[unit]}"
