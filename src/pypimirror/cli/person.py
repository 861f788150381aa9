"""Whether somebody sits at a terminal, and what they alone are told."""

import sys
import time
from random import SystemRandom

from pypimirror.amounts import duration_text
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import say


def is_there(args: Arguments) -> bool:
    """Tell whether somebody watches this run, and wants to hear more than trouble."""
    return sys.stderr.isatty() and not args.is_quiet


def hears_warnings(args: Arguments) -> bool:
    """Tell whether somebody is to see what a run warns of; a look at the tree prints it anyway."""
    return is_there(args) and args.mode != "verify"


def watches(args: Arguments) -> bool:
    """Tell whether somebody watches the bars and the table of a run, and not its log."""
    return is_there(args) and not args.log_console


def watches_quietly(args: Arguments) -> bool:
    """Tell whether somebody at a terminal wants to hear of trouble alone."""
    return args.is_quiet and sys.stderr.isatty()


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
