"""What one says who finds the lock held for longer than a mirror may be old."""

import time

from pypimirror.cli.console import say
from pypimirror.config import Config
from pypimirror.report import long_run
from pypimirror.store import PRIVATE, note_moment

_HOUR_S = 3600.0
_DAY_S = 86_400.0
_TOLD = "told-lock"


def tell(config: Config, *, is_dry: bool) -> None:
    """Say on standard error once a day that the run that holds the lock has been at work for too long."""
    began, now = long_run.began(config), time.time()
    if began is None or now - began <= config.status_max_age_hours * _HOUR_S:
        return
    told = config.mirror_file_path / PRIVATE / _TOLD
    if is_dry or note_moment(told, now, after=max(began, now - _DAY_S)):
        hint = f"see {config.log_filename}; end it if it hangs, the next run goes on where it was"
        say(f"pypimirror: {long_run.sentence(config, began)}; {hint}")
