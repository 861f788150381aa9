"""Which projects and which files the configuration selects, and for each "no" its rule and why. Pure.

Each rule is a file of its own that knows no other; `rules` says in which order they act. What requirements
and dependencies ask for is put into `Selection.asked`.
"""

import functools
import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from pypimirror import names
from pypimirror.model import File, NormalizedName
from pypimirror.selection.globs import Globs
from pypimirror.selection.options import Blocked, FileRules
from pypimirror.selection.want import EVERYTHING, Decision, LeftOut, No
from pypimirror.want import Want

__all__ = ["Decision", "FileRules", "Globs", "LeftOut", "Selection"]

if TYPE_CHECKING:
    from pypimirror.selection.rules import Chain

_NOTHING: frozenset[Want] = frozenset()
_NO_RULES = FileRules()


class Selection:
    """What the configuration wants of upstream."""

    def __init__(  # noqa: PLR0913 (one for each option)
        self,
        *,
        package_matches: tuple[str, ...],
        package_excludes: tuple[str, ...] = (),
        filename_matches: tuple[str, ...] = (),
        filename_excludes: tuple[str, ...] = (),
        index_url: str = "",
        provenance: bool = False,
        provenance_required: tuple[str, ...] = (),
        external_links: bool = False,
        follow_external_index_pages: bool = False,
        rules: FileRules = FileRules(),
        roots: str = "",
    ) -> None:
        """Compose a selection; `roots` is a fingerprint of what else says which projects are wanted."""
        self.projects = Globs(package_matches, are_names=True)
        self.asked: dict[NormalizedName, frozenset[Want]] = {}
        """What requirements and dependencies ask for; the caller fills it."""
        self.rules = rules
        self.blocked_digests = frozenset(rules.blocked_files.digests)
        """The SHA-256 hexdigests of what is never mirrored."""
        self._excluded = Globs(package_excludes, are_names=True)
        self._attested = Globs(provenance_required, are_names=True)
        self._files = Globs(filename_matches, are_names=False)
        self._excluded_files = Globs(filename_excludes, are_names=False)
        shared = (
            index_url,
            sorted(filename_matches),
            sorted(filename_excludes),
            provenance,
            external_links,
            follow_external_index_pages,
        )
        self._shared = _fingerprint(*shared, *self.rules.of_all)
        age = (rules.min_age_days, rules.min_age_unknown) if rules.min_age_days else ()
        plain = ((), (), (), rules.latest_releases.number, age, False, tuple(EVERYTHING))
        self._untouched = _fingerprint(self._shared, plain)
        """As `_touching` has it of a project that no rule singles out."""
        self._is_uniform = not rules.touches_some and not provenance_required
        self.of_files = _fingerprint(*shared, sorted(provenance_required), self.rules)
        """A fingerprint of what decides on files, of whatever project."""
        self.of_projects = _fingerprint(
            self.of_files, sorted(package_matches), sorted(package_excludes), roots
        )
        """A fingerprint of everything that is configured."""

    @property
    def needs_list(self) -> bool:
        """Whether the project list has to be read: names without a wildcard are asked for one by one."""
        return self.projects.has_wildcard

    @property
    def literal_names(self) -> tuple[NormalizedName, ...]:
        """The names that are selected and spelled without a wildcard, or asked for; sorted."""
        named = {NormalizedName(name) for name in self.projects.literals} | self.asked.keys()
        return tuple(sorted(name for name in named if self.selects(name)))

    def choose(self, display_names: Sequence[str]) -> Sequence[int]:
        """Return the positions of the names, as a project list shows them, that `selects` has to look at."""
        if self.projects.is_everything:
            return range(len(display_names))
        return self.projects.find(names.normalize_all(display_names), self.asked)

    def selects(self, name: NormalizedName) -> bool:
        """Tell whether the project is wanted."""
        # A pattern whose projects are all excluded matches something all the same.
        is_matched = self.projects.match(name)
        return not self.excludes(name) and (is_matched or name in self.asked)

    def matches(self, name: NormalizedName) -> bool:
        """Tell whether a pattern of package_matches selects the project."""
        return self.projects.has(name) and not self.excludes(name)

    def excludes(self, name: NormalizedName) -> bool:
        """Tell whether package_excludes leaves the project out, whoever asks for it."""
        return bool(self._excluded.patterns) and self._excluded.match(name)

    def matched_by(self, name: NormalizedName) -> str | None:
        """Return the pattern that selects the project; None where none does."""
        return self.projects.first(name) if self.matches(name) else None

    def excluded_by(self, name: NormalizedName) -> str | None:
        """Return the pattern that leaves the project out; None where none does."""
        return self._excluded.first(name) if self.excludes(name) else None

    @property
    def of_blocked(self) -> str:
        """A fingerprint of what is blocked; empty where nothing is."""
        blocked = self.rules.blocked_files
        return _fingerprint(blocked) if blocked != Blocked() else ""

    def wants(self, name: NormalizedName) -> frozenset[Want]:
        """Return what is asked for of a project, by whom ever; nothing where it is not selected."""
        if self._excluded.patterns and self._excluded.has(name):
            return _NOTHING
        asked = self.asked.get(name, _NOTHING)
        return EVERYTHING | asked if self.projects.has(name) else asked

    def needs_provenance(self, name: NormalizedName) -> bool:
        """Tell whether files of the project are mirrored only with a provenance that was verified."""
        return bool(self._attested.patterns) and self._attested.match(name)

    def needs_held(self, name: NormalizedName) -> bool:
        """Tell whether `decide` looks at which files are held already."""
        return bool(self.rules.min_age_days) and bool(self._chain.of_project(name).min_age_days)

    def decide(
        self, name: NormalizedName, files: Sequence[File], *, now: float, held: Collection[str] = ()
    ) -> Decision:
        """Divide a page's files into the wanted ones and the others, each of these with its rule.

        `now` in POSIX seconds; `held` names the files that are mirrored, which stay whatever their age.
        """
        noes = self._noes(name, files, now, held)
        if not noes:
            return Decision(tuple(files), (), None)
        left_out = tuple(LeftOut(f, *noes[f.filename]) for f in files if f.filename in noes)
        due = min((each.until for each in left_out if each.until is not None), default=None)
        return Decision(tuple(f for f in files if f.filename not in noes), left_out, due)

    def _noes(
        self, name: NormalizedName, files: Sequence[File], now: float, held: Collection[str]
    ) -> Mapping[str, No]:
        wants = self.wants(name)
        if not wants:
            unselected = No(*self._why_unselected(name))
            return {file.filename: unselected for file in files}
        if wants == EVERYTHING and self.rules == _NO_RULES:
            found = ((file.filename, self._no_by_name(file)) for file in files)
            return {filename: no for filename, no in found if no is not None}
        from pypimirror.selection.rules import Facts

        return self._chain.noes(files, Facts(name, wants, now, held), self._no_by_name)

    @functools.cached_property
    def _chain(self) -> "Chain":
        from pypimirror.selection.rules import Chain  # most runs need none of the rules

        return Chain(self.rules)

    def _why_unselected(self, name: NormalizedName) -> tuple[str, str]:
        if self._excluded.patterns and self._excluded.has(name):
            return "package_excludes", f"the pattern {self._excluded.first(name)} matches {name}"
        return "package_matches", f"no pattern matches {name}, and nothing asks for it"

    def _no_by_name(self, file: File) -> No | None:
        option = self.why_not(file.filename)
        if option is None:
            return None
        if option == "filename_matches":
            return No(option, "no pattern matches its name")
        return No(option, f"the pattern {self._excluded_files.first(file.filename)} matches its name")

    def why_not(self, filename: str) -> str | None:
        """Say which option leaves a file out by its name alone; None where it is wanted."""
        if self._excluded_files.patterns and self._excluded_files.match(filename):
            return "filename_excludes"
        return None if not self._files.patterns or self._files.match(filename) else "filename_matches"

    def is_blocked(self, name: NormalizedName, file: File, sha256: str | None) -> str | None:
        """Say why a file is blocked, also by the digest of the bytes that are held; None where it is not."""
        if self.rules.blocked_files == _NO_RULES.blocked_files:
            return None
        no = self._chain.no_blocked(name, file, sha256)
        return None if no is None else no.why

    def fingerprint(self, name: NormalizedName) -> str:
        """Return a fingerprint of what decides on a project's files: its wants, and the rules that touch it.

        Blocked digests are not in it: these are looked for wherever they are.
        """
        if self._is_uniform and name not in self.asked:
            return self._untouched
        return _remembered(self._shared, self._touching(name))

    def _touching(self, name: NormalizedName) -> tuple[object, ...]:
        own = self._chain.of_project(name)
        return (
            tuple(sorted(map(repr, own.blocked))),
            own.versions.kept,
            own.versions.excluded,
            own.latest,
            (own.min_age_days, self.rules.min_age_unknown) if own.min_age_days else (),
            self._attested.has(name),
            tuple(sorted(self.wants(name))),
        )

    def unmatched_names(self) -> tuple[str, ...]:
        """Name the patterns of projects that matched nothing so far, each with its option."""
        found = _named("package_matches", self.projects) + _named("package_excludes", self._excluded)
        return found + _named("provenance_required", self._attested)

    def unmatched_files(self) -> tuple[str, ...]:
        """Name what is said of files, or of projects' files, and matched nothing so far; with its option."""
        found = _named("filename_matches", self._files) + _named("filename_excludes", self._excluded_files)
        return found if not self.rules.touches_some else found + self._chain.unmatched


def _named(option: str, globs: Globs) -> tuple[str, ...]:
    return tuple(f"{option}: {pattern}" for pattern in globs.unmatched)


def _fingerprint(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=10_000)
def _remembered(shared: str, touching: tuple[object, ...]) -> str:
    return _fingerprint(shared, touching)
