"""Kinds of files, by their names: wheels, sdists, eggs, others; and what the built ones are for."""

import functools
import re
from typing import NamedTuple

from pypimirror.filenames import SDIST_SUFFIXES, ending_of

_BUILT = re.compile(r"[.-](win32|win-[a-z]\w+|linux-[a-z]\w+|macosx-[\d.]+-\w+)(?:-py(\d\.\d+))?")
"""What distutils put behind a version in the names of installers, and of archives of a built tree."""
_EGG = re.compile(r"-py(\d\.\d+)(?:-(.+))?")
_PLATFORM_SIGNS = str.maketrans("-.", "__")


class Built(NamedTuple):
    """What a file other than a wheel was built for; None where its name does not tell."""

    python: str | None
    platform: str | None
    """As a wheel's tag spells it."""


@functools.lru_cache(maxsize=4096)
def kind_of(filename: str) -> str:
    """Return the kind of a file, by its name."""
    if filename.endswith(".whl"):
        return "wheel"
    suffix = ending_of(filename, (".egg", *SDIST_SUFFIXES))
    if suffix == ".egg":
        return "egg"
    return "other" if not suffix or _behind(_BUILT, filename[: -len(suffix)]) else "sdist"


def _behind(pattern: re.Pattern[str], stem: str) -> re.Match[str] | None:
    return next((m for m in pattern.finditer(stem) if m.end() == len(stem)), None)


@functools.lru_cache(maxsize=4096)
def built_for(filename: str) -> Built:
    """Return what an egg, an installer or an archive of a built tree is for; nothing for any other file."""
    kind, suffix = kind_of(filename), ending_of(filename, (*SDIST_SUFFIXES, ".egg", ".exe", ".msi", ".dmg"))
    if kind in ("wheel", "sdist") or not suffix:
        return Built(None, None)
    stem = filename.lower()[: -len(suffix)]
    if kind == "egg":
        egg = _EGG.search(stem)
        python, platform = (egg[1], egg[2]) if egg else (None, None)
    else:
        built = _behind(_BUILT, stem)
        platform, python = (built[1], built[2]) if built else (None, None)
    return Built(python, platform.translate(_PLATFORM_SIGNS) if platform else None)
