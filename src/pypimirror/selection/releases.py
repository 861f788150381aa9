"""Which release a file is of, and which releases a specifier (PEP 440) admits or pins."""

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from pypimirror.filenames import is_of_another, version_key, version_of
from pypimirror.model import File
from pypimirror.printable import printable

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


_LONGEST = 100
"""Characters of what is shown of a release."""


class Release(NamedTuple):
    """A release as its files spell it; no text where that can't be told, no version where it is none."""

    text: str
    version: Version | None
    public: Version | str
    """The release without its local part, by which releases are counted."""

    @property
    def identity(self) -> Version | str:
        """What is equal for all spellings of a release."""
        return self.text.lower() if self.version is None else self.version

    @property
    def shown(self) -> str:
        """The release as a clause names it."""
        return printable(self.text, _LONGEST) or "what has no version"

    @property
    def is_prerelease(self) -> bool:
        """Whether it is an alpha, beta, candidate or development release."""
        return self.version is not None and self.version.is_prerelease


@functools.lru_cache(maxsize=4096)
def release(text: str) -> Release:
    """Return the release that a text names."""
    is_version, version, _ = version_key(text)
    if not is_version:
        return Release(text, None, text.lower())
    return Release(text, version, Version(version.public) if version.local else version)


def release_of(file: File, project: str) -> Release:
    """Return the release that a file of a project is of: as upstream says, or by its name.

    What bears another project's name is of none: clients pass it over, and it takes no release's place.
    """
    if is_of_another(file.filename, project):
        return release("")
    return release(file.version or version_of(file.filename, project) or "")


@functools.lru_cache(maxsize=1024)
def _read(specifier: str) -> "SpecifierSet | None":
    from packaging.specifiers import SpecifierSet

    try:
        read = SpecifierSet(specifier)
        for each in read:
            each.contains("0")  # which reads its version
    except ValueError:  # InvalidSpecifier, and numbers of too many digits
        return None
    return read


@functools.lru_cache(maxsize=8192)
def admits(specifier: str, candidate: Release) -> bool:
    """Tell whether a specifier admits a release, pre-releases, too; one that can't be read admits all.

    What is no version is admitted by an empty specifier, and by `===` with the same text.
    """
    read = _read(specifier) if specifier else None
    if read is None:
        return True
    if candidate.version is None:
        return all(s.operator == "===" and s.version.lower() == candidate.text.lower() for s in read)
    return read.contains(candidate.version, prereleases=True)


@functools.lru_cache(maxsize=1024)
def pinned_by(specifier: str) -> tuple[str, ...]:
    """Return the versions that a specifier names, by `==` without a wildcard, or `===`."""
    clauses = (_read(specifier) or ()) if "==" in specifier else ()
    return tuple(s.version for s in clauses if s.operator in ("==", "===") and not s.version.endswith(".*"))


def pins(specifier: str, candidate: Release) -> bool:
    """Tell whether a specifier names this very release."""
    return bool(pinned_by(specifier)) and admits(specifier, candidate)


@functools.lru_cache(maxsize=1024)
def names_prerelease(specifier: str) -> bool:
    """Tell whether a specifier asks for pre-releases by naming one (PEP 440): `>=2.0b1`."""
    read = _read(specifier)
    return bool(read and read.prereleases)


def newest_first(releases: Iterable[Release]) -> list[Release]:
    """Return the releases, each once by its text, and what has no version at the end."""
    distinct = {each.text: each for each in releases}
    return sorted(distinct.values(), key=lambda each: version_key(each.text), reverse=True)
