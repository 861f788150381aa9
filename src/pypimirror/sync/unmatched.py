"""What the configuration names and upstream does not have: kept, and told, until that is mended."""

import logging
from collections.abc import Iterable, Iterator

import msgspec

from pypimirror.amounts import numbered
from pypimirror.findings.unmatched import NOTE, OF_FILES, Unmatched, known
from pypimirror.mirror import Mirror
from pypimirror.model import NormalizedName
from pypimirror.run import Run
from pypimirror.sync.crawl import Crawl

_log = logging.getLogger(__name__)

_OF_NAMES = "package_matches: "


def record(run: Run, found: Crawl, vanished: Iterable[NormalizedName]) -> None:
    """Record which names and patterns of the configuration lead to nothing, as far as this run saw it.

    `vanished` are the projects that this run asked for, and that upstream no longer has.
    """
    before = known(run.mirror)
    roots = tuple(_roots(run, before))
    if run.options.only:  # of the others it says nothing
        now = msgspec.structs.replace(before, roots=roots)
    else:
        now = Unmatched(
            selection=run.mirror.selection.of_projects,
            names=tuple(_names(run, found, before, vanished)),
            patterns=tuple(_patterns(run, found, before)),
            roots=roots,
            nothing=_why_nothing(run.mirror, found, before),
        )
    kept = now if now.lines() else None
    if kept != run.mirror.state.notes.hint(NOTE, Unmatched):
        run.mirror.state.notes.keep(NOTE, kept)
        for line in now.lines():
            if line not in before.lines():
                _log.warning("%s", line)
    if found.is_full:
        for pattern in run.mirror.selection.unmatched_names():
            if not pattern.startswith(_OF_NAMES):  # it chooses nothing by itself
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
    gone = {name for name in missing if (row := projects.get(name)) is None or row.is_gone}
    yield from sorted(run.tally.unknown | gone)


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


def _roots(run: Run, before: Unmatched) -> Iterable[str]:
    """Return the lines of requirements files that no file of their projects answers."""
    if not run.mirror.config.requirements.roots:
        return ()
    if not (run.tally.counts.pages_read or run.tally.counts.may_change_sizes):
        return before.roots
    from pypimirror.sync import in_vain  # a run without news needs none of it

    return in_vain.unanswered(run)


def _why_nothing(mirror: Mirror, found: Crawl, before: Unmatched) -> str:
    """Say why the configuration selects no file at all; empty where it selects some, or upstream has none."""
    totals = mirror.state.totals
    if any(totals.of(status).number for status in ("held", "arriving", "failed")):
        return ""
    left_out = mirror.state.choices.left_out()
    if not left_out:
        return _why_no_project(mirror) if found.is_full else before.nothing
    if mirror.state.choices.is_due_later():
        return ""
    rules = ", ".join(f"{each.rule} leaves out {each.files:,}" for each in left_out)
    return f"of {numbered(mirror.totals().projects, 'project')} no file is selected: {rules}"


def _why_no_project(mirror: Mirror) -> str:
    if mirror.totals().projects:
        return ""
    from pypimirror.config.nothing import why_no_project  # few mirrors are empty

    why = why_no_project(mirror.config)
    return f"no project is selected: {why}" if why else ""
