"""How a mirror is, as lines and as JSON."""

import msgspec

from pypimirror.amounts import numbered, size_text
from pypimirror.findings import wheels
from pypimirror.report.mirror_status import StatusReport
from pypimirror.report.words import missing_text, moment, total_text
from pypimirror.state import Total
from pypimirror.state.runs import PastRun


def as_json(report: StatusReport) -> str:
    """Return a report as JSON for people and machines."""
    encoded = msgspec.json.encode(
        {
            field: value._asdict() if isinstance(value, PastRun) else value
            for field, value in msgspec.structs.asdict(report).items()
        }
        | {"failing": [failure._asdict() for failure in report.failing]}
    )
    return msgspec.json.format(encoded).decode()


def as_lines(report: StatusReport) -> list[str]:
    """Return a report as lines, the first of each kind of trouble named."""
    lines = {
        "mirror": f"{report.mirror} of {report.index}",
        "complete": "yes" if report.is_complete else "no",
        "last run": _run_text(report.last_run),
        "last good": _good_text(report),
        "projects": f"{report.projects}",
        "files": total_text(Total(report.files, report.bytes)),
        "failing": f"{report.failing_count}",
        "pending": f"{report.pending_count}",
        "vanished": f"{numbered(report.vanished_projects, 'project')},"
        f" {numbered(report.vanished_files, 'file')}, by upstream",
        "held back": f"removals of {numbered(report.held_back_count, 'project')}",
        "in grace": total_text(Total(report.grace_files, report.grace_bytes))
        + (f", the first may go {moment(report.grace_ends)}" if report.grace_ends else ""),
        "disk free": "unknown" if report.disk_free is None else size_text(report.disk_free),
    }
    if not (report.vanished_projects or report.vanished_files):
        del lines["vanished"]
    if report.accepts_unverified:
        hosts = " ".join(report.accepts_unverified)
        lines["UNVERIFIED"] = (
            f"files without a digest are taken over plain http (accept_unverified = {hosts})"
        )
    if report.wheels_left_out:
        lines["left out"] = wheels.text(report.wheels_left_out)
    if not report.held_back_count:
        del lines["held back"]
    text = [f"{key:<10} {value}" for key, value in lines.items()]
    text += [f"why        {reason}" for reason in report.reasons]
    for failure in report.failing:
        place = failure.project if failure.filename is None else f"{failure.project}/{failure.filename}"
        text.append(f"  failing since {moment(failure.since)}: {place}: {failure.reason}")
    text += [f"  pending since {moment(each.since)}: {each.project}" for each in report.pending]
    text += [
        f"  held back since {moment(each.since)}: {each.project}: {each.reason}" for each in report.held_back
    ]
    text += [
        f"  failing since {moment(each.since)}: {each.option}: {each.reason}" for each in report.afterwards
    ]
    text += [f"  {each}" for each in report.unmatched]
    text += [f"  missing: {missing_text(each)}" for each in report.missing]
    text += [
        f"  {each['rule']} leaves out {total_text(Total(each['files'], each['bytes']))}"
        for each in report.left_out
    ]
    shown = len(report.failing) + len(report.pending) + len(report.held_back)
    more = report.failing_count + report.pending_count + report.held_back_count
    more -= shown
    return [*text, f"  and {more} more"] if more else text


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
