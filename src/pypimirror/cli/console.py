"""Words for standard error and standard output, which may be closed, cut off, or on a disk that is full."""

import codecs
import contextlib
import io
import os
import sys
from pathlib import Path
from typing import TextIO

from pypimirror.printable import printable


def prepare() -> None:
    """Let nothing that is wrong with the three standard streams, or with their encoding, end a run."""
    _speak_utf8()
    # A file that is opened later would get the number of a closed one, and what libraries say to it.
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = _usable(sys.stdout)
    sys.stderr = _usable(sys.stderr)


def _speak_utf8() -> None:
    """Begin anew in Python's UTF-8 mode where file names could be ASCII alone; the streams stay so."""
    if (
        codecs.lookup(sys.getfilesystemencoding()).name != "ascii"
        or sys.flags.utf8_mode
        or not sys.executable
    ):
        return
    os.environ["PYTHONUTF8"] = "1"  # for the processes that download, too
    os.environ.setdefault("PYTHONIOENCODING", "ascii:backslashreplace")
    with contextlib.suppress(OSError):
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _usable(stream: TextIO | None) -> TextIO:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream or _nowhere()


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def say(*lines: str) -> None:
    """Print to standard error; where that fails, nobody can be told."""
    try:
        for line in lines:
            print(printable(line), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _forget_stderr()


def has_cursor() -> bool:
    """Tell whether standard error is a terminal that knows more than plain text."""
    return sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def say_on_terminal(line: str) -> None:
    """Say to one who watches that a run did not do what was asked; cron's mailbox stays empty."""
    if sys.stderr.isatty():
        say(f"pypimirror: {line}")


def show(*lines: str) -> None:
    """Print to standard output; where that fails, the work goes on, and its status stays what it is."""
    show_as_it_is("".join(f"{printable(line)}\n" for line in lines))


def show_json(value: object) -> None:
    """Print a value for machines; its escapes are JSON's."""
    from pypimirror.report.as_json import as_json  # cron needs none of it

    show_as_it_is(as_json(value).decode())


def show_as_it_is(text: str) -> None:
    """Print a text of many lines that is ours."""
    try:
        sys.stdout.write(text)  # in one piece, whatever signal comes
    except (OSError, ValueError) as error:
        _give_up(error)


def finish() -> None:
    """Write out what is still in the buffers."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        _give_up(error)
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        _forget_stderr()


def _forget_stderr() -> None:
    sys.stderr = _nowhere()
    # What could not be written stays in the old one's buffer, and would change the exit status at the end.
    os.dup2(sys.stderr.fileno(), 2)


def _give_up(error: OSError | ValueError) -> None:
    sys.stdout = _nowhere()
    os.dup2(sys.stdout.fileno(), 1)
    if not isinstance(error, BrokenPipeError):
        say(f"pypimirror: standard output: {getattr(error, 'strerror', None) or error}")
