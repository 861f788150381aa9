"""Projects with `provenance_required`: only files whose provenance was verified are on their pages."""

import logging
from collections.abc import Iterable, Mapping

from pypimirror.amounts import numbered
from pypimirror.mirror import Mirror
from pypimirror.model import File, HeldFile, NormalizedName
from pypimirror.plan import Loss
from pypimirror.run import Run
from pypimirror.selection import LeftOut
from pypimirror.sync import question
from pypimirror.sync.project import Project

_log = logging.getLogger(__name__)

_RULE = "provenance_required"
_WITHOUT = "upstream offers no provenance of it"
_NOTE = "verified provenance"


def wanted(mirror: Mirror, project: Project, files: tuple[File, ...]) -> tuple[File, ...]:
    """Leave out the files that upstream offers no provenance of; what was verified once is kept without."""
    name = project.name
    if not mirror.selection.needs_provenance(name):
        return files
    held = mirror.state.files.held(name)
    lost = {each.file.filename: each for each in left_out(mirror, name, files, held)}
    if lost:
        what = numbered(
            len(lost), "file has no provenance and is left out", "files have no provenance and are left out"
        )
        _log.info("%s: %s (%s)", name, what, _RULE)
        mirror.state.choices.add_left_out(name, lost.values())
        project.drops += tuple(filter(held.__contains__, lost))
    return tuple(file for file in files if file.filename not in lost)


def left_out(
    mirror: Mirror, name: NormalizedName, files: Iterable[File], held: Mapping[str, HeldFile]
) -> tuple[LeftOut, ...]:
    """Return those of a project's files that nobody can verify: upstream offers no provenance of them."""
    if not mirror.selection.needs_provenance(name):
        return ()
    verified = {filename for filename, each in held.items() if each.is_attested}
    return tuple(
        LeftOut(file, _RULE, _WITHOUT)
        for file in files
        if file.provenance is None and file.filename not in verified
    )


def may_return(mirror: Mirror, name: NormalizedName, delisted: dict[str, HeldFile]) -> dict[str, HeldFile]:
    """Return those of the files that left the pages that can be back on them as they are."""
    if not mirror.selection.needs_provenance(name):
        return delisted
    return {filename: held for filename, held in delisted.items() if held.is_attested}


def leave(run: Run, asked: Iterable[NormalizedName]) -> None:
    """Take off the pages what is held and was not verified, of the projects that were asked about.

    Of all projects where the configuration has changed since this was last looked at. Where that is much, it
    waits for an answer like all that is no longer selected.
    """
    if run.options.preview or not run.mirror.config.provenance_required or run.tally.keeps_deselected:
        return
    state = run.mirror.state
    is_same = state.notes.get(_NOTE) == run.mirror.selection.of_projects
    names = list(asked if is_same or run.options.only else state.projects.names())
    found = {name: gone for name in names if (gone := _unverified(run.mirror, name))}
    filenames = [f"{name}/{filename}" for name, gone in found.items() for filename in gone]
    if not question.is_refused(run, Loss(0, len(filenames)), filenames):
        for name, gone in found.items():
            what = numbered(len(gone), "file leaves", "files leave")
            _log.warning("%s: %s its pages, as no provenance of them is verified", name, what)
            state.transitions.delist_files(name, gone, run.mirror.clock(), keeps_error=True)
            if run.mirror.config.full_index:
                run.pages.mark_root_dirty()
        if not run.options.only:
            if not is_same:
                question.forget(run.mirror)
            state.notes.set(_NOTE, run.mirror.selection.of_projects)
    elif not run.options.only:
        state.notes.set(_NOTE, None)  # so that the next run asks again
    run.tree.commit()


def _unverified(mirror: Mirror, name: NormalizedName) -> list[str]:
    if not mirror.selection.needs_provenance(name):
        return []
    return [filename for filename, each in mirror.state.files.held(name).items() if not each.is_attested]
