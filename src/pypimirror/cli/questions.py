"""Modes that answer a question out of the state, without lock and network: `--why`."""

from contextlib import closing

from pypimirror.cli.console import say, show
from pypimirror.config import Config
from pypimirror.errors import StateError
from pypimirror.report import why
from pypimirror.report.exit_status import Status
from pypimirror.selection import Selection
from pypimirror.state import damage_told
from pypimirror.state.reading import Reading
from pypimirror.store import check_state

_STATE = "state.sqlite"


def tell_why(config: Config, selection: Selection, text: str) -> Status:
    """Print which rule chose or dropped a project or a file."""
    path = config.state_dir / _STATE
    check_state(path)
    if not path.exists():
        raise StateError(path, "there is no state yet; --update-fetch makes it")
    with damage_told(path, is_writer=False), closing(Reading.open_read_only(path)) as state:
        selection.asked |= {name: frozenset(each.wants) for name, each in state.asked().items()}
        lines = why.explain(selection, state, text)
    if not lines:
        say(f"pypimirror: {text} is neither a project's name nor a file's")
        return Status.USAGE
    show(*lines)
    return Status.OK
