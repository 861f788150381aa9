"""What pip would miss in a mirror: releases that mirrored ones require and that are not there."""

from collections.abc import Callable, Iterable, Mapping

from pypimirror.config import Config
from pypimirror.dependencies import requires
from pypimirror.model import HeldFile, NormalizedName
from pypimirror.store import Store
from pypimirror.unmet import Unmet, unmet


def missing_for_pip(
    config: Config,
    store: Store,
    names: Iterable[NormalizedName],
    held_of: Callable[[NormalizedName], Mapping[str, HeldFile]],
) -> tuple[Unmet, ...]:
    """Return what the held releases of these projects need and the mirror lacks, with who needs it; sorted.

    It reads the core metadata beside the files, in the environments that are configured.
    """
    held, required = {}, {}
    for name in names:
        files = held_of(name).values()
        held[name] = frozenset(requires.release_of(each.file, name) for each in files)
        required[name] = requires.of_project(store, name, files).requirements
    return unmet(
        held,
        required,
        roots=config.requirements,
        extras={name: frozenset(extras) for name, extras in config.extras},
        environments=config.environments,
    )
