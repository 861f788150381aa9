"""Lines of requirements files that no file of their projects answers."""

from collections.abc import Iterator

from pypimirror.filenames import version_of
from pypimirror.mirror import Mirror
from pypimirror.model import File, NormalizedName
from pypimirror.run import Run
from pypimirror.selection.releases import admits, release, release_of
from pypimirror.selection.want import asks_for
from pypimirror.want import Want

_HEALS = "min_age_days"
"""The rule that lets files through by itself."""


def unanswered(run: Run) -> Iterator[str]:
    """Yield the lines whose projects are there, while no file of these is what a line asks for, with why."""
    unknown = set(run.mirror.state.projects.stale())
    files: dict[NormalizedName, list[File] | None] = {}
    for root, want in run.dependencies.of_roots().roots():
        if root.name not in files:
            files[root.name] = None if root.name in unknown else _files(run.mirror, root.name)
        found = files[root.name]
        if found is None or any(asks_for(want, file, release_of(file, root.name)) for file in found):
            continue
        if why := _why_unanswered(run.mirror, root.name, want):
            yield f"{root.source}: {root.words}: {why}"


def _files(mirror: Mirror, name: NormalizedName) -> list[File] | None:
    """Return the mirrored files of a project; None where it is absent or failed, which is told by itself."""
    row, selection = mirror.state.projects.get(name), mirror.selection
    if row is None or not row.is_listed or row.error or not selection.selects(name):
        return None
    if selection.needs_provenance(name):  # what could not be verified is told
        return None
    return mirror.state.files.mirrored(name)


def _why_unanswered(mirror: Mirror, name: NormalizedName, want: Want) -> str:
    """Say why nothing is what is asked for; empty where that passes by itself."""
    left_out = mirror.state.choices.left_out_of(name).items()
    asked = want.specifier or "any version"
    rules = {
        rule
        for filename, (rule, _) in left_out
        if rule != "requirements" and admits(want.specifier, release(version_of(filename, name) or ""))
    }
    if _HEALS in rules and mirror.state.choices.is_due_later(name):
        return ""
    if rules:
        return f"{', '.join(sorted(rules))} leaves out every file that is {asked}"
    row = mirror.state.projects.get(name)
    if row is not None and row.status == "quarantined":
        return "it is in quarantine upstream"
    what = "file with one of these digests" if want.digests else "release that is"
    return f"upstream has no {what} {asked}"
