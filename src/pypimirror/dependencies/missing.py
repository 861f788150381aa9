"""What mirrored releases require and the mirror lacks: projects, and releases of those that it has."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from pypimirror import names
from pypimirror.filenames import version_of
from pypimirror.mirror import Mirror
from pypimirror.model import NormalizedName
from pypimirror.state import State
from pypimirror.want import Asked, Requires

if TYPE_CHECKING:
    from pypimirror.closure import Closure
    from pypimirror.selection.releases import Release

_log = logging.getLogger(__name__)

NOTE = "missing"
_UNANSWERED = "no mirrored release of it fits"
MOST_NEEDS = 5


class Missing(NamedTuple):
    """A project that a mirrored one requires and that the mirror lacks, or a release of it, and who does."""

    name: NormalizedName
    why: str
    needs: tuple[str, ...]


def missing(state: State) -> tuple[Missing, ...]:
    """Return what mirrored projects require and the mirror has not, as it was last found."""
    return state.notes.hint(NOTE, tuple[Missing, ...]) or ()


def tell(
    mirror: Mirror,
    closure: Closure | None,
    asked: Mapping[NormalizedName, Asked],
    touched: set[NormalizedName],
) -> None:
    """Name what is required and not mirrored, once.

    Without a `closure` the projects that lack are those of before; releases are looked for where projects
    were `touched`.
    """
    before = missing(mirror.state)
    absent = _absent(mirror, closure) if closure else [each for each in before if each.why != _UNANSWERED]
    touched = touched - set(mirror.state.projects.stale())
    lacking = [each for each in before if each.why == _UNANSWERED]
    kept = [each for each in lacking if each.name in asked and each.name not in touched]
    found = [*absent, *kept, *_unanswered(mirror, {name: asked[name] for name in touched & asked.keys()})]
    for each in set(found).difference(before):
        text = "%s: %s: %s" if each.why == _UNANSWERED else "%s is not mirrored, as %s: %s"
        _log.warning(text, each.name, each.why, "; ".join(each.needs))
    mirror.state.notes.keep(NOTE, found or None)


def _absent(mirror: Mirror, closure: Closure) -> Iterator[Missing]:
    """Yield what is required and not mirrored at all, with who requires it; sorted."""
    excluded = dict.fromkeys(closure.missing, "package_excludes leaves it out")
    known = mirror.state.projects.get
    lost = [name for name in closure.wants if (row := known(name)) is None or row.is_gone]
    unknown = dict.fromkeys(lost, "upstream has no such project")
    for name, why in sorted((excluded | unknown).items()):
        needs = tuple(map(str, closure.needs_of(name)))
        yield Missing(name, why, needs[:MOST_NEEDS])
    for need in closure.direct:
        _log.info("%s: a direct reference is not followed", need)


def _unanswered(mirror: Mirror, asked: Mapping[NormalizedName, Asked]) -> Iterator[Missing]:
    """Yield each project with the requirements of others that none of its mirrored releases answers.

    Not what passes by itself, and not where something failed, which is told. Lines of files are told as such.
    """
    from pypimirror.selection.releases import release  # a run without news needs none of it

    for name, each in sorted(asked.items()):
        if not _is_judged(mirror, name):
            continue
        filenames = mirror.state.files.mirrored_names(name)
        releases = {release(version_of(filename, name) or "") for filename in filenames}
        needs = [
            (mirror.state.choices.requires_of(NormalizedName(by)) or Requires()).said_by(by, requirement)
            for by, requirement in each.needs
            if names.is_normalized(by) and not _is_answered(requirement, releases)
        ]
        if needs:
            yield Missing(name, _UNANSWERED, tuple(needs[:MOST_NEEDS]))


def _is_judged(mirror: Mirror, name: NormalizedName) -> bool:
    row = mirror.state.projects.get(name)
    if row is None or not row.is_listed or row.error or mirror.selection.needs_provenance(name):
        return False
    return not mirror.state.choices.is_due_later(name)


def _is_answered(requirement: str, releases: set[Release]) -> bool:
    from pypimirror.requirements.dependency import parsed
    from pypimirror.selection.releases import admits

    found = parsed(requirement)
    return found is None or any(admits(found.specifier, each) for each in releases)
