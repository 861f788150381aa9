"""The question whether so much that is no longer selected may go: it waits until it is answered."""

import logging

import msgspec

from pypimirror.findings.selected import QUESTION
from pypimirror.mirror import Mirror, Refusal
from pypimirror.plan import Loss, why_too_much_deselected
from pypimirror.run import Run

_log = logging.getLogger(__name__)

MOST_NAMED = 1000
"""Of what would go."""


class _Question(msgspec.Struct):
    selection: str
    refusal: Refusal


def is_too_much(mirror: Mirror, gone: Loss) -> bool:
    """Tell whether it is so much that somebody has to be asked first."""
    return why_too_much_deselected(gone, mirror.totals()) is not None


def is_refused(run: Run, gone: Loss, names: list[str]) -> bool:
    """Tell whether it is too much to go without an answer; then nothing of it goes in this run."""
    held = run.mirror.totals()
    why = why_too_much_deselected(gone, held)
    if why is None or run.options.allows_removals or run.options.confirms(gone, held):
        return False
    refusal = Refusal(gone, held, 0.0, tuple(names[:MOST_NAMED]), why, is_configured=True)
    _refuse(run, refusal)
    for name in refusal.names:
        _log.warning("%s is no longer selected, and stays until the question is answered", name)
    return True


def repeat(run: Run) -> None:
    """Tell, in a run for some projects, of a question that an earlier run asked; only a whole run can act."""
    asked = run.mirror.state.notes.hint(QUESTION, _Question)
    if asked is not None and asked.selection == run.mirror.selection.of_projects:
        _refuse(run, asked.refusal._replace(is_waiting=True))


def forget(mirror: Mirror) -> None:
    """Note that no question waits."""
    if mirror.state.notes.get(QUESTION) is not None:
        mirror.state.notes.set(QUESTION, None)


def _refuse(run: Run, refusal: Refusal) -> None:
    run.tally.refusal = refusal
    run.tally.keeps_deselected = True
    run.mirror.state.notes.keep(QUESTION, _Question(run.mirror.selection.of_projects, refusal))
