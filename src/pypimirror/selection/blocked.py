"""The rule `blocked_files`: what is never mirrored, whatever else selects it."""

from packaging.version import Version

from pypimirror.model import File, NormalizedName
from pypimirror.selection.options import Blocked
from pypimirror.selection.releases import Release, release
from pypimirror.selection.want import No


def by_release(blocked: Blocked) -> dict[str, frozenset[Version | str]]:
    """Return what is blocked of each project, by the identity of its releases."""
    found: dict[str, set[Version | str]] = {}
    for name, version in blocked.releases:
        found.setdefault(name, set()).add(release(version).identity)
    return {name: frozenset(versions) for name, versions in found.items()}


def no_blocked_digest(file: File, sha256: str | None, digests: frozenset[str]) -> No | None:
    """Say that a file is blocked by a digest: by what upstream offers, or by what is held; None where not."""
    offered = {digest.hexdigest for digest in file.digests if digest.algorithm == "sha256"}
    found = sorted((offered | {sha256 or ""}) & digests)
    return No("blocked_files", f"its sha256 {found[0]} is blocked") if found else None


def no_blocked_release(
    name: NormalizedName, found: Release, identities: frozenset[Version | str]
) -> No | None:
    """Say that a release is blocked, by its version with or without the local part; None where not."""
    if found.identity in identities or found.public in identities:
        return No("blocked_files", f"{name}=={found.shown} is blocked")
    return None
