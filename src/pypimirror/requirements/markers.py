"""Markers (PEP 508) whose variables are known in part: the caller says what an unknown comparison gives.

Markers have no negation, so that a guess about a variable errs to one side only.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName

_SIDE = r"""("[^"]*"|'[^']*'|[^\s()"']+)"""
_COMPARISON = re.compile(rf"{_SIDE} (?:not in|in|[<=>!~]+) {_SIDE}")
_DECIDED = {True: 'os_name == "yes"', False: 'os_name == "no"'}
_REMEMBERED = 1 << 14


class Comparison(NamedTuple):
    """One comparison: its text, and the variable in it; empty where there is none, or more than one."""

    text: str
    variable: str


def holds(marker: str, judge: Callable[[Comparison], bool]) -> bool:
    """Tell whether a marker holds where `judge` decides on each comparison."""
    form, comparisons = _taken_apart(marker)
    return _evaluated(form, tuple(map(judge, comparisons)))


@lru_cache(maxsize=_REMEMBERED)
def _taken_apart(marker: str) -> tuple[str, tuple[Comparison, ...]]:
    """Return what joins the comparisons of a marker, with `{}` in their places, and these."""
    text = str(Marker(marker))
    return _COMPARISON.sub("{}", text), tuple(map(_comparison, _COMPARISON.finditer(text)))


def _comparison(found: re.Match[str]) -> Comparison:
    variables = [side for side in found.groups() if side[0] not in "\"'"]
    return Comparison(found[0], variables[0] if len(variables) == 1 else "")


@lru_cache(maxsize=_REMEMBERED)
def _evaluated(form: str, decided: tuple[bool, ...]) -> bool:
    return Marker(form.format(*(_DECIDED[each] for each in decided))).evaluate({"os_name": "yes"})


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
