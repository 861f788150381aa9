"""The rules about files, composed: which act on a project, and in which order."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from packaging.version import Version

from pypimirror.model import File, NormalizedName
from pypimirror.selection import want as wants
from pypimirror.selection.globs import Globs
from pypimirror.selection.latest import Newest
from pypimirror.selection.options import FileRules
from pypimirror.selection.releases import release_of
from pypimirror.selection.single import no_large_file, no_other_kind, no_other_python, no_yanked, no_young
from pypimirror.selection.sizes import Sized, no_room
from pypimirror.selection.tags import Tags
from pypimirror.selection.versions import (
    Versions,
    by_project,
    by_release,
    no_blocked_digest,
    no_blocked_release,
)
from pypimirror.selection.want import EVERYTHING, No
from pypimirror.want import Want

Check = Callable[[File], No | None]


class Facts(NamedTuple):
    """What a decision depends on beside rules and files."""

    name: NormalizedName
    wants: frozenset[Want]
    now: float
    """POSIX seconds."""
    held: Collection[str]
    """Names of the files that are mirrored."""


class OfProject(NamedTuple):
    """What the rules say of one project by its name."""

    blocked: frozenset[Version | str]
    versions: Versions
    latest: int
    min_age_days: float


_UNTOUCHED: frozenset[Version | str] = frozenset()
_NO_VERSIONS = Versions()


class Chain:
    """The rules in the order in which they act. A file is left out by the first that says no."""

    def __init__(self, rules: FileRules) -> None:
        self.rules = rules
        self._digests = frozenset(rules.blocked_files.digests)
        self._blocked = by_release(rules.blocked_files)
        self._versions = by_project(rules.versions, rules.excluded_versions)
        self._unseen = set(self._versions)
        self._exceptions = Globs(rules.min_age_exceptions, are_names=True)
        self._overrides = tuple(
            (Globs((glob,), are_names=True), number) for glob, number in rules.latest_releases.overrides
        )
        self._tags = Tags(rules.implementations, rules.python_versions, rules.platforms, rules.glibc)

    @property
    def unmatched(self) -> tuple[str, ...]:
        """What rules say of projects that were never decided on, each with its option."""
        options = ("versions", "excluded_versions")
        lines = [
            f"{option}: {name}"
            for option in options
            for name in sorted({name for name, _ in getattr(self.rules, option)} & self._unseen)
        ]
        overrides = [f"latest_releases: {each}" for globs, _ in self._overrides for each in globs.unmatched]
        return (*lines, *overrides, *(f"min_age_exceptions: {each}" for each in self._exceptions.unmatched))

    def of_project(self, name: NormalizedName) -> OfProject:
        """Return what the rules say of a project."""
        return OfProject(
            self._blocked.get(name, _UNTOUCHED),
            self._versions.get(name, _NO_VERSIONS),
            self._latest(name),
            0.0 if self._exceptions.has(name) else self.rules.min_age_days,
        )

    def _latest(self, name: NormalizedName) -> int:
        """Return how many releases are taken, 0 for all: the largest number of the globs that match."""
        numbers = [number for globs, number in self._overrides if globs.has(name)]
        return (0 if 0 in numbers else max(numbers)) if numbers else self.rules.latest_releases.number

    def _remember(self, name: NormalizedName) -> None:
        self._unseen.discard(name)
        for globs in (self._exceptions, *(globs for globs, _ in self._overrides)):
            globs.match(name)

    def no_blocked(self, name: NormalizedName, file: File, sha256: str | None) -> No | None:
        """Say why a file is blocked, also by the digest of the bytes that are held."""
        blocked = self._blocked.get(name, _UNTOUCHED)
        return no_blocked_digest(file, sha256, self._digests) or (
            no_blocked_release(name, release_of(file, name), blocked) if blocked else None
        )

    def noes(self, files: Sequence[File], facts: Facts, by_name: Check) -> dict[str, No]:
        """Return by the files' names what the first rule says that says no."""
        noes = _said_by(self._of_files(facts, by_name), files)
        left = [file for file in files if file.filename not in noes]
        return noes | self._of_releases(facts, left)

    def _of_files(self, facts: Facts, by_name: Check) -> tuple[Check, ...]:
        """Return what is asked of each file by itself, in this order."""
        rules, own, name = self.rules, self.of_project(facts.name), facts.name
        self._remember(name)
        checks: tuple[tuple[object, Check], ...] = (
            (self._digests or own.blocked, lambda file: self.no_blocked(name, file, None)),
            (True, by_name),
            (rules.file_types, lambda file: no_other_kind(file, rules.file_types)),
            (self._tags != Tags(), lambda file: self._tags.no(file.filename)),
            (rules.python_versions, lambda file: no_other_python(file, rules.python_versions)),
            (own.versions != _NO_VERSIONS, lambda file: own.versions.no(release_of(file, name))),
            (not rules.yanked, lambda file: None if is_pinned(file, facts) else no_yanked(file)),
            (rules.max_file_size, lambda file: no_large_file(file, rules.max_file_size)),
            (own.min_age_days, lambda file: self._no_young(file, facts)),
        )
        return tuple(check for is_active, check in checks if is_active)

    def _no_young(self, file: File, facts: Facts) -> No | None:
        if file.filename in facts.held:
            return None
        allows_unknown = self.rules.min_age_unknown == "allow"
        return no_young(file, facts.now, self.rules.min_age_days, allows_unknown=allows_unknown)

    def _of_releases(self, facts: Facts, files: Sequence[File]) -> dict[str, No]:
        """Say by their names which of the remaining files are left out for the sake of others, or unasked."""
        rules = self.rules
        newest = Newest(rules.prereleases, self._latest(facts.name))
        if facts.wants == EVERYTHING and newest == Newest() and not rules.max_project_size:
            return {}
        candidates = [(file, release_of(file, facts.name)) for file in files]
        noes = dict(newest.no(candidates, facts.wants))
        if rules.max_project_size:
            kept = [
                Sized(file, release, is_pinned=is_pinned(file, facts))
                for file, release in candidates
                if file.filename not in noes
            ]
            noes |= {file.filename: no for file, no in no_room(kept, rules.max_project_size)}
        return noes


def _said_by(checks: Sequence[Check], files: Iterable[File]) -> dict[str, No]:
    noes: dict[str, No] = {}
    for file in files:
        for check in checks:
            if no := check(file):
                noes[file.filename] = no
                break
    return noes


def is_pinned(file: File, facts: Facts) -> bool:
    """Tell whether a requirement names this very file or its release."""
    if facts.wants == EVERYTHING:
        return False
    release = release_of(file, facts.name)
    return any(wants.is_pinned(want, file, release) for want in facts.wants)
