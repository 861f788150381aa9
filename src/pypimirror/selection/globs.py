"""Patterns of names of projects and of files."""

import fnmatch
import functools
import re
from collections.abc import Iterable, Sequence

from pypimirror import names
from pypimirror.model import NormalizedName

_WILDCARD = re.compile(r"[*?\[]")
_BRACKETS = re.compile(r"\[(!?)(\]?[^\]]*)\]")
MAX_PATTERN = 1000
"""Characters of a pattern: no name has so many, and reading brackets takes the square of their number."""
_RANGE = re.compile(r"(.)(?:-(.))?", re.DOTALL)
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
_NEVER = "[+]"
"""A glob for what no name holds."""


def check_length(pattern: str) -> None:
    """Raise ValueError where `pattern` is too long to be meant."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(
            f"the pattern {pattern[:40]}... has {len(pattern):,} characters; {MAX_PATTERN:,} are allowed"
        )


_SIGNS = {
    "/": "name the project alone, without an address or a path",
    "=<>~!": "name the project alone; the option versions says which of its versions",
    ",;": "separate names by blanks",
    "'\"`": "write it without quotes",
}
"""Characters of what is no name, and what to do."""


def check_name_pattern(pattern: str) -> None:
    """Raise ValueError where `pattern` is neither a glob nor a project's name."""
    check_length(pattern)
    if not _WILDCARD.search(pattern) or is_specifier(pattern):
        check_name(pattern)
    elif "[" in _BRACKETS.sub("", pattern):
        raise ValueError(f"{pattern} opens a bracket and never closes it")


def is_specifier(text: str) -> bool:
    """Tell whether versions stand in what should be a name or a pattern of names, which has none of these."""
    return any(sign in text for sign in "=<>~")


def check_name(text: str) -> NormalizedName:
    """Return the PEP 503 form of a name that somebody typed; raise ValueError that says what to do."""
    try:
        return names.normalize(text)
    except ValueError as error:
        hint = next((f"; {hint}" for signs, hint in _SIGNS.items() if set(signs) & set(text)), "")
        raise ValueError(f"{error}{hint}") from error


def normalize_glob(pattern: str) -> str:
    """Return `pattern` in PEP 503 form, so that it compares with normalized names.

    Letters become lower case and runs of `-`, `_` and `.` one `-`; inside brackets `_` and `.` become `-`.
    """
    check_length(pattern)
    parts, end = [], 0
    for match in _BRACKETS.finditer(pattern):
        parts += [names.SEPARATORS.sub("-", pattern[end : match.start()]), _normalized_brackets(match)]
        end = match.end()
    parts.append(names.SEPARATORS.sub("-", pattern[end:]))
    return "".join(parts).lower()


def _normalized_brackets(match: re.Match[str]) -> str:
    """Spell out which characters of a name, in any spelling, the brackets hold, and normalize these."""
    is_negated, content = match.groups()
    held = {
        c for low, high in set(_RANGE.findall(content)) for c in _NAME_CHARACTERS if low <= c <= (high or low)
    }
    normalized = "".join(sorted(held)).translate(names.TO_HYPHEN).lower()
    letters = "".join(sorted(set(normalized) - {"-"}))
    inside = letters + ("-" if "-" in normalized else "")  # at the end it makes no range
    if not inside:
        return "?" if is_negated else _NEVER
    return f"[{is_negated}{inside}]"


def asks_for_everything(patterns: Sequence[str]) -> bool:
    """Tell whether patterns of project names are meant for all or nearly all of them."""
    return any(p == "*.*" or ("*" in p and not p.strip("*?")) for p in patterns)


def covers(patterns: Iterable[str], pattern: str, *, are_names: bool = True) -> bool:
    """Tell whether some of the patterns surely matches all that another one does.

    That is seen by their texts: what `*` stands for may hold wildcards itself.
    """
    form = normalize_glob if are_names else str
    text = form(pattern)
    return any(
        glob in {"*", "*-*", text} or (not re.search(r"[?\[]", glob) and fnmatch.fnmatchcase(text, glob))
        for glob in map(form, patterns)
    )


class Globs:
    """Patterns compiled to one matcher, which remembers those that never matched."""

    def __init__(self, patterns: Iterable[str], *, are_names: bool) -> None:
        self.patterns = tuple(patterns)
        self._are_names = are_names
        self.is_everything = any(p in {"*", "*.*"} for p in self.patterns)
        self.has_wildcard = any(map(_WILDCARD.search, self.patterns))
        """Whether some pattern can match a name that it does not spell."""
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
    def spelled(self) -> frozenset[str]:
        """The patterns without wildcard, as they were written."""
        return frozenset(self._literals.values())

    @property
    def unmatched(self) -> tuple[str, ...]:
        """The patterns that nothing has matched so far, as they were written."""
        return tuple(p for p in self.patterns if p in self._unmatched or p in self._unseen)

    def find(self, texts: Iterable[str], more: Iterable[str] = ()) -> list[int]:
        """Return the positions of the texts that some pattern matches, or that are in `more`."""
        literals, matches = self._literals.keys() | set(more), self._matches
        return [number for number, text in enumerate(texts) if text in literals or matches(text)]

    def match(self, text: str) -> bool:
        """Tell whether some pattern matches `text`, and remember which; no patterns match nothing."""
        if literal := self._literals.get(text):
            self._unseen.discard(literal)
        elif not self.is_everything and not self._matches(text):
            return False
        if self._unmatched:
            for pattern in [p for p, match in self._unmatched.items() if match(text)]:
                del self._unmatched[pattern]
        return True

    def has(self, text: str) -> bool:
        """Tell whether some pattern matches `text`, remembering nothing."""
        return text in self._literals or self.is_everything or bool(self._matches(text))

    def first(self, text: str) -> str:
        """Return the first of the patterns, in the order of the alphabet, that matches `text`."""
        return next(pattern for pattern, globs in self._each if globs.has(text))

    @functools.cached_property
    def _each(self) -> list[tuple[str, "Globs"]]:
        return [(p, Globs((p,), are_names=self._are_names)) for p in sorted(self.patterns)]
