"""How a mirror is: out of its state, in a second, without a lock."""

import shutil
import time
from collections.abc import Iterator

import msgspec

from pypimirror.amounts import HOUR_S, numbered
from pypimirror.config import Config
from pypimirror.dependencies.missing import NOTE as MISSING_NOTE
from pypimirror.dependencies.missing import Missing
from pypimirror.disk import FreeSpace
from pypimirror.errors import StateError
from pypimirror.findings import damage, wheels
from pypimirror.findings.unmatched import NOTE, Unmatched
from pypimirror.report import afterwards, long_run
from pypimirror.report.afterwards import AfterFailure
from pypimirror.report.exit_status import Status
from pypimirror.report.words import moment
from pypimirror.state.choices import Omitted
from pypimirror.state.reading import Reading
from pypimirror.state.rows import TREE_NOTE, Failure
from pypimirror.state.runs import PastRun
from pypimirror.store.opened import read_id

_SHOWN = 50


class Pending(msgspec.Struct):
    """A project that waits for upstream's page."""

    project: str
    since: float


class HeldBack(msgspec.Struct):
    """A project of which something is kept that its page no longer lists."""

    project: str
    reason: str
    since: float


class StatusReport(msgspec.Struct, kw_only=True):
    """What `--status --json` prints; moments are POSIX seconds."""

    mirror: str
    index: str
    is_complete: bool
    is_good: bool
    """The last run was good, and young enough: the exit status is 0."""
    reasons: list[str]
    """Why it is not complete, or not good."""
    last_run: PastRun | None = None
    last_good_run: PastRun | None = None
    last_good_age_hours: float | None = None
    projects: int = 0
    files: int = 0
    bytes: int = 0
    failing: list[Failure] = []
    failing_count: int = 0
    pending: list[Pending] = []
    pending_count: int = 0
    held_back: list[HeldBack] = []
    """Projects of which something is kept that their pages no longer list, with the reason."""
    held_back_count: int = 0
    vanished_projects: int = 0
    vanished_files: int = 0
    grace_files: int = 0
    grace_bytes: int = 0
    grace_ends: float | None = None
    """When the first of these files may go."""
    accepts_unverified: list[str] = []
    """Hosts whose files without a digest are taken over plain http; `http` is every host."""
    disk_free: int | None = None
    """Bytes; None while there is no folder."""
    afterwards: list[AfterFailure] = []
    """What failed when runs were over: reports and commands. It says nothing of the mirror itself."""
    unmatched: list[str] = []
    """What the configuration names and upstream does not have, with what to do."""
    missing: list[Missing] = []
    left_out: list[Omitted] = []
    """What each rule of the selection leaves out."""
    wheels_left_out: int = 0
    """Wheels that filename_matches leaves out, where it leaves out all of them."""
    is_full: bool = False
    """The last run stopped as the disk was full, or it is now: the exit status is 6."""
    damaged: int = 0
    """Files and pages that a --verify found wrong, and that nobody has mended yet."""
    damaged_since: float | None = None


def of_nothing(config: Config, reason: str) -> StatusReport:
    """Return how a mirror is that has no state yet."""
    return StatusReport(
        mirror=str(config.mirror_file_path),
        index=config.shown_index_url,
        is_complete=False,
        is_good=False,
        reasons=[reason],
    )


def check_tree(config: Config, state: Reading) -> None:
    """Raise StateError where the state is another tree's, or its tree is not there."""
    tree = config.mirror_file_path / ".pypimirror/id"
    if (tree_id := read_id(tree)) is None or tree_id != state.note(TREE_NOTE):
        reason = f"belongs to another tree than {config.mirror_file_path} (is its disk mounted?)"
        raise StateError(state.path, reason)


def of_state(config: Config, state: Reading) -> StatusReport:
    """Return how a mirror is; raise StateError where the state is another tree's."""
    check_tree(config, state)
    now = time.time()
    good, ended = state.last_good_run(), state.last_ended_run()
    age = None if good is None or good.ended is None else (now - good.ended) / HOUR_S
    failing, failing_count = state.failing(_SHOWN)
    pending, pending_count = state.waiting(_SHOWN)
    vanished_projects, vanished_files = state.vanished()
    grace, first = state.in_grace()
    held = state.total("held")
    held_back = state.held_back()
    unmatched = state.hint(NOTE, Unmatched) or Unmatched()
    found = state.hint(damage.NOTE, damage.Damage)
    left_out = state.hint(wheels.NOTE, wheels.WheelsLeftOut)
    full, last = _why_full(config), state.last_run()
    what = [*_why_incomplete(state, ended, failing_count, pending_count)]
    if unmatched.failures() or unmatched.remarks():
        what.append("the configuration asks for what upstream does not have")
    if held_back:
        what.append(f"removals of {numbered(len(held_back), 'project')} are held back")
    when = [*_why_not_good(config, last, ended, age), *_why_damaged(found), *([full] if full else [])]
    return StatusReport(
        mirror=str(config.mirror_file_path),
        index=config.shown_index_url,
        is_complete=not what,
        is_good=not when,
        reasons=what + when,
        last_run=last,
        last_good_run=good,
        last_good_age_hours=age,
        projects=state.total("listed").number,
        files=held.number,
        bytes=held.bytes,
        failing=failing,
        failing_count=failing_count,
        pending=[Pending(name, since) for name, since in pending],
        pending_count=pending_count,
        held_back=[HeldBack(each.project, each.reason, each.since) for each in held_back[:_SHOWN]],
        held_back_count=len(held_back),
        vanished_projects=vanished_projects,
        vanished_files=vanished_files,
        grace_files=grace.number,
        grace_bytes=grace.bytes,
        grace_ends=None if first is None else first + config.removal_grace_hours * HOUR_S,
        accepts_unverified=list(config.accept_unverified),
        disk_free=shutil.disk_usage(config.mirror_file_path).free,
        afterwards=afterwards.listed(afterwards.read(config.mirror_file_path)),
        unmatched=list(unmatched.lines()),
        missing=list(state.hint(MISSING_NOTE, tuple[Missing, ...]) or ()),
        left_out=list(state.left_out()),
        wheels_left_out=left_out.number if left_out else 0,
        is_full=full is not None or (ended is not None and ended.status == Status.FULL),
        damaged=found.wrong if found else 0,
        damaged_since=found.moment if found else None,
    )


def _why_full(config: Config) -> str | None:
    """Say why nothing more can be stored, in the tree or in the state; None where something can."""
    tree = FreeSpace(str(config.mirror_file_path), config.min_free_space)
    # What shall stay free is meant for the disk of the tree.
    return tree.why_full() or FreeSpace(str(config.state_dir), 0).why_full()


def _why_incomplete(state: Reading, ended: PastRun | None, failing: int, pending: int) -> Iterator[str]:
    if failing:
        yield numbered(failing, "project or file is failing", "projects or files are failing")
    if pending:
        yield f"{numbered(pending, 'project waits', 'projects wait')} for upstream's page"
    if arriving := state.total("arriving").number:
        yield f"{numbered(arriving, 'file is', 'files are')} still to come"
    if ended is None:
        yield "no run has come to its end yet"
    elif ended.status == Status.FULL:
        yield "the last run ended with status 6: the disk was full, or at min_free_space"
    elif ended.status:
        if ended.status == Status.TOO_MUCH_GONE:
            yield "removals wait for --allow-removals"
        yield f"the last run ended with status {ended.status}"


def _why_not_good(
    config: Config, last: PastRun | None, ended: PastRun | None, age: float | None
) -> Iterator[str]:
    if last and (reason := long_run.why_not_good(config, last.started, last.ended)):
        yield reason
    if age is None:
        yield "no run was good yet"
    elif ended is not None and ended.status:
        yield "the last run was not good"
    elif age < 0:
        yield f"the clock was wrong, or is: the last good run ended {-age:.1f} hours from now"
    elif age > config.status_max_age_hours:
        yield f"the last good run is older than {config.status_max_age_hours:g} hours"


def _why_damaged(found: damage.Damage | None) -> Iterator[str]:
    if found is not None:
        pages = f"{numbered(found.wrong, 'file')} or pages wrong ({moment(found.moment)})"
        yield f"--verify found {pages}; {found.mended_by} mends them"
