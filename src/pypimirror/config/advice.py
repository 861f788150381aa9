"""What looks wrong in a sound configuration: each a sentence that says what to do."""

import fnmatch
from collections.abc import Iterator

from pypimirror.config.contradictions import contradictions
from pypimirror.config.values import Config
from pypimirror.filenames import SDIST_SUFFIXES
from pypimirror.selection.globs import Globs, asks_for_everything, normalize_glob

_DOTTED = "archetypes backports bika collective five grokcore jaraco oslo plone repoze z3c zc zope"
_DASHED = "azure-mgmt google-cloud odoo sphinxcontrib types"
NAMESPACES = {
    "products": "Products.*",
    **{name: f"{name}.*" for name in _DOTTED.split()},
    **{name: f"{name}-*" for name in _DASHED.split()},
}
"""Names that stand for a family of projects more often than for a project, each with the family's glob."""
_WHEELS = (
    "demo-1.0-py3-none-any.whl",
    "demo-1.0-py2.py3-none-any.whl",
    "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
    "demo-1.0-cp312-cp312-win_amd64.whl",
)
_SMALL = 1024
"""Bytes: few files have less."""
_NAME_OPTIONS = ("package_matches", "package_excludes", "provenance_required", "min_age_exceptions")
_NARROWING = (
    "filename_matches",
    "filename_excludes",
    "python_versions",
    "platforms",
    "implementations",
    "file_types",
    "latest_releases",
    "max_file_size",
    "max_project_size",
)


def advice(config: Config) -> tuple[str, ...]:
    """Return what is most likely not meant as it stands there."""
    return (
        *_families(config),
        *contradictions(config),
        *_wheels(config),
        *_everything(config),
        *_without_effect(config),
    )


def _families(config: Config) -> Iterator[str]:
    """Tell of names that stand for a family, where no glob of the option matches members of it."""
    for option in _NAME_OPTIONS:
        globs = Globs(getattr(config, option), are_names=True)
        for name in sorted(globs.literals & NAMESPACES.keys()):
            family = NAMESPACES[name]
            is_meant = option == "package_excludes" and _takes(config, name)
            if not globs.has(f"{name}-member") and not is_meant:
                yield (
                    f"{option}: {name} is the project of this name alone; for the projects below it"
                    f" write {family}, for both write {name} {family}"
                )


def _takes(config: Config, name: str) -> bool:
    """Tell whether a pattern is for the projects below a name: who excludes the name means it alone."""
    return any(normalize_glob(pattern).startswith(f"{name}-") for pattern in config.package_matches)


def _wheels(config: Config) -> Iterator[str]:
    """Tell where no wheel gets through."""
    lost = "clients build everything from sdists, and fail where there is none"
    matches, excludes = config.filename_matches, Globs(config.filename_excludes, are_names=False)
    if matches and not any(map(_may_take_wheels, matches)):
        yield f"filename_matches: no pattern takes wheels, so {lost}; add *.whl"
    elif all(map(excludes.has, _WHEELS)):
        yield f"filename_excludes: no wheel is left, so {lost}; take {excludes.first(_WHEELS[0])} out"
    if config.file_types and "wheel" not in config.file_types:
        yield f"file_types: wheels are not among them, so {lost}; add wheel"


def _may_take_wheels(pattern: str) -> bool:
    """Tell whether a pattern of file names can match some wheel."""
    if "whl" in pattern:
        return True
    if any(suffix in pattern for suffix in SDIST_SUFFIXES):
        return False
    ending = pattern.rpartition("*")[2][-4:]
    return "]" in ending or fnmatch.fnmatchcase(".whl"[-len(ending) :] if ending else "", ending)


def _everything(config: Config) -> Iterator[str]:
    rules_off = type(config.latest_releases)()
    is_narrow = any(getattr(config, option) not in ((), 0, rules_off) for option in _NARROWING)
    if asks_for_everything(config.package_matches) and not is_narrow:
        yield (
            "package_matches: it selects every project with all files, on PyPI tens of terabytes; name"
            " projects, or set python_versions, platforms and latest_releases"
        )


def _without_effect(config: Config) -> Iterator[str]:
    """Tell of options that do nothing beside the others."""
    for option, default in (("min_age_exceptions", ()), ("min_age_unknown", "hold")):
        if not config.min_age_days and getattr(config, option) != default:
            yield f"{option}: it has no effect without min_age_days; set that, or take it out"
    is_linux = any(name.startswith(("linux_", "manylinux_")) for name in config.platforms)
    if config.glibc and config.platforms and not is_linux:
        yield "glibc: it has no effect, as no manylinux wheel is for any of platforms; take it out"
    yield from _double_platforms(config)
    yield from _sizes(config)
    yield from _unselected(config)
    if config.file_types == ("sdist",):
        for option in ("platforms", "implementations", "glibc"):
            if getattr(config, option):
                yield f"{option}: it has no effect on sdists, which file_types takes alone; take it out"
    if config.min_age_days and Globs(config.min_age_exceptions, are_names=True).is_everything:
        yield "min_age_days: it has no effect, as min_age_exceptions has every project; take one of them out"
    free_threaded = [version for version in config.python_versions if version.endswith("t")]
    if free_threaded and config.implementations and "cp" not in config.implementations:
        yield (
            f"python_versions: {' '.join(free_threaded)} is CPython's alone, and implementations leaves that"
            " out; add cp there"
        )


def _sizes(config: Config) -> Iterator[str]:
    for option in ("max_file_size", "max_project_size"):
        if 0 < (size := getattr(config, option)) < _SMALL:
            yield f"{option}: {size} bytes leave out nearly every file; did you mean {size}M?"
    if 0 < config.max_project_size < config.max_file_size:
        yield "max_file_size: it has no effect, as max_project_size is less; take one of them out"


def _unselected(config: Config) -> Iterator[str]:
    """Tell of lines about projects that are not selected, where all that are have their names there."""
    chosen = Globs(config.package_matches, are_names=True)
    if chosen.has_wildcard or config.dependencies:
        return
    names = chosen.literals | {root.name for root in config.requirements.roots}
    for option in ("versions", "excluded_versions"):
        for name in sorted({name for name, _ in getattr(config, option)} - names):
            yield f"{option}: {name} is not selected, so its line has no effect; take it out"
    globs = [("latest_releases", glob) for glob, _ in config.latest_releases.overrides]
    if config.min_age_days:
        globs += [("min_age_exceptions", glob) for glob in config.min_age_exceptions]
    for option, glob in globs:
        if not any(map(Globs((glob,), are_names=True).has, names)):
            yield f"{option}: {glob} matches no project that is selected, and has no effect; take it out"


def _double_platforms(config: Config) -> Iterator[str]:
    for name in config.platforms:
        family, _, arch = name.partition("_")
        if family in ("manylinux", "musllinux") and f"linux_{arch}" in config.platforms:
            yield f"platforms: linux_{arch} takes what {name} takes, and more; keep the one that is meant"
