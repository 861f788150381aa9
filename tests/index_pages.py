"""The records of a fake index, and its pages as PyPI writes them.

Independent of the tool under test: nothing here is imported from it.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal
from urllib.parse import quote

Serials = bool | Literal["strings"]
CoreMetadata = bool | Literal["unhashed"]


@dataclass(kw_only=True)
class IndexFile:
    """One file as the index lists it, which need not be true to `content`."""

    filename: str
    content: bytes = field(repr=False)
    hashes: dict[str, str]
    size: int | None
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: str | None = None
    core_metadata: bytes | None = None
    provenance: str | None = None
    url: str | None = None


@dataclass(kw_only=True)
class IndexProject:
    """One project: its name as spelled, its files in the order listed, its status."""

    name: str
    serial: int
    files: list[IndexFile] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    """Anchors of the HTML page that lead elsewhere, as they stand there."""
    download_url: str | None = None
    """What the legacy JSON document tells."""
    status: str = "active"
    status_reason: str | None = None

    @property
    def listed_files(self) -> list[IndexFile]:
        """PEP 792: nothing is offered while quarantined."""
        return [] if self.status == "quarantined" else self.files


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """How pages are written; `files_url` is where file URLs begin, relative or absolute."""

    api_version: str
    serials: Serials
    core_metadata: CoreMetadata
    files_url: str
    serial_comment: bool
    constant_serial: int | None = None

    def has_api(self, minor: int) -> bool:
        """Say whether the announced version has the fields of API 1.`minor`."""
        match = re.fullmatch(r"1\.(\d+)", self.api_version)
        return match is None or int(match[1]) >= minor

    def serial(self, serial: int) -> dict[str, int | str]:
        """Return the private key with which PyPI gives a serial."""
        if not self.serials:
            return {}
        serial = serial if self.constant_serial is None else self.constant_serial
        return {"_last-serial": str(serial) if self.serials == "strings" else serial}


def normalize(name: str) -> str:
    """Normalise a project name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def root_json(projects: Iterable[IndexProject], serial: int, options: PageOptions) -> bytes:
    """Write the project list as JSON (PEP 691)."""
    entries = [{**options.serial(project.serial), "name": project.name} for project in projects]
    return _dump({"meta": _meta(serial, options), "projects": entries})


def project_json(project: IndexProject, options: PageOptions) -> bytes:
    """Write a project page as JSON, with the keys that the announced API version has."""
    files = project.listed_files
    page: dict[str, Any] = {
        "meta": _meta(project.serial, options),
        "name": normalize(project.name),
        "files": [_file_json(file, project, options) for file in files],
    }
    if options.has_api(1):
        page["versions"] = list(dict.fromkeys(_version(file.filename) for file in files))
    if options.has_api(4):
        reason = {} if project.status_reason is None else {"reason": project.status_reason}
        page["project-status"] = {"status": project.status, **reason}
    return _dump(page)


def legacy_json(project: IndexProject) -> bytes:
    """Write the legacy JSON document of a project, as far as anybody reads it here."""
    return _dump({"info": {"name": project.name, "download_url": project.download_url}, "releases": {}})


def root_html(projects: Iterable[IndexProject], serial: int, options: PageOptions) -> bytes:
    """Write the project list as HTML (PEP 503)."""
    anchors = [_anchor(f"/simple/{normalize(project.name)}/", {}, project.name) for project in projects]
    return _html("Simple index", [], anchors, serial, options)


def project_html(project: IndexProject, options: PageOptions) -> bytes:
    """Write a project page as HTML."""
    status = []
    if options.has_api(4) and project.status != "active":
        status.append(("pypi:project-status", project.status))
        if project.status_reason is not None:
            status.append(("pypi:project-status-reason", project.status_reason))
    anchors = [_file_anchor(file, project, options) for file in project.listed_files] + project.links
    return _html(f"Links for {normalize(project.name)}", status, anchors, project.serial, options)


def _meta(serial: int, options: PageOptions) -> dict[str, Any]:
    return {**options.serial(serial), "api-version": options.api_version}


def _dump(page: dict[str, Any]) -> bytes:
    return json.dumps(page, ensure_ascii=False).encode()


def _version(filename: str) -> str:
    if filename.endswith(".whl"):
        return filename.split("-")[1]
    stem = re.sub(r"\.(tar\.\w+|tgz|zip|egg|exe)$", "", filename)
    return stem.rpartition("-")[2]


def _file_url(file: IndexFile, project: IndexProject, options: PageOptions) -> str:
    if file.url is not None:
        return file.url
    return f"{options.files_url}/{normalize(project.name)}/{quote(file.filename)}"


def _core_metadata(file: IndexFile, options: PageOptions) -> dict[str, str] | bool:
    if file.core_metadata is None or not options.core_metadata:
        return False
    if options.core_metadata == "unhashed":
        return True
    return {"sha256": hashlib.sha256(file.core_metadata).hexdigest()}


def _file_json(file: IndexFile, project: IndexProject, options: PageOptions) -> dict[str, Any]:
    core_metadata = _core_metadata(file, options)
    entry: dict[str, Any] = {
        "filename": file.filename,
        "url": _file_url(file, project, options),
        "hashes": file.hashes,
        "requires-python": file.requires_python,
        "yanked": False if file.yanked is None else file.yanked or True,
        "core-metadata": core_metadata,
        "data-dist-info-metadata": core_metadata,
    }
    if options.has_api(1) and file.size is not None:
        entry["size"] = file.size
    if options.has_api(1) and file.upload_time is not None:
        entry["upload-time"] = file.upload_time
    if options.has_api(3):
        entry["provenance"] = file.provenance
    return entry


def _file_anchor(file: IndexFile, project: IndexProject, options: PageOptions) -> str:
    core_metadata = _core_metadata(file, options)
    metadata_value = f"sha256={core_metadata['sha256']}" if isinstance(core_metadata, dict) else "true"
    attributes = {
        "data-requires-python": file.requires_python,
        "data-dist-info-metadata": metadata_value if core_metadata else None,
        "data-core-metadata": metadata_value if core_metadata else None,
        "data-yanked": file.yanked,
        "data-provenance": file.provenance if options.has_api(3) else None,
    }
    return _anchor(_file_url(file, project, options) + _fragment(file.hashes), attributes, file.filename)


def _fragment(hashes: dict[str, str]) -> str:
    for algorithm in ("sha256", *hashes):
        if algorithm in hashes:
            return f"#{algorithm}={hashes[algorithm]}"
    return ""


def _anchor(href: str, attributes: dict[str, str | None], text: str) -> str:
    given = {"href": href} | {key: value for key, value in attributes.items() if value is not None}
    written = " ".join(f'{key}="{escape(value)}"' for key, value in given.items())
    return f"<a {written}>{escape(text)}</a>"


def _html(
    title: str, metas: list[tuple[str, str]], anchors: list[str], serial: int, options: PageOptions
) -> bytes:
    all_metas = [("pypi:repository-version", options.api_version), *metas]
    lines = ["<!DOCTYPE html>", "<html>", "  <head>"]
    lines += [f'    <meta name="{name}" content="{escape(value)}">' for name, value in all_metas]
    lines += [f"    <title>{escape(title)}</title>", "  </head>", "  <body>"]
    lines += [f"    {anchor}<br />" for anchor in anchors]
    lines += ["  </body>", "</html>"]
    if options.serial_comment:
        lines.append(f"<!--SERIAL {serial}-->")
    return "\n".join(lines).encode()
