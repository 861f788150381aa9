"""The rules about releases: `versions` and `excluded_versions`, and `blocked_files`."""

import msgspec
from packaging.version import Version

from pypimirror.model import File, NormalizedName
from pypimirror.selection.options import Blocked, ProjectVersions
from pypimirror.selection.releases import Release, admits, release
from pypimirror.selection.want import No


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
    found: dict[str, tuple[set[str], set[str]]] = {}
    for number, lines in enumerate((kept, excluded)):
        for name, specifier in lines:
            found.setdefault(name, (set(), set()))[number].add(specifier)
    return {name: Versions(*(tuple(sorted(each)) for each in both)) for name, both in found.items()}


def by_release(blocked: Blocked) -> dict[str, frozenset[Version | str]]:
    """Return what is blocked of each project, by the identity of its releases."""
    found: dict[str, set[Version | str]] = {}
    for name, version in blocked.releases:
        found.setdefault(name, set()).add(release(version).identity)
    return {name: frozenset(versions) for name, versions in found.items()}


def no_blocked_digest(file: File, sha256: str | None, digests: frozenset[str]) -> No | None:
    """Say that a file is blocked by a digest: by what upstream offers, or by what is held; None where not."""
    offered = {digest.hexdigest for digest in file.digests if digest.algorithm == "sha256"}
    found = sorted((offered | {sha256 or ""}) & digests)
    return No("blocked_files", f"its sha256 {found[0]} is blocked") if found else None


def no_blocked_release(
    name: NormalizedName, found: Release, identities: frozenset[Version | str]
) -> No | None:
    """Say that a release is blocked, by its version with or without the local part; None where not."""
    if found.identity in identities or found.public in identities:
        return No("blocked_files", f"{name}=={found.shown} is blocked")
    return None
