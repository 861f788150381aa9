"""What failed when a run was over: files that could not be written, and commands that were called."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from pypimirror.amounts import DAY_S
from pypimirror.store.layout import PRIVATE

RUN = ""
"""Stands for the run itself among the options, where an error ended it."""
_NAME = "afterwards.json"


class Failed(msgspec.Struct, frozen=True):
    """Something that failed after a run, since when, and when standard error last had a word of it."""

    reason: str
    since: float
    told: float = 0.0


class AfterFailure(msgspec.Struct, kw_only=True, frozen=True):
    """What failed after this run or an earlier one: the option that it is about, why, and since when."""

    option: str
    reason: str
    since: float


def listed(failed: Mapping[str, Failed]) -> list[AfterFailure]:
    """Return what failed, as a list for other programs."""
    return [
        AfterFailure(option=option, reason=each.reason, since=each.since)
        for option, each in failed.items()
        if option != RUN
    ]


def path_of(root: Path) -> Path:
    """Return the file that keeps what failed: it shall be known also where the state is not to be had."""
    return root / PRIVATE / _NAME


def read(root: Path) -> dict[str, Failed]:
    """Return what failed, by the option that it is about; nothing where that can't be read."""
    try:
        return msgspec.json.decode(path_of(root).read_bytes(), type=dict[str, Failed])
    except (OSError, msgspec.DecodeError, UnicodeError):
        return {}


def merged(before: Mapping[str, Failed], reasons: Mapping[str, str], now: float) -> dict[str, Failed]:
    """Return what fails now: since when it does so, and the word of it told now where that is due."""
    return {option: _merged(before.get(option), reason, now) for option, reason in reasons.items()}


def _merged(before: Failed | None, reason: str, now: float) -> Failed:
    if before is None or before.since > now:
        return Failed(reason, now, told=now)
    is_due = not 0 <= now - before.told < DAY_S
    return Failed(reason, before.since, told=now if is_due else before.told)


def news(before: Mapping[str, Failed], after: Mapping[str, Failed]) -> list[str]:
    """Return what standard error shall have: what is new, and once a day what is not."""
    return [
        option
        for option, failed in after.items()
        if option not in before or before[option].told != failed.told
    ]
