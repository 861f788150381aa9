"""The command on a terminal of its own: a pseudo-terminal of some size, and all that was written to it."""

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.cells import cell_len

from tests.mirror import COMMAND, clean_environment

_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07)")


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something is so; fail where it never is."""
    for _ in range(1500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come")


class Terminal:
    """A run of the command whose standard error is a terminal, and with `has_stdout` its output, too.

    With `types` somebody sits there, and has typed that.
    """

    def __init__(
        self,
        *arguments: str | Path,
        columns: int = 80,
        env: Mapping[str, str] | None = None,
        has_stdout: bool = False,
        types: str | None = None,
    ) -> None:
        self.columns = columns
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = clean_environment() | {"TERM": "xterm", "LC_ALL": "C.UTF-8"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "COLORTERM"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [COMMAND, *arguments],
            stdin=subprocess.DEVNULL if types is None else theirs,
            stdout=theirs if has_stdout else subprocess.DEVNULL,
            stderr=theirs,
            env=environment | dict(env or {}),
        )
        os.close(theirs)
        if types is not None:
            os.write(self._ours, types.encode())  # it waits there until somebody reads
        self._written = b""
        self._is_gone = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the end of a terminal
            while not self._is_gone:
                if select.select([self._ours], [], [], 0.05)[0]:
                    self._written += os.read(self._ours, 1 << 16)
        os.close(self._ours)

    @property
    def raw(self) -> str:
        """All that was written so far."""
        return self._written.decode()

    @property
    def text(self) -> str:
        """The same without what moves the cursor or gives colours."""
        return _ESCAPE.sub("", self.raw)

    @property
    def rows(self) -> list[str]:
        """The rows, each time that they were written."""
        return [row for row in re.split(r"[\r\n]+", self.text) if row]

    def end(self) -> int:
        """Wait until the command has ended, and return its status."""
        status = self.process.wait(60)
        self._reader.join(60)
        return status

    def check_rows(self) -> None:
        """Check that no row was wrapped by the terminal."""
        assert [row for row in self.rows if cell_len(row) > self.columns] == []

    def hang_up(self) -> None:
        """Let the terminal go away, as where a connection breaks off."""
        self._is_gone = True
        self._reader.join(60)
