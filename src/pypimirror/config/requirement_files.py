"""The option `requirements`: which files it names, what they ask for, and what else has to fit to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pypimirror.addresses import masked
from pypimirror.config import ini, readers
from pypimirror.config.reading import Reader
from pypimirror.errors import Problem
from pypimirror.requirements import Roots
from pypimirror.selection.globs import Globs

_SHOWN = 2
_NEEDS_DEPENDENCIES = ("dependency_versions", "extras")


def read(reader: Reader, folder: Path, *, is_exact: bool | None) -> Roots:
    """Return what the files ask for; what is wrong with them goes to the problems."""
    if "requirements" not in reader.given:
        return Roots()
    section, text = reader.given["requirements"]
    # A run without this option pays for no parser.
    from pypimirror.requirements import files

    problems: tuple[str, ...] = ()
    roots = Roots()
    try:
        paths = _paths(text, folder)
        roots = files.read(paths, folder=folder, is_exact=bool(is_exact))
        if not paths:
            problems = ("names no file; name one, or leave the option out",)
        elif not roots.roots:
            problems = (f"there is no requirement in it{_passed_over(roots)}",)
    except files.RequirementsError as error:
        problems = error.problems
    except (ValueError, RuntimeError) as error:  # RuntimeError: "~user" without such a user
        problems = (str(error),)
    if problems and masked(text) != text:  # it may be an address with a password
        problems = ("names no file that can be read; name files by their paths, not by addresses",)
    reader.problems += [Problem(section, "requirements", text, problem) for problem in problems]
    return roots


def _passed_over(roots: Roots) -> str:
    """Say what stands in files without any requirement, and what to do."""
    if not roots.ignored:
        return "; write one, or leave the option out"
    more = f", and {len(roots.ignored) - _SHOWN:,} more" if len(roots.ignored) > _SHOWN else ""
    return f" that an index answers ({'; '.join(roots.ignored[:_SHOWN])}{more}); write one"


def check_patterns(reader: Reader) -> None:
    """Refuse a configuration that says nothing of which projects to mirror."""
    if not {"package_matches", "requirements"} & {*reader.given, *reader.misplaced}:
        missing = "missing; it has to be set, or requirements"
        reader.problems.append(Problem(ini.SECTIONS[0], "package_matches", None, missing))


def warnings(values: Mapping[str, Any], given: frozenset[str]) -> tuple[str, ...]:
    """Say what has no effect: in the files, and of the options."""
    found = [f"requirements: {each}" for each in values["requirements"].ignored]
    if values["exact"] and "requirements" not in given:
        found.append("exact: has no effect without requirements")
    if not values["dependencies"]:
        found += [
            f"{name}: has no effect without dependencies = True"
            for name in _NEEDS_DEPENDENCIES
            if name in given
        ]
    chosen = Globs(values["package_matches"] or (), are_names=True)
    rooted = {root.name for root in values["requirements"].roots}
    found += [
        f"extras: {name} is selected by neither package_matches nor requirements; its extras have no effect"
        for name, _ in values["extras"]
        if name not in rooted and not (values["package_matches"] and chosen.match(name))
    ]
    return tuple(found)


def _paths(text: str, folder: Path) -> list[Path]:
    """Return the files, separated by white space; a path that has some stands on a line of its own."""
    found: list[Path] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        whole = readers.path(line, folder)
        found += [whole] if whole.is_file() else [readers.path(word, folder) for word in line.split()]
    return found
