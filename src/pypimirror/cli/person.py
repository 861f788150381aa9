"""Whether somebody sits at a terminal, what they alone are told, and what they are asked."""

import sys
import time
from random import SystemRandom

from pypimirror.amounts import duration_text, numbered
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import say
from pypimirror.mirror import Mirror
from pypimirror.plan import Loss

_EVERYTHING = (
    "package_matches selects every project. Of PyPI that is 886,000 projects, 12 million files and 40 TB:"
    " days of downloads (docs/performance.md). Ctrl-C stops this run; what is there then is whole"
)


def is_there(args: Arguments) -> bool:
    """Tell whether somebody watches this run, and wants to hear more than trouble."""
    return sys.stderr.isatty() and not args.is_quiet


def tell(args: Arguments, message: str) -> None:
    """Say something to one who watches; cron's mailbox stays empty."""
    if is_there(args):
        say(f"pypimirror: {message}")


def delay(args: Arguments) -> None:
    """Wait for a random moment, so that not all mirrors of the world ask at the same second."""
    if args.random_delay:
        seconds = SystemRandom().uniform(0, args.random_delay)
        tell(args, f"this run begins in {duration_text(seconds)} (--random-delay)")
        time.sleep(seconds)


def tell_everything(args: Arguments, mirror: Mirror) -> None:
    """Say what a first run that selects every project takes, before it begins."""
    if mirror.selection.projects.is_everything and mirror.state.projects.is_empty():
        tell(args, _EVERYTHING)


def may_go(gone: Loss, held: Loss) -> bool:
    """Ask whether so much that is no longer selected may go; No where nobody is there to say yes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    say(
        f"pypimirror: the configuration no longer selects {gone.files} of {numbered(held.files, 'file')}"
        f" ({gone.projects} of {numbered(held.projects, 'project')}).",
        "Take them off the pages, and remove them after removal_grace_hours? Type yes: ",
    )
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except (OSError, ValueError):
        return False
