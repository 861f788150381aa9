"""Which files of a page are selected, and what that means for those that are held."""

import logging
from collections.abc import Collection, Iterable, Mapping

import msgspec

from pypimirror.filenames import is_wheel
from pypimirror.findings.selected import BLOCKED
from pypimirror.mirror import Mirror, Tally
from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage
from pypimirror.run import Run, blocking
from pypimirror.selection import Decision, LeftOut
from pypimirror.sync import deselection
from pypimirror.sync.project import Project

_log = logging.getLogger(__name__)


def decide(run: Run, project: Project, page: ProjectPage, *, tells_what_is_gone: bool) -> tuple[File, ...]:
    """Return the files of a page that are selected; note what rules left out, and which held files go.

    What is gone upstream and going to be removed takes no other file's place (`latest_releases`).
    """
    selection, choices, name = run.mirror.selection, run.mirror.state.choices, project.name
    held = run.mirror.state.files.held(name)
    listed = {file.filename for file in page.files}
    others = listed | run.external.owned(name)
    kept = [each.file for filename, each in held.items() if filename not in others]
    going = tells_what_is_gone and run.mirror.config.cleanup
    staying = [file for file in kept if not going or file.filename in page.unusable]

    # What was lost in the tree, or is on its way, was old enough once.
    known = run.mirror.state.files.mirrored_names(name) if selection.needs_held(name) else held.keys()

    if tells_what_is_gone and selection.blocked_digests:
        blocking.forget_unlisted(run.mirror, name, listed | page.unusable)
    blocked = _blocked_bytes(run.mirror, project, page, held)
    listed_files = [file for file in page.files if file.filename not in blocked]

    def decided(files: list[File]) -> Decision:
        return selection.decide(name, [*listed_files, *files], now=run.mirror.clock(), held=known)

    decision = decided(staying)
    project.selection = selection.fingerprint(name)
    left_out = (*blocked.values(), *decision.left_out)
    omitted = [left for left in left_out if left.file.filename in listed]
    if name in run.tally.unblocking:
        _note_unblocked(run, name, omitted, listed)
    choices.record_left_out(name, omitted)
    project.left_out = left_out
    _count_wheels(run.tally, decision)
    project.falls_due = decision.due
    gone = {left.file.filename for left in left_out}
    if len(staying) < len(kept):
        gone |= {left.file.filename for left in decided(kept).left_out} - listed
    project.drops = tuple(filter(gone.__contains__, held))
    return tuple(file for file in decision.wanted if file.filename in listed)


def _blocked_bytes(
    mirror: Mirror, project: Project, page: ProjectPage, held: Mapping[str, HeldFile]
) -> dict[str, LeftOut]:
    """Return the files of a page whose bytes are blocked, whatever upstream offers.

    They lie in the tree, or came before.
    """
    selection, name = mirror.selection, project.name
    if not selection.blocked_digests:
        return {}
    known: dict[str, HeldFile | blocking.BlockedBytes] = {
        **blocking.seen(mirror, name, page.files, trusts_names=not project.due.is_revalidation),
        **mirror.state.files.delisted_of(name),
        **held,
    }
    return {
        file.filename: LeftOut(msgspec.structs.replace(file, size=known[file.filename].size), BLOCKED, why)
        for file in page.files
        if file.filename in known
        and (why := selection.is_blocked(name, file, known[file.filename].sha256)) is not None
    }


def _note_unblocked(
    run: Run, name: NormalizedName, omitted: Iterable[LeftOut], listed: Collection[str]
) -> None:
    """Note what is no longer blocked: a list that others write may have been cut off."""
    known = run.mirror.state.choices.left_out_of(name)
    still = {left.file.filename for left in omitted if left.rule == BLOCKED}
    for filename in sorted(known.keys() & listed):
        if known[filename][0] == BLOCKED and filename not in still:
            _log.warning("%s: %s is no longer blocked, and may come again", name, filename)
            run.tally.unblocked.append(f"{name}/{filename}")


def _count_wheels(tally: Tally, decision: Decision) -> None:
    """Count the wheels of a page; who excludes them by name knows what that costs."""
    tally.wheels_taken += sum(is_wheel(file.filename) for file in decision.wanted)
    tally.wheels_left_out += sum(
        is_wheel(left.file.filename) and left.rule == "filename_matches" for left in decision.left_out
    )


def log(project: Project) -> None:
    """Log what rules left out of a project's page."""
    for left in project.left_out:
        _log.debug("%s: left out %s (%s: %s)", project.name, left.file.filename, left.rule, left.why)


def drop(run: Run, project: Project) -> None:
    """Take off the pages what the selection no longer wants, now that what it wants instead is there."""
    if not project.drops or run.tally.keeps_deselected:
        return
    deselection.take_off_files(run, project.name, project.drops)
    project.has_changed = True
