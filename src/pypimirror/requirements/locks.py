"""A lock file (PEP 751), as `packaging.pylock` reads it."""

import tomllib

from packaging.pylock import Package, Pylock, PylockValidationError, is_valid_pylock_path
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from pypimirror.model import Digest, NormalizedName
from pypimirror.requirements import Lock, Root
from pypimirror.requirements.dependency import canonical_marker
from pypimirror.want import Want

__all__ = ["is_valid_pylock_path", "read"]


def read(content: bytes, source: str, *, is_exact: bool) -> tuple[Lock, list[Root], list[str]]:
    """Return what a lock file is for, what it pins, and what of it can't be mirrored; raise ValueError."""
    try:
        lock = Pylock.from_dict(tomllib.loads(content.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise ValueError("is no text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is no TOML: {error}") from error
    except PylockValidationError as error:
        raise ValueError(f"is no lock file as PEP 751 has it: {error}") from error
    roots = [_root(each, source, is_exact=is_exact) for each in lock.packages if not each.is_direct]
    ignored = [
        f"{source}: {each.name}: locked to {_direct(each)}, and to no file of an index"
        for each in lock.packages
        if each.is_direct
    ]
    # One that can't be written may hold anywhere.
    environments = tuple(canonical_marker(str(each)) or "" for each in lock.environments or ())
    return Lock(source, str(lock.requires_python or ""), environments), roots, ignored


def _root(package: Package, source: str, *, is_exact: bool) -> Root:
    files = [*(package.wheels or ()), *([package.sdist] if package.sdist else ())]
    digests = sorted({Digest(a.lower(), h.lower()) for file in files for a, h in file.hashes.items()})
    want = Want(f"=={_version(package)}", tuple(digests) if is_exact else ())
    # One that can't be written counts everywhere.
    marker = canonical_marker(str(package.marker or "")) or ""
    return Root(NormalizedName(package.name), want, marker=marker, source=source)


def _version(package: Package) -> str:
    """Return the version; a package whose version its sources tell may have none, and its files do."""
    if package.version is not None:
        return str(package.version)
    if package.wheels:
        return str(parse_wheel_filename(package.wheels[0].filename)[1])
    assert package.sdist is not None
    return str(parse_sdist_filename(package.sdist.filename)[1])


def _direct(package: Package) -> str:
    if package.vcs:
        return "a repository of sources"
    return "a folder" if package.directory else "an archive by its address"
