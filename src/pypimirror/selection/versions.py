"""The rules `versions`, `excluded_versions` and `yanked`."""

from collections.abc import Iterable

import msgspec

from pypimirror.model import File, NormalizedName
from pypimirror.printable import printable
from pypimirror.selection.options import ProjectVersions
from pypimirror.selection.releases import Release, admits
from pypimirror.selection.want import No

_LONGEST = 200
"""Characters of a reason."""


class Versions(msgspec.Struct, frozen=True):
    """What the lines of `versions` and `excluded_versions` say of one project."""

    kept: tuple[str, ...] = ()
    """Specifiers that all have to hold."""
    excluded: tuple[str, ...] = ()
    """Specifiers none of which may hold."""

    def no(self, release: Release) -> No | None:
        """Say why a release is left out; None where it is not.

        What is no version is neither kept nor excluded, unless `===` names it.
        """
        for specifier in self.kept:
            if not admits(specifier, release):
                return No("versions", f"{release.shown} is not {specifier}")
        for specifier in self.excluded:
            if admits(specifier, release):
                return No("excluded_versions", f"{release.shown} is {specifier}")
        return None


def by_project(kept: ProjectVersions, excluded: ProjectVersions) -> dict[str, Versions]:
    """Gather the lines by project."""
    return {
        name: Versions(_of(kept, name), _of(excluded, name)) for name in {name for name, _ in kept + excluded}
    }


def _of(lines: Iterable[tuple[NormalizedName, str]], name: str) -> tuple[str, ...]:
    return tuple(sorted({specifier for each, specifier in lines if each == name}))


def no_yanked(file: File) -> No | None:
    """Say why a file that was yanked (PEP 592) is left out."""
    if file.yanked is None:
        return None
    reason = f": {printable(file.yanked, _LONGEST)}" if file.yanked else ""
    return No("yanked", f"it was yanked{reason}")
