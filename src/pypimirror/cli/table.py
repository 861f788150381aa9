"""A table for one who watched a run: two columns, as wide as the terminal, wrapped between words."""

import contextlib
from collections.abc import Iterable

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from pypimirror.cli.console import has_cursor
from pypimirror.printable import printable

_WIDEST = 120
"""Characters; longer lines are hard to read."""


def say_table(headline: str, rows: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    """Print a headline and rows below it to standard error."""
    table = Table.grid(Column(no_wrap=True, style="bold"), Column(overflow="fold"), padding=(0, 2))
    for label, lines in rows:
        for number, line in enumerate(lines):
            table.add_row("" if number else f"  {label}", Text(printable(line)))
    with contextlib.suppress(OSError):  # a terminal that went away changes no status
        console = Console(stderr=True, highlight=False, force_terminal=has_cursor())
        console.width = min(console.width, _WIDEST)
        console.print(Text(printable(headline)))
        console.print(table)
