"""`--status`: how the mirror is, in a second, without a lock."""

import shutil
import time
from contextlib import closing
from datetime import datetime

import msgspec

from pypimirror.addresses import shown
from pypimirror.cli import long_run
from pypimirror.cli.console import show, show_as_it_is
from pypimirror.cli.status import Status
from pypimirror.cli.summary import size_text
from pypimirror.config import Config
from pypimirror.errors import StateError
from pypimirror.state import Failure, Total, damage_told
from pypimirror.state.reading import Reading
from pypimirror.state.runs import PastRun
from pypimirror.store import check_state_file, read_id

_SHOWN = 50
_HOUR_S = 3600.0


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
    dead_links: list[Failure] = []
    """Links elsewhere that can't be followed, each in the place of a filename."""
    dead_links_count: int = 0
    grace_files: int = 0
    grace_bytes: int = 0
    grace_ends: float | None = None
    """When the first of these files may go."""
    accepts_unverified: list[str] = []
    """Hosts whose files without a digest are taken over plain http; `http` is every host."""
    disk_free: int | None = None
    """Bytes; None while there is no folder."""


def run(config: Config, *, is_json: bool) -> Status:
    """Print how the mirror is; return OK only if the last run was good and is young enough."""
    path = config.state_dir / "state.sqlite"
    check_state_file(path)
    if not path.exists():
        report = _of_nothing(config, f"there is no state yet ({path}); --update-fetch makes it")
        _show(report, is_json=is_json)
        return Status.FAILURES
    with damage_told(path, is_writer=False), closing(Reading.open_read_only(path)) as state:
        report = _of_state(config, state)
        _show(report, is_json=is_json)  # moments that can't be are seen here
    return Status.OK if report.is_good else Status.FAILURES


def _show(report: StatusReport, *, is_json: bool) -> None:
    if is_json:
        show_as_it_is(f"{_as_json(report)}\n")  # its escapes are JSON's
    else:
        show(*_as_lines(report))


def _of_nothing(config: Config, reason: str) -> StatusReport:
    return StatusReport(
        mirror=str(config.mirror_file_path),
        index=config.shown_index_url,
        is_complete=False,
        is_good=False,
        reasons=[reason],
    )


def _of_state(config: Config, state: Reading) -> StatusReport:
    tree = config.mirror_file_path / ".pypimirror/id"
    if (found := read_id(tree)) is None or found != state.note("tree"):
        raise StateError(state.path, f"belongs to another tree than {config.mirror_file_path}")
    now = time.time()
    good, ended = state.last_good_run(), state.last_ended_run()
    age = None if good is None or good.ended is None else (now - good.ended) / _HOUR_S
    failing, failing_count = state.failing(_SHOWN)
    pending, pending_count = state.waiting(_SHOWN)
    vanished_projects, vanished_files = state.vanished()
    dead_links, dead_links_count = state.dead_links(_SHOWN)
    grace, first = state.in_grace()
    held = state.total("held")
    held_back = state.held_back()
    what = _why_incomplete(state, ended, failing_count, pending_count)
    if held_back:
        what.append(f"removals of {len(held_back)} projects are held back")
    when = _why_not_good(config, ended, age)
    last = state.last_run()
    if last and (reason := long_run.why_not_good(config, last.started, last.ended)):
        when.insert(0, reason)
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
        dead_links=dead_links,
        dead_links_count=dead_links_count,
        grace_files=grace.number,
        grace_bytes=grace.bytes,
        grace_ends=None if first is None else first + config.removal_grace_hours * _HOUR_S,
        accepts_unverified=list(config.accept_unverified),
        disk_free=shutil.disk_usage(config.mirror_file_path).free,
    )


def _why_incomplete(state: Reading, ended: PastRun | None, failing: int, pending: int) -> list[str]:
    reasons = []
    if failing:
        reasons.append(f"{failing} projects or files are failing")
    if pending:
        reasons.append(f"{pending} projects wait for upstream's page")
    if arriving := state.total("arriving").number:
        reasons.append(f"{arriving} files are still to come")
    if ended is not None and ended.status == Status.TOO_MUCH_GONE:
        reasons.append("removals wait for --allow-removals")
    if ended is None:
        reasons.append("no run has come to its end yet")
    elif ended.status:
        reasons.append(f"the last run ended with status {ended.status}")
    return reasons


def _why_not_good(config: Config, ended: PastRun | None, age: float | None) -> list[str]:
    if age is None:
        return ["no run was good yet"]
    if ended is not None and ended.status:
        return ["the last run was not good"]
    if age < 0:
        return [f"the clock was wrong, or is: the last good run ended {-age:.1f} hours from now"]
    if age > config.status_max_age_hours:
        return [f"the last good run is older than {config.status_max_age_hours:g} hours"]
    return []


def _as_json(report: StatusReport) -> str:
    encoded = msgspec.json.encode(
        {
            field: value._asdict() if isinstance(value, PastRun) else value
            for field, value in msgspec.structs.asdict(report).items()
        }
        | {"failing": [failure._asdict() for failure in report.failing]}
        | {"dead_links": [_dead_link(failure) for failure in report.dead_links]}
    )
    return msgspec.json.format(encoded).decode()


def _dead_link(failure: Failure) -> dict[str, str | float | None]:
    return {
        "project": failure.project,
        "url": shown(failure.filename or ""),
        "reason": failure.reason,
        "since": failure.since,
    }


def _as_lines(report: StatusReport) -> list[str]:
    lines = {
        "mirror": f"{report.mirror} of {report.index}",
        "complete": "yes" if report.is_complete else "no",
        "last run": _run_text(report.last_run),
        "last good": _good_text(report),
        "projects": f"{report.projects}",
        "files": _total_text(Total(report.files, report.bytes)),
        "failing": f"{report.failing_count}",
        "pending": f"{report.pending_count}",
        "vanished": f"{report.vanished_projects} projects, {report.vanished_files} files, by upstream",
        "held back": f"removals of {report.held_back_count} projects",
        "dead links": f"{report.dead_links_count} that lead elsewhere",
        "in grace": _total_text(Total(report.grace_files, report.grace_bytes))
        + (f", the first may go {_moment(report.grace_ends)}" if report.grace_ends else ""),
        "disk free": "unknown" if report.disk_free is None else size_text(report.disk_free),
    }
    if not (report.vanished_projects or report.vanished_files):
        del lines["vanished"]
    if report.accepts_unverified:
        hosts = " ".join(report.accepts_unverified)
        lines["UNVERIFIED"] = (
            f"files without a digest are taken over plain http (accept_unverified = {hosts})"
        )
    if not report.held_back_count:
        del lines["held back"]
    if not report.dead_links_count:
        del lines["dead links"]
    text = [f"{key:<10} {value}" for key, value in lines.items()]
    text += [f"why        {reason}" for reason in report.reasons]
    for failure in report.failing:
        place = failure.project if failure.filename is None else f"{failure.project}/{failure.filename}"
        text.append(f"  failing since {_moment(failure.since)}: {place}: {failure.reason}")
    text += [f"  pending since {_moment(each.since)}: {each.project}" for each in report.pending]
    text += [
        f"  held back since {_moment(each.since)}: {each.project}: {each.reason}" for each in report.held_back
    ]
    text += [
        f"  dead since {_moment(failure.since)}: {failure.project}: {failure.reason}"
        for failure in report.dead_links
    ]
    shown = len(report.failing) + len(report.pending) + len(report.held_back) + len(report.dead_links)
    more = report.failing_count + report.pending_count + report.held_back_count + report.dead_links_count
    more -= shown
    return [*text, f"  and {more} more"] if more else text


def _run_text(past: PastRun | None) -> str:
    if past is None:
        return "none"
    if past.ended is None:
        return f"began {_moment(past.started)}, and goes on or was killed"
    return f"{_moment(past.ended)}, --{past.mode}, status {past.status}: {past.summary}"


def _good_text(report: StatusReport) -> str:
    if report.last_good_run is None or report.last_good_age_hours is None:
        return "none"
    return f"{_moment(report.last_good_run.ended)}, {report.last_good_age_hours:.1f} hours ago"


def _total_text(total: Total) -> str:
    return f"{total.number} ({size_text(total.bytes)})"


def _moment(seconds: float | None) -> str:
    return f"{datetime.fromtimestamp(seconds or 0).astimezone():%Y-%m-%d %H:%M}"
