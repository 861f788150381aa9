"""What leaves the mirror as it is no longer selected, or as nobody requires it any more.

That needs no upstream: the rules look at what is held. A change that would take more than half of that, or
leave nothing, is asked about first.
"""

import logging
from collections.abc import Collection, Iterable

from msgspec import Struct, field

from pypimirror.amounts import numbered
from pypimirror.findings.selected import BLOCKED, SELECTED
from pypimirror.mirror import Mirror
from pypimirror.model import NormalizedName
from pypimirror.plan import Loss
from pypimirror.run import Run, blocking
from pypimirror.run.external import ExternalLinks
from pypimirror.selection import LeftOut
from pypimirror.sync import attested, question

_log = logging.getLogger(__name__)

_BLOCKED_NOTE = "blocked"
"""The blocked files that are gone."""


class _Deselected(Struct):
    projects: list[NormalizedName] = field(default_factory=list)
    files: dict[NormalizedName, list[str]] = field(default_factory=dict)
    left_out: dict[NormalizedName, tuple[LeftOut, ...]] = field(default_factory=dict)
    """Those of the files that rules leave out, with why."""


def is_new(mirror: Mirror) -> bool:
    """Tell whether the configuration selects something else than the pages show."""
    return mirror.state.notes.get(SELECTED) != mirror.selection.of_projects


def by_configuration(run: Run) -> None:
    """Take off the pages what the configuration no longer selects, out of the state alone."""
    found = _deselected_by_configuration(run)
    if not _is_refused(run, found):
        _bring_to_configuration(run, found)


def in_run_for_some(run: Run) -> None:
    """Ask what a whole run would ask about, and tell what was asked and waits; all else is left to that."""
    if is_new(run.mirror):
        found = _deselected_by_configuration(run)
        is_asked = question.is_too_much(run.mirror, _loss(run.mirror, found))
        if is_asked and not _is_refused(run, found):
            _bring_to_configuration(run, found)
    if run.tally.refusal is None:
        question.repeat(run)


def _deselected_by_configuration(run: Run) -> _Deselected:
    found = _deselected(run.mirror, run.external, run.mirror.state.projects.names())
    if run.dependencies.is_new:
        # These may be what is required; it shows when all is followed.
        found.projects = [name for name in found.projects if run.mirror.selection.excludes(name)]
    return found


def _bring_to_configuration(run: Run, found: _Deselected) -> None:
    state = run.mirror.state
    _take_off(run, found)
    state.projects.forget_selection(found.files)
    state.notes.set(SELECTED, run.mirror.selection.of_projects)
    question.forget(run.mirror)
    run.tree.commit()


def block(run: Run) -> None:
    """Remove at once what is blocked, whatever selects it; what no longer is may come again."""
    selection, state = run.mirror.selection, run.mirror.state
    if (state.notes.get(_BLOCKED_NOTE) or "") == selection.of_blocked:
        return
    run.tally.unblocking = frozenset(state.choices.with_left_out(BLOCKED))
    state.projects.mark_stale(run.tally.unblocking)
    found: dict[NormalizedName, list[LeftOut]] = {}
    for name, file, sha256, size in state.files.every_digest():
        if why := selection.is_blocked(name, file, sha256):
            _log.warning("%s: %s is removed: %s", name, file.filename, why)
            found.setdefault(name, []).append(LeftOut(file, BLOCKED, why))
            blocking.remember(run.mirror, name, file, sha256, size)
    for name, files in found.items():
        run.tally.counts.deselected_files += len(files)
        state.transitions.delist_at_once(name, [each.file.filename for each in files])
        # So that these come again when they are no longer blocked.
        state.choices.add_left_out(name, files)
        run.pages.mark_root_dirty()
    run.tally.has_blocked = bool(found)
    blocking.forget_unblocked(run.mirror)
    state.notes.set(_BLOCKED_NOTE, selection.of_blocked)
    run.tree.commit()


def by_requirements(run: Run, *, are_pages_read: bool) -> set[NormalizedName]:
    """Take off the pages what only requirements asked for that are gone, at the end of a run.

    Where upstream's pages were read by this selection, nothing else of them is missing; but what goes may
    make room for what had none. Return the projects of which that is so.
    """
    more_fit: set[NormalizedName] = set()
    is_whole = not (run.options.only or run.tally.unasked or run.tally.keeps_deselected)
    # What leaves may have been what required something else.
    while less := run.dependencies.record(is_whole=is_whole):
        found = _deselected(run.mirror, run.external, sorted(less))
        if run.options.only:
            return set()
        if _is_refused(run, found):
            run.dependencies.keep_asking()
            run.mirror.state.notes.set(SELECTED, None)  # so that the next run asks again
            run.tree.commit()
            return set()
        question.forget(run.mirror)
        _take_off(run, found)
        left = less - set(found.projects) if are_pages_read else set()
        if run.mirror.selection.rules.max_project_size:
            more_fit |= left
        else:
            for name in left:
                run.mirror.state.projects.record_selection(name, run.mirror.selection.fingerprint(name))
        run.mirror.state.choices.forget_gone()
        run.tree.commit()
    return more_fit


def _deselected(mirror: Mirror, external: ExternalLinks, names: Iterable[NormalizedName]) -> _Deselected:
    """Compare what is held of projects with what is selected."""
    found = _Deselected()
    external_files = external.deselect()
    for name in names:
        if not mirror.selection.selects(name):
            found.projects.append(name)
            continue
        left_out = _unwanted(mirror, name)
        external_names = set(external_files.get(name, ()))
        if external_names:  # what was lost of it is let go already
            external_names.intersection_update(mirror.state.files.held_names(name))
        if gone := [*(each.file.filename for each in left_out), *sorted(external_names)]:
            found.files[name], found.left_out[name] = list(dict.fromkeys(gone)), left_out
    return found


def _unwanted(mirror: Mirror, name: NormalizedName) -> tuple[LeftOut, ...]:
    """Return the held files of a project that the rules leave out."""
    held = mirror.state.files.held(name)
    files = [each.file for each in held.values()]
    decision = mirror.selection.decide(name, files, now=mirror.clock(), held=held.keys())
    return decision.left_out + attested.left_out(mirror, name, decision.wanted, held)


def _is_refused(run: Run, found: _Deselected) -> bool:
    names = [*found.projects, *(f"{name}/{each}" for name, files in found.files.items() for each in files)]
    return question.is_refused(run, _loss(run.mirror, found), names)


def _loss(mirror: Mirror, found: _Deselected) -> Loss:
    listed = [name for name in found.projects if (row := mirror.state.projects.get(name)) and row.is_listed]
    files = sum(mirror.state.files.held_total(name).number for name in listed)
    return Loss(len(listed), files + sum(map(len, found.files.values())))


def _take_off(run: Run, found: _Deselected) -> None:
    unrequired = {name: why for name in found.projects if (why := _take_off_project(run, name))}
    run.dependencies.record_no_longer(unrequired)
    for name, filenames in found.files.items():
        held = set(run.mirror.state.files.held_names(name))
        if gone := [filename for filename in filenames if filename in held]:
            take_off_files(run, name, gone)
            run.dependencies.note(name, has_changed=True)
        run.mirror.state.choices.add_left_out(name, found.left_out[name])


def _take_off_project(run: Run, name: NormalizedName) -> str:
    """Take a project off the pages; say who required it before, if anybody did."""
    state, counts = run.mirror.state, run.tally.counts
    row = state.projects.get(name)
    why = ""
    if row is not None and row.is_listed:
        why = run.dependencies.no_longer(name)
        _log.info("%s: %s", name, why or "no longer selected")
        files = state.files.held_total(name).number
        counts.deselected_projects += 1
        counts.deselected_files += files
        if why:
            counts.unrequired_projects += 1
            counts.unrequired_files += files
        run.pages.mark_root_dirty()
    state.transitions.delist_project(name, run.mirror.clock())
    state.transitions.forget_projects([name])
    run.dependencies.forget(name)
    return why


def take_off_files(run: Run, name: NormalizedName, gone: Collection[str]) -> None:
    """Take held files off the pages of a project that stays."""
    _log.info("%s: %s no longer selected", name, numbered(len(gone), "file is", "files are"))
    run.tally.counts.deselected_files += len(gone)
    if run.mirror.config.full_index:
        run.pages.mark_root_dirty()
    run.mirror.state.transitions.delist_files(name, gone, run.mirror.clock())
