"""Words for standard error, which may be a file on the very disk that is full."""

import os
import sys


def say(*lines: str) -> None:
    """Print to standard error; where that fails, nobody can be told."""
    try:
        for line in lines:
            print(line, file=sys.stderr, flush=True)
    except OSError:
        # What could not be written stays in the buffer, and would change the exit status at the end.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
