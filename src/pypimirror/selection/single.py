"""The rules that look at one file by itself: its kind, Pythons, size and age, and whether it was yanked."""

import functools

from pypimirror.amounts import DAY_S
from pypimirror.model import File
from pypimirror.printable import printable
from pypimirror.selection.kinds import kind_of
from pypimirror.selection.sizes import shown_size
from pypimirror.selection.want import No
from pypimirror.upload_times import posix_time, shown_time

_KINDS = {"egg": "an egg", "sdist": "an sdist", "wheel": "a wheel", "other": "another kind of file"}
_LONGEST_REASON = 200
_LONGEST_SPECIFIER = 250
"""Characters: what is longer is not read, as reading it takes the square of their number."""
_EARLIEST = 946_684_800.0
"""2000: there was no index before."""
_FARTHEST_S = 366 * DAY_S
"""So far ahead no clock goes."""


def no_other_kind(file: File, types: tuple[str, ...]) -> No | None:
    """Say why `file_types` leaves a file out; None where it does not."""
    kind = kind_of(file.filename)
    if kind in types:
        return None
    return No("file_types", f"it is {_KINDS[kind]}, and these are taken: {', '.join(sorted(types))}")


def no_other_python(file: File, python_versions: tuple[str, ...]) -> No | None:
    """Say why a file's Requires-Python (PEP 345) admits none of the Pythons; None where it does."""
    requires = file.requires_python
    if not requires or any(has_fitting_micro(requires, python) for python in python_versions):
        return None
    asked = " ".join(sorted(python_versions))
    return No("python_versions", f"Requires-Python {printable(requires)} admits none of {asked}")


@functools.lru_cache(maxsize=4096)
def has_fitting_micro(requires: str, python: str) -> bool:
    """Tell whether some X.Y.Z of a Python X.Y satisfies Requires-Python; what can't be read fits."""
    if len(requires) > _LONGEST_SPECIFIER:
        return True
    from packaging.specifiers import SpecifierSet

    try:
        fitting = SpecifierSet(f"{requires},=={python.rstrip('t')}.*", prereleases=False)
        return not fitting.is_unsatisfiable()
    except ValueError:  # InvalidSpecifier, and numbers of too many digits
        return True


def no_yanked(file: File) -> No | None:
    """Say why a file that was yanked (PEP 592) is left out."""
    if file.yanked is None:
        return None
    return No(
        "yanked", f"it was yanked{f': {printable(file.yanked, _LONGEST_REASON)}' if file.yanked else ''}"
    )


def no_large_file(file: File, largest: int) -> No | None:
    """Say why a file is left out; None where it is not, or where nobody tells its size."""
    if file.size is None or file.size <= largest:
        return None
    return No("max_file_size", f"it has {shown_size(file.size)}, and {shown_size(largest)} are allowed")


def no_young(file: File, now: float, days: float, *, allows_unknown: bool) -> No | None:
    """Say why a file has to wait until it is so many days old, and until when; None where it need not."""
    uploaded = posix_time(file.upload_time) if file.upload_time else None
    if uploaded is None or not _EARLIEST <= uploaded <= now + _FARTHEST_S:
        why = "nobody tells when it was uploaded (min_age_unknown = allow lets it through)"
        return None if allows_unknown else No("min_age_days", why)
    until = uploaded + days * DAY_S
    if now >= until:
        return None
    age = max(now - uploaded, 0.0) / DAY_S
    return No(
        "min_age_days", f"it is {age:.1f} of {days:g} days old, and comes on {shown_time(until)}", until
    )
