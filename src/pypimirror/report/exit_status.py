"""The exit statuses."""

import enum


class Status(enum.IntEnum):
    """How a run ended; of several, the caller returns the gravest."""

    OK = 0
    ERROR = 1
    USAGE = 2
    FAILURES = 3
    NO_UPSTREAM = 4
    LOCKED = 5
    FULL = 6
    TOO_MUCH_GONE = 7
    INTERRUPTED = 130
    TERMINATED = 143
