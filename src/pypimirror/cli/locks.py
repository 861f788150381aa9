"""One writer: the locks of a mirror."""

import contextlib
from collections.abc import Iterator

from filelock import FileLock, Timeout

from pypimirror.config import Config
from pypimirror.errors import MirrorLockedError
from pypimirror.store import PRIVATE, check_state_file

_LOOK_S = 0.1
"""`--status` may hold a lock for a moment, to see whether it is held."""


@contextlib.contextmanager
def locked(configuration: Config) -> Iterator[None]:
    """Hold the configured lock, and the tree's own, so that two configurations can't write one tree."""
    own = configuration.mirror_file_path / PRIVATE / "lock"
    paths = {path.parent.resolve() / path.name for path in (own, configuration.lock_file_name)}
    with contextlib.ExitStack() as held:
        for path in sorted(paths):
            check_state_file(path)
            try:
                held.enter_context(
                    FileLock(path, timeout=_LOOK_S, poll_interval=_LOOK_S / 4, fallback_to_soft=False)
                )
            except Timeout as error:
                raise MirrorLockedError(path) from error
        yield
