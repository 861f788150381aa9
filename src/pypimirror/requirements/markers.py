"""Markers (PEP 508) whose variables are known in part: a comparison of what is not known holds, or does not.

There is no negation in a marker, so what holds although nothing is known of a variable errs to one side only.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName

_TOKEN = re.compile(r""""[^"]*"|'[^']*'|[()]|[^\s()"']+""")
_LOGICAL = ("and", "or")
_REMEMBERED = 1 << 14


class Comparison(NamedTuple):
    """One comparison: its text, and the variable in it; empty where there is none, or more than one."""

    text: str
    variable: str


class Junction(NamedTuple):
    """What is joined by `and`, or else by `or`."""

    is_and: bool
    parts: tuple["Comparison | Junction", ...]


Judge = Callable[[Comparison], bool]


@lru_cache(maxsize=_REMEMBERED)
def tree(marker: str) -> Comparison | Junction:
    """Return the comparisons of a marker, as `and`, `or` and parentheses join them."""
    tokens = _TOKEN.findall(str(Marker(marker)))[::-1]
    return _either(tokens)


def holds(node: Comparison | Junction, judge: Judge) -> bool:
    """Tell whether a marker holds where `judge` decides on each comparison."""
    if isinstance(node, Comparison):
        return judge(node)
    found = (holds(part, judge) for part in node.parts)
    return all(found) if node.is_and else any(found)


def _either(tokens: list[str]) -> Comparison | Junction:
    return _joined(tokens, "or", lambda: _joined(tokens, "and", lambda: _operand(tokens)))


def _joined(tokens: list[str], word: str, part: Callable[[], Comparison | Junction]) -> Comparison | Junction:
    parts = [part()]
    while tokens and tokens[-1] == word:
        tokens.pop()
        parts.append(part())
    return parts[0] if len(parts) == 1 else Junction(word == "and", tuple(parts))


def _operand(tokens: list[str]) -> Comparison | Junction:
    if tokens[-1] == "(":
        tokens.pop()
        inside = _either(tokens)
        tokens.pop()  # the closing one
        return inside
    words = []
    while tokens and tokens[-1] not in (*_LOGICAL, ")"):
        words.append(tokens.pop())
    variables = [word for word in (words[0], words[-1]) if word[0] not in "\"'"]
    return Comparison(" ".join(words), variables[0] if len(variables) == 1 else "")


@lru_cache(maxsize=_REMEMBERED)
def outcomes(comparison: Comparison, values: tuple[str, ...]) -> frozenset[bool | None]:
    """Return what a comparison gives for these values of its variable; None where it can't be made."""
    marker = Marker(comparison.text)
    return frozenset(_outcome(marker, comparison.variable, value) for value in values)


def _outcome(marker: Marker, variable: str, value: str) -> bool | None:
    try:
        return marker.evaluate({variable: value})
    except (UndefinedComparison, UndefinedEnvironmentName):
        return None
