"""The configuration: INI text to one frozen `Config`, with every problem in one error."""

import difflib
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pypimirror.addresses import masked, without_credentials
from pypimirror.config import choices, ini, readers, requirement_files
from pypimirror.config.readers import COMMENT
from pypimirror.errors import ConfigError, Problem
from pypimirror.model import Digest, File, NormalizedName
from pypimirror.requirements import Roots
from pypimirror.selection import (
    Blocked,
    LatestReleases,
    Prereleases,
    ProjectVersions,
    asks_for_everything,
)

__all__ = ["OPTIONS", "Config", "Option", "load", "parse"]

_COMMAND_LINE = "command line"
_T = TypeVar("_T")
_COMMENT = re.compile(r"(?:^|\s)#.*", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A sound configuration. Paths are absolute, addresses of an index end in a slash."""

    mirror_file_path: Path
    package_matches: tuple[str, ...]
    """Empty where `requirements` alone say what to mirror: no project is selected by a pattern."""
    package_excludes: tuple[str, ...]
    filename_matches: tuple[str, ...]
    filename_excludes: tuple[str, ...]
    python_versions: tuple[str, ...]
    """Sorted, as what follows is, so that the order in which it was written means nothing."""
    platforms: tuple[str, ...]
    implementations: tuple[str, ...]
    glibc: tuple[int, int] | None
    """None is any."""
    file_types: tuple[str, ...]
    versions: ProjectVersions
    excluded_versions: ProjectVersions
    prereleases: Prereleases
    yanked: bool
    latest_releases: LatestReleases
    min_age_days: float
    min_age_exceptions: tuple[str, ...]
    min_age_unknown: str
    """`hold` or `allow`."""
    blocked_files: Blocked
    max_file_size: int
    """Bytes, 0 is any; so is the next."""
    max_project_size: int
    index_url: str
    index_hosts: tuple[str, ...]
    """Globs in lower case, as the next two."""
    private_hosts: tuple[str, ...]
    accept_unverified: tuple[str, ...]
    ca_bundle: Path | None
    client_certificate: tuple[Path, ...]
    """One file with certificate and key, or one for each."""
    base_url: str
    lock_file_name: Path
    log_filename: Path
    state_dir: Path
    cleanup: bool
    create_indexes: bool
    full_index: bool
    name_links: bool
    provenance: bool
    provenance_required: tuple[str, ...]
    verbose: bool
    external_links: bool
    follow_external_index_pages: bool
    external_links_everything: bool
    external_http: bool
    external_hosts: tuple[str, ...]
    """Globs in lower case."""
    external_interval_hours: float
    fetch_since_days: int
    workers: int | None
    """None is as many as suit."""
    timeout: float
    retries: int
    minimum_speed: int
    max_rate: int
    removal_grace_hours: float
    removal_limit: float
    removal_window_hours: float
    """For so long what was removed counts for the limit."""
    revalidate_days: float
    replace_changed_files: bool
    accepted_changes: tuple[tuple[str, Digest], ...]
    min_free_space: int
    status_max_age_hours: float
    requirements: Roots
    """What the files of the option ask for, as their content is a part of the configuration."""
    exact: bool
    dependencies: bool
    dependency_versions: str
    """`matching` or `all`."""
    extras: tuple[tuple[NormalizedName, tuple[str, ...]], ...]
    """Of projects that are selected by name or pattern: in PEP 685 form, sorted."""
    # What is written and called when a run is over.
    status_page: bool
    status_page_interval: float
    """Hours."""
    report: Path | None
    metrics: Path | None
    changed_paths: Path | None
    on_success: tuple[str, ...]
    """Words of a command, as the next two; empty is none."""
    on_failure: tuple[str, ...]
    on_change: tuple[str, ...]
    hook_timeout: float
    expect_mirror: bool
    """Refuse a folder that holds no mirror yet, as an unmounted disk's does."""

    page_style: str
    """`styled` or `plain`."""
    plain_index_above: tuple[int, int]
    """How many projects on the root page, and files on a project's page, are styled at most."""

    warnings: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What tells this configuration from others; how much is logged, and where, changes nothing."""
        told = replace(self, verbose=False, log_filename=Path(), expect_mirror=False)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    @property
    def shown_index_url(self) -> str:
        """The index without name and password."""
        return without_credentials(self.index_url)

    def accepts(self, file: File) -> bool:
        """Tell whether this content may take the place of what is held under the file's name."""
        return self.replace_changed_files or any(
            (file.filename, digest) in self.accepted_changes for digest in file.digests
        )


class Option(NamedTuple):
    """How an option is read, and its default as text; None where it has to be given or is computed."""

    read: Callable[..., Any]
    default: str | None = None
    is_required: bool = False
    names_files: bool = False
    """The value may name files to read: `read` also takes the folder to which they are relative."""


OPTIONS: Mapping[str, Option] = {
    "mirror_file_path": Option(str, is_required=True),
    "package_matches": Option(readers.selected_names, names_files=True),
    "package_excludes": Option(readers.name_globs, "", names_files=True),
    "filename_matches": Option(readers.file_globs, "", names_files=True),
    "filename_excludes": Option(readers.file_globs, "", names_files=True),
    "python_versions": Option(choices.python_versions, ""),
    "platforms": Option(choices.platforms, ""),
    "implementations": Option(choices.implementations, ""),
    "glibc": Option(choices.glibc, ""),
    "file_types": Option(choices.file_types, ""),
    "versions": Option(choices.versions, "", names_files=True),
    "excluded_versions": Option(choices.versions, "", names_files=True),
    "prereleases": Option(choices.prereleases, "True"),
    "yanked": Option(readers.boolean, "True"),
    "latest_releases": Option(choices.latest_releases, "0", names_files=True),
    "min_age_days": Option(readers.number(0, 3650, "days"), "0"),
    "min_age_exceptions": Option(readers.name_globs, "", names_files=True),
    "min_age_unknown": Option(choices.hold_or_allow, "hold"),
    "blocked_files": Option(choices.blocked_files, "", names_files=True),
    "max_file_size": Option(readers.size, "0"),
    "max_project_size": Option(readers.size, "0"),
    "index_url": Option(readers.index_url),
    "index_hosts": Option(readers.host_globs, ""),
    "private_hosts": Option(readers.host_globs, ""),
    "accept_unverified": Option(readers.host_globs, ""),
    "ca_bundle": Option(str),
    "client_certificate": Option(str),
    "base_url": Option(readers.optional_url, ""),
    "lock_file_name": Option(str, ".pypimirror/lock"),
    "log_filename": Option(str),
    "state_dir": Option(str),
    "cleanup": Option(readers.boolean, "True"),
    "create_indexes": Option(readers.boolean, "True"),
    "full_index": Option(readers.boolean, "False"),
    "name_links": Option(readers.boolean, "True"),
    "provenance": Option(readers.boolean, "False"),
    "provenance_required": Option(readers.attested_names, "", names_files=True),
    "verbose": Option(readers.boolean, "False"),
    "external_links": Option(readers.boolean, "False"),
    "follow_external_index_pages": Option(readers.boolean, "False"),
    "external_links_everything": Option(readers.boolean, "False"),
    "external_http": Option(readers.boolean, "False"),
    "external_hosts": Option(readers.host_globs, ""),
    "external_interval_hours": Option(readers.number(0, 87_600, "hours"), "24"),
    "fetch_since_days": Option(readers.whole(0, 100_000), "7"),
    "workers": Option(readers.or_auto(readers.whole(1, 256)), "auto"),
    "timeout": Option(readers.number(0.1, 3600, "seconds"), "30"),
    "retries": Option(readers.whole(0, 100), "4"),
    "minimum_speed": Option(readers.size, "1K"),
    "max_rate": Option(readers.size, "0"),
    "removal_grace_hours": Option(readers.number(0, 87_600, "hours"), "24"),
    "removal_limit": Option(readers.percent, "10"),
    "removal_window_hours": Option(readers.number(0, 87_600, "hours"), "24"),
    "revalidate_days": Option(readers.number(0, 3650, "days"), "30"),
    "replace_changed_files": Option(readers.boolean, "False"),
    "accepted_changes": Option(readers.changes, ""),
    "min_free_space": Option(readers.size, "1G"),
    "status_max_age_hours": Option(readers.number(0, 87_600, "hours"), "24"),
    "requirements": Option(str),
    "exact": Option(readers.boolean, "False"),
    "dependencies": Option(readers.boolean, "False"),
    "dependency_versions": Option(readers.one_of("matching", "all"), "matching"),
    "extras": Option(readers.extras, ""),
    # What is written and called when a run is over.
    "status_page": Option(readers.boolean, "False"),
    "status_page_interval": Option(readers.number(0, 87_600, "hours"), "24"),
    "report": Option(str),
    "metrics": Option(str),
    "changed_paths": Option(str),
    "on_success": Option(str),
    "on_failure": Option(str),
    "on_change": Option(str),
    "hook_timeout": Option(readers.number(0.1, 86_400, "seconds"), "600"),
    "expect_mirror": Option(readers.boolean, "False"),
    # How pages look.
    "page_style": Option(readers.one_of("styled", "plain"), "styled"),
    "plain_index_above": Option(readers.two_whole(0, 999_999_999), "50000 1000"),
}


def load(path: Path, overrides: Mapping[str, str]) -> Config:
    """Read the file at `path`; `overrides` are what the command line sets, which wins.

    Raises ConfigError with every problem of the file, also where there is no such file.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 (links are kept: paths are relative to where the file is named)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), (f"can't be read ({error.strerror}); {_what_to_do(error)}",)) from error
    return parse(content, source=str(path), folder=path.parent, overrides=overrides)


def parse(content: bytes, *, source: str, folder: Path, overrides: Mapping[str, str]) -> Config:
    """Turn INI text into a `Config`; relative paths are relative to `folder`. Raises ConfigError."""
    read = ini.parse(content)
    if not read.is_readable:
        raise ConfigError(source, read.problems)
    given = read.settings | {name: ini.Setting(_COMMAND_LINE, value) for name, value in overrides.items()}
    reader = _Reader(given, list(read.problems), folder, misplaced=read.misplaced)
    values = {name: reader.value(name, option) for name, option in OPTIONS.items()}
    values |= _paths(reader, folder)
    values["requirements"] = requirement_files.read(reader, folder, is_exact=values["exact"])
    requirement_files.check_patterns(reader)
    values["package_matches"] = values["package_matches"] or ()
    values |= _afterwards(reader, folder)
    reader.check_unknown(read.referenced)
    _check_external(reader, values)
    if reader.problems:
        raise ConfigError(source, tuple(reader.problems))
    if values["index_url"] is None:
        values["index_url"] = _default_index_url()
    warnings = read.warnings
    if "fetch_since_days" in given:
        warnings += ("fetch_since_days: not needed any more, as updates find every change",)
    if values["follow_external_index_pages"] and not values["external_links"]:
        warnings += ("follow_external_index_pages: has no effect without external_links = True",)
    if hosts := values["accept_unverified"]:
        warnings += (f"accept_unverified: files without a digest are taken over plain http {_from(hosts)}",)
    warnings += requirement_files.warnings(values, frozenset(given))
    return Config(**values, warnings=warnings)


def _from(hosts: tuple[str, ...]) -> str:
    return "from every host" if "http" in hosts else f"from {' '.join(hosts)}"


class _Reader:
    """Reads settings one by one and gathers what is wrong with them."""

    def __init__(
        self,
        given: dict[str, ini.Setting],
        problems: list[Problem | str],
        folder: Path,
        *,
        misplaced: frozenset[str],
    ) -> None:
        self.given = given
        self.problems = problems
        self.folder = folder
        self._misplaced = misplaced
        """Options that stand where they don't count; that is told already."""

    def value(self, name: str, option: Option) -> Any:
        section, text = self.given.get(name, ini.Setting(ini.SECTIONS[0], option.default or ""))
        if name not in self.given:
            if option.is_required and name not in self._misplaced:
                self.problems.append(Problem(section, name, None, "missing; it has to be set"))
            if option.default is None:
                return None
        if option.names_files:
            return self._read_with_files(name, section, text, option)
        return self.read(name, section, text, option.read)

    def _read_with_files(self, name: str, section: str, text: str, option: Option) -> Any:
        """Read a value that may name files by `@FILE`."""
        read = partial(option.read, folder=self.folder)
        if not _names_files_alone(text):
            return self.read(name, section, text, read)
        try:
            return read(text.strip())
        except (ValueError, RuntimeError) as error:
            self.problems.append(Problem(section, name, None, str(error)))
            return None

    def read(self, name: str, section: str, text: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(text.strip())
        except (ValueError, RuntimeError) as error:  # RuntimeError: "~user" without such a user
            said = COMMENT if _is_good_without_comment(text, read) else _said(error, text, read)
            self.problems.append(Problem(section, name, text, said))
            return None

    def path(self, name: str, folder: Path, default: str | None = None) -> Path | None:
        if name not in self.given and default is None:
            return None
        section, text = self.given.get(name, ini.Setting(ini.SECTIONS[0], default or ""))
        value: Path | None = self.read(name, section, text, partial(readers.path, folder=folder))
        return value

    def paths(self, name: str, folder: Path) -> tuple[Path, ...]:
        section, text = self.given.get(name, ini.Setting(ini.SECTIONS[0], ""))
        return self.read(name, section, text, partial(readers.certificate, folder=folder)) or ()

    def optional(self, name: str, read: Callable[[str], _T]) -> _T | None:
        if not self.text(name):
            return None
        section, text = self.given[name]
        value: _T | None = self.read(name, section, text, read)
        return value

    def text(self, name: str) -> str:
        return self.given[name].value.strip() if name in self.given else ""

    def check_unknown(self, referenced: frozenset[str]) -> None:
        for name, (section, text) in self.given.items():
            if name in OPTIONS or name in referenced:
                continue
            if " " in name and "@" in text:  # no name, but what stands before a colon in a password
                self.problems.append(Problem(section, "...", None, "unknown option"))
                continue
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; docs/configuration.md lists the options"
            self.problems.append(Problem(section, name, None, f"unknown option{hint}"))


def _names_files_alone(text: str) -> bool:
    """Tell whether each `@` in a value begins the name of a file, and so stands in no password."""
    return "@" in text and ":" not in text and not re.search(r"\S@", text)


def _is_good_without_comment(text: str, read: Callable[[str], Any]) -> bool:
    """Tell whether it is a comment behind a value, as other programs take it, that makes it a bad one."""
    bare = _COMMENT.sub("", text)
    if bare == text or not bare.strip():
        return False
    try:
        read(bare.strip())
    except (ValueError, RuntimeError):
        return False
    return True


def _what_to_do(error: OSError) -> str:
    """Say what lets a configuration be read."""
    if isinstance(error, FileNotFoundError):
        return "name the configuration file, or make one with --sample-config"
    if isinstance(error, IsADirectoryError):
        return "name the file in it"
    if isinstance(error, PermissionError):
        return "let the user who runs pypimirror read it, and enter its folder"
    return "name another file"


def _said(error: Exception, text: str, read: Callable[[str], Any]) -> str:
    """Return what a reader says of a value, or where there may be a password in it, of the rest."""
    hidden = masked(text.strip())
    if hidden == text.strip():
        return str(error)
    try:
        read(hidden)
    except (ValueError, RuntimeError) as without:
        return str(without)
    return f"can't be used as it is; {readers.ENCODE}"


def _check_external(reader: _Reader, values: Mapping[str, Any]) -> None:
    """Refuse to follow the links of every project there is, unless that is said in so many words."""
    patterns = values["package_matches"]
    if not patterns or values["external_links_everything"] or not asks_for_everything(patterns):
        return
    for name in ("external_links", "follow_external_index_pages"):
        if values[name]:
            section, text = reader.given[name]
            allowed = (
                "package_matches selects every project, whose links lead to any amount of data; name projects"
                " there, or say external_links_everything = True"
            )
            reader.problems.append(Problem(section, name, text, allowed))


def _paths(reader: _Reader, folder: Path) -> dict[str, Path | tuple[Path, ...] | None]:
    root = reader.path("mirror_file_path", folder)
    inside = root or folder
    own = str(inside / ".pypimirror")
    return {
        "mirror_file_path": root,
        # The ancestor's lock alone is relative to the mirror.
        "lock_file_name": reader.path("lock_file_name", inside, OPTIONS["lock_file_name"].default),
        "log_filename": reader.path("log_filename", folder, f"{own}/pypimirror.log"),
        "state_dir": reader.path("state_dir", folder, own),
        "ca_bundle": reader.path("ca_bundle", folder) if reader.text("ca_bundle") else None,
        "client_certificate": reader.paths("client_certificate", folder),
    }


def _afterwards(reader: _Reader, folder: Path) -> dict[str, Path | tuple[str, ...] | None]:
    """Return the files to write and the commands to call when a run is over."""
    return {
        "report": reader.optional("report", partial(readers.path, folder=folder)),
        "metrics": reader.optional("metrics", partial(readers.metrics_path, folder=folder)),
        "changed_paths": reader.optional("changed_paths", partial(readers.path, folder=folder)),
        "on_success": reader.optional("on_success", partial(readers.command, folder=folder)) or (),
        "on_failure": reader.optional("on_failure", partial(readers.command, folder=folder)) or (),
        "on_change": reader.optional("on_change", partial(readers.command, folder=folder)) or (),
    }


def _default_index_url() -> str:
    # distlib is slow to import, and few runs need more than its one constant.
    from distlib.index import DEFAULT_INDEX  # noqa: PLC0415

    return urlunsplit(urlsplit(str(DEFAULT_INDEX))._replace(path="/simple/"))
