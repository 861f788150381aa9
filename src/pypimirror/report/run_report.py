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
    run: PastRun
    details: list[str]
    """The lines that name the trouble, the first 1000."""
    details_count: int
    changed_paths: int
    """Paths that the run, and any before it that was killed, added, replaced or removed."""
    now: Now | None
    """How the mirror is; null where the state could not be read."""
    afterwards: list[AfterFailure]
    """What failed when earlier runs were over, and was not mended since."""


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
