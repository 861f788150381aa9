"""Model to bytes: the pages of the mirror, in both representations of API 1.4, everything escaped. Pure.

Links are relative, so that the tree works under any host, path or scheme. Pages hold no clock, and everything
in them is sorted here, so that the same state always gives the same bytes.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from pypimirror.filenames import canonical_version, version_key
from pypimirror.model import HeldFile, Listed, NormalizedName
from pypimirror.upload_times import normal_time

API_VERSION = "1.4"
RENDERER = "3"
"""To be changed whenever the same state renders to other bytes: that is how an upgrade reaches old pages."""

_NOT_IN_HTML = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
"""Control characters and noncharacters."""

_BLOCK = 1000
_BEFORE = f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="pypi:repository-version" content="{API_VERSION}">
"""
_MARKUP = re.compile("[&<>'\"]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;"})

_encode = msgspec.json.Encoder().encode


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """What a project's page shows."""

    name: NormalizedName
    files: tuple[HeldFile, ...]
    status: str | None = None
    status_reason: str | None = None


class Link(NamedTuple):
    """An anchor of an HTML page."""

    href: str
    text: str
    attributes: tuple[tuple[str, str], ...] = ()


class _Meta(msgspec.Struct, rename={"api_version": "api-version"}):
    api_version: str = API_VERSION


class _Entry(msgspec.Struct, omit_defaults=True, rename={"digest": "_pypimirror"}):
    name: str
    digest: str | None = None


class _Status(msgspec.Struct, omit_defaults=True):
    status: str
    reason: str | None = None


# PEP 691: absent optional keys are left out rather than null; some clients stumble over null.
class _File(
    msgspec.Struct,
    kw_only=True,
    omit_defaults=True,
    rename={
        "requires_python": "requires-python",
        "core_metadata": "core-metadata",
        "upload_time": "upload-time",
    },
):
    filename: str
    url: str
    hashes: dict[str, str]
    size: int
    requires_python: str | None = None
    core_metadata: dict[str, str] | None = None
    yanked: bool | str | None = None
    upload_time: str | None = None
    provenance: str | None = None


class _ProjectPage(msgspec.Struct, omit_defaults=True, rename={"project_status": "project-status"}):
    meta: _Meta
    name: str
    files: list[_File]
    versions: list[str]
    project_status: _Status | None = None


def project_html(project: Project) -> bytes:
    """Render a project page (PEP 503 and its additions; frozen by PEP 833)."""
    about = {"status": project.status, "status-reason": project.status and project.status_reason}
    before, after = _frame(f"Links for {project.name}", about)
    links = "".join(_line(_file_link(held)) for held in _sorted(project.files))
    return f"{before}<h1>Links for {project.name}</h1>\n{links}{after}".encode()


def project_json(project: Project) -> bytes:
    """Render a project page (PEP 691, 700, 714, 740, 792)."""
    files = _sorted(project.files)
    # PEP 700: of the files that are listed; in the one form that PEP 440 has for each.
    versions = {canonical_version(v): None for held in files if (v := held.file.version) is not None}
    status = _Status(project.status, project.status_reason) if project.status else None
    page = _ProjectPage(_Meta(), project.name, [_json_file(f) for f in files], list(versions), status)
    return _encode(page) + b"\n"


def root_html(projects: Iterable[Listed]) -> Iterator[bytes]:
    """Render the root page block by block; `projects` are sorted by name."""
    links = (Link(f"{project.name}/", project.shown) for project in projects)
    return _streamed("Simple index", links)


def root_json(projects: Iterable[Listed]) -> Iterator[bytes]:
    """Render the root page block by block.

    With a private key (PEP 691: it begins with `_`) that tells a mirror of this mirror which pages changed.
    """
    yield b'{"meta":' + _encode(_Meta()) + b',"projects":['
    entries = (_Entry(shown, digest) for _, shown, digest in projects)
    separator = b""
    while block := list(itertools.islice(entries, _BLOCK)):
        yield separator + _encode(block)[1:-1]
        separator = b","
    yield b"]}\n"


def full_html(projects: Iterable[Project]) -> Iterator[bytes]:
    """Render the ancestor's page of all files block by block; `projects` are sorted by name."""
    links = (
        Link(f"{project.name}/{_href(held)}", held.file.filename)
        for project in projects
        for held in _sorted(project.files)
    )
    return _streamed("All files", links)


def _streamed(title: str, links: Iterable[Link]) -> Iterator[bytes]:
    before, after = _frame(title, {})
    yield before.encode()
    lines = map(_line, links)
    while block := "".join(itertools.islice(lines, _BLOCK)):
        yield block.encode()
    yield after.encode()


def _frame(title: str, about: Mapping[str, str | None]) -> tuple[str, str]:
    """Return what comes before the links of a page and after them, with what is said of the project."""
    metas = "".join(
        f'<meta name="pypi:project-{key}" content="{_escaped(_printable(value))}">\n'
        for key, value in about.items()
        if value
    )
    return f"{_BEFORE}{metas}<title>{_escaped(title)}</title>\n</head>\n<body>\n", "</body>\n</html>"


def _line(link: Link) -> str:
    attributes = "".join(f' {key}="{_escaped(value)}"' for key, value in link.attributes)
    return f'<a href="{_escaped(link.href)}"{attributes}>{_escaped(link.text)}</a><br>\n'


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES) if _MARKUP.search(text) else text


def _sorted(files: Sequence[HeldFile]) -> list[HeldFile]:
    return sorted(files, key=lambda held: (*version_key(held.file.version or ""), held.file.filename))


def _href(held: HeldFile) -> str:
    # quote() also hides what would make a scheme, a query or a fragment of a file's name.
    return f"{quote(held.file.filename, safe='')}#sha256={held.sha256}"


def _file_link(held: HeldFile) -> Link:
    file = held.file
    attributes = {
        "data-requires-python": file.requires_python,
        "data-core-metadata": held.metadata and f"sha256={held.metadata}",
        "data-yanked": file.yanked,
        "data-provenance": file.provenance,
    }
    given = tuple((key, _printable(value)) for key, value in attributes.items() if value is not None)
    return Link(_href(held), file.filename, given)


def _printable(text: str) -> str:
    """Return `text` as an HTML page may hold it (HTML standard, 3.2.1 and 13.1.2.3)."""
    return _NOT_IN_HTML.sub("\N{REPLACEMENT CHARACTER}", text)


def _json_file(held: HeldFile) -> _File:
    file = held.file
    return _File(
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
