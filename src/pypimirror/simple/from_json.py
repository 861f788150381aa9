"""The JSON representation of a project page (PEP 691, 700, 714, 740, 792), decoded by msgspec."""

import msgspec

from pypimirror import names
from pypimirror.filenames import canonical_version, version_of
from pypimirror.model import Digest, File, NormalizedName, ProjectPage
from pypimirror.simple.problems import (
    PageProblem,
    check_api_version,
    digests,
    file_url,
    project_status,
    provenance,
    refusal,
)

# Lists and serials as other servers really send them: null for what is absent, serials as text.
_Serial = int | str | None
_CoreMetadata = bool | dict[str, str] | None


class Meta(msgspec.Struct):
    """The `meta` object of either page."""

    api_version: str = msgspec.field(name="api-version", default="1.0")
    last_serial: _Serial = msgspec.field(name="_last-serial", default=None)
    project_status: "_Status | str | None" = msgspec.field(name="project-status", default=None)
    """Where the specification's example has it."""


class _Status(msgspec.Struct):
    status: str | None = None
    reason: str | None = None


class _File(msgspec.Struct):
    filename: str
    url: str
    hashes: dict[str, str] | None = None
    size: int | str | None = None
    requires_python: str | None = msgspec.field(name="requires-python", default=None)
    yanked: bool | str | None = None
    upload_time: str | None = msgspec.field(name="upload-time", default=None)
    core_metadata: _CoreMetadata = msgspec.field(name="core-metadata", default=None)
    dist_info_metadata: _CoreMetadata = msgspec.field(name="dist-info-metadata", default=None)
    data_dist_info_metadata: _CoreMetadata = msgspec.field(name="data-dist-info-metadata", default=None)
    provenance: str | None = None


class _Page(msgspec.Struct):
    files: list[_File]
    meta: Meta
    name: str | None = None
    versions: list[str] | None = None
    project_status: _Status | str | None = msgspec.field(name="project-status", default=None)


NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that are not what was expected; the last one for deep nesting."""

_MAX_SIZE = 1 << 53
_MAX_SERIAL = 100
"""Characters."""

_decode = msgspec.json.Decoder(_Page).decode


def project_page(content: bytes, url: str, name: NormalizedName) -> ProjectPage:
    """Read a project page; raise PageProblem where it is none."""
    try:
        page = _decode(content)
    except NOT_DECODED as error:
        raise PageProblem(f"not the JSON of a project page ({error})") from error
    check_api_version(page.meta.api_version)
    if page.name is not None and not _is_named(page.name, name):
        raise PageProblem(f"it is the page of {page.name[:100]!r}")
    spelled = {canonical_version(v): v for v in page.versions or ()}
    files: dict[str, File] = {}
    refused = []
    unusable = set()
    for entry in page.files:
        reason = refusal(entry.filename)
        try:
            if reason is None:
                files.setdefault(entry.filename, _file(entry, url, name, spelled))
        except ValueError as error:
            reason = f"{entry.filename!r}: {error}"
            unusable.add(entry.filename)
        if reason is not None:
            refused.append(reason)
    status, status_reason = _project_status(page.project_status or page.meta.project_status)
    return ProjectPage(
        files=tuple(files.values()),
        serial=serial_text(page.meta.last_serial),
        status=status,
        status_reason=status_reason,
        refused=tuple(refused),
        project=None if page.name is None else name,
        unusable=frozenset(unusable),
    )


def serial_text(serial: _Serial) -> str | None:
    """Return a serial as text: they are compared for equality only. One of many characters is none."""
    text = None if serial is None else str(serial)
    return text if text is not None and len(text) <= _MAX_SERIAL else None


def _file(entry: _File, url: str, name: NormalizedName, spelled: dict[str, str]) -> File:
    version = version_of(entry.filename, name)
    if version is not None:
        version = spelled.get(canonical_version(version), version) if spelled else version
    return File(
        filename=entry.filename,
        url=file_url(url, entry.url),
        digests=digests(entry.hashes or {}),
        size=_size(entry.size),
        version=version,
        requires_python=entry.requires_python or None,
        yanked=_yanked(entry.yanked),
        core_metadata=_core_metadata(entry),
        upload_time=entry.upload_time or None,
        provenance=provenance(entry.provenance),
    )


def _project_status(marker: _Status | str | None) -> tuple[str | None, str | None]:
    if isinstance(marker, _Status):
        return project_status(marker.status, marker.reason)
    return project_status(marker, None)


def _size(size: int | str | None) -> int | None:
    if size is None or size == "":
        return None
    text = str(size) if isinstance(size, int) and size < _MAX_SIZE else size
    if not isinstance(text, str) or not text.isdecimal() or len(text) > 16:
        raise ValueError("its size is no number of bytes")
    return int(text)


def _is_named(shown: str, name: NormalizedName) -> bool:
    return names.is_valid(shown) and names.normalize(shown) == name


def _yanked(yanked: bool | str | None) -> str | None:  # noqa: FBT001 (PEP 592's own type)
    if yanked is None or yanked is False:
        return None
    return "" if yanked is True else yanked


def _core_metadata(entry: _File) -> tuple[Digest, ...] | None:
    # PEP 714: the new name wins; the others are what servers wrote before it, or by mistake.
    offers = (entry.core_metadata, entry.dist_info_metadata, entry.data_dist_info_metadata)
    offer = next((o for o in offers if o is not None), None)
    if offer is None or offer is False:
        return None
    return () if offer is True else digests(offer)
