"""What cron's mailbox gets: trouble when it is new and once a day, and one word when it is over.

What was told is kept beside the state. Where there is none yet, or the configuration can't be read, it is
kept in the user's own folder for such things (XDG_STATE_HOME, else ~/.local/state), by the name of the
configuration.
"""

import contextlib
import hashlib
import logging
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pypimirror import config
from pypimirror.amounts import DAY_S, HOUR_S
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import say
from pypimirror.cli.folders import is_same_file
from pypimirror.config import Config
from pypimirror.errors import ConfigError
from pypimirror.report.exit_status import Status
from pypimirror.store.layout import PRIVATE
from pypimirror.store.moments import ToldTrouble, note_moment

if TYPE_CHECKING:
    from pypimirror.report.outcome import Outcome
    from pypimirror.state import State

_log = logging.getLogger(__name__)

_BY_CRON = ("update-fetch", "initial-fetch", "indexes-only")
"""Modes whose words go by mail; in the others somebody asks, and gets an answer each time."""
_TOLD_LOCK = "told-lock"
_CONFIGURATION_NOTE = "configuration path"
_TOLD_CONFIGURATION_NOTE = "configuration path told"


def judged(outcome: "Outcome", args: Arguments, configuration: Config) -> "Outcome":
    """Return how a run ended, with whether that is news, or the end of trouble that was told."""
    told = ToldTrouble(configuration.state_dir, _own_folder(_name(args)))
    # What is well may still be told: a pattern that matches nothing is most likely a slip of the pen.
    if outcome.status is not Status.OK or outcome.details:
        return outcome._replace(is_news=_is_news(told, f"{int(outcome.status)} {outcome.key}"))
    # Pages can be written anew while upstream is down.
    return outcome._replace(is_over=args.mode != "indexes-only" and told.forget())


def tell_error(lines: Sequence[str], status: Status, args: Arguments | None, argv: Sequence[str]) -> bool:
    """Print what ended a run before there was an outcome, unless cron's mailbox had it within a day.

    Tells whether it is news.
    """
    if sys.stderr.isatty() or (args is not None and (args.is_dry or args.mode not in _BY_CRON)):
        say(*lines)
        return True
    configuration = None
    if args is not None:
        with contextlib.suppress(ConfigError):
            configuration = config.load(args.config, args.overrides)
    name = "\0".join(argv) if args is None else _name(args)
    # The free space that a message tells is another one each time.
    key = "full" if status is Status.FULL else re.sub(r"[0-9]+", "", " ".join(lines))
    beside = None if configuration is None else configuration.state_dir
    is_news = _is_news(ToldTrouble(beside, _own_folder(name)), f"{int(status)} {key}")
    if is_news:
        say(*lines)
    return is_news


def _is_news(told: ToldTrouble, key: str) -> bool:
    now = time.time()
    return told.note(key, now, after=now - DAY_S)


def _name(args: Arguments) -> str:
    return os.path.abspath(args.config)  # as the configuration is named


def _own_folder(name: str) -> Path | None:
    """Return the user's folder for a configuration; None for a user without a home."""
    home = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not home.is_absolute():
        try:
            home = Path("~/.local/state").expanduser()
        except RuntimeError:
            return None
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return home / "pypimirror" / digest if home.is_absolute() else None


def tell_long_run(config: Config, *, is_dry: bool) -> bool:
    """Say once a day that the run that holds the lock has been at work for longer than a mirror may be old.

    Returns whether it was said.
    """
    from pypimirror.report import long_run  # an error that is told needs none of it

    began, now = long_run.began(config), time.time()
    if began is None or now - began <= config.status_max_age_hours * HOUR_S:
        return False
    told = config.mirror_file_path / PRIVATE / _TOLD_LOCK
    is_told = is_dry or note_moment(told, now, after=max(began, now - DAY_S))
    if is_told:
        hint = f"see {config.log_filename}; end it if it hangs, the next run goes on where it was"
        say(f"pypimirror: {long_run.sentence(config, began)}; {hint}")
    return is_told


class _LastConfiguration(msgspec.Struct):
    """The configuration of the last run, and the two of which was told last that they are two."""

    path: str
    pair: tuple[str, ...] = ()


def tell_another_configuration(state: "State", args: Arguments, now: float) -> None:
    """Remember which configuration a tree is written with; tell of another one, once a day by mail.

    Two in turn would take each other's projects off the pages.
    """
    path = _name(args)
    pair: tuple[str, ...] = ()
    known = state.notes.hint(_CONFIGURATION_NOTE, _LastConfiguration)
    if known is not None:
        # By a link to it or to a folder above it, too.
        if known.path == path or is_same_file(Path(known.path), Path(path)):
            return
        message = (
            f"this mirror was written with the configuration {known.path} until now, and this run has {path};"
            " two configurations for one mirror take each other's projects off the pages: give each its own"
            " mirror_file_path. If the file was moved, all is well"
        )
        _log.warning("%s", message)
        pair = tuple(sorted((known.path, path)))
        if state.notes.once_a_day(_TOLD_CONFIGURATION_NOTE, now, is_news=pair != known.pair):
            say(f"pypimirror: {message}")
    state.notes.keep(_CONFIGURATION_NOTE, _LastConfiguration(path, pair))
