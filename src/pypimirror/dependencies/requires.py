"""What the mirrored releases of a project require, out of the core metadata beside their files."""

import errno
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from pypimirror.errors import TreeError
from pypimirror.filenames import is_wheel, version_key, version_of
from pypimirror.model import File, HeldFile, NormalizedName
from pypimirror.requirements.required import requires_dist
from pypimirror.store import Store
from pypimirror.store.layout import METADATA
from pypimirror.want import NOTHING_READ, UNREADABLE, Read, Requires, Told

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_By = Callable[[Store, NormalizedName, HeldFile, Read], tuple[str, ...] | None]


def of_project(
    store: Store,
    name: NormalizedName,
    held: Iterable[HeldFile],
    told: Iterable[Told] = (),
    read: Read = NOTHING_READ,
) -> tuple[Requires, list[str]]:
    """Return what a project's held releases require, and those of which the metadata was `told`.

    Core metadata that was `read` is not read again. Second comes what to say of files that can't be read.
    """
    unread: list[str] = []
    return _summed_up([*told, *_told(store, name, held, read, unread)]), unread


def release_of(file: File, name: NormalizedName) -> str:
    """Return the version of a file, as upstream or else its name tells."""
    return file.version or version_of(file.filename, name) or ""


def to_ask(files: Iterable[File]) -> Iterator[File]:
    """Yield the wheels whose core metadata tells what their releases require, each text once."""
    seen = set()
    for file in files:
        key = (file.version, file.core_metadata)
        if file.core_metadata is not None and is_wheel(file.filename) and key not in seen:
            seen.add(key)
            yield file


def _summed_up(told: Iterable[Told]) -> Requires:
    """Return the distinct requirements of releases, each with the newest version that has it."""
    newest: dict[str, str] = {}
    unknown = []
    for each in sorted(told, key=lambda one: version_key(one.version)):
        if each.requirements is None:
            unknown.append(each.version)
        else:
            newest |= dict.fromkeys(each.requirements, each.version)
    return Requires(tuple(sorted(newest.items())), tuple(dict.fromkeys(unknown)))


def _told(
    store: Store, name: NormalizedName, held: Iterable[HeldFile], read: Read, unread: list[str]
) -> Iterator[Told]:
    """Yield what releases require; add to `unread` what to say of files that can't be read."""

    def told_by(by: _By, each: HeldFile) -> tuple[str, ...] | None:
        try:
            return by(store, name, each, read)
        except OSError as error:
            path = store.path(name, each.file.filename + (METADATA if each.metadata else ""))
            unread.append(str(TreeError.unreadable(path, error)))
            return None

    releases: dict[str, list[HeldFile]] = {}
    for each in held:
        releases.setdefault(release_of(each.file, name), []).append(each)
    for release, of_release in sorted(releases.items()):
        wheels = {each.metadata: each for each in of_release if is_wheel(each.file.filename)}
        wheels.pop(None, None)
        if wheels:
            found = [told_by(_by_metadata, each) for each in wheels.values()]
        else:
            # One sdist that tells is enough.
            by_sdist = (told_by(_by_sdist, each) for each in of_release)
            found = [next((each for each in by_sdist if each is not None), None)]
        yield from (Told(release, each) for each in found)


def _by_metadata(store: Store, name: NormalizedName, held: HeldFile, read: Read) -> tuple[str, ...] | None:
    known = read.get(held.metadata or "")
    if known is not None:
        return known
    text = _present(store.read(name, held.file.filename + METADATA))
    return requires_dist(text, tell=partial(_log.info, UNREADABLE, name, held.file.filename))


def _by_sdist(store: Store, name: NormalizedName, held: HeldFile, read: Read) -> tuple[str, ...] | None:
    if held.metadata is not None:
        return _by_metadata(store, name, held, read)
    content = _present(store.open_existing(name, held.file.filename))
    # Few releases have no wheel, and archives are slow to import.
    from pypimirror.requirements.sdists import sdist_requires

    with content:
        return sdist_requires(content, held.file.filename)


def _present(found: _T | None) -> _T:
    """Return what lies in the tree; raise FileNotFoundError where it is gone."""
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return found
