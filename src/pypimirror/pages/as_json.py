"""Pages as JSON (PEP 691, 700, 714, 740, 792). Pure."""

import itertools
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from pypimirror.filenames import canonical_version
from pypimirror.model import HeldFile, Listed
from pypimirror.pages.markup import API_VERSION
from pypimirror.pages.published import PublishedProject
from pypimirror.upload_times import normal_time

_BLOCK = 1000

_encode = msgspec.json.Encoder().encode


class _Meta(msgspec.Struct, rename="kebab"):
    api_version: str = API_VERSION


class _ProjectEntry(msgspec.Struct, omit_defaults=True, rename={"digest": "_pypimirror"}):
    name: str
    digest: str | None = None


class _ProjectStatus(msgspec.Struct, omit_defaults=True):
    status: str
    reason: str | None = None


# PEP 691: absent optional keys are left out rather than null; some clients stumble over null.
class _FileEntry(msgspec.Struct, kw_only=True, omit_defaults=True, rename="kebab"):
    filename: str
    url: str
    hashes: dict[str, str]
    size: int
    requires_python: str | None = None
    core_metadata: dict[str, str] | None = None
    yanked: bool | str | None = None
    upload_time: str | None = None
    provenance: str | None = None


class _Page(msgspec.Struct, omit_defaults=True, rename="kebab"):
    meta: _Meta
    name: str
    files: list[_FileEntry]
    versions: list[str]
    project_status: _ProjectStatus | None = None


def project_json(project: PublishedProject) -> bytes:
    """Render a project page."""
    files = project.files
    # PEP 700: of the files that are listed; in the one form that PEP 440 has for each.
    versions = {canonical_version(v): None for held in files if (v := held.file.version) is not None}
    status = _ProjectStatus(project.status, project.status_reason) if project.status else None
    page = _Page(_Meta(), project.name, [_file(held) for held in files], list(versions), status)
    return _encode(page) + b"\n"


def root_json(projects: Iterable[Listed]) -> Iterator[bytes]:
    """Render the root page block by block; `projects` are sorted by name.

    With a private key (PEP 691: it begins with `_`) that tells a mirror of this mirror which pages changed.
    """
    yield b'{"meta":' + _encode(_Meta()) + b',"projects":['
    entries = (_ProjectEntry(display_name, digest) for _, display_name, digest in projects)
    separator = b""
    while block := list(itertools.islice(entries, _BLOCK)):
        yield separator + _encode(block)[1:-1]
        separator = b","
    yield b"]}\n"


def _file(held: HeldFile) -> _FileEntry:
    file = held.file
    return _FileEntry(
        filename=file.filename,
        url=quote(file.filename, safe=""),
        hashes=dict(sorted((dict(file.digests) | {"sha256": held.sha256}).items())),
        size=held.size,
        requires_python=file.requires_python,
        core_metadata={"sha256": held.metadata} if held.metadata else None,
        # PEP 592 and 691: a reason is a non-empty string, none at all is true.
        yanked=None if file.yanked is None else file.yanked or True,
        upload_time=normal_time(file.upload_time) if file.upload_time else None,
        provenance=file.provenance,
    )
