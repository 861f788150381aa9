"""The JSON representation of a project page (PEP 691, 700, 714, 740, 792), decoded by msgspec.

One typed decode; where that fails, `lenient` makes of the page what can be made of it.
"""

import msgspec

from pypimirror import names
from pypimirror.filenames import canonical_version, version_of
from pypimirror.model import Digest, File, NormalizedName, ProjectPage
from pypimirror.simple import lenient
from pypimirror.simple.digests import digests
from pypimirror.simple.gathered import Gathered
from pypimirror.simple.problems import (
    LONGEST_REASON,
    LONGEST_TEXT,
    MOST_ENTRIES,
    PageError,
    check_api_version,
    project_status,
    provenance,
)
from pypimirror.simple.urls import file_url, is_of_project
from pypimirror.upload_times import normal_time

# Lists and serials as other servers really send them: null for what is absent, serials as text.
_Serial = int | str | None
_CoreMetadata = bool | dict[str, str] | None


class Meta(msgspec.Struct, rename="kebab"):
    """The `meta` object of either page."""

    api_version: str | int | float = "1.0"
    last_serial: _Serial = msgspec.field(name="_last-serial", default=None)
    project_status: "_ProjectStatus | str | None" = None
    """Where the specification's example has it."""


class _ProjectStatus(msgspec.Struct):
    status: str | None = None
    reason: str | None = None


class _FileEntry(msgspec.Struct, rename="kebab"):
    filename: str
    url: str
    hashes: dict[str, str | None] | None = None
    size: int | str | None = None
    requires_python: str | None = None
    yanked: bool | str | None = None
    upload_time: str | None = None
    core_metadata: _CoreMetadata = None
    dist_info_metadata: _CoreMetadata = None
    data_dist_info_metadata: _CoreMetadata = None
    provenance: str | None = None


class _Page(msgspec.Struct, rename="kebab"):
    files: list[_FileEntry]
    meta: Meta
    name: str | None = None
    versions: list[str] | None = None
    project_status: _ProjectStatus | str | None = None


NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that are not what was expected; the last one for deep nesting."""

_MAX_SIZE = 1 << 53
_MOST_VALUES = 1_000_000
"""Commas of a page: what it decodes to takes memory by its values, not by its bytes."""
_LONGEST_SERIAL = 100
"""Characters."""

_decode = msgspec.json.Decoder(_Page).decode


def project_page(content: bytes, url: str, name: NormalizedName) -> ProjectPage:
    """Read a project page; raise PageError where it is none."""
    content = lenient.as_utf8(content)
    if content.count(b",") > _MOST_VALUES:
        raise PageError(f"it has more than {_MOST_VALUES:,} values")
    gathered = Gathered(name)
    try:
        page = _decode(content)
    except NOT_DECODED as error:
        page = _leniently(content, error, gathered)
    check_api_version(page.meta.api_version)
    if page.name is not None and not names.is_spelling(page.name, name):
        raise PageError(f"it is the page of {page.name[:100]!r}")
    if len(page.files) + gathered.nameless > MOST_ENTRIES:
        raise PageError(f"it has more than {MOST_ENTRIES:,} files")
    spelled = {canonical_version(v): v for v in page.versions or () if len(v) <= LONGEST_TEXT}
    for entry in page.files:
        gathered.take(entry.filename, _file, entry, url, name, spelled, gathered)
    marker = page.project_status or page.meta.project_status
    said = marker if isinstance(marker, _ProjectStatus) else _ProjectStatus(marker)
    status, status_reason = project_status(said.status, said.reason)
    is_proved = page.name is not None and is_of_project(url, name)
    if page.name is None:
        gathered.skip_others()
    return gathered.page(
        serial=serial_text(page.meta.last_serial),
        status=status,
        status_reason=status_reason,
        project=name if is_proved else None,
    )


def _leniently(content: bytes, error: Exception, gathered: Gathered) -> _Page:
    """Read what can be read of a page that is not all of the right types."""
    envelope = lenient.envelope(content, error)
    note = gathered.note
    said = envelope["meta"]
    version = said.get("api-version")
    serial = said.get("_last-serial")
    display_name = envelope.get("name")
    if display_name is not None and not isinstance(display_name, str):
        note("", "the page's name is no text")
    files = [_lenient_file(entry, gathered) for entry in envelope["files"]]
    listed = envelope.get("versions")
    return _Page(
        files=[file for file in files if file is not None],
        meta=Meta(
            api_version="1.0" if version is None else str(version),
            last_serial=serial if isinstance(serial, int) else lenient.text(serial),
            project_status=_status(said.get("project-status"), gathered),
        ),
        name=display_name if isinstance(display_name, str) else None,
        versions=[v for v in listed if isinstance(v, str)] if isinstance(listed, list) else None,
        project_status=_status(envelope.get("project-status"), gathered),
    )


def _status(said: object, gathered: Gathered) -> _ProjectStatus | str | None:
    if isinstance(said, dict):
        return _ProjectStatus(lenient.text(said.get("status")), lenient.text(said.get("reason")))
    if said is None or isinstance(said, str):
        return lenient.text(said)
    gathered.note("", "the project's status is no text")
    return None


def _lenient_file(entry: object, gathered: Gathered) -> _FileEntry | None:
    """Return an entry with the fields that are of the right type; None where it has no name or address."""
    filename = entry.get("filename") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(filename, str) or not filename:
        gathered.refuse_nameless("an entry without the name of a file")
        return None
    if not isinstance(entry.get("url"), str):
        gathered.refuse(filename, "its address is no text")
        return None
    fields, dropped = lenient.fields(entry)
    for key in dropped:
        gathered.note(filename, f"its {key} is not of the right type")
    return msgspec.convert(fields, _FileEntry)


def serial_text(serial: _Serial) -> str | None:
    """Return a serial as text: they are compared for equality only. One of many characters is none."""
    text = None if serial is None else str(serial)
    return text if text is None or len(text) <= _LONGEST_SERIAL else None


def _file(
    entry: _FileEntry, url: str, name: NormalizedName, spelled: dict[str, str], gathered: Gathered
) -> File:
    filename = entry.filename
    version = version_of(filename, name)
    if version is not None:
        version = spelled.get(canonical_version(version), version) if spelled else version
    uploaded = normal_time(entry.upload_time) if entry.upload_time else None
    if entry.upload_time and uploaded is None:
        gathered.note(filename, "its upload time is no moment in UTC")
    size = _size(entry, gathered)
    if size == 0:
        gathered.note(filename, "no distribution has no bytes at all")
    return File(
        filename=filename,
        url=file_url(url, entry.url),
        digests=digests(entry.hashes.items()) if entry.hashes else (),
        size=size or None,
        version=version,
        requires_python=gathered.requires_python(filename, entry.requires_python),
        yanked=_yanked(entry),
        core_metadata=_core_metadata(entry, gathered),
        upload_time=uploaded,
        provenance=provenance(entry.provenance),
    )


def _size(entry: _FileEntry, gathered: Gathered) -> int | None:
    size = entry.size
    if size is None or size == "":
        return None
    text = str(size) if isinstance(size, int) and size < _MAX_SIZE else size
    if isinstance(text, str) and text.isdecimal() and len(text) <= 16:
        return int(text)
    if isinstance(text, str) and not text.lstrip("-").isdecimal():
        gathered.note(entry.filename, "its size is no number")
        return None
    raise ValueError("its size is no number of bytes")


def _yanked(entry: _FileEntry) -> str | None:
    if entry.yanked is None or entry.yanked is False:
        return None
    return "" if entry.yanked is True else entry.yanked[:LONGEST_REASON]


def _core_metadata(entry: _FileEntry, gathered: Gathered) -> tuple[Digest, ...] | None:
    # PEP 714: the new name wins; the others are what servers wrote before it, or by mistake.
    offers = (entry.core_metadata, entry.dist_info_metadata, entry.data_dist_info_metadata)
    offer = next((o for o in offers if o is not None), None)
    if offer is None or offer is False:
        return None
    return () if offer is True else gathered.core_metadata(entry.filename, digests, offer.items())
