"""Which projects and which files the configuration selects, and for each "no" its reason. Pure."""

import fnmatch
import hashlib
import re
from collections.abc import Iterable, Sequence

import msgspec

from pypimirror import names
from pypimirror.model import File, NormalizedName

_WILDCARD = re.compile(r"[*?\[]")
_BRACKETS = re.compile(r"\[(!?)(\]?[^\]]*)\]")
MAX_PATTERN = 1000
"""Characters of a pattern: no name has so many, and reading brackets takes the square of their number."""
_SEPARATORS = re.compile(r"[-_.]+")
_RANGE = re.compile(r"(.)(?:-(.))?", re.DOTALL)
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
_TO_HYPHEN = str.maketrans("_.", "--")
_NEVER = "[+]"
"""A glob for what no name holds."""


class Skipped(msgspec.Struct, frozen=True):
    """A file that is not wanted, and why."""

    file: File
    reason: str


def check_length(pattern: str) -> None:
    """Raise ValueError where `pattern` is too long to be meant."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(
            f"the pattern {pattern[:40]}... has {len(pattern)} characters; {MAX_PATTERN} are allowed"
        )


def check_name_pattern(pattern: str) -> None:
    """Raise ValueError where `pattern` is neither a glob nor a project's name."""
    check_length(pattern)
    if not _WILDCARD.search(pattern):
        names.normalize(pattern)
    elif "[" in _BRACKETS.sub("", pattern):
        raise ValueError(f"{pattern} opens a bracket and never closes it")


def normalize_glob(pattern: str) -> str:
    """Return `pattern` in PEP 503 form, so that it compares with normalized names.

    Letters become lower case and runs of `-`, `_` and `.` one `-`; inside brackets `_` and `.` become `-`.
    """
    check_length(pattern)
    parts, end = [], 0
    for match in _BRACKETS.finditer(pattern):
        parts += [_SEPARATORS.sub("-", pattern[end : match.start()]), _normalized_brackets(match)]
        end = match.end()
    parts.append(_SEPARATORS.sub("-", pattern[end:]))
    return "".join(parts).lower()


def _normalized_brackets(match: re.Match[str]) -> str:
    """Spell out which characters of a name, in any spelling, the brackets hold, and normalize these."""
    is_negated, content = match.groups()
    held = {
        c for low, high in set(_RANGE.findall(content)) for c in _NAME_CHARACTERS if low <= c <= (high or low)
    }
    normalized = "".join(sorted(held)).translate(_TO_HYPHEN).lower()
    letters = "".join(sorted(set(normalized) - {"-"}))
    inside = letters + ("-" if "-" in normalized else "")  # at the end it makes no range
    if not inside:
        return "?" if is_negated else _NEVER
    return f"[{is_negated}{inside}]"


def asks_for_everything(patterns: Sequence[str]) -> bool:
    """Tell whether patterns of project names are meant for all or nearly all of them."""
    return not patterns or any(p == "*.*" or ("*" in p and not p.strip("*?")) for p in patterns)


class Globs:
    """Patterns compiled to one matcher, which remembers those that never matched."""

    def __init__(self, patterns: Iterable[str], *, are_names: bool) -> None:
        self.patterns = tuple(patterns)
        self.is_everything = not self.patterns or any(p in {"*", "*.*"} for p in self.patterns)
        for pattern in self.patterns:
            check_length(pattern)
        compared = {p: normalize_glob(p) if are_names else p for p in self.patterns}
        self._literals = {c: p for p, c in compared.items() if not _WILDCARD.search(c)}
        globs = {p: fnmatch.translate(c) for p, c in compared.items() if _WILDCARD.search(c)}
        self._matches = re.compile("|".join(globs.values()) or r"(?!)").match
        self._unmatched = {p: re.compile(g).match for p, g in globs.items() if p not in {"*", "*.*"}}
        self._unseen = set(self._literals.values())

    @property
    def literals(self) -> frozenset[str]:
        """The patterns without wildcard, as they are compared."""
        return frozenset(self._literals)

    @property
    def has_wildcard(self) -> bool:
        """Whether some pattern can match a name that it does not spell."""
        return self.is_everything or any(_WILDCARD.search(p) for p in self.patterns)

    @property
    def unmatched(self) -> tuple[str, ...]:
        """The patterns that nothing has matched so far, as they were written."""
        return tuple(p for p in self.patterns if p in self._unmatched or p in self._unseen)

    def find(self, texts: Iterable[str]) -> list[int]:
        """Return the positions of the texts that some pattern matches, remembering nothing."""
        literals, matches = self._literals, self._matches
        return [number for number, text in enumerate(texts) if text in literals or matches(text)]

    def match(self, text: str) -> bool:
        """Tell whether some pattern matches `text`; empty patterns match nothing here."""
        if literal := self._literals.get(text):
            self._unseen.discard(literal)
        elif not self.is_everything and not self._matches(text):
            return False
        if self._unmatched:
            for pattern in [p for p, match in self._unmatched.items() if match(text)]:
                del self._unmatched[pattern]
        return True


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
    ) -> None:
        self.projects = Globs(package_matches, are_names=True)
        self._excluded = Globs(package_excludes, are_names=True)
        self._attested = Globs(provenance_required, are_names=True)
        self._files = Globs(filename_matches, are_names=False)
        self._excluded_files = Globs(filename_excludes, are_names=False)
        self.of_files = _fingerprint(
            index_url,
            sorted(filename_matches),
            sorted(filename_excludes),
            provenance,
            sorted(provenance_required),
            external_links,
            follow_external_index_pages,
        )
        """A fingerprint of what decides on a project's files."""
        self.of_projects = _fingerprint(self.of_files, sorted(package_matches), sorted(package_excludes))
        """A fingerprint of the whole selection."""

    @property
    def needs_list(self) -> bool:
        """Whether the project list has to be read: names without a wildcard are asked for one by one."""
        return self.projects.has_wildcard

    @property
    def literal_names(self) -> tuple[NormalizedName, ...]:
        """The names that are selected and spelled without a wildcard, sorted."""
        return tuple(
            sorted(NormalizedName(n) for n in self.projects.literals if self.selects(NormalizedName(n)))
        )

    def choose(self, shown: Sequence[str]) -> Sequence[int]:
        """Return the positions of the names, as a project list shows them, that `selects` has to look at."""
        if self.projects.is_everything:
            return range(len(shown))
        return self.projects.find(names.normalize_all(shown))

    def selects(self, name: NormalizedName) -> bool:
        """Tell whether the project is wanted."""
        if self._excluded.patterns and self._excluded.match(name):
            return False
        return self.projects.match(name)

    def needs_provenance(self, name: NormalizedName) -> bool:
        """Tell whether files of the project are mirrored only with a provenance that was verified."""
        return bool(self._attested.patterns) and self._attested.match(name)

    def decide(self, files: Iterable[File]) -> tuple[tuple[File, ...], tuple[Skipped, ...]]:
        """Divide a page's files into the wanted ones and the others, each of these with its reason."""
        wanted, skipped = [], []
        for file in files:
            if reason := self.why_not(file.filename):
                skipped.append(Skipped(file, reason))
            else:
                wanted.append(file)
        return tuple(wanted), tuple(skipped)

    def why_not(self, filename: str) -> str | None:
        """Say which option leaves a file out; None where it is wanted."""
        if self._excluded_files.patterns and self._excluded_files.match(filename):
            return "filename_excludes"
        return None if self._files.match(filename) else "filename_matches"

    def unmatched_names(self) -> tuple[str, ...]:
        """Name the patterns of projects that matched nothing so far, each with its option."""
        found = _named("package_matches", self.projects) + _named("package_excludes", self._excluded)
        return found + _named("provenance_required", self._attested)

    def unmatched_files(self) -> tuple[str, ...]:
        """Name the patterns of files that matched nothing so far, each with its option."""
        return _named("filename_matches", self._files) + _named("filename_excludes", self._excluded_files)


def _named(option: str, globs: Globs) -> tuple[str, ...]:
    return tuple(f"{option}: {pattern}" for pattern in globs.unmatched)


def _fingerprint(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
