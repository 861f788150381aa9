"""Pages of well-known projects, cut down to the files that are told apart by something."""

import functools
from pathlib import Path

import msgspec

from pypimirror.model import File, NormalizedName

_DATA = Path(__file__).parent / "data" / "real_pages.json"


class _Release(msgspec.Struct, frozen=True):
    version: str
    uploaded: str
    files: dict[str, int]
    requires_python: str | None = None
    yanked: str | None = None


@functools.cache
def page(name: str) -> tuple[File, ...]:
    """Return the files of a project."""
    return tuple(
        File(
            filename=filename,
            url=f"https://files.example.org/{filename}",
            version=release.version,
            requires_python=release.requires_python,
            upload_time=release.uploaded,
            yanked=release.yanked,
            size=size,
        )
        for release in _read()[name]
        for filename, size in release.files.items()
    )


def projects() -> tuple[NormalizedName, ...]:
    """Return the names of the projects."""
    return tuple(NormalizedName(name) for name in _read())


@functools.cache
def _read() -> dict[str, list[_Release]]:
    return msgspec.json.decode(_DATA.read_bytes(), type=dict[str, list[_Release]])
