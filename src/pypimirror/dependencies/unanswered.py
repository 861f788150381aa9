"""What mirrored releases require of projects that are mirrored, while no release of these is that."""

from collections.abc import Iterator, Mapping

from pypimirror import names
from pypimirror.filenames import version_of
from pypimirror.mirror import Mirror
from pypimirror.model import NormalizedName
from pypimirror.requirements.dependency import parsed
from pypimirror.selection.releases import Release, admits, release
from pypimirror.want import Asked


def unanswered(
    mirror: Mirror, asked: Mapping[NormalizedName, Asked]
) -> Iterator[tuple[NormalizedName, list[str]]]:
    """Yield each project with the requirements of others that none of its mirrored releases answers.

    Not what passes by itself, and not where something failed, which is told. Lines of files are told as such.
    """
    for name, each in sorted(asked.items()):
        if not _is_judged(mirror, name):
            continue
        filenames = mirror.state.files.mirrored_names(name)
        releases = {release(version_of(filename, name) or "") for filename in filenames}
        needs = [
            f"{by} {_newest_with(mirror, by, requirement)}requires {requirement}"
            for by, requirement in each.needs
            if names.is_spelling(by, by) and not _is_answered(requirement, releases)
        ]
        if needs:
            yield name, needs


def _is_judged(mirror: Mirror, name: NormalizedName) -> bool:
    row = mirror.state.projects.get(name)
    if row is None or not row.is_listed or row.error or mirror.selection.needs_provenance(name):
        return False
    return not mirror.state.choices.is_due_later(name)


def _is_answered(requirement: str, releases: set[Release]) -> bool:
    found = parsed(requirement)
    return found is None or any(admits(found.specifier, each) for each in releases)


def _newest_with(mirror: Mirror, by: str, requirement: str) -> str:
    requires = mirror.state.choices.requires_of(NormalizedName(by))
    version = dict(requires.requirements).get(requirement) if requires else None
    return f"{version} " if version else ""
