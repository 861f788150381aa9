"""Options that together select nothing, or nothing of something: each a sentence that says what to do."""

import itertools
import re
from collections.abc import Iterable, Iterator

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pypimirror.amounts import listed
from pypimirror.config.choices import python_key
from pypimirror.config.nothing import ENVIRONMENT_OPTIONS, SHOWN, active, shown, why_no_project
from pypimirror.config.values import Config
from pypimirror.filenames import BUILT_SUFFIXES, SDIST_SUFFIXES, ending_of
from pypimirror.requirements import Lock
from pypimirror.requirements.environments import Environments, environments
from pypimirror.selection.globs import Globs, covers
from pypimirror.selection.kinds import kind_of
from pypimirror.selection.releases import pinned_by, release
from pypimirror.selection.single import has_fitting_micro
from pypimirror.selection.versions import Versions, by_project, by_release, no_blocked_release

_FIRST_GLIBC = {"x86_64": (2, 5), "i686": (2, 5)}
_FIRST_GLIBC_OF_OTHERS = (2, 17)
"""What `packaging.tags` takes at least; PEP 599 came with the other machines."""
_FIRST_PYTHON = {"macosx_arm64": (3, 8), "win_arm64": (3, 8), "musllinux": (3, 6)}
"""The first Python that was built for a platform, or whose pip knows its wheels."""


def contradictions(config: Config) -> Iterator[str]:
    """Yield what can't be meant so."""
    if why := why_no_project(config):
        yield f"no project is selected: {why}"
    else:
        yield from _excluded(config)
    yield from _files(config)
    yield from _kinds(config)
    yield from _versions(config)
    yield from _pins(config)
    for lock in config.requirements.locks:
        yield from _locked(config, lock)
    yield from _glibc(config)
    yield from _pairs(config)


def _excluded(config: Config) -> Iterator[str]:
    excludes = Globs(config.package_excludes, are_names=True)
    for pattern in sorted(config.package_matches):
        if covers(config.package_excludes, pattern):
            literal = Globs((pattern,), are_names=True).literals
            by = f" ({excludes.first(*literal)})" if literal else ""
            what = f"{next(iter(literal))} is not mirrored" if literal else f"{pattern} selects nothing"
            yield f"package_matches: {what}, as package_excludes{by} wins; take it out of one of them"
    for root in active(config):
        if excludes.has(root.name):
            yield (
                f"requirements: {shown(root)} is not mirrored, as package_excludes"
                f" ({excludes.first(root.name)}) wins; take it out of one of them"
            )


def _files(config: Config) -> Iterator[str]:
    lost = [
        pattern
        for pattern in config.filename_matches
        if covers(config.filename_excludes, pattern, are_names=False)
    ]
    if config.filename_matches and len(lost) == len(config.filename_matches):
        yield "filename_matches: filename_excludes leaves out all that it takes, so no file is selected"
    elif lost:
        yield f"filename_matches: {' '.join(lost)} takes nothing, as filename_excludes wins; take it out"


def _kinds(config: Config) -> Iterator[str]:
    """Tell where no pattern of file names takes a kind of file that is taken."""
    if not (config.file_types and config.filename_matches):
        return
    kinds = [_kinds_of(pattern) for pattern in config.filename_matches]
    if all(kinds) and not frozenset().union(*kinds) & set(config.file_types):
        taken = " ".join(config.file_types)
        yield f"filename_matches: none of it is {taken}, which file_types takes alone, so no file is selected"


def _kinds_of(pattern: str) -> frozenset[str]:
    """Return the kinds of what a pattern matches; none where it may be any."""
    ending = re.split(r"[*?\]]", pattern)[-1].lower()
    if ending.endswith(SDIST_SUFFIXES):
        return frozenset({"sdist", "other"})  # archives of built trees end so, too
    suffix = ending_of(ending, BUILT_SUFFIXES)
    return frozenset({kind_of(f"demo-1.0{suffix}")}) if suffix else frozenset()


def _versions(config: Config) -> Iterator[str]:
    for name, said in sorted(by_project(config.versions, config.excluded_versions).items()):
        if not any(said.no(release(text)) is None for text in _candidates((*said.kept, *said.excluded))):
            kept = f" that is {' and '.join(said.kept)}" if said.kept else ""
            excluded = f", and is not {' nor '.join(said.excluded)}" if said.excluded else ""
            yield f"versions: {name} has no version{kept}{excluded}; mend versions or excluded_versions"


def _candidates(specifiers: Iterable[str]) -> Iterator[str]:
    """Yield versions at and between all that specifiers name: if these are all refused, every version is."""
    yield from ("0", "99999999", "1!99999999")
    for each in (each for text in specifiers for each in SpecifierSet(text)):
        text = each.version.removesuffix(".*")
        yield text
        try:
            version = Version(text)
        except ValueError:  # `===` takes any text
            continue
        base = version.release
        epoch = f"{version.epoch}!" if version.epoch else ""
        for length in range(1, len(base) + 1):
            for step in (-1, 1):
                yield epoch + ".".join(map(str, (*base[: length - 1], max(0, base[length - 1] + step))))
        yield epoch + ".".join(map(str, (*base, 0, 0, 1)))
        yield f"{epoch}{'.'.join(map(str, base))}.post1"


def _pins(config: Config) -> Iterator[str]:
    """Tell of releases that a requirement pins, and that another option leaves out."""
    lines = by_project(config.versions, config.excluded_versions)
    blocked = by_release(config.blocked_files)
    for root in active(config):
        for pinned in map(release, pinned_by(root.want.specifier)):
            no = no_blocked_release(root.name, pinned, blocked.get(root.name, frozenset()))
            no = no or lines.get(root.name, Versions()).no(pinned)
            if no:
                yield f"requirements: {shown(root)} is not mirrored, as {no.rule} wins: {no.why}"


def _locked(config: Config, lock: Lock) -> Iterator[str]:
    """Tell for which of the configured environments a lock file was not made."""
    others = [
        each
        for each in config.python_versions
        if lock.requires_python and not has_fitting_micro(lock.requires_python, each)
    ]
    said = f"requirements: {lock.source} is locked for"
    if others:
        are = "is" if len(others) == 1 else "are"
        yield (
            f"{said} Python {lock.requires_python}, which {' '.join(others)} of python_versions {are} not;"
            f" {_lock_too(others)}"
        )
    options = {name: getattr(config, name) or ("",) for name in ENVIRONMENT_OPTIONS}
    strange = [
        " ".join(filter(None, each))
        for each in itertools.product(*options.values())
        if each[0] not in others and not _is_locked_for(lock, each)
    ]
    if strange:
        given = " or ".join(name for name in options if getattr(config, name))
        yield f"{said} other environments than {listed(strange, SHOWN)}; {_lock_too(strange)} of {given}"


def _is_locked_for(lock: Lock, environment: tuple[str, ...]) -> bool:
    known = Environments(environments(*([each] if each else [] for each in environment)))
    return not lock.environments or any(map(known.may_hold, lock.environments))


def _lock_too(these: list[str]) -> str:
    return f"lock it for {'that, too, or take it' if len(these) == 1 else 'these, too, or take them'} out"


def _glibc(config: Config) -> Iterator[str]:
    linux = [name.partition("_")[2] for name in config.platforms if name.startswith(("linux_", "manylinux_"))]
    least = [_FIRST_GLIBC.get(machine, _FIRST_GLIBC_OF_OTHERS) for machine in linux] or [(2, 5)]
    if config.glibc and config.glibc < min(least):
        first = ".".join(map(str, min(least)))
        machines = f" for {' '.join(linux)}" if linux else ""
        yield f"glibc: manylinux wheels{machines} begin with glibc {first}, so none comes; write that or more"


def _pairs(config: Config) -> Iterator[str]:
    for platform in config.platforms:
        first = _FIRST_PYTHON.get(platform) or _FIRST_PYTHON.get(platform.partition("_")[0])
        early = [text for text in config.python_versions if first and python_key(text)[:2] < first]
        if first and early:
            yield (
                f"python_versions: wheels for {platform} begin with Python {first[0]}.{first[1]}, so for"
                f" {' '.join(early)} only what is for any platform comes"
            )
