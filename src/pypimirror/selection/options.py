"""What the options about a project's files say, as values; apart from the rules, which few runs need."""

from typing import Literal

import msgspec

from pypimirror.model import NormalizedName

FILE_TYPES = ("wheel", "sdist", "egg", "other")
Prereleases = Literal[True, False, "if-needed"]
ProjectVersions = tuple[tuple[NormalizedName, str], ...]
"""Lines of a project and a specifier (PEP 440)."""


class LatestReleases(msgspec.Struct, frozen=True):
    """How many of the newest releases are mirrored: for all projects, and by globs; 0 is all of them."""

    number: int = 0
    overrides: tuple[tuple[str, int], ...] = ()
    """Globs of project names, each with its number; sorted."""


class Blocked(msgspec.Struct, frozen=True):
    """Files by their SHA-256, and releases; each sorted."""

    digests: tuple[str, ...] = ()
    """Hexdigests in lower case."""
    releases: tuple[tuple[NormalizedName, str], ...] = ()


class FileRules(msgspec.Struct, frozen=True, kw_only=True):
    """The options that say which files of a selected project are wanted, beside patterns of their names."""

    python_versions: tuple[str, ...] = ()
    """Such as 3.13, or 3.13t for the free-threaded build."""
    platforms: tuple[str, ...] = ()
    """Short names."""
    implementations: tuple[str, ...] = ()
    glibc: tuple[int, int] | None = None
    """The greatest level that a manylinux wheel may need."""
    file_types: tuple[str, ...] = ()
    versions: ProjectVersions = ()
    excluded_versions: ProjectVersions = ()
    prereleases: Prereleases = True
    yanked: bool = True
    latest_releases: LatestReleases = LatestReleases()
    min_age_days: float = 0.0
    min_age_exceptions: tuple[str, ...] = ()
    min_age_unknown: str = "hold"
    blocked_files: Blocked = Blocked()
    max_file_size: int = 0
    """Bytes; 0 is any."""
    max_project_size: int = 0

    @property
    def touches_some(self) -> bool:
        """Whether the rules say of one project something else than of another."""
        return bool(
            self.blocked_files.releases
            or self.versions
            or self.excluded_versions
            or self.latest_releases.overrides
            or self.min_age_exceptions
        )

    @property
    def of_all(self) -> tuple[object, ...]:
        """What touches every project, and is the same for all."""
        return (
            self.python_versions,
            self.platforms,
            self.implementations,
            self.glibc,
            self.file_types,
            self.prereleases,
            self.yanked,
            self.max_file_size,
            self.max_project_size,
        )
