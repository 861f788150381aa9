"""What is drawn on a terminal: progress as bars over its whole width, and a table for one who watched."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.cells import cell_len, chop_cells
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from pypimirror.cli import in_words
from pypimirror.cli.console import has_cursor
from pypimirror.cli.estimate import Track
from pypimirror.cli.in_words import FileProgress, Seen
from pypimirror.printable import printable

_SHOWN = 5
_DOTS = "..."
_RIGHT = 16
"""Characters for speed and time left."""
_WIDEST = 120
"""Characters of a table; longer lines are hard to read."""


@contextlib.contextmanager
def bars() -> Iterator[Callable[[Seen], None]]:
    """Show bars as the block tells how far the run is; they are gone at its end, and no row is wrapped."""
    console = Console(stderr=True)
    live = Live(
        Text("looking what there is to do ...", no_wrap=True, overflow="ellipsis"),
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )

    def show(now: Seen) -> None:
        with contextlib.suppress(OSError):  # a terminal that went away ends no run
            live.update(Group(*_rows(now, console.width)), refresh=True)

    with contextlib.suppress(OSError):
        live.start(refresh=True)
    try:
        yield show
    finally:
        with contextlib.suppress(OSError):
            live.stop()


def _largest(transfers: Sequence[FileProgress]) -> list[FileProgress]:
    """Return the largest files of which something has come, in an order that stays."""
    begun = [transfer for transfer in transfers if transfer.done]
    largest = sorted(begun, key=lambda each: each.total or each.done, reverse=True)[:_SHOWN]
    return sorted(largest, key=transfers.index)


def _rows(now: Seen, width: int) -> Iterator[RenderableType]:
    transfers = _largest(now.transfers)
    things = {
        f"{kind} {in_words.number_text(track, of='/')}": track
        for kind, track in in_words.of_things(now).items()
    }
    come = now.tracks["bytes"]
    label = max(*map(len, things), *(cell_len(each.filename) for each in transfers), 0)
    label = min(label, width // 3)
    sizes: list[Track | FileProgress] = [come, *transfers]
    middle = max(cell_len(in_words.bytes_text(each)) for each in sizes)
    table = Table.grid(
        Column(width=label, no_wrap=True, overflow="ellipsis"),
        Column(ratio=1, no_wrap=True),
        Column(width=min(middle, width // 3), no_wrap=True, overflow="ellipsis", justify="right"),
        Column(width=min(_RIGHT, width // 5), no_wrap=True, overflow="ellipsis", justify="right"),
        padding=(0, 1),
        pad_edge=False,
        expand=True,
    )
    left, speed = in_words.left_text(now), in_words.speed_text(now)
    for counted, track in things.items():
        table.add_row(Text(counted), _bar(track), "", Text(left))
        left = ""  # it is of all, and stands once
    if come != (0, None):
        table.add_row("bytes", _bar(come), Text(in_words.bytes_text(come)), Text(speed))
    for each in transfers:
        name = Text(shortened(printable(each.filename), label))
        table.add_row(name, _bar(each), Text(in_words.bytes_text(each)), Text(_percent(each)))
    yield table
    if trouble := in_words.trouble_text(now):
        yield Text(trouble, no_wrap=True, overflow="ellipsis")


def _bar(track: Track | FileProgress) -> ProgressBar:
    """Return a bar; one whose total nobody knows runs to and fro."""
    return ProgressBar(total=track.total, completed=track.done)


def _percent(transfer: FileProgress) -> str:
    return f"{min(100, 100 * transfer.done // transfer.total)} %" if transfer.total else ""


def shortened(name: str, width: int) -> str:
    """Return a name of at most so many cells: its middle goes, as its ends tell most."""
    if cell_len(name) <= width:
        return name
    room = max(width - len(_DOTS), 0)
    head = chop_cells(name, -(-room // 2))[0] if room else ""
    tail = chop_cells(name[::-1], room - cell_len(head))[0][::-1] if room > 1 else ""
    return f"{head}{_DOTS[:width]}{tail}"


def say_table(headline: str, rows: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    """Print a headline and rows below it to standard error, in two columns, wrapped between words."""
    table = Table.grid(Column(no_wrap=True, style="bold"), Column(overflow="fold"), padding=(0, 2))
    for label, lines in rows:
        for number, line in enumerate(lines):
            table.add_row("" if number else f"  {label}", Text(printable(line)))
    with contextlib.suppress(OSError):  # a terminal that went away changes no status
        console = Console(stderr=True, highlight=False, force_terminal=has_cursor())
        console.width = min(console.width, _WIDEST)
        console.print(Text(printable(headline)))
        console.print(table)
