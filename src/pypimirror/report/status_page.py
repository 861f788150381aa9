"""The status page as values: how the mirror is, its last runs, its sizes, and when it is to be written."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pypimirror import __version__
from pypimirror.amounts import HOUR_S
from pypimirror.config import Config
from pypimirror.report.afterwards import AfterFailure, Failed, listed
from pypimirror.report.mirror_status import StatusReport
from pypimirror.report.run_report import Now, now
from pypimirror.state.choices import Omitted
from pypimirror.state.reading import Part, Reading
from pypimirror.state.runs import PastRun, Size

FORMAT = 1
NOTE = "status page"
BREAKDOWN_NOTE = "breakdown"
_RUNS = 20
_CHANGES = 40
_POINTS = 400
_LARGEST = 10
_CHEAP = 200_000
"""Held files that are read through in less than a second."""


class Breakdown(msgspec.Struct, kw_only=True, frozen=True):
    """What the held files are; of a large mirror it is looked up once per `status_page_interval`."""

    moment: float
    types: list[Part]
    largest: list[Part]


class StatusPage(msgspec.Struct, kw_only=True, frozen=True):
    """What `status.json` has in it, and `status.html` shows; moments are POSIX seconds."""

    pypimirror_status: int
    """The number of this form; fields may be added without another one."""
    version: str
    written: float
    base_url: str
    now: Now
    last_run: PastRun | None
    """The last that fetched."""
    runs: list[PastRun]
    """The last 20 of all modes, the oldest first."""
    changes: list[PastRun]
    """The last 40 that stored, adopted or removed a file."""
    sizes: list[Size]
    """Of each day of ten years in which that changed, after each of `changes`, and now; 400 at most."""
    breakdown: Breakdown
    left_out: list[Omitted]
    afterwards: list[AfterFailure]


class Written(msgspec.Struct):
    """When the page was written, and what it told then."""

    moment: float
    key: str


def key(config: Config, report: StatusReport, status: int, failed: Mapping[str, Failed]) -> str:
    """Return what tells the page of one state of things from others."""
    facts = (
        FORMAT,
        __version__,
        config.base_url,
        status,
        [(each.project, each.filename, each.reason) for each in report.failing],
        report.failing_count,
        (report.projects, report.files, report.bytes),
        [each.project for each in report.pending],
        [each.project for each in report.held_back],
        sorted(failed),
        report.unmatched,
        report.missing,
    )
    return hashlib.sha256(repr(facts).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def is_due(config: Config, written: Written | None, key: str, now: float) -> bool:
    """Tell whether the page is to be written though nothing was changed in the tree."""
    if written is None or written.key != key:
        return True
    return not 0 <= now - written.moment < config.status_page_interval * HOUR_S


def breakdown(config: Config, state: Reading, now: float) -> Breakdown:
    """Return what the held files are, as it was noted where that is young enough and they are many."""
    noted = state.hint(BREAKDOWN_NOTE, Breakdown)
    is_young = noted is not None and 0 <= now - noted.moment < config.status_page_interval * HOUR_S
    if noted is not None and is_young and state.total("held").number > _CHEAP:
        return noted
    return Breakdown(moment=now, types=state.by_type(), largest=state.largest(_LARGEST))


def page(
    config: Config,
    state: Reading,
    report: StatusReport,
    *,
    moment: float,
    failed: Mapping[str, Failed],
) -> StatusPage:
    """Return the page of a mirror at a moment."""
    changes = state.latest_runs(_CHANGES, that_changed=True)
    root = config.mirror_file_path
    failing = [msgspec.structs.replace(each, reason=_without(root, each.reason)) for each in report.failing]
    return StatusPage(
        pypimirror_status=FORMAT,
        version=__version__,
        written=moment,
        base_url=config.base_url,
        now=now(msgspec.structs.replace(report, failing=failing)),
        last_run=None if report.last_run is None else _published(report.last_run, root),
        runs=[_published(past, root) for past in state.latest_runs(_RUNS)],
        changes=[_published(past, root) for past in changes],
        sizes=_thinned(_sizes(report, state.sizes(), changes, moment)),
        breakdown=breakdown(config, state, moment),
        left_out=report.left_out,
        # What a command said is for the log alone.
        afterwards=[
            msgspec.structs.replace(each, reason="it fails; the log has the reason")
            for each in listed(failed)
        ],
    )


def _published(past: PastRun, root: Path) -> PastRun:
    """Return a run as it may be served: where the mirror lies is nobody's business."""
    return msgspec.structs.replace(past, summary=past.summary and _without(root, past.summary))


def _without(root: Path, text: str) -> str:
    return text.replace(f"{root}/", "").replace(str(root), "the mirror's folder")


def _sizes(
    report: StatusReport, days: Sequence[Size], changes: Sequence[PastRun], moment: float
) -> list[Size]:
    """Return what there was at the end of days and of runs, and what there is now, by their moments."""
    ends = [
        Size(past.ended, past.held_projects or 0, past.held_files or 0, past.held_bytes or 0)
        for past in changes
        if past.ended is not None and past.held_bytes is not None
    ]
    now = Size(moment, report.projects, report.files, report.bytes)
    return [size for size in sorted({*days, *ends, now}) if size.moment <= moment]


def _thinned(sizes: list[Size]) -> list[Size]:
    """Return as many sizes as a line can show, the first and the last among them."""
    step = -(-len(sizes) // _POINTS) or 1
    return [*sizes[:-1][::step], *sizes[-1:]]
