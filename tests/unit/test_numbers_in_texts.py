"""Numbers in texts for people have thousands separators, all of them; those for programs have none."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pypimirror.amounts import numbered
from pypimirror.checks.verify import Verified
from pypimirror.errors import DiskFullError
from pypimirror.findings.wheels import text as wheels_text
from pypimirror.mirror import Counts, Refusal
from pypimirror.model import NormalizedName
from pypimirror.plan import Loss
from pypimirror.report import dry_run, outcome, run_table, status_text
from pypimirror.report.as_json import as_json
from pypimirror.report.mirror_status import StatusReport
from pypimirror.run import Report
from pypimirror.run.preview import Change
from pypimirror.state.choices import Omitted
from pypimirror.state.rows import Failure, Total

MANY = 12_345
WITHOUT = re.compile(r"(?<![\d.,:-])\d{4,}(?![\d-])")
"""A number of a thousand or more without separators; not a moment's year."""
COUNTS = Counts(**dict.fromkeys(Counts.__struct_fields__, MANY))


def changes() -> tuple[Change, ...]:
    total = Total(MANY, MANY)
    return (Change(NormalizedName("six"), total, total, total, total),)


def reports() -> Iterator[Report]:
    loss, failure = Loss(MANY, MANY), Failure(NormalizedName("six"), None, "it is gone", 0.0)
    good = Report(COUNTS, (), None, None)
    yield good
    yield good._replace(failures=(failure,) * MANY)
    yield good._replace(full=DiskFullError("the disk is full"))
    for is_configured in (False, True):
        refusal = Refusal(loss, loss, 24.0, (), "that is more than half", is_configured=is_configured)
        yield good._replace(refusal=refusal)
    yield good._replace(
        changes=changes(), left_out=(Omitted("filename_matches", MANY, MANY),), untold=MANY, unasked=("x",)
    )


def status() -> StatusReport:
    report = StatusReport(
        mirror="/m", index="https://example.org/", is_complete=True, is_good=True, reasons=[]
    )
    numbers = {
        name: MANY
        for name in StatusReport.__struct_fields__
        if isinstance(getattr(report, name), int) and not isinstance(getattr(report, name), bool)
    }
    left_out = [Omitted("filename_matches", MANY, MANY)]
    return msgspec.structs.replace(report, **numbers, left_out=left_out)


def texts() -> Iterator[str]:
    yield numbered(MANY, "file is", "files are")
    yield wheels_text(MANY)
    for report in reports():
        found = outcome.of_report(report)
        yield found.line
        yield from dry_run.as_lines(found, MANY)
        figures = run_table.Figures(COUNTS, 0.0, 1.0, MANY, run_table.Waiting(("six", "idna"), MANY, 0.0), ())
        for _, lines in run_table.rows(found, figures, log=Path("log")):
            yield from lines
    verified = Verified(MANY, MANY, MANY, MANY)
    for is_repaired in (False, True):
        yield outcome.of_verified(verified, next(reports()), is_repaired=is_repaired, is_hashed=True).line
    yield from status_text.as_lines(status())


def test_every_number_for_people_has_separators() -> None:
    lines = list(texts())
    assert [line for line in lines if WITHOUT.search(line)] == []
    assert sum(f"{MANY:,}" in line for line in lines) > len(lines) / 2


def test_numbers_for_programs_have_none() -> None:
    found = msgspec.json.decode(as_json(status()))
    assert found["files"] == found["projects"] == found["failing_count"] == MANY
