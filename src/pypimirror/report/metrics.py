"""The mirror and its last run as metrics, for the textfile collector of Prometheus."""

import time
from collections.abc import Mapping

from pypimirror import __version__
from pypimirror.report.mirror_status import StatusReport
from pypimirror.state.runs import PastRun

_PREFIX = "pypimirror_"

METRICS: Mapping[str, str] = {
    "last_try_timestamp_seconds": "When the command was last called for this mirror, however that ended",
    "last_try_status": "The exit status of that call",
    "lock_held": "Whether that call found the lock held by another run",
    "afterwards_failing": "Reports and commands that failed when that run was over",
    "last_run_timestamp_seconds": "When the last run that fetches ended",
    "last_run_status": "Its exit status",
    "last_run_duration_seconds": "How long it took",
    "last_run_requests": "Requests that it made",
    "last_run_stored_files": "Files that it stored",
    "last_run_stored_bytes": "Bytes of the files that it stored",
    "last_run_removed_files": "Files that it removed",
    "last_good_run_timestamp_seconds": "When the last run that ended with status 0 did so",
    "last_good_run_age_seconds": "How long ago that was when this was written",
    "complete": "Whether the mirror is what upstream and the configuration say",
    "good": "Whether --status ends with status 0",
    "failing": "Projects and files that fail",
    "pending": "Projects that wait for upstream's page",
    "held_back": "Projects of which removals are held back",
    "held_projects": "Projects on the root page",
    "held_files": "Files on the pages",
    "held_bytes": "Bytes of these files",
    "disk_free_bytes": "Bytes that are free on the mirror's disk",
}
"""Names, and what they mean; all are gauges with the label `mirror`, its folder."""


Values = dict[str, float]


def of_try(status: int, failing: int, *, is_locked: bool = False) -> Values:
    """Return what this call of the command tells, and how much of what is done when a run is over fails."""
    return {
        "last_try_timestamp_seconds": time.time(),
        "last_try_status": status,
        "lock_held": float(is_locked),
        "afterwards_failing": failing,
    }


def of_mirror(report: StatusReport, ended: PastRun | None, now: float) -> Values:
    """Return what the state tells of the mirror, and of the last run that `ended`."""
    values: dict[str, float | None] = {
        "complete": report.is_complete,
        "good": report.is_good,
        "failing": report.failing_count,
        "pending": report.pending_count,
        "held_back": report.held_back_count,
        "held_projects": report.projects,
        "held_files": report.files,
        "held_bytes": report.bytes,
        "disk_free_bytes": report.disk_free,
    }
    if ended is not None and ended.ended is not None:
        values |= {
            "last_run_timestamp_seconds": ended.ended,
            "last_run_status": ended.status,
            "last_run_duration_seconds": max(ended.ended - ended.started, 0.0),
            "last_run_requests": ended.requests,
            "last_run_stored_files": ended.stored,
            "last_run_stored_bytes": ended.bytes,
            "last_run_removed_files": ended.removed,
        }
    good = report.last_good_run
    if good is not None and good.ended is not None:
        values |= {
            "last_good_run_timestamp_seconds": good.ended,
            "last_good_run_age_seconds": now - good.ended,
        }
    return {name: float(value) for name, value in values.items() if value is not None}


def text(values: Values, mirror: str) -> bytes:
    """Return values in the text format of Prometheus."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest  # an extra

    registry = CollectorRegistry()
    for name, meaning in METRICS.items():
        if name in values:
            Gauge(_PREFIX + name, meaning, ["mirror"], registry=registry).labels(mirror).set(values[name])
    info = Gauge(f"{_PREFIX}info", "The version of pypimirror", ["mirror", "version"], registry=registry)
    info.labels(mirror, __version__).set(1)
    found: bytes = generate_latest(registry)
    return found


def kept(content: str, mirror: str) -> Values:
    """Return the values in a text of an earlier call; empty where somebody else wrote it."""
    from prometheus_client.parser import text_string_to_metric_families  # an extra

    try:
        samples = [sample for family in text_string_to_metric_families(content) for sample in family.samples]
    except (ValueError, KeyError, IndexError):
        return {}
    names = {f"{_PREFIX}{name}": name for name in METRICS}
    return {
        names[sample.name]: float(sample.value)
        for sample in samples
        if sample.name in names and sample.labels.get("mirror") == mirror
    }
