"""What turns out to be blocked by its very bytes, as upstream offers no digest to see that before."""

import hashlib
import logging
from collections.abc import Container, Iterable

import msgspec

from pypimirror.findings.selected import BLOCKED
from pypimirror.mirror import Mirror
from pypimirror.model import File, NormalizedName
from pypimirror.run import Run
from pypimirror.selection import LeftOut
from pypimirror.state.rows import BLOCKED_BYTES

_log = logging.getLogger(__name__)


class BlockedBytes(msgspec.Struct, frozen=True):
    """Bytes that were blocked, and what tells whether upstream's entry is still the one that led to them."""

    entry: str
    sha256: str
    size: int


def refuse(run: Run, name: NormalizedName, file: File, sha256: str, size: int) -> None:
    """Keep nothing of bytes that came, or lay in the tree, and are blocked; what is held besides stays."""
    why = run.mirror.selection.is_blocked(name, file, sha256) or ""
    _log.warning("%s: %s is not mirrored: %s", name, file.filename, why)
    left_out = LeftOut(msgspec.structs.replace(file, size=size), BLOCKED, why)
    run.mirror.state.choices.add_left_out(name, [left_out])
    remember(run.mirror, name, file, sha256, size)
    if file.filename not in run.mirror.state.files.held_names(name):
        run.mirror.state.transitions.delist_at_once(name, [file.filename])
        run.tally.has_blocked = True


def seen(
    mirror: Mirror, name: NormalizedName, files: Iterable[File], *, trusts_names: bool
) -> dict[str, BlockedBytes]:
    """Return those of upstream's files whose bytes were blocked before, and need not be fetched to see that.

    One without any digest may have got other bytes: unless the caller `trusts_names`, it is none of them.
    """
    known = _known(mirror, name)
    return {
        file.filename: known[file.filename]
        for file in (files if known else ())
        if file.filename in known
        and known[file.filename].entry == _entry(file)
        and known[file.filename].sha256 in mirror.selection.blocked_digests
        and (file.digests or trusts_names)
    }


def remember(mirror: Mirror, name: NormalizedName, file: File, sha256: str, size: int) -> None:
    """Remember that the bytes behind an entry of upstream's are blocked, if it is they that are."""
    if sha256 not in mirror.selection.blocked_digests:
        return
    _keep(mirror, name, _known(mirror, name) | {file.filename: BlockedBytes(_entry(file), sha256, size)})


def forget_unlisted(mirror: Mirror, name: NormalizedName, listed: Container[str]) -> None:
    """Forget what a page no longer lists that tells of all files, unless links to other hosts may name it."""
    known = _known(mirror, name)
    if not mirror.config.external_links and not all(filename in listed for filename in known):
        _keep(mirror, name, {filename: each for filename, each in known.items() if filename in listed})


def forget_unblocked(mirror: Mirror) -> None:
    """Forget the bytes that are blocked no more."""
    blocked = mirror.selection.blocked_digests
    for key in mirror.state.notes.keys(BLOCKED_BYTES):
        name = NormalizedName(key.removeprefix(BLOCKED_BYTES))
        known = _known(mirror, name)
        _keep(mirror, name, {filename: each for filename, each in known.items() if each.sha256 in blocked})


def _known(mirror: Mirror, name: NormalizedName) -> dict[str, BlockedBytes]:
    return mirror.state.notes.hint(BLOCKED_BYTES + name, dict[str, BlockedBytes]) or {}


def _keep(mirror: Mirror, name: NormalizedName, known: dict[str, BlockedBytes]) -> None:
    mirror.state.notes.keep(BLOCKED_BYTES + name, known or None)


def _entry(file: File) -> str:
    address, _, _ = file.url.partition("?")  # a signature says nothing
    said = (address, file.size, file.upload_time, sorted(file.digests))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]
