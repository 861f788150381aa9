"""Time whole commands on this machine, and print the table of docs/performance.md.

Everything is on loopback and below one folder: an index that nginx serves (apt-get install nginx-light curl;
libnginx-mod-http-lua for late answers), the mirrors, and with --peers a virtual environment with
bandersnatch. Each row is one round that does not count, and then as many as --runs, all tools in turn.
The row `large` takes 30 GB of disk, `full` some ten minutes.
"""

import argparse
import os
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.rows import ROWS, Bench, Row
from benchmarks.tools import Bandersnatch, Pypimirror, Tool, install_bandersnatch


def main() -> None:
    """Measure the rows that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; all if none is named")
    parser.add_argument("--peers", action="store_true", help="install bandersnatch, and measure it beside us")
    parser.add_argument(
        "--peer-python", default="python3.13", help="what bandersnatch runs with: 3.12 or newer (python3.13)"
    )
    parser.add_argument("--runs", type=int, default=5, help="rounds that count (5)")
    parser.add_argument("--folder", type=Path, help="where to work: in a new folder each time, which stays")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - ROWS.keys():
        parser.error(f"no row is called {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    base = arguments.folder or Path(tempfile.gettempdir()) / "benchmarks"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=base))
    tools: list[Tool] = [Pypimirror(folder / "ours")]
    if arguments.peers:
        program = install_bandersnatch(base / "bandersnatch", arguments.peer_python)
        tools.append(Bandersnatch(folder / "peer", program))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.platform()}, below {folder}\n")
    print("| work | tool | wall s: median (min-max) | cpu s | peak MiB | of bandersnatch's |")
    print("|---|---|---:|---:|---:|---:|")
    bench = Bench(folder, tools, runs=arguments.runs)
    for name in arguments.rows or ROWS:
        for row in ROWS[name](bench):
            _show(row)


def _show(row: Row) -> None:
    peer = row.runs.get("bandersnatch")
    for tool, runs in row.runs.items():
        share = f"{runs.median / peer.median:.2f}" if peer else ""
        print(f"| {row.work} | {tool} | {runs} | {runs.cpu:.2f} | {runs.peak:.0f} | {share} |", flush=True)


if __name__ == "__main__":
    main()
