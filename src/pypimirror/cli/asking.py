"""What somebody at a terminal is asked, or told before a run begins."""

import sys

from pypimirror.amounts import numbered
from pypimirror.cli import person
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import say
from pypimirror.mirror import Mirror
from pypimirror.plan import Loss

_EVERYTHING = (
    "package_matches selects every project. Of PyPI that is 886,000 projects, 12 million files and 40 TB:"
    " days of downloads (docs/performance.md). Ctrl-C stops this run; what is there then is whole"
)


def may_go(gone: Loss, held: Loss) -> bool:
    """Ask whether so much that is no longer selected may go; No where nobody is there to say yes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    say(
        f"pypimirror: the configuration no longer selects {gone.files} of {numbered(held.files, 'file')}"
        f" ({gone.projects} of {numbered(held.projects, 'project')})."
    )
    say("Take them off the pages, and remove them after removal_grace_hours? Type yes: ")
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except (OSError, ValueError):
        return False


def tell_everything(args: Arguments, mirror: Mirror) -> None:
    """Say what a first run that selects every project takes, before it begins."""
    if mirror.selection.projects.is_everything and mirror.state.projects.is_empty():
        person.tell(args, _EVERYTHING)
