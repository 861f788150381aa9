"""What the mirrored releases of a project require, out of the core metadata beside their files."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from pypimirror.filenames import is_wheel, version_key, version_of
from pypimirror.model import File, HeldFile, NormalizedName
from pypimirror.requirements.required import requires_dist
from pypimirror.store import METADATA, Store
from pypimirror.want import Requires, Told


def of_project(
    store: Store, name: NormalizedName, held: Iterable[HeldFile], told: Iterable[Told] = ()
) -> Requires:
    """Return what a project's held releases require, and those of which the metadata was `told`."""
    return _summed_up([*told, *_told(store, name, held)])


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


def _told(store: Store, name: NormalizedName, held: Iterable[HeldFile]) -> Iterator[Told]:
    def version(each: HeldFile) -> str:
        return release_of(each.file, name)

    for release, files in groupby(sorted(held, key=version), key=version):
        of_release = list(files)
        wheels = {each.metadata: each for each in of_release if is_wheel(each.file.filename)}
        wheels.pop(None, None)
        if wheels:
            found: list[tuple[str, ...] | None] = [
                _by_metadata(store, name, each) for each in wheels.values()
            ]
        else:
            # One sdist that tells is enough.
            by_sdist = (_by_sdist(store, name, each) for each in of_release)
            found = [next((each for each in by_sdist if each is not None), None)]
        yield from (Told(release, each) for each in found)


def _by_metadata(store: Store, name: NormalizedName, held: HeldFile) -> tuple[str, ...] | None:
    text = store.read(name, held.file.filename + METADATA)
    return None if text is None else requires_dist(text)


def _by_sdist(store: Store, name: NormalizedName, held: HeldFile) -> tuple[str, ...] | None:
    if held.metadata is not None:
        return _by_metadata(store, name, held)
    content = store.open_existing(name, held.file.filename)
    if content is None:
        return None
    # Few releases have no wheel, and archives are slow to import.
    from pypimirror.requirements.sdists import sdist_requires

    with content:
        return sdist_requires(content, held.file.filename)
