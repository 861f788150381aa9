"""Which Pythons and platforms a file is for: by a wheel's tags (PEP 425), or by what other names say."""

import functools
import re
from collections.abc import Iterator

import msgspec

from pypimirror.selection.kinds import Built, built_for
from pypimirror.selection.platforms import fits, read
from pypimirror.selection.want import No

INTERPRETER = re.compile(r"([a-z]+)(\d)(\d*)")
"""A tag of Pythons: the implementation, and its version without dots."""
_ANY = "any"
_PLACEHOLDER = "platform"
_FIRST_WITHOUT_SUFFIX = (3, 8)
"""From this Python on an ABI's name says no more than the version."""


class Tags(msgspec.Struct, frozen=True):
    """The rules `implementations`, `python_versions`, `platforms` and `glibc`; empty ones let all through."""

    implementations: tuple[str, ...] = ()
    python_versions: tuple[str, ...] = ()
    """Such as 3.13, or 3.13t for the free-threaded build."""
    platforms: tuple[str, ...] = ()
    """Short names."""
    glibc: tuple[int, int] | None = None
    """The greatest level that a manylinux wheel may need."""

    def no(self, filename: str) -> No | None:
        """Say why a file is left out; None where it is not."""
        if not filename.endswith(".whl"):
            return _of_built(self, built_for(filename))
        parts = filename[:-4].lower().split("-")
        if len(parts) not in (5, 6) or (len(parts) == 6 and not parts[2][:1].isdigit()):
            option = next(each for each in self.__struct_fields__ if getattr(self, each))
            return No(option, "its name is none of a wheel, so that nobody can tell what it is for")
        return _of_wheel(self, *parts[-3:])


def _of_built(tags: Tags, built: Built) -> No | None:
    pythons = {version.rstrip("t") for version in tags.python_versions}
    if pythons and built.python and built.python not in pythons:
        return No("python_versions", f"it is for Python {built.python}, {_none_of(tags.python_versions)}")
    return _platform_no(tags, built.platform or _ANY)


@functools.lru_cache(maxsize=4096)
def _of_wheel(tags: Tags, interpreters: str, abis: str, platforms: str) -> No | None:
    if tags.implementations and not any(
        _implementation(each) in (*tags.implementations, "py") for each in interpreters.split(".")
    ):
        return No("implementations", f"{interpreters} is {_none_of(tags.implementations)}")
    if tags.python_versions and not _fits_python(tags, interpreters, abis, platforms):
        return No("python_versions", f"{interpreters}-{abis} is for {_none_of(tags.python_versions)}")
    return _platform_no(tags, platforms)


def _implementation(interpreter: str) -> str:
    found = INTERPRETER.fullmatch(interpreter)
    return found[1] if found else interpreter


def _fits_python(tags: Tags, interpreters: str, abis: str, platforms: str) -> bool:
    supported = _supported(tags.implementations, tags.python_versions)
    bounds = {_ANY if platform == _ANY else _PLACEHOLDER for platform in platforms.split(".")}
    return any(
        (interpreter, abi, bound) in supported or _is_of_other(tags, interpreter)
        for interpreter in interpreters.split(".")
        for abi in abis.split(".")
        for bound in bounds
    )


def _is_of_other(tags: Tags, interpreter: str) -> bool:
    """Tell whether this is another interpreter than CPython, of a Python that is asked for.

    Their ABIs have names of their own, of which each interpreter takes its own one alone.
    """
    found = INTERPRETER.fullmatch(interpreter)
    if found is None or found[1] in ("cp", "py"):
        return False
    is_asked = not tags.implementations or found[1] in tags.implementations
    return is_asked and f"{found[2]}.{found[3]}" in tags.python_versions


@functools.lru_cache(maxsize=64)
def _supported(
    implementations: tuple[str, ...], python_versions: tuple[str, ...]
) -> frozenset[tuple[str, str, str]]:
    """Return what wheels the Pythons take: interpreter, ABI, and whether for a platform or for any."""
    is_cpython = not implementations or "cp" in implementations
    return frozenset(
        each for version in python_versions for each in _taken_by(version, is_cpython=is_cpython)
    )


def _taken_by(version: str, *, is_cpython: bool) -> Iterator[tuple[str, str, str]]:
    from packaging import tags  # slow, and needed by few

    major, minor = (int(part) for part in version.rstrip("t").split("."))
    interpreter = f"cp{major}{minor}"
    # PEP 3149: pymalloc, and before Python 3.3 wide characters.
    suffixes = ("",) if (major, minor) >= _FIRST_WITHOUT_SUFFIX else ("m", "mu", "")
    if version.endswith("t"):
        suffixes = ("t",)
    abis = [f"{interpreter}{suffix}" for suffix in suffixes]
    found = list(tags.compatible_tags((major, minor), interpreter if is_cpython else None, [_PLACEHOLDER]))
    if is_cpython:
        found += tags.cpython_tags((major, minor), abis, [_PLACEHOLDER])
    yield from ((tag.interpreter, tag.abi, tag.platform) for tag in found)


def _platform_no(tags: Tags, text: str) -> No | None:
    """Say why platform tags, joined by dots, are not for any of the platforms that are asked for."""
    found = [
        tag
        for tag in text.split(".")
        if tag == _ANY or not tags.platforms or any(fits(short, tag) for short in tags.platforms)
    ]
    if not found:
        return No("platforms", f"{text} is {_none_of(tags.platforms)}")
    if tags.glibc is None or any((read(tag).glibc or (0, 0)) <= tags.glibc for tag in found):
        return None
    return No("glibc", f"{'.'.join(found)} needs more than glibc {tags.glibc[0]}.{tags.glibc[1]}")


def _none_of(asked: tuple[str, ...]) -> str:
    return f"none of {' '.join(sorted(asked))}"
