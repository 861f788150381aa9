"""Modes that answer a question out of the state, without lock and network: `--why` and `--check`."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

import msgspec

from pypimirror.amounts import numbered
from pypimirror.cli.console import say, show, show_as_it_is
from pypimirror.config import Config
from pypimirror.errors import StateError
from pypimirror.report import why
from pypimirror.report.exit_status import Status
from pypimirror.report.mirror_status import check_tree
from pypimirror.selection import Selection
from pypimirror.state import damage_told
from pypimirror.state.reading import Reading
from pypimirror.store import Store, check_state


def tell_why(config: Config, selection: Selection, text: str) -> Status:
    """Print which rule chose or dropped a project or a file."""
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
        found = missing_for_pip(config, Store(config.mirror_file_path), names, state.held)
    if is_json:
        told = [(each.need.name, each.need.by, each.need.requirement) for each in found]
        keys = ("name", "by", "requires")
        told_as = [dict(zip(keys, each, strict=True)) for each in told]
        show_as_it_is(f"{msgspec.json.format(msgspec.json.encode(told_as)).decode()}\n")
        return Status.FAILURES if found else Status.OK
    show(*map(str, found))
    if not found and is_quiet:
        return Status.OK
    if not found:
        show(f"all that the mirrored releases require is there ({numbered(len(names), 'project')})")
        return Status.OK
    missing = len({each.need.name for each in found})
    hint = "" if config.dependencies else "; dependencies = True mirrors it, too"
    them = "1 project is missing, or has" if missing == 1 else f"{missing} projects are missing, or have"
    show(f"{them} no release that fits{hint}")
    return Status.FAILURES


@contextmanager
def _state(config: Config) -> Iterator[Reading]:
    """Open the state for reading; raise StateError where there is none, or not its tree."""
    path = config.state_path
    check_state(path)
    if not path.exists():
        raise StateError(path, "there is no state yet; --update-fetch makes it")
    with damage_told(path, is_writer=False), closing(Reading.open_read_only(path)) as state:
        check_tree(config, state)
        yield state
