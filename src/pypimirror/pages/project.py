"""What a project's page shows, its files in order. Pure."""

import msgspec

from pypimirror.filenames import version_key
from pypimirror.model import HeldFile, NormalizedName


class PublishedProject(msgspec.Struct, frozen=True, kw_only=True):
    """What a project's page shows."""

    name: NormalizedName
    files: tuple[HeldFile, ...]
    """By version, and then by name, however they were handed in."""
    display_name: str = ""
    """The name as people spell it; empty where that is not known."""
    status: str | None = None
    status_reason: str | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "files", tuple(sorted(self.files, key=_place)))


def _place(held: HeldFile) -> tuple[object, ...]:
    return (*version_key(held.file.version or ""), held.file.filename)
