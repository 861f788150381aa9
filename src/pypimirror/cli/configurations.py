"""Which configuration a tree is written with: two in turn would take each other's projects off the pages."""

import logging
from pathlib import Path

import msgspec

from pypimirror.amounts import DAY_S
from pypimirror.cli.console import say
from pypimirror.state import State

_log = logging.getLogger(__name__)

_NOTE = "configuration path"


class _Note(msgspec.Struct):
    """The configuration of the last run, and when it was told last that it is another one."""

    path: str
    told: float = 0.0
    pair: tuple[str, ...] = ()
    """The two that were told then."""


def tell_another(state: State, path: str, now: float) -> None:
    """Remember the configuration's path; tell of another one, in the log and by mail once a day."""
    known = state.notes.hint(_NOTE, _Note)
    if known is None:
        _set(state, _Note(path))
        return
    if known.path == path or _is_same(known.path, path):
        return
    message = (
        f"this mirror was written with the configuration {known.path} until now, and this run has {path}; two"
        " configurations for one mirror take each other's projects off the pages: give each its own"
        " mirror_file_path. If the file was moved, all is well"
    )
    _log.warning("%s", message)
    pair = tuple(sorted((known.path, path)))
    is_news = pair != known.pair or not 0 <= now - known.told < DAY_S
    if is_news:
        say(f"pypimirror: {message}")
    _set(state, _Note(path, now if is_news else known.told, pair))


def _is_same(one: str, other: str) -> bool:
    """Tell whether two paths lead to one file, by a link to it or to a folder above it."""
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def _set(state: State, note: _Note) -> None:
    state.notes.set(_NOTE, msgspec.json.encode(note).decode())
