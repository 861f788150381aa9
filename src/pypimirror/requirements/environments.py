"""The environments that the configuration names, and which requirements count in one of them."""

import itertools
import re
from collections.abc import Iterable
from functools import lru_cache, partial

import msgspec

from pypimirror.requirements import markers
from pypimirror.requirements.dependency import Dependency, parsed
from pypimirror.requirements.markers import Comparison

_PYTHON = re.compile(r"(\d+\.\d+)(t?)")
_PLATFORM = re.compile(r"(linux|manylinux|musllinux|macosx|win)(?:20\d\d|1)?(?:_\d+_\d+)?_(\w+)")
_LINUX = ("linux", "Linux", "posix")
_SYSTEMS = {
    "linux": _LINUX,
    "manylinux": _LINUX,
    "musllinux": _LINUX,
    "macosx": ("darwin", "Darwin", "posix"),
    "win": ("win32", "Windows", "nt"),
}
"""`sys_platform`, `platform_system` and `os_name`."""
# What `platform_machine` is: a 32-bit Python on a 64-bit machine says what the machine is.
_MACHINES: dict[tuple[str, str], tuple[str, ...]] = {
    ("linux", "i686"): ("i686", "i586", "i386", "x86_64"),
    ("linux", "armv6l"): ("armv6l", "armv7l", "armv8l", "aarch64"),
    ("linux", "armv7l"): ("armv7l", "armv8l", "aarch64"),
    ("darwin", "universal2"): ("arm64", "x86_64"),
    ("win32", "32"): ("x86", "AMD64"),
    ("win32", "amd64"): ("AMD64",),
    ("win32", "arm64"): ("ARM64",),
}
_IMPLEMENTATIONS = {"cp": ("cpython", "CPython"), "pp": ("pypy", "PyPy")}
_ANY = (None,)
_MANY = 999
"""A patch level that no Python reaches."""
_REMEMBERED = 1 << 16


class Environment(msgspec.Struct, frozen=True):
    """What is known of an environment: for each variable of markers the values that it may have."""

    known: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def values(self, comparison: Comparison) -> tuple[str, ...]:
        """Return the values that a comparison has to be made with; none where nothing is known."""
        known = dict(self.known)
        if comparison.variable == "python_full_version" and "python_version" in known:
            return _patch_levels(known["python_version"][0], comparison.text)
        return known.get(comparison.variable, ())


def environments(
    python_versions: Iterable[str] = (), platforms: Iterable[str] = (), implementations: Iterable[str] = ()
) -> tuple[Environment, ...]:
    """Return each Python (`3.12`, `3.13t`) on each platform (`linux_x86_64`) in each implementation (`cp`).

    What is not given is not known; without anything it is one environment in which every marker may hold.
    """
    products = itertools.product(
        tuple(python_versions) or _ANY, tuple(platforms) or _ANY, tuple(implementations) or _ANY
    )
    found = [_environment(*each) for each in products]
    usable = [each for each in found if each is not None]
    return tuple(dict.fromkeys(usable)) or (Environment(),)


def _environment(python: str | None, platform: str | None, implementation: str | None) -> Environment | None:
    known = _system(platform or "")
    if version := _PYTHON.fullmatch(python or ""):
        known["python_version"] = (version[1],)
        if version[1].startswith("2.") and known.get("sys_platform") == ("linux",):
            known["sys_platform"] = ("linux", "linux2")
        if version[2]:  # CPython alone is built free-threaded
            if implementation not in (None, "cp"):
                return None
            implementation = "cp"
    if names := _IMPLEMENTATIONS.get(implementation or ""):
        known["implementation_name"] = (names[0],)
        known["platform_python_implementation"] = (names[1],)
    return Environment(tuple(sorted(known.items())))


def _system(platform: str) -> dict[str, tuple[str, ...]]:
    match = _PLATFORM.fullmatch("win_32" if platform == "win32" else platform)
    if match is None:
        return {}
    sys_platform, system, os_name = _SYSTEMS[match[1]]
    return {
        "sys_platform": (sys_platform,),
        "platform_system": (system,),
        "os_name": (os_name,),
        "platform_machine": _MACHINES.get((sys_platform, match[2]), (match[2],)),
    }


def _patch_levels(python: str, comparison: str) -> tuple[str, ...]:
    """Return the first and the last release of a Python, and those around the ones a comparison names."""
    levels = {0, _MANY}
    for found in re.findall(rf"\b{re.escape(python)}\.(\d{{1,3}})\b", comparison):
        levels |= {max(0, int(found) - 1), int(found), int(found) + 1}
    return tuple(f"{python}.{level}" for level in sorted(levels))


class Environments:
    """The environments that are mirrored for: what may be needed in one of them is needed."""

    def __init__(self, each: tuple[Environment, ...] = (Environment(),)) -> None:
        self.each = each
        self._may_hold = lru_cache(maxsize=_REMEMBERED)(self._may_hold_anew)

    def active(self, requirement: str, extras: frozenset[str] = frozenset()) -> Dependency | None:
        """Return what a requirement asks for; None where no environment needs it, or it is none.

        `extras` are those that its project is asked for with, in PEP 685 form.
        """
        found = parsed(requirement)
        return None if found is None or not self.may_hold(found.marker, extras) else found

    def may_hold(self, marker: str, extras: frozenset[str] = frozenset()) -> bool:
        """Tell whether a marker can hold in one of the environments, with one of the extras or without."""
        return not marker or self._may_hold(marker, extras)

    def must_hold(self, marker: str) -> bool:
        """Tell whether a marker holds in each of the environments, whatever is not known of them."""
        return not marker or all(
            markers.holds(marker, partial(_must, environment)) for environment in self.each
        )

    def _may_hold_anew(self, marker: str, extras: frozenset[str]) -> bool:
        return any(
            markers.holds(marker, partial(_may, environment, extra))
            for extra in ("", *sorted(extras))
            for environment in self.each
        )


def _may(environment: Environment, extra: str, comparison: Comparison) -> bool:
    if comparison.variable == "extra":
        return True in markers.outcomes(comparison, (extra,))
    values = environment.values(comparison)
    return not values or not markers.outcomes(comparison, values).isdisjoint((True, None))


def _must(environment: Environment, comparison: Comparison) -> bool:
    values = ("",) if comparison.variable == "extra" else environment.values(comparison)
    return bool(values) and markers.outcomes(comparison, values) == {True}
