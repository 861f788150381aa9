"""What the configuration names and upstream does not have: kept, and told, until that is mended."""

import logging
from collections.abc import Iterable, Iterator

from pypimirror.findings.unmatched import NOTE, OF_FILES, Unmatched, known
from pypimirror.mirror import Mirror
from pypimirror.model import NormalizedName
from pypimirror.run import Run
from pypimirror.state.rows import ProjectRow
from pypimirror.sync.crawl import Crawl

_log = logging.getLogger(__name__)

_OF_NAMES = "package_matches: "


def record(run: Run, found: Crawl, vanished: Iterable[NormalizedName]) -> None:
    """Record which names and patterns of the configuration lead to nothing, as far as this run saw it.

    `vanished` are the projects that this run asked for, and that upstream no longer has.
    """
    if run.options.only:
        return
    before = known(run.mirror)
    now = Unmatched(
        selection=run.mirror.selection.of_projects,
        names=tuple(_names(run, found, before, vanished)),
        patterns=tuple(_patterns(run, found, before)),
        nothing=_why_nothing(run.mirror),
    )
    text = now.as_text() if now.lines() else None
    if text != run.mirror.state.notes.get(NOTE):
        run.mirror.state.notes.set(NOTE, text)
        _log_news(now, before)
    if found.is_full:
        for pattern in _others(run.mirror.selection.unmatched_names()):
            _log.warning("nothing upstream matches %s", pattern)


def _names(run: Run, found: Crawl, before: Unmatched, vanished: Iterable[NormalizedName]) -> Iterator[str]:
    """Yield the projects that are named, and that upstream does not have, sorted."""
    selection, projects = run.mirror.selection, run.mirror.state.projects
    if not found.is_full:
        for each in before.names:
            row = projects.get(NormalizedName(each))
            if row is None or not row.is_listed:
                yield each
        return
    named = selection.projects.literals | {root.name for root in run.mirror.config.requirements.roots}
    names = {NormalizedName(name) for name in named if selection.selects(NormalizedName(name))}
    missing = names if selection.needs_list else names.intersection(vanished)
    yield from sorted(run.tally.unknown | {name for name in missing if _is_gone(projects.get(name))})


def _is_gone(row: ProjectRow | None) -> bool:
    """Tell whether nothing of a project is published any more, and no trouble with its page says why."""
    return row is None or (not row.is_listed and row.is_current and not row.failures)


def _patterns(run: Run, found: Crawl, before: Unmatched) -> Iterator[str]:
    """Yield the patterns of projects and files that match nothing, each with its option."""
    selection = run.mirror.selection
    of_names = selection.unmatched_names() if found.is_full else before.patterns
    for pattern in of_names:
        is_name = pattern.removeprefix(_OF_NAMES) in selection.projects.spelled
        if pattern.startswith(_OF_NAMES) and not is_name:
            yield pattern
    # Patterns of files can be judged only where every project's page was read.
    is_judged = run.tally.counts.pages_read >= run.mirror.totals().projects > 0
    for pattern in selection.unmatched_files():
        if pattern.startswith(OF_FILES) and (is_judged or pattern in before.patterns):
            yield pattern


def _why_nothing(mirror: Mirror) -> str:
    """Say why the configuration selects no file at all; empty where it selects some, or upstream has none."""
    totals = mirror.state.totals
    if any(totals.of(status).number for status in ("held", "arriving", "failed")):
        return ""
    left_out = mirror.state.choices.left_out()
    if not left_out:
        return ""
    rules = ", ".join(f"{each.rule} leaves out {each.files}" for each in left_out)
    return f"of {mirror.totals().projects} projects no file is selected: {rules}"


def _others(patterns: Iterable[str]) -> Iterator[str]:
    """Yield those patterns that choose nothing by themselves."""
    return (each for each in patterns if not each.startswith(_OF_NAMES))


def _log_news(now: Unmatched, before: Unmatched) -> None:
    for line in now.lines():
        if line not in before.lines():
            _log.warning("%s", line)
