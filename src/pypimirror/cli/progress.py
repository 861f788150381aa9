"""Progress on a terminal: projects, files, bytes, speed, what is in flight; nothing at all without one."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from pypimirror.sync import Counts, InFlight, Progress

_SHOWN = 5


@contextlib.contextmanager
def shown(*, is_wanted: bool) -> Iterator[Progress]:
    """Show progress on standard error while the block runs, if that is a terminal and `is_wanted`."""
    if not is_wanted or not sys.stderr.isatty():
        yield lambda _counts, _in_flight: None
        return
    # rich is slow to import, and cron never needs it.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"))
    with Progress(
        *columns, DownloadColumn(), TransferSpeedColumn(), console=Console(stderr=True), transient=True
    ) as bars:
        projects = bars.add_task("projects", total=None, count="")
        files = bars.add_task("files", total=None, count="")

        def show(counts: Counts, in_flight: Sequence[InFlight]) -> None:
            arriving = [(task, os.fstat(task.descriptor).st_size) for task in in_flight]
            names = ", ".join(_told(task, size) for task, size in arriving[:_SHOWN])
            bars.update(
                projects,
                total=counts.projects,
                completed=counts.projects_done,
                count=f"{counts.projects_done}/{counts.projects}",
            )
            bars.update(
                files,
                total=None,
                completed=counts.stored_bytes + sum(size for _, size in arriving),
                count=f"{counts.stored + counts.adopted}/{counts.files} {names}",
            )

        yield show


def _told(task: InFlight, size: int) -> str:
    if not task.size:
        return task.filename
    return f"{task.filename} {100 * size // task.size} %"
