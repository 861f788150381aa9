"""A run, and the mirror at its end, as JSON for other programs; `docs/report.schema.json` is its schema."""

from typing import Any

import msgspec

from pypimirror.report.afterwards import AfterFailure
from pypimirror.report.as_json import plain
from pypimirror.report.mirror_status import StatusReport
from pypimirror.report.words import missing_text
from pypimirror.state.rows import Failure
from pypimirror.state.runs import PastRun

FORMAT = 1
"""Fields may be added without another number; none is dropped, and none gets another meaning."""
DETAILS = 1000
_NAMED = 50


class RunEnd(msgspec.Struct, kw_only=True, frozen=True):
    """A run; moments are POSIX seconds, and null is what is not known."""

    mode: str
    started: float
    ended: float | None = None
    status: int | None = None
    """Of the mirror: what failed when the run was over does not change it."""
    summary: str | None = None
    requests: int | None = None
    stored: int | None = None
    """Files, as the next two."""
    adopted: int | None = None
    removed: int | None = None
    bytes: int | None = None
    """Of the files stored."""
    vanished_projects: int | None = None
    """What left the pages, as upstream has it no more; the next one, too."""
    vanished_files: int | None = None
    deselected_projects: int | None = None
    """What left the pages, as it is no longer selected; the next one, too."""
    deselected_files: int | None = None
    failed: int | None = None
    held_projects: int | None = None
    """What there was at its end, as the next two."""
    held_files: int | None = None
    held_bytes: int | None = None


class Named(msgspec.Struct, kw_only=True, frozen=True):
    """A project with a reason, or with none, since a moment."""

    project: str
    since: float
    reason: str | None = None


class Now(msgspec.Struct, kw_only=True, frozen=True):
    """How a mirror is; lists have the first 50, and the numbers beside them count all."""

    index: str
    is_complete: bool
    is_good: bool
    """The last run was good, and is young enough."""
    reasons: list[str]
    """Why it is not complete, or not good."""
    last_good_run: float | None
    """When it ended."""
    projects: int
    files: int
    bytes: int
    failing: list[Failure]
    failing_count: int
    pending: list[Named]
    pending_count: int
    held_back: list[Named]
    held_back_count: int
    grace_files: int
    grace_bytes: int
    disk_free: int | None
    unmatched: list[str]
    """What the configuration names and upstream does not have."""
    missing: list[str]
    """What mirrored releases require and the mirror lacks, with who requires it."""


class RunReport(msgspec.Struct, kw_only=True, frozen=True):
    """What the file that the option `report` names has in it."""

    format: int
    version: str
    """Of pypimirror."""
    mirror: str
    """Its folder."""
    run: RunEnd
    details: list[str]
    """The lines that name the trouble, the first 1000."""
    details_count: int
    changed_paths: int
    """Paths that the run, and any before it that was killed, added, replaced or removed."""
    now: Now | None
    """How the mirror is; null where the state could not be read."""
    afterwards: list[AfterFailure]
    """What failed when earlier runs were over, and was not mended since."""


def run_end(past: PastRun) -> RunEnd:
    """Return a run as a value of its own."""
    return RunEnd(**past._asdict())


def now(report: StatusReport) -> Now:
    """Return how a mirror is, without what concerns its machine alone."""
    good = report.last_good_run
    told = plain(report) | {
        "last_good_run": None if good is None else good.ended,
        "unmatched": report.unmatched[:_NAMED],
        "missing": [missing_text(each) for each in report.missing[:_NAMED]],
    }
    return msgspec.convert(told, Now)


def schema(kind: type[msgspec.Struct], title: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a report."""
    found = msgspec.json.schema(kind)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **found}
