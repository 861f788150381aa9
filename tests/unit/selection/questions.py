"""Short ways to ask what rules choose."""

from collections.abc import Collection, Iterable
from typing import Any

from pypimirror.model import Digest, File, NormalizedName
from pypimirror.selection import Selection
from pypimirror.selection.options import FileRules
from pypimirror.selection.want import Decision
from pypimirror.want import Want

NAME = NormalizedName("demo")
NOW = 1_790_000_000.0
"""2026-09-21 14:13:20 UTC."""


def file_of(filename: str, **facts: Any) -> File:
    """A file with facts of its own."""
    return File(filename=filename, url=f"https://files.example.org/{filename}", **facts)


def sdists(*versions: str, **facts: object) -> tuple[File, ...]:
    """An sdist of each of these versions."""
    return tuple(file_of(f"demo-{version}.tar.gz", version=version, **facts) for version in versions)


def decide(
    files: Iterable[File],
    rules: FileRules | None = None,
    *,
    wants: Collection[Want] = (),
    held: Collection[str] = (),
    now: float = NOW,
) -> Decision:
    """Decide on files of `demo`: every version is wanted, unless there are `wants`."""
    chosen = Selection(package_matches=() if wants else ("*",), rules=rules or FileRules())
    if wants:
        chosen.asked[NAME] = frozenset(wants)
    return chosen.decide(NAME, tuple(files), now=now, held=held)


def versions(decided: Decision) -> list[str | None]:
    """The versions of the wanted files."""
    return [file.version for file in decided.wanted]


def why(decided: Decision) -> dict[str, tuple[str, str]]:
    """Rule and reason by the names of the files that were left out."""
    return {each.file.filename: (each.rule, each.why) for each in decided.left_out}


def sha256(character: str) -> tuple[Digest, ...]:
    """A digest of one character."""
    return (Digest("sha256", character * 64),)
