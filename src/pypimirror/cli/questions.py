"""Modes that answer a question out of the state, without lock and network: `--status`, `--why`, `--check`."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from pypimirror.amounts import numbered
from pypimirror.cli import folders
from pypimirror.cli.console import say, show, show_json
from pypimirror.config import Config
from pypimirror.report.exit_status import Status
from pypimirror.report.mirror_status import StatusReport, check_tree, of_nothing, of_state
from pypimirror.report.status_text import as_lines
from pypimirror.selection import Selection
from pypimirror.state.reading import Reading
from pypimirror.state.trouble import damage_told
from pypimirror.store import Store
from pypimirror.store.opened import check_state


def status(config: Config, *, is_json: bool, is_quiet: bool) -> Status:
    """Print how the mirror is; return OK only if the last run was good and is young enough, else why not.

    One who `is_quiet` hears of it only where it is not well; a program, which asks for JSON, always.
    """
    check_state(config.state_path)
    if config.state_path.exists():
        with _state(config) as state:
            report = of_state(config, state)
            _show(report, is_json=is_json, is_quiet=is_quiet)  # moments that can't be are seen here
    else:
        hint = "--update-fetch makes it"
        if config.expect_mirror:
            hint = f"{config.mirror_file_path} {folders.NO_MIRROR}"
        report = of_nothing(config, f"there is no state yet ({config.state_path}); {hint}")
        _show(report, is_json=is_json, is_quiet=is_quiet)
    if report.is_full:
        return Status.FULL
    return Status.OK if report.is_good else Status.FAILURES


def _show(report: StatusReport, *, is_json: bool, is_quiet: bool) -> None:
    if is_json:
        show_json(report)
    elif not (is_quiet and report.is_good):
        show(*as_lines(report))


def tell_why(config: Config, selection: Selection, text: str) -> Status:
    """Print which rule chose or dropped a project or a file."""
    from pypimirror.report import why  # the others need none of it

    with _state(config) as state:
        selection.asked |= {name: frozenset(each.wants) for name, each in state.asked().items()}
        lines = why.explain(config, selection, state, text)
    if not lines:
        say(f"pypimirror: --why {text!r}: neither a project's name nor a file's{_meant(text)}")
        return Status.USAGE
    show(*lines)
    return Status.OK


def _meant(text: str) -> str:
    """Say which project a requirement, or a name and a version, is about."""
    found = re.match(r"[A-Za-z0-9][\w.-]*", text)
    return f"; ask for {found[0]}, or for a file of it" if found and "/" not in text else ""


def check(config: Config, *, is_json: bool, is_quiet: bool) -> Status:
    """Print what the mirrored releases require and the mirror lacks; OK only where that is nothing."""
    from pypimirror.dependencies.check import missing_for_pip

    with _state(config) as state:
        names = [each.name for each in state.listed()]
        found, unread = missing_for_pip(config, Store(config.mirror_file_path), names, state.held)
    say(*unread)
    needs = [each.need for each in found]
    if is_json:
        show_json([{"name": need.name, "by": need.by, "requires": need.requirement} for need in needs])
    elif found:
        missing = len({need.name for need in needs})
        hint = "" if config.dependencies else "; dependencies = True mirrors it, too"
        them = numbered(missing, "project is missing, or has", "projects are missing, or have")
        show(*map(str, found), f"{them} no release that fits{hint}")
    elif not (is_quiet or unread):
        show(f"all that the mirrored releases require is there ({numbered(len(names), 'project')})")
    return Status.FAILURES if found or unread else Status.OK


@contextmanager
def _state(config: Config) -> Iterator[Reading]:
    """Open the state for reading; raise StateError where there is none, or not its tree."""
    path = config.state_path
    check_state(path)
    with damage_told(path, is_writer=False), closing(Reading.open_read_only(path)) as state:
        check_tree(config, state)
        yield state
