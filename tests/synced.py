"""A mirror that each case finds as it was, at the same place: that costs a copy instead of a run."""

import shutil
from pathlib import Path

from tests.fake_index import FakeIndex
from tests.mirror import Mirror, clean_environment


class Synced:
    """A mirror in `folder` of all that is on an index now, with `options`."""

    def __init__(self, folder: Path, upstream: FakeIndex, **options: object) -> None:
        self.upstream = upstream
        self._folder = folder
        self._options = options
        Mirror(folder, upstream.url, **options).update()
        self._copy = folder.with_name(f"{folder.name}-as-it-was")
        shutil.copytree(folder, self._copy, symlinks=True)
        self._snapshot = upstream.snapshot()

    def again(self) -> Mirror:
        """Return the mirror as it was; its index is what it was, too, and nothing is known of other cases."""
        shutil.rmtree(self._folder)
        shutil.copytree(self._copy, self._folder, symlinks=True)
        shutil.rmtree(Path(clean_environment()["XDG_STATE_HOME"], "pypimirror"), ignore_errors=True)
        self.upstream.clear_faults()
        self.upstream.restore(self._snapshot)
        self.upstream.clear()
        return Mirror(self._folder, self.upstream.url, **self._options)
