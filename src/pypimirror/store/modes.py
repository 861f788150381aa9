"""Modes of what is served, where a umask such as 077 left them to the owner alone."""

import os
import stat

FILE_MODE = 0o644
FOLDER_MODE = 0o755
_OTHERS = 0o077


def missing(found: os.stat_result, umask: int) -> int:
    """Return the permissions that others lack to read something; 0 where they can.

    These are the ones that this umask would have given it: none, where that is as strict. A link has no mode.
    """
    if found.st_mode & _OTHERS or stat.S_ISLNK(found.st_mode):
        return 0
    made = FOLDER_MODE if stat.S_ISDIR(found.st_mode) else FILE_MODE
    return made & ~umask & _OTHERS
