"""What one says who finds the lock held for longer than a mirror may be old."""

import time

from pypimirror.amounts import DAY_S, HOUR_S
from pypimirror.cli.console import say
from pypimirror.config import Config
from pypimirror.report import long_run
from pypimirror.store import PRIVATE, note_moment

_TOLD = "told-lock"


def tell(config: Config, *, is_dry: bool) -> bool:
    """Say on standard error once a day that the run that holds the lock has been at work for too long.

    Returns whether it was said.
    """
    began, now = long_run.began(config), time.time()
    if began is None or now - began <= config.status_max_age_hours * HOUR_S:
        return False
    told = config.mirror_file_path / PRIVATE / _TOLD
    is_told = is_dry or note_moment(told, now, after=max(began, now - DAY_S))
    if is_told:
        hint = f"see {config.log_filename}; end it if it hangs, the next run goes on where it was"
        say(f"pypimirror: {long_run.sentence(config, began)}; {hint}")
    return is_told
