"""Wanted against held: what to fetch, what to keep, what upstream no longer lists; what may go. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from pypimirror.filenames import is_wheel
from pypimirror.model import Digest, File, HeldFile


class Conflict(msgspec.Struct, frozen=True):
    """A held file that upstream now lists with other content; names on an index are never reused."""

    filename: str
    reason: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What brings a project to what is wanted."""

    fetch: tuple[File, ...]
    """Also those of `replace`."""
    replace: tuple[HeldFile, ...]
    """Held files of which upstream has other content now, and that may be replaced by it."""
    restore: tuple[HeldFile, ...]
    """Files that left the pages, are still in the tree, and are wanted again; they are of `keep`, too."""
    keep: tuple[HeldFile, ...]
    """With what upstream says of them now."""
    update: tuple[HeldFile, ...]
    """Those of `keep` of which upstream now says something else than before."""
    complete: tuple[HeldFile, ...]
    """Those of `keep` whose core metadata is missing; of others than wheels, also where it is not what
    upstream offers now."""
    look: tuple[HeldFile, ...]
    """Those of `keep` that upstream offers no digest of, and that may be others there by now."""
    vanished: tuple[HeldFile, ...]
    """Held files that upstream's page no longer lists."""
    conflicts: tuple[Conflict, ...]


def make_plan(  # noqa: PLR0913 (what is compared, and what an answer depends on)
    wanted: Sequence[File],
    held: Mapping[str, HeldFile],
    *,
    delisted: Mapping[str, HeldFile] | None = None,
    accepts: Callable[[File], bool] = lambda _file: False,
    looks: bool = False,
    foreign: Collection[str] = frozenset(),
) -> Plan:
    """Compare what is wanted of a project with what is held of it.

    `delisted` files left the pages and are still in the tree; `accepts` whether content may change; `looks`
    whether upstream is asked about every file that it offers no digest of; `foreign` held files came from
    another host than upstream's.
    """
    fetch, replace, restore, keep, update, complete, conflicts = [], [], [], [], [], [], []
    look = []
    for file in wanted:
        old = held.get(file.filename)
        is_sure = bool(file.digests) or file.filename in foreign
        if old is None:
            past = delisted.get(file.filename) if delisted else None
            if past is None or _conflict(file, past, is_foreign=False):
                fetch.append(file)
                continue
            old = msgspec.structs.replace(past, file=_merged(file, past.file))
            restore.append(old)
            if not file.digests:
                look.append(old)
                is_sure = True
        elif reason := _conflict(file, old, is_foreign=file.filename in foreign):
            if accepts(file):
                fetch.append(file)
                replace.append(old)
            else:
                conflicts.append(Conflict(file.filename, reason))
                keep.append(old)
            continue
        new = msgspec.structs.replace(old, file=_merged(file, old.file))
        keep.append(new)
        if new != old:
            update.append(new)
        if not is_sure and (looks or _has_changed(new, old) or is_refused(new)):
            look.append(new)
        elif lacks_metadata(new):
            complete.append(new)
    names = {file.filename for file in wanted}
    return Plan(
        fetch=tuple(fetch),
        replace=tuple(replace),
        restore=tuple(restore),
        keep=tuple(keep),
        update=tuple(update),
        complete=tuple(complete),
        look=tuple(look),
        vanished=tuple(f for name, f in held.items() if name not in names),
        conflicts=tuple(conflicts),
    )


def told_apart(
    wanted: Sequence[File], present: Iterable[str], key: Callable[[str], str]
) -> tuple[tuple[File, ...], tuple[Conflict, ...]]:
    """Return those of the wanted files that a file system tells from all others, and why not the rest.

    Names with the same `key` are one file there: the one that is `present` keeps it, or else the first.
    """
    owners: dict[str, str] = {}
    for name in present:
        owners.setdefault(key(name), name)
    apart, conflicts = [], []
    for file in wanted:
        owner = owners.setdefault(key(file.filename), file.filename)
        if owner == file.filename:
            apart.append(file)
        else:
            reason = f"the file system does not tell it from {owner}"
            conflicts.append(Conflict(file.filename, reason))
    return tuple(apart), tuple(conflicts)


def is_refused(held: HeldFile) -> bool:
    """Tell whether upstream was last seen to have other bytes under a held file's name."""
    return held.served is not None and held.served.refused is not None


def _has_changed(new: HeldFile, old: HeldFile) -> bool:
    """Tell whether upstream says something else of a file; but a signature in its address says nothing."""
    one, other = (
        msgspec.structs.replace(held.file, url=held.file.url.partition("?")[0]) for held in (new, old)
    )
    return one != other


class Loss(NamedTuple):
    """What goes, of what was held when the run began."""

    projects: int
    files: int


_FEW = Loss(3, 50)
"""That many may always go."""

_MANY_FILES = 10
"""More than half of so many files, or more, go only after a question."""


def is_too_much(gone: Loss, held: Loss, *, limit: float, is_everything: bool) -> bool:
    """Tell whether upstream's changes remove more than `limit` percent of the projects or files held.

    Never at 3 projects or 50 files or fewer; always where every project would go.
    """
    if is_everything and gone.projects:
        return True
    return any(
        lost > few and lost * 100 > limit * had for lost, few, had in zip(gone, _FEW, held, strict=True)
    )


def why_too_much(gone: Loss, held: Loss, selected: Loss, *, limit: float, left: int) -> str | None:
    """Say why what upstream's changes remove is more than may go without a question; None where it is not.

    Of what was `held` when the run began is still `selected`, and `left` files would stay.
    """
    if is_too_much(gone, held, limit=limit, is_everything=gone.projects == selected.projects):
        is_all = gone.projects and gone.projects == selected.projects
        return "that is every project" if is_all else "that is more than removal_limit allows"
    if gone.files and not left:
        return "that would leave no file at all"
    # Who sets a limit above the half has said what may go.
    if selected.files >= _MANY_FILES and gone.files * 100 > max(limit, 50) * selected.files:
        return "that is more than half of all files"
    return None


def why_too_much_deselected(gone: Loss, held: Loss) -> str | None:
    """Say why what the configuration no longer selects is asked about first; None where it is not."""
    if gone.files and gone.files == held.files:
        return "that would leave no file at all"
    if held.files >= _MANY_FILES and gone.files * 2 > held.files:
        return "that is more than half of all files"
    return None


def _conflict(file: File, held: HeldFile, *, is_foreign: bool) -> str | None:
    known = dict(held.file.digests) | {"sha256": held.sha256}
    for algorithm, hexdigest in file.digests:
        if known.get(algorithm, hexdigest) != hexdigest:
            return f"upstream's page now says {algorithm} {hexdigest}; held is {known[algorithm]}"
    if is_foreign and not any(known.get(a) == value for a, value in file.digests):
        return "what is held came from elsewhere, and nothing tells that upstream has the same"
    if file.size is not None and file.size != held.size:
        return f"upstream's page now says {file.size:,} bytes; held are {held.size:,}"
    return None


def _merged(new: File, old: File) -> File:
    """Return `new` with what stays true of the same bytes: their digests and their time of upload."""
    digests = dict(old.digests) | dict(new.digests)
    return msgspec.structs.replace(
        new,
        digests=tuple(sorted(Digest(a, v) for a, v in digests.items())),
        upload_time=new.upload_time or old.upload_time,
    )


def lacks_metadata(held: HeldFile) -> bool:
    """Tell whether the core metadata of a held file is missing, or is not what is offered of it."""
    offered = held.file.core_metadata
    if held.metadata is None:
        return offered is not None or is_wheel(held.file.filename)
    if is_wheel(held.file.filename):  # what it says itself counts, whatever is offered
        return False
    sha256 = dict(offered or ()).get("sha256")
    return sha256 is not None and sha256 != held.metadata
