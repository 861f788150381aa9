"""What can go wrong, each class with its facts; the text is made when it is asked for."""

from pathlib import Path
from typing import NamedTuple, Self

from pypimirror.addresses import masked, shown, without_secrets

TOO_LITTLE_MEMORY = "there is too little memory: set fewer workers"
"""What is told where the system has no memory left, and what to do."""


class MirrorError(Exception):
    """The root of every error that pypimirror raises on purpose."""


class Problem(NamedTuple):
    """One thing that is wrong in a configuration: where, what stands there, what may stand there."""

    section: str
    option: str
    value: str | None
    allowed: str

    def __str__(self) -> str:
        given = "" if self.value is None else f" = {_shortened(self.value)}"
        return f"[{masked(self.section)}] {masked(self.option)}{given}: {self.allowed}"


_LONGEST = 500


def _shortened(value: str) -> str:
    line = " ".join(masked(value).split())
    # A path is of no use without its end.
    longest = 60 if " " in line else 250
    return line if len(line) <= longest else line[: longest - 3] + "..."


class ConfigError(MirrorError):
    """The configuration can't be used; every problem is in it, and nothing was touched."""

    def __init__(self, source: str, problems: tuple[Problem | str, ...]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = problems

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return f"{self.source}: {self.problems[0]}"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        return f"{self.source}: {len(self.problems):,} problems, nothing was touched:{lines}"


class NoMirrorError(ConfigError):
    """A mirror is expected and missing: most likely its disk is not mounted."""


class UsageError(MirrorError):
    """The command line can't be used."""

    def __init__(self, usage: str, reason: str) -> None:
        super().__init__(usage, reason)
        self.usage = usage
        self.reason = reason

    def __str__(self) -> str:
        return f"error: {self.reason}"


class PlaceError(MirrorError):
    """Something is wrong with one place on the disk."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class LogError(PlaceError):
    """The log can't be written to."""

    def __str__(self) -> str:
        return (
            f"the log {self.path} can't be written to ({self.reason}); let the user who runs pypimirror write"
            " to it and to its folder, or name another file with log_filename"
        )


class MirrorLockedError(PlaceError):
    """Another run holds the lock; who does is told as the end of a sentence."""

    def __str__(self) -> str:
        return f"another run holds the lock {self.path}{self.reason}"


class StateError(PlaceError):
    """The state can't be used as it is."""

    path: Path


class DamagedStateError(StateError):
    """The state is no state of ours any more: it is moved aside, and the tree adopted."""


class DiskFullError(MirrorError):
    """There is no space left for what comes, or less than has to stay free; what is there is whole."""


class TooBigError(MirrorError):
    """A file that says to be bigger than all of the disk: no room that anybody makes would be enough."""


class TreeError(PlaceError):
    """One place in the tree can't take what belongs there; the others can.

    Where it `is_denied`, what is there is still ours, and has to be looked at again.
    """

    def __init__(self, path: str, reason: str, *, is_denied: bool = False) -> None:
        super().__init__(path, reason)
        self.is_denied = is_denied

    @classmethod
    def unreadable(cls, path: str, error: OSError) -> Self:
        """Return what to say of a file that the disk can't read."""
        reason = f"it can't be read ({error.strerror}); mend that, or remove it and run --initial-fetch"
        return cls(path, reason)


class UpstreamError(MirrorError):
    """Upstream did not give what was asked for. Address and reason show no secret."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = shown(url)
        self.reason = without_secrets(reason)

    def __str__(self) -> str:
        # Both may quote upstream, which shall not fill a terminal or send it commands.
        text = f"{self.url}: {self.reason}"[:_LONGEST]
        return "".join(c if c.isprintable() else "?" for c in text)


class NotFoundError(UpstreamError):
    """Upstream says that there is no such page or file (404, 410)."""


class UnavailableError(UpstreamError):
    """Upstream did not answer, or broke off.

    ``may_pass`` tells whether asking again soon can help; ``retry_after`` is what it asked for, in seconds.
    """

    def __init__(
        self, url: str, reason: str, *, may_pass: bool = True, retry_after: float | None = None
    ) -> None:
        super().__init__(url, reason)
        self.may_pass = may_pass
        self.retry_after = retry_after


class NotAskedError(UnavailableError):
    """A host was not asked: it wants to be left alone, or failed too often. Nothing else failed."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason, may_pass=False)


class CutOffError(UnavailableError):
    """A file broke off after much of it had come, and can go on from there."""

    def __init__(self, url: str, reason: str, *, received: int = 0, validator: str = "") -> None:
        super().__init__(url, reason)
        self.received = received
        self.validator = validator


class UnreachableError(UnavailableError):
    """An external host gave no answer in time; `is_connected`: it is there at least."""

    def __init__(self, url: str, reason: str, *, is_connected: bool = False) -> None:
        super().__init__(url, reason, may_pass=False)
        self.is_connected = is_connected


class BrokenWorkerError(MirrorError):
    """A worker met a bug of ours, or had too little memory; only its own task is lost."""


class BadPageError(UpstreamError):
    """Upstream answered with something that is no page of a simple index."""


class WrongHostError(BadPageError):
    """A page came from a host that does not speak for the index."""


class VerificationError(UpstreamError):
    """A file is not what upstream's page says it is."""
