"""What turns out to be blocked by its very bytes, as upstream offers no digest to see that before."""

import logging

import msgspec

from pypimirror.findings.selected import BLOCKED
from pypimirror.model import File, NormalizedName
from pypimirror.run import Run
from pypimirror.selection import LeftOut

_log = logging.getLogger(__name__)


def refuse(run: Run, name: NormalizedName, file: File, sha256: str, size: int) -> None:
    """Keep nothing of bytes that came, or lay in the tree, and are blocked; what is held besides stays."""
    why = run.mirror.selection.is_blocked(name, file, sha256) or ""
    _log.warning("%s: %s is not mirrored: %s", name, file.filename, why)
    left_out = LeftOut(msgspec.structs.replace(file, size=size), BLOCKED, why)
    run.mirror.state.choices.add_left_out(name, [left_out])
    if file.filename not in run.mirror.state.files.held_names(name):
        run.mirror.state.transitions.delist_at_once(name, [file.filename])
        run.tally.has_blocked = True
