"""How many pages a real run would change, with those of projects whose files a dry run does not fetch."""

from collections.abc import Iterable

from pypimirror.mirror import Mirror
from pypimirror.store import FULL, HTML, JSON, ReadOnlyStore
from pypimirror.sync import Change


def number(mirror: Mirror, changes: Iterable[Change]) -> int:
    """Return how many pages would be written: those that the dry run came to, and what waits for files."""
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
