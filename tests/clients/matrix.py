"""The table of clients and servers in docs/clients.md, out of what a run of the tests saw."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, cast

PAGE = Path(__file__).parents[2] / "docs/clients.md"
PROPERTY = "client by server"
CHECKS = (
    "normalized name",
    "name as typed",
    "odd names",
    "dependencies",
    "wrong bytes refused",
    "yanked not chosen",
    "requires-python",
    "core metadata",
    "upload time",
)
YES, NO, NOT_ASKED = "yes", "no", ""

_BEGIN, _END = "<!-- The table is written by the tests. -->\n", "<!-- The end of the table. -->\n"


class Row(NamedTuple):
    """What a client did behind a server, by check."""

    client: str
    server: str
    cells: dict[str, str]


def row(value: object) -> Row:
    """Return the row that a test recorded, after its way through another process."""
    client, server, cells = cast("list[Any]", value)
    return Row(client, server, cells)


def table(rows: Iterable[Row]) -> str:
    """Return the table as it stands on the page."""
    lines = ["| client | server | " + " | ".join(CHECKS) + " |", "|---|---|" + "---|" * len(CHECKS)]
    for row in sorted(rows, key=lambda row: (row.client, row.server.lower())):
        cells = " | ".join(row.cells[check] for check in CHECKS)
        lines.append(f"| {row.client} | {row.server} | {cells} |")
    return "\n".join(lines) + "\n"


def on_page() -> str:
    """Return the table that stands on the page."""
    return _parts()[1]


def write(text: str) -> None:
    """Put a table onto the page."""
    before, _, after = _parts()
    PAGE.write_text(before + text + after, "utf-8")


def _parts() -> tuple[str, str, str]:
    before, begin, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    text, end, after = rest.partition(_END)
    assert begin
    assert end
    return before + begin, text, end + after
