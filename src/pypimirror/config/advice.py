"""What looks wrong in a sound configuration: each a sentence that says what to do."""

from collections.abc import Iterator

from pypimirror.config import Config
from pypimirror.selection import Globs, asks_for_everything

NAMESPACES = {
    "archetypes": "archetypes.*",
    "azure-mgmt": "azure-mgmt-*",
    "backports": "backports.*",
    "bika": "bika.*",
    "collective": "collective.*",
    "five": "five.*",
    "google-cloud": "google-cloud-*",
    "grokcore": "grokcore.*",
    "jaraco": "jaraco.*",
    "odoo": "odoo-*",
    "oslo": "oslo.*",
    "plone": "plone.*",
    "products": "Products.*",
    "repoze": "repoze.*",
    "sphinxcontrib": "sphinxcontrib-*",
    "types": "types-*",
    "z3c": "z3c.*",
    "zc": "zc.*",
    "zope": "zope.*",
}
"""Names that stand for a family of projects more often than for a project, each with the family's glob."""
_WHEELS = (
    "demo-1.0-py3-none-any.whl",
    "demo-1.0-py2.py3-none-any.whl",
    "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
    "demo-1.0-cp312-cp312-win_amd64.whl",
)
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
        *_excluded_names(config),
        *_wheels(config),
        *_everything(config),
        *_without_effect(config),
        *_not_selected(config),
    )


def _families(config: Config) -> Iterator[str]:
    """Tell of names that stand for a family, where no glob of the option matches members of it."""
    for option in _NAME_OPTIONS:
        globs = Globs(getattr(config, option), are_names=True)
        for name in sorted(globs.literals & NAMESPACES.keys()):
            family = NAMESPACES[name]
            if not globs.has(f"{name}-member"):
                yield (
                    f"{option}: {name} is the project of this name alone; for the projects below it"
                    f" write {family}, for both write {name} {family}"
                )


def _excluded_names(config: Config) -> Iterator[str]:
    excluded = Globs(config.package_excludes, are_names=True)
    for name in sorted(Globs(config.package_matches, are_names=True).literals):
        if excluded.has(name):
            yield (
                f"package_matches: {name} is not mirrored, as package_excludes ({excluded.first(name)}) wins;"
                " take it out of one of them"
            )


def _wheels(config: Config) -> Iterator[str]:
    """Tell where no wheel gets through."""
    lost = "clients build everything from sdists, and fail where there is none"
    matches, excludes = config.filename_matches, Globs(config.filename_excludes, are_names=False)
    chosen = Globs(matches, are_names=False)
    if matches and not any("whl" in glob for glob in matches) and not any(map(chosen.has, _WHEELS)):
        yield f"filename_matches: no pattern takes wheels, so {lost}; add *.whl"
    elif all(map(excludes.has, _WHEELS)):
        yield f"filename_excludes: no wheel is left, so {lost}; take {excludes.first(_WHEELS[0])} out"
    if config.file_types and "wheel" not in config.file_types:
        yield f"file_types: wheels are not among them, so {lost}; add wheel"


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
    if not config.min_age_days:
        for option, is_set in (
            ("min_age_exceptions", bool(config.min_age_exceptions)),
            ("min_age_unknown", config.min_age_unknown == "allow"),
        ):
            if is_set:
                yield f"{option}: it has no effect without min_age_days; set that, or take it out"
    is_linux = any(name.startswith(("linux_", "manylinux_")) for name in config.platforms)
    if config.glibc and config.platforms and not is_linux:
        yield "glibc: it has no effect, as no manylinux wheel is for any of platforms; take it out"
    yield from _double_platforms(config)
    free_threaded = [version for version in config.python_versions if version.endswith("t")]
    if free_threaded and config.implementations and "cp" not in config.implementations:
        yield (
            f"python_versions: {' '.join(free_threaded)} is CPython's alone, and implementations leaves that"
            " out; add cp there"
        )


def _not_selected(config: Config) -> Iterator[str]:
    """Tell of rules for projects that nothing selects; with dependencies nobody knows that beforehand."""
    if config.dependencies or config.requirements.roots:
        return
    matches, excludes = (
        Globs(each, are_names=True) for each in (config.package_matches, config.package_excludes)
    )
    for option in ("versions", "excluded_versions"):
        for name in dict.fromkeys(name for name, _ in getattr(config, option)):
            if excludes.has(name) or not matches.has(name):
                yield f"{option}: {name} is not selected, so it has no effect; correct the name, or select it"


def _double_platforms(config: Config) -> Iterator[str]:
    for name in config.platforms:
        family, _, arch = name.partition("_")
        if family in ("manylinux", "musllinux") and f"linux_{arch}" in config.platforms:
            yield f"platforms: linux_{arch} takes what {name} takes, and more; keep the one that is meant"
