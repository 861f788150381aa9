"""Names of files: which are safe in a project's folder, which are distributions, and their versions. Pure."""

import functools
import re
from collections.abc import Callable

from packaging.version import Version

from pypimirror import names

SDIST_SUFFIXES = (".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz", ".tar.z", ".tar")
BUILT_SUFFIXES = (".whl", ".egg", ".exe", ".msi", ".dmg")
PASSED_OVER = (".tbz", ".tbz2", ".txz", ".tlz", ".tar.lz", ".tar.lzma", ".tar.zst", ".rpm", ".deb")
"""What indexes list beside that, and no client of a mirror installs."""

MAX_VERSION = 200
"""Characters: a longer text is no version; the name of a file has no room for it."""

MAX_BYTES = 240
"""A file system takes 255 bytes; `.provenance` has to fit behind."""

# A mirror's own pages, files that stand beside a file, and what a web server would show or run as its own.
_RESERVED_SUFFIXES = (
    ".metadata",
    ".provenance",
    ".html",
    ".htm",
    ".xhtml",
    ".shtml",
    ".v1_json",
    ".php",
    ".cgi",
    ".svg",
)


_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda name: not name, "empty"),
    (lambda name: not name.isprintable(), "of unprintable characters"),
    (lambda name: "\N{REPLACEMENT CHARACTER}" in name, "not readable in the page's encoding"),
    (lambda name: "/" in name or "\\" in name, "a path"),
    (lambda name: name.startswith((".", "-", " ")), "hidden, or begins with a dash or a space"),
    (lambda name: name.endswith((".", " ")), "ended by a dot or a space"),
    (lambda name: len(name.encode(errors="replace")) > MAX_BYTES, f"longer than {MAX_BYTES:,} bytes"),
    (lambda name: name.lower().endswith(_RESERVED_SUFFIXES), "like a page's or a companion file's"),
)


def why_unsafe(filename: str) -> str | None:
    """Say why `filename` can't be a file's name in a project's folder; None where it can."""
    return next((reason for is_unsafe, reason in _RULES if is_unsafe(filename)), None)


def is_distribution(filename: str) -> bool:
    """Tell by its ending whether this is an sdist, a wheel, an egg or an installer."""
    return filename.lower().endswith(SDIST_SUFFIXES + BUILT_SUFFIXES)


def is_wheel(filename: str) -> bool:
    """Tell by its ending whether this is a wheel."""
    return filename.endswith(".whl")


def is_passed_over(filename: str) -> bool:
    """Tell by its ending whether this is a file of a project that no client of a mirror installs."""
    return filename.lower().endswith(PASSED_OVER)


def ending_of(filename: str, endings: tuple[str, ...]) -> str:
    """Return which of some endings a file's name has, in whatever case; empty where it has none of them."""
    lower = filename.lower()
    return next((each for each in endings if lower.endswith(each)), "")


def _spellings(project: str) -> str:
    """Return a regular expression for all ways to spell a project's name."""
    return r"[-_.]+".join(map(re.escape, project.split("-")))


@functools.lru_cache(maxsize=64)
def _spelled(project: str) -> re.Pattern[str]:
    return re.compile(_spellings(project) + "-(.+)", re.IGNORECASE | re.DOTALL)


def _behind_name(filename: str, project: str) -> str | None:
    """Return what stands between the project's name, in any spelling, and the ending."""
    suffix = ending_of(filename, SDIST_SUFFIXES + BUILT_SUFFIXES + PASSED_OVER)
    named = _spelled(project).fullmatch(filename[: len(filename) - len(suffix)])
    return named[1] if named else None


def is_of_another(filename: str, project: str) -> bool:
    """Tell whether a file does not begin with the project's name, as clients want it."""
    return _behind_name(filename, project) is None


def is_file_of(filename: str, project: str) -> bool:
    """Tell whether a file is one of `project` beyond doubt: `foo-bar-1.0.zip` is none of `foo`.

    A version that PEP 440 does not know is one if it begins as versions do, and can't be another name's end.
    """
    behind = _behind_name(filename, project)
    if behind is None:
        return False
    if filename.lower().endswith((".whl", ".egg")):
        version, _, tags = behind.partition("-")
        is_complete = tags.count("-") in (2, 3) or filename.lower().endswith(".egg")
        return is_complete and re.match(r"v?\d", version) is not None
    if filename.lower().endswith(BUILT_SUFFIXES + PASSED_OVER):
        behind = re.sub(r"[.-](?:win|linux|macosx|noarch|x86_64|i\d86|src).*", "", behind)
    if _read_version(behind):
        return True
    rest, _, last = behind.rpartition("-")
    return re.match(r"v?\d", behind) is not None and not (rest and _read_version(last))


def version_of(filename: str, project: str) -> str | None:
    """Return the version that the name of a file of `project` spells; None where none can be told.

    Wheels and eggs: the second part (binary distribution format specification). Sdists: what follows the
    project's name, in any spelling of it; else what follows the last hyphen.
    """
    if filename.endswith((".whl", ".egg")):
        parts = filename[:-4].split("-")
        return (parts[1] if len(parts) > 1 else "") or None
    suffix = ending_of(filename, SDIST_SUFFIXES + BUILT_SUFFIXES)
    if not suffix:
        return None
    stem = filename[: -len(suffix)]
    name, _, version = stem.rpartition("-")
    # A pattern for each project is slow to compile, and few versions have a hyphen in them.
    if not (names.is_spelling(name, project) and re.match(r"v?\d", version)):
        named = re.match(_spellings(project) + r"-(?=\d|v\d)", stem, re.IGNORECASE)
        version = stem[named.end() :] if named else version
    if suffix in BUILT_SUFFIXES:
        version = re.sub(r"[.-](?:win|linux|macosx).*", "", version)
    return version or None


def release_in(filename: str, project: str) -> Version | None:
    """Return the version of a file that is one of `project` by its name; None for any other file.

    Wheels and sdists as packaging reads them, other archives as if they were sdists; eggs and installers by
    their first two parts.
    """
    # Slow, and seldom needed.
    from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

    suffix = ending_of(filename, SDIST_SUFFIXES + BUILT_SUFFIXES)
    if not suffix:
        return None
    stem = filename[: -len(suffix)]
    try:
        if suffix == ".whl":
            name, version = parse_wheel_filename(filename)[:2]
        elif suffix in SDIST_SUFFIXES:
            name, version = parse_sdist_filename(f"{stem}.tar.gz")
        else:
            told = version_of(filename, project) or ""
            version = Version(told)
            name = canonicalize_name(stem.partition(f"-{told}")[0])
    except ValueError:  # InvalidWheelFilename, InvalidSdistFilename, InvalidVersion
        return None
    return version if name == project else None


_MAGIC = {
    ".whl": (b"PK",),
    ".zip": (b"PK",),
    ".egg": (b"PK",),
    ".tar.gz": (b"\x1f\x8b",),
    ".tgz": (b"\x1f\x8b",),
    ".tar.z": (b"\x1f\x9d", b"\x1f\xa0"),
    ".tar.bz2": (b"BZh",),
    ".tar.xz": (b"\xfd7zXZ",),
    ".exe": (b"MZ",),
    ".msi": (b"\xd0\xcf\x11\xe0",),
    ".rpm": (b"\xed\xab\xee\xdb",),
    ".deb": (b"!<arch>",),
}


def magic_of(filename: str) -> tuple[bytes, ...]:
    """Return what files of this ending begin with; nothing where that can't be told."""
    return _MAGIC.get(ending_of(filename, tuple(_MAGIC)), ())


def canonical_version(version: str) -> str:
    """Return the PEP 440 normal form, or the text itself where it is no version; for comparing spellings."""
    read = _read_version(version) if len(version) <= MAX_VERSION else None
    return version if read is None else str(read)


def version_key(version: str) -> tuple[bool, Version, str]:
    """Return what versions are sorted by; what is no version comes before all versions."""
    read = _read_version(version) if len(version) <= MAX_VERSION else None
    return (False, _NO_VERSION, version) if read is None else (True, read, version)


_NO_VERSION = Version("0")


@functools.lru_cache(maxsize=4096)
def _read_version(version: str) -> Version | None:
    try:
        return Version(version)
    except ValueError:  # InvalidVersion, and numbers of too many digits
        return None


def spelling_of(filename: str, project: str) -> str | None:
    """Return how the name of an sdist of `project` spells it; None where that is the file format's spelling.

    PEP 625 has the normalized name with underscores, which nobody types.
    """
    if not ending_of(filename, SDIST_SUFFIXES):
        return None
    if filename.startswith((f"{project}-", f"{project.replace('-', '_')}-")):
        return None
    spelled = re.match(_spellings(project) + r"(?=-v?\d)", filename, re.IGNORECASE)
    return None if spelled is None or spelled[0].replace("_", "-") == project else spelled[0]


_OWN_PACKINGS = {
    "gzip": (".gz", ".tgz"),
    "bzip2": (".bz2", ".tbz", ".tbz2"),
    "xz": (".xz", ".txz"),
    "compress": (".z",),
    "zstd": (".zst",),
}


def is_own_packing(filename: str, encoding: str) -> bool:
    """Tell whether a Content-Encoding names what a file is packed with by itself (Apache's AddEncoding)."""
    return filename.lower().endswith(_OWN_PACKINGS.get(encoding.removeprefix("x-"), ()))
