"""Which files a mirror has to have by the options about files and dependencies, for the random walk.

It shares no code with what it is compared with, and knows only the kinds of files and requirements that the
walk makes.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from tests.fake_index import FakeIndex
from tests.index_pages import IndexFile, normalize

Chosen = dict[str, dict[str, IndexFile]]
Held = Mapping[str, Mapping[str, str]]

TAGS = {
    "py3-none-any": ("", ""),
    "cp312-cp312-manylinux_2_17_x86_64": ("3.12", "linux_x86_64"),
    "cp39-cp39-win_amd64": ("3.9", "win_amd64"),
}
"""The tags of wheels that the walk makes, with the Python and the platform that each is for."""
MARKERS = {
    "": ("", ""),
    'sys_platform == "win32"': ("", "win_amd64"),
    'python_version < "3.10"': ("3.9", ""),
}
"""The markers that the walk writes, with the Python and the platform for which each holds."""
MIN_AGE = timedelta(days=7)


class FileOptions(Protocol):
    """The options that count here."""

    package_matches: str
    python_versions: str
    platforms: str
    file_types: str
    versions: str
    excluded_versions: str
    prereleases: bool | str
    yanked: bool
    latest_releases: int
    min_age_days: int
    blocked_files: str
    max_file_size: int
    max_project_size: int
    dependencies: bool
    dependency_versions: str
    requirements: str

    def excludes(self, project: str) -> bool: ...
    def matches(self, project: str) -> bool: ...
    def selects_file(self, filename: str) -> bool: ...


def chosen(options: FileOptions, index: FakeIndex, held: Held) -> Chosen:
    """Return what upstream has of what is selected or needed; `held` is what the pages list already."""
    asked = _asked_by_roots(options)
    while True:
        found = {
            name: _of_project(
                options, name, record.listed_files, _wants(options, asked, name), held.get(name, ())
            )
            for name, record in index.records().items()
            if not options.excludes(name) and (options.matches(name) or name in asked)
        }
        more = _asked_by_roots(options)
        for line in _required(found) if options.dependencies else ():
            _ask(options, more, line)
        if more == asked:
            return found
        asked = more


def roots(options: FileOptions) -> set[str]:
    """Return the projects that the file of requirements names for one of the environments."""
    return {name for name in _asked_by_roots(options) if not options.excludes(name)}


def _asked_by_roots(options: FileOptions) -> dict[str, set[str]]:
    asked: dict[str, set[str]] = {}
    for line in options.requirements.splitlines():
        _ask(options, asked, line, is_root=True)
    return asked


def _ask(options: FileOptions, asked: dict[str, set[str]], line: str, *, is_root: bool = False) -> None:
    requirement = Requirement(line)
    python, platform = MARKERS[str(requirement.marker or "")]
    if _is_for(options, python, platform):
        is_all = options.dependency_versions == "all" and not is_root
        specifier = "" if is_all else str(requirement.specifier)
        asked.setdefault(normalize(requirement.name), set()).add(specifier)


def _wants(options: FileOptions, asked: Mapping[str, set[str]], name: str) -> set[str]:
    return asked.get(name, set()) | ({""} if options.matches(name) else set())


def _required(found: Chosen) -> Iterable[str]:
    for files in found.values():
        for file in files.values():
            for line in (file.core_metadata or b"").decode().splitlines():
                if line.startswith("Requires-Dist: "):
                    yield line.removeprefix("Requires-Dist: ")


def _is_for(options: FileOptions, python: str, platform: str) -> bool:
    is_python = not python or not options.python_versions or python in options.python_versions.split()
    return is_python and (not platform or not options.platforms or platform in options.platforms.split())


def _of_project(
    options: FileOptions, name: str, files: Iterable[IndexFile], wants: set[str], held: Iterable[str]
) -> dict[str, IndexFile]:
    each = [file for file in files if _is_fit(options, name, file, wants, frozenset(held))]
    taken = {file.filename for want in wants for file in _of_want(options, each, want)}
    return {
        file.filename: file for file in _in_room(options, [f for f in each if f.filename in taken], wants)
    }


def version_of(filename: str) -> Version:
    """Return the version that a file's name tells."""
    is_wheel = filename.endswith(".whl")
    return parse_wheel_filename(filename)[1] if is_wheel else parse_sdist_filename(filename)[1]


def _is_fit(options: FileOptions, name: str, file: IndexFile, wants: set[str], held: frozenset[str]) -> bool:
    """Say whether no rule about one file by itself leaves it out."""
    version, is_wheel = version_of(file.filename), file.filename.endswith(".whl")
    tag = "-".join(file.filename.removesuffix(".whl").split("-")[2:])
    pythons = options.python_versions.split()
    return (
        f"{name}=={version}" not in options.blocked_files.split()
        and options.selects_file(file.filename)
        and (not options.file_types or ("wheel" if is_wheel else "sdist") in options.file_types.split())
        and (not is_wheel or _is_for(options, *TAGS[tag]))
        and (not pythons or any(f"{each}.1" in SpecifierSet(file.requires_python or "") for each in pythons))
        and _is_in(options.versions, name, version) is not False
        and not _is_in(options.excluded_versions, name, version)
        and (options.yanked or file.yanked is None or _is_pinned(version, wants))
        and (not options.max_file_size or len(file.content) <= options.max_file_size)
        and (not options.min_age_days or file.filename in held or _is_old(file))
    )


def _is_in(line: str, name: str, version: Version) -> bool | None:
    """Say whether a line admits a version; None where it is about another project, or empty."""
    if not line or line.split(maxsplit=1)[0] != name:
        return None
    return SpecifierSet(line.split()[1]).contains(version, prereleases=True)


def _is_pinned(version: Version, wants: Iterable[str]) -> bool:
    return any(want.startswith("==") and version in SpecifierSet(want, prereleases=True) for want in wants)


def _is_old(file: IndexFile) -> bool:
    uploaded = datetime.fromisoformat(file.upload_time) if file.upload_time else None
    return uploaded is not None and datetime.now(UTC) - uploaded > MIN_AGE


def _of_want(options: FileOptions, files: list[IndexFile], want: str) -> Iterable[IndexFile]:
    asked = [f for f in files if SpecifierSet(want, prereleases=True).contains(version_of(f.filename))]
    pinned = [file for file in asked if _is_pinned(version_of(file.filename), [want])]
    final = [file for file in asked if not version_of(file.filename).is_prerelease]
    may_be_needed = options.prereleases == "if-needed" or SpecifierSet(want).prereleases
    if options.prereleases is True or (may_be_needed and not final):
        final = asked
    newest = sorted({version_of(file.filename) for file in final}, reverse=True)
    taken = newest[: options.latest_releases] if options.latest_releases else newest
    return [*pinned, *(file for file in final if version_of(file.filename) in taken)]


def _in_room(options: FileOptions, files: list[IndexFile], wants: set[str]) -> Iterable[IndexFile]:
    def turn(file: IndexFile) -> tuple[bool, Version, bool]:
        version = version_of(file.filename)
        return _is_pinned(version, wants), version, file.filename.endswith(".whl")

    taken = 0
    by_name = sorted(files, key=lambda each: each.filename, reverse=True)
    by_name.sort(key=turn)
    for file in reversed(by_name):  # of equals the last comes first
        taken += len(file.content)
        if options.max_project_size and taken > options.max_project_size:
            return
        yield file
