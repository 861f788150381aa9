"""What `--dry-run` prints: what would come and go, what rules leave out, and how the run would end."""

from collections.abc import Iterable, Iterator, Sequence

from pypimirror.amounts import numbered, size_text
from pypimirror.mirror import Counts, Mirror
from pypimirror.report.exit_status import Status
from pypimirror.report.outcome import Outcome
from pypimirror.run import Report
from pypimirror.run.preview import Change
from pypimirror.state.rows import Total
from pypimirror.store.layout import FULL, HTML, JSON
from pypimirror.store.read_only import ReadOnlyStore

_NOTHING = Report(Counts(), (), None, None)
"""What a run found that could not have upstream."""


def as_lines(outcome: Outcome, pages: int) -> Iterator[str]:
    """Yield what a run would do, the largest projects first; `pages` would change."""
    found = outcome.report or _NOTHING
    for change in _largest_first(found.changes):
        yield f"{change.name}: {_listed(change.fetch, change.keep, change.leave, change.remove)}"
    fetch, leave, remove = _sums(found.changes)
    for each in found.left_out:
        yield f"{each.rule} leaves out {numbered(each.files, 'file')} ({_size(each.bytes)})"
    for missing in found.missing:
        yield f"{missing.name} would be missing, as {missing.why}: {'; '.join(missing.needs[:3])}"
    if found.untold:
        releases = numbered(found.untold, "release")
        yield f"what {releases} may require is not known before the files are there: more may have to come"
    yield f"in all: {_listed(fetch, None, leave, remove)}; {numbered(pages, 'page')} would change"
    yield f"the run would free {size_text(remove.bytes)} and need {size_text(fetch.bytes)}"
    why = "" if outcome.status is Status.OK else f": {outcome.line}"
    yield f"it would end with status {int(outcome.status)}{why}"
    yield from (f"  {detail}" for detail in outcome.first_details)


def for_machines(outcome: Outcome, pages: int) -> dict[str, object]:
    """Return the same for machines; sizes are bytes, as far as upstream tells them."""
    found = outcome.report or _NOTHING
    fetch, leave, remove = _sums(found.changes)
    return {
        "projects": _largest_first(found.changes),
        "sum": {"fetch": fetch, "leave": leave, "remove": remove},
        "left_out": found.left_out,
        "missing": found.missing,
        "untold_releases": found.untold,
        "pages_changed": pages,
        "status": int(outcome.status),
        "summary": outcome.line,
        "details": outcome.details,
    }


def pages_changed(mirror: Mirror, outcome: Outcome) -> int:
    """Return how many pages would be written: those that the dry run came to, and what waits for files."""
    changes = (outcome.report or _NOTHING).changes
    written = mirror.store.pages_changed if isinstance(mirror.store, ReadOnlyStore) else ()
    if not mirror.config.create_indexes:
        return len(written)
    fetching = [change.name for change in changes if change.fetch.number]
    pages = {*written, *((name, page) for name in fetching for page in (HTML, JSON))}
    if not fetching:
        return len(pages)
    pages.add((None, JSON))  # it tells projects' pages apart
    most = mirror.config.plain_index_above[0]
    if mirror.config.page_style == "styled" and mirror.state.totals.of("listed").number <= most:
        pages.add((None, HTML))  # it tells how many files there are
    if any(not (mirror.store.root / name / HTML).exists() for name in fetching):
        pages.add((None, HTML))
    if mirror.config.full_index:
        pages.add((None, FULL))
    return len(pages)


def _largest_first(changes: Iterable[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: (-change.fetch.bytes, -change.fetch.number, change.name))


def _sums(changes: Sequence[Change]) -> tuple[Total, Total, Total]:
    """Return what would come, leave the pages, and leave the tree."""
    return (
        _sum([change.fetch for change in changes]),
        _sum([change.leave for change in changes]),
        _sum([change.remove for change in changes]),
    )


def _sum(totals: Sequence[Total]) -> Total:
    return Total(sum(total.number for total in totals), sum(total.bytes for total in totals))


def _listed(fetch: Total, keep: Total | None, leave: Total, remove: Total) -> str:
    parts = {"fetch": fetch, "keep": keep, "take off the pages": leave, "remove": remove}
    told = [f"{verb} {t.number:,} ({_size(t.bytes)})" for verb, t in parts.items() if t and t.number]
    return ", ".join(told) or "nothing to do"


def _size(size: int) -> str:
    return size_text(size) if size else "size unknown"  # an HTML page tells none
