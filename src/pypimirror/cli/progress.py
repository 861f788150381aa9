"""Progress on a terminal: projects, files, bytes, speed, what is in flight; nothing at all without one."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from pypimirror.sync import Counts, InFlight, Progress

_SHOWN = 6


@contextlib.contextmanager
def shown(*, is_wanted: bool) -> Iterator[Progress]:
    """Show progress on standard error while the block runs, if that is a terminal and `is_wanted`."""
    if not is_wanted or not sys.stderr.isatty():
        yield lambda _counts, _in_flight: None
        return
    # rich is slow to import, and cron never needs it.
    from rich.console import Console, Group  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TextColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    label = TextColumn("{task.description:<16}")
    projects = Bars(label, BarColumn(), MofNCompleteColumn())
    files = Bars(label, BarColumn(), DownloadColumn(), TransferSpeedColumn())
    projects_task = projects.add_task("projects", total=None)
    files_task = files.add_task("files", total=None)
    arriving = Text(no_wrap=True, overflow="ellipsis")

    with Live(
        Group(projects, files, arriving), console=Console(stderr=True), transient=True, redirect_stdout=False
    ):

        def show(counts: Counts, in_flight: Sequence[InFlight]) -> None:
            sizes = [os.fstat(file.descriptor).st_size for file in in_flight]
            projects.update(projects_task, total=counts.projects, completed=counts.projects_done)
            files.update(
                files_task,
                description=f"files {counts.stored + counts.adopted}/{counts.files}",
                total=counts.wanted_bytes,
                completed=counts.done_bytes + sum(sizes),
            )
            told = [_told(file, size) for file, size in zip(in_flight, sizes, strict=True) if size]
            arriving.plain = "  ".join(told[:_SHOWN])

        yield show


def _told(file: InFlight, size: int) -> str:
    return f"{file.filename} {100 * size // file.size} %" if file.size else file.filename
