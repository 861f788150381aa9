"""Why a configuration selects no project, whatever upstream has."""

from collections.abc import Iterable

from pypimirror.amounts import listed
from pypimirror.config.values import Config
from pypimirror.requirements import Root
from pypimirror.selection.globs import Globs, covers

SHOWN = 3
"""Texts that are named in a line."""
ENVIRONMENT_OPTIONS = ("python_versions", "platforms", "implementations")


def inactive(config: Config) -> tuple[Root, ...]:
    """Return the lines of requirements files that count in none of the configured environments."""
    known = config.environments
    return tuple(root for root in config.requirements.roots if not known.may_hold(root.marker))


def active(config: Config) -> list[Root]:
    """Return the others."""
    idle = inactive(config)
    return [root for root in config.requirements.roots if root not in idle]


def shown(root: Root) -> str:
    """Return a line as it is told."""
    return f"{root.words} ({root.source})"


def why_no_project(config: Config) -> str:
    """Say why no project can be selected; empty where one can."""
    excludes = Globs(config.package_excludes, are_names=True)
    asking = active(config)
    if any(not excludes.has(root.name) for root in asking):
        return ""
    if not all(covers(config.package_excludes, pattern) for pattern in config.package_matches):
        return ""
    excluded = [*config.package_matches, *map(shown, asking)]
    reasons = [f"package_excludes leaves out {listed(excluded, SHOWN)}"] if excluded else []
    if idle := inactive(config):
        reasons.append(why_inactive(config, idle))
    return "; ".join(reasons)


def why_inactive(config: Config, roots: Iterable[Root]) -> str:
    """Say of such lines where they do not count."""
    lines = [f"{root.source} ({root.words})" for root in roots]
    count = "counts" if len(lines) == 1 else "count"
    given = {option: " ".join(getattr(config, option)) for option in ENVIRONMENT_OPTIONS}
    those = ", ".join(f"{option} = {values}" for option, values in given.items() if values)
    which = f" ({those})" if those else ""
    return f"{listed(lines, SHOWN)} {count} in no environment that is mirrored for{which}"
