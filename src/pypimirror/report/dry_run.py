"""What `--dry-run` prints: what would come and go, what rules leave out, and how the run would end."""

from collections.abc import Iterable, Iterator

import msgspec

from pypimirror.amounts import numbered, size_text
from pypimirror.report.exit_status import Status
from pypimirror.report.outcome import Outcome
from pypimirror.run.preview import Change
from pypimirror.state import Total

_SHOWN = 10


def as_lines(outcome: Outcome, pages: int) -> Iterator[str]:
    """Yield what a run would do, the largest projects first; `pages` would change."""
    changes = _largest_first(outcome.changes)
    for change in changes:
        yield f"{change.name}: {_listed(change.fetch, change.keep, change.leave, change.remove)}"
    fetch, leave, remove = _sums(changes)
    for each in outcome.left_out:
        yield f"{each.rule} leaves out {numbered(each.files, 'file')} ({_size(each.bytes)})"
    for missing in outcome.missing:
        yield f"{missing.name} would be missing, as {missing.why}: {'; '.join(missing.needs[:3])}"
    if outcome.untold:
        releases = numbered(outcome.untold, "release")
        yield f"what {releases} may require is not known before the files are there: more may have to come"
    yield f"in all: {_listed(fetch, None, leave, remove)}; {numbered(pages, 'page')} would change"
    yield f"the run would free {size_text(remove.bytes)} and need {size_text(fetch.bytes)}"
    why = "" if outcome.status is Status.OK else f": {outcome.line}"
    yield f"it would end with status {int(outcome.status)}{why}"
    yield from (f"  {detail}" for detail in outcome.details[:_SHOWN])
    if len(outcome.details) > _SHOWN:
        yield f"  and {len(outcome.details) - _SHOWN} more"


def as_json(outcome: Outcome, pages: int) -> str:
    """Return the same for machines; sizes are bytes, as far as upstream tells them."""
    fetch, leave, remove = _sums(outcome.changes)
    told = {
        "projects": [_change(change) for change in _largest_first(outcome.changes)],
        "sum": {"fetch": fetch._asdict(), "leave": leave._asdict(), "remove": remove._asdict()},
        "left_out": [each._asdict() for each in outcome.left_out],
        "missing": [each._asdict() for each in outcome.missing],
        "untold_releases": outcome.untold,
        "pages_changed": pages,
        "status": int(outcome.status),
        "summary": outcome.line,
        "details": outcome.details,
    }
    return msgspec.json.format(msgspec.json.encode(told)).decode()


def _change(change: Change) -> dict[str, object]:
    return {
        field: value._asdict() if isinstance(value, Total) else value
        for field, value in change._asdict().items()
    }


def _largest_first(changes: Iterable[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: (-change.fetch.bytes, -change.fetch.number, change.name))


def _sums(changes: Iterable[Change]) -> tuple[Total, Total, Total]:
    """Return what would come, leave the pages, and leave the tree."""
    found = list(changes)
    return (
        _sum(change.fetch for change in found),
        _sum(change.leave for change in found),
        _sum(change.remove for change in found),
    )


def _sum(totals: Iterable[Total]) -> Total:
    number = size = 0
    for total in totals:
        number, size = number + total.number, size + total.bytes
    return Total(number, size)


def _listed(fetch: Total, keep: Total | None, leave: Total, remove: Total) -> str:
    parts = {"fetch": fetch, "keep": keep, "take off the pages": leave, "remove": remove}
    told = [f"{verb} {t.number} ({_size(t.bytes)})" for verb, t in parts.items() if t and t.number]
    return ", ".join(told) or "nothing to do"


def _size(size: int) -> str:
    return size_text(size) if size else "size unknown"  # an HTML page tells none
