"""How a mirror is, as lines."""

from pypimirror.amounts import numbered, size_text
from pypimirror.findings import wheels
from pypimirror.report.mirror_status import StatusReport
from pypimirror.report.words import missing_text, moment, place_text
from pypimirror.state.runs import PastRun


def as_lines(report: StatusReport) -> list[str]:
    """Return a report as lines, the first of each kind of trouble named."""
    lines = {
        "mirror": f"{report.mirror} of {report.index}",
        "complete": "yes" if report.is_complete else "no",
        "last run": _run_text(report.last_run),
        "last good": _good_text(report),
        "projects": f"{report.projects:,}",
        "files": _total_text(report.files, report.bytes),
        "failing": f"{report.failing_count:,}",
        "pending": f"{report.pending_count:,}",
        "vanished": _vanished_text(report.vanished_projects, report.vanished_files),
        "held back": f"removals of {numbered(report.held_back_count, 'project')}"
        if report.held_back_count
        else "",
        "in grace": _total_text(report.grace_files, report.grace_bytes)
        + (f", the first may go {moment(report.grace_ends)}" if report.grace_ends else ""),
        "disk free": "unknown" if report.disk_free is None else size_text(report.disk_free),
        "UNVERIFIED": _unverified_text(report.accepts_unverified),
        "left out": wheels.text(report.wheels_left_out) if report.wheels_left_out else "",
    }
    shown = len(report.failing) + len(report.pending) + len(report.held_back)
    more = report.failing_count + report.pending_count + report.held_back_count - shown
    return [
        *(f"{key:<10} {value}" for key, value in lines.items() if value),
        *(f"why        {reason}" for reason in report.reasons),
        *(f"  failing since {moment(f.since)}: {place_text(f)}: {f.reason}" for f in report.failing),
        *(f"  pending since {moment(each.since)}: {each.project}" for each in report.pending),
        *(f"  held back since {moment(f.since)}: {f.project}: {f.reason}" for f in report.held_back),
        *(f"  failing since {moment(f.since)}: {f.option}: {f.reason}" for f in report.afterwards),
        *(f"  {each}" for each in report.unmatched),
        *(f"  missing: {missing_text(each)}" for each in report.missing),
        *(f"  {each.rule} leaves out {_total_text(each.files, each.bytes)}" for each in report.left_out),
        *([f"  and {more:,} more"] if more else []),
    ]


def _total_text(files: int, size: int) -> str:
    return f"{files:,} ({size_text(size)})"


def _run_text(past: PastRun | None) -> str:
    if past is None:
        return "none"
    if past.ended is None:
        return f"began {moment(past.started)}, and goes on or was killed"
    return f"{moment(past.ended)}, --{past.mode}, status {past.status}: {past.summary}"


def _good_text(report: StatusReport) -> str:
    if report.last_good_run is None or report.last_good_age_hours is None:
        return "none"
    return f"{moment(report.last_good_run.ended)}, {report.last_good_age_hours:.1f} hours ago"


def _vanished_text(projects: int, files: int) -> str:
    if not (projects or files):
        return ""
    return f"{numbered(projects, 'project')}, {numbered(files, 'file')}, by upstream"


def _unverified_text(hosts: list[str]) -> str:
    if not hosts:
        return ""
    return f"files without a digest are taken over plain http (accept_unverified = {' '.join(hosts)})"
