"""What cron's mailbox gets: trouble when it is new and once a day, and one word when it is over.

What was told is kept beside the state. Where there is none yet, or the configuration can't be read, it is
kept in the user's own folder for such things (XDG_STATE_HOME, else ~/.local/state), by the name of the
configuration.
"""

import contextlib
import hashlib
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pypimirror import config
from pypimirror.amounts import DAY_S
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import say
from pypimirror.config import Config
from pypimirror.errors import ConfigError
from pypimirror.report.exit_status import Status
from pypimirror.store import ToldTrouble

if TYPE_CHECKING:
    from pypimirror.report.outcome import Outcome

_BY_CRON = ("update-fetch", "initial-fetch", "indexes-only")
"""Modes whose words go by mail; in the others somebody asks, and gets an answer each time."""


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
