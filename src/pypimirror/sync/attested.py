"""Projects with `provenance_required`: only files whose provenance was verified are on their pages."""

import logging
from collections.abc import Iterable

from pypimirror.mirror import Mirror
from pypimirror.model import File, HeldFile, NormalizedName
from pypimirror.publishing import Pages
from pypimirror.run import Run
from pypimirror.selection import LeftOut

_log = logging.getLogger(__name__)

_WITHOUT = "upstream offers no provenance of it"
_NOTE = "verified provenance"


def wanted(run: Run, name: NormalizedName, files: tuple[File, ...]) -> tuple[File, ...]:
    """Leave out the files that upstream offers no provenance of; what was verified once is kept without."""
    if not run.mirror.selection.needs_provenance(name):
        return files
    verified = {filename for filename, held in run.mirror.state.files.held(name).items() if held.is_attested}
    found = tuple(f for f in files if f.provenance is not None or f.filename in verified)
    if len(found) < len(files):
        number = len(files) - len(found)
        _log.info("%s: %d files have no provenance and are left out (provenance_required)", name, number)
        kept = {file.filename for file in found}
        lost = [file for file in files if file.filename not in kept]
        noes = [LeftOut(file, "provenance_required", _WITHOUT) for file in lost]
        run.mirror.state.choices.add_left_out(name, noes)
        left_out = {file.filename for file in lost}
        _leave(run.mirror, run.pages, name, sorted(left_out & run.mirror.state.files.held(name).keys()))
    return found


def may_return(mirror: Mirror, name: NormalizedName, delisted: dict[str, HeldFile]) -> dict[str, HeldFile]:
    """Return those of the files that left the pages that can be back on them as they are."""
    if not mirror.selection.needs_provenance(name):
        return delisted
    return {filename: held for filename, held in delisted.items() if held.is_attested}


def leave(run: Run, asked: Iterable[NormalizedName]) -> None:
    """Take off the pages what is held and was not verified, of the projects that were asked about.

    Of all projects where the configuration has changed since this was last looked at.
    """
    if run.options.preview or not run.mirror.config.provenance_required:
        return
    is_same = run.mirror.state.notes.get(_NOTE) == run.mirror.selection.of_projects
    for name in list(asked if is_same or run.options.only else run.mirror.state.projects.names()):
        if run.mirror.selection.needs_provenance(name):
            held = run.mirror.state.files.held(name)
            _leave(
                run.mirror,
                run.pages,
                name,
                [filename for filename, each in held.items() if not each.is_attested],
            )
    if not run.options.only:
        run.mirror.state.notes.set(_NOTE, run.mirror.selection.of_projects)
    run.tree.commit()


def _leave(mirror: Mirror, pages: Pages, name: NormalizedName, filenames: list[str]) -> None:
    if not filenames:
        return
    number = len(filenames)
    _log.warning("%s: %d files leave its pages, as no provenance of them is verified", name, number)
    mirror.state.transitions.delist_files(name, filenames, mirror.clock(), keeps_error=True)
    if mirror.config.full_index:
        pages.mark_root_dirty()
