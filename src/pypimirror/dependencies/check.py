"""What pip would miss in a mirror: releases that mirrored ones require and that are not there."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from pypimirror.closure import Closure, Need
from pypimirror.config import Config
from pypimirror.dependencies import requires
from pypimirror.model import HeldFile, NormalizedName
from pypimirror.requirements import Roots
from pypimirror.requirements.environments import Environments
from pypimirror.selection.releases import admits, release
from pypimirror.store import Store


class Unmet(NamedTuple):
    """A need that can't be satisfied out of the mirror."""

    need: Need
    held: bool
    """Whether other releases of the project are held."""

    def __str__(self) -> str:
        what = "no held release is that" if self.held else "the project is not held"
        return f"{self.need}: {what}"


def missing_for_pip(
    config: Config,
    store: Store,
    names: Iterable[NormalizedName],
    held_of: Callable[[NormalizedName], Mapping[str, HeldFile]],
) -> tuple[tuple[Unmet, ...], list[str]]:
    """Return what the held releases of these projects need and the mirror lacks, with who needs it; sorted.

    It reads the core metadata beside the files, in the environments that are configured. Second comes what to
    say of files that can't be read.
    """
    held, required, unread = {}, {}, []
    for name in names:
        files = held_of(name).values()
        held[name] = frozenset(requires.release_of(each.file, name) for each in files)
        found, trouble = requires.of_project(store, name, files)
        required[name] = found.requirements
        unread += trouble
    lacking = unmet(
        held,
        required,
        roots=config.requirements,
        extras={name: frozenset(extras) for name, extras in config.extras},
        environments=config.environments,
    )
    return lacking, unread


def unmet(
    held: Mapping[NormalizedName, Collection[str]],
    requires: Mapping[NormalizedName, Iterable[tuple[str, str]]],
    *,
    roots: Roots = Roots(),
    extras: Mapping[NormalizedName, frozenset[str]] | None = None,
    environments: Environments | None = None,
) -> tuple[Unmet, ...]:
    """Return the needs that no held release satisfies, sorted.

    `held` are the versions of each project, `requires` the distinct requirements of each, each with a version
    that has it. Of extras only those count that a root or a requirement asks for.
    """
    closure = Closure(roots, environments=environments, extras=extras)
    for name in filter(held.get, held):
        closure.add_project(name, requires.get(name, ()))
        closure.add_root_project(name)
    needs = {need for name in closure.wants for need in closure.needs_of(name)}
    releases = {name: [release(version) for version in versions] for name, versions in held.items()}
    # A pre-release counts, as pip takes one where nothing else fits.
    found = [
        Unmet(need, bool(releases.get(need.name)))
        for need in needs
        if not any(admits(need.want.specifier, each) for each in releases.get(need.name, ()))
    ]
    return tuple(sorted(found))
