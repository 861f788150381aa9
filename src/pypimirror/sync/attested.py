"""Projects with `provenance_required`: only files whose provenance was verified are on their pages."""

import logging
from collections.abc import Iterable

from pypimirror.model import File, HeldFile, NormalizedName
from pypimirror.sync import publish
from pypimirror.sync.run import Run

_log = logging.getLogger(__name__)

_NOTE = "verified provenance"


def wanted(run: Run, name: NormalizedName, files: tuple[File, ...]) -> tuple[File, ...]:
    """Leave out the files that upstream offers no provenance of; what was verified once is kept without."""
    if not run.selection.needs_provenance(name):
        return files
    verified = {filename for filename, held in run.state.held(name).items() if held.is_attested}
    found = tuple(f for f in files if f.provenance is not None or f.filename in verified)
    if len(found) < len(files):
        number = len(files) - len(found)
        _log.info("%s: %d files have no provenance and are left out (provenance_required)", name, number)
        left_out = {file.filename for file in files} - {file.filename for file in found}
        _leave(run, name, sorted(left_out & run.state.held(name).keys()))
    return found


def may_return(run: Run, name: NormalizedName, doomed: dict[str, HeldFile]) -> dict[str, HeldFile]:
    """Return those of the files that left the pages that can be back on them as they are."""
    if not run.selection.needs_provenance(name):
        return doomed
    return {filename: held for filename, held in doomed.items() if held.is_attested}


def leave(run: Run, asked: Iterable[NormalizedName]) -> None:
    """Take off the pages what is held and was not verified, of the projects that were asked about.

    Of all projects where the configuration has changed since this was last looked at.
    """
    if run.preview or not run.config.provenance_required:
        return
    is_same = run.state.note(_NOTE) == run.selection.of_projects
    for name in list(asked if is_same or run.only else run.state.names()):
        if run.selection.needs_provenance(name):
            held = run.state.held(name)
            _leave(run, name, [filename for filename, each in held.items() if not each.is_attested])
    if not run.only:
        run.state.set_note(_NOTE, run.selection.of_projects)
    run.state.commit()


def _leave(run: Run, name: NormalizedName, filenames: list[str]) -> None:
    if not filenames:
        return
    number = len(filenames)
    _log.warning("%s: %d files leave its pages, as no provenance of them is verified", name, number)
    run.state.doom_files(name, filenames, run.clock(), keeps_error=True)
    if run.config.full_index:
        publish.root_is_due(run)
