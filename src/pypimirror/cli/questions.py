"""Modes that answer a question without lock and network: `--why`, `--check` and `--check-config`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from pypimirror.cli.console import say, show, show_as_it_is
from pypimirror.config import Config
from pypimirror.errors import StateError
from pypimirror.report import config_check, why
from pypimirror.report.exit_status import Status
from pypimirror.selection import Selection
from pypimirror.state import damage_told
from pypimirror.state.reading import Reading
from pypimirror.store import Store, check_state


def tell_why(config: Config, selection: Selection, text: str) -> Status:
    """Print which rule chose or dropped a project or a file."""
    with _state(config) as state:
        selection.asked |= {name: frozenset(each.wants) for name, each in state.asked().items()}
        lines = why.explain(selection, state, text)
    if not lines:
        say(f"pypimirror: {text} is neither a project's name nor a file's")
        return Status.USAGE
    show(*lines)
    return Status.OK


def check(config: Config, *, is_json: bool) -> Status:
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
    if not found:
        show(f"all that {len(names)} projects require is there")
        return Status.OK
    missing = len({each.need.name for each in found})
    hint = "" if config.dependencies else "; dependencies = True mirrors it, too"
    show(f"{missing} projects are missing, or have no release that fits{hint}")
    return Status.FAILURES


def check_config(config: Config, path: Path) -> Status:
    """Print what can be said of a sound configuration without asking upstream."""
    show(*config_check.lines(config, path))
    return Status.OK


@contextmanager
def _state(config: Config) -> Iterator[Reading]:
    """Open the state for reading; raise StateError where there is none."""
    path = config.state_path
    check_state(path)
    if not path.exists():
        raise StateError(path, "there is no state yet; --update-fetch makes it")
    with damage_told(path, is_writer=False), closing(Reading.open_read_only(path)) as state:
        yield state
