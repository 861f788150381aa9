"""The configuration: INI text to one frozen `Config`, with every problem in one error."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pypimirror.config import choices, ini, readers, requirement_files
from pypimirror.config.reading import Option, Reader
from pypimirror.config.values import Config
from pypimirror.errors import ConfigError, Problem
from pypimirror.selection import Blocked, asks_for_everything

__all__ = ["OPTIONS", "Config", "Option", "load", "parse"]

_COMMAND_LINE = "command line"

OPTIONS: Mapping[str, Option] = {
    "mirror_file_path": Option(str, is_required=True),
    "package_matches": Option(readers.selected_names, names_files=True),
    "package_excludes": Option(readers.name_globs, "", names_files=True),
    "filename_matches": Option(readers.file_globs, "", names_files=True),
    "filename_excludes": Option(readers.excluded_file_globs, "", names_files=True),
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
    path = Path(os.path.abspath(path))  # links are kept: paths are relative to where the file is named
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
    reader = Reader(given, list(read.problems), folder, misplaced=read.misplaced)
    values = {name: reader.value(name, option) for name, option in OPTIONS.items()}
    values |= _paths(reader, folder)
    values["requirements"] = requirement_files.read(reader, folder, is_exact=values["exact"])
    requirement_files.check_patterns(reader, read.misplaced)
    values["package_matches"] = values["package_matches"] or ()
    values |= _afterwards(reader, folder)
    reader.check_unknown(read.referenced, OPTIONS)
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
    warnings += requirement_files.warnings(values, frozenset(given)) + _emptied(reader, values)
    return Config(**values, warnings=warnings)


def _emptied(reader: Reader, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell of options that name files in which nothing stands: a feed may have been cut off."""
    return tuple(
        f"{name}: there is no entry in {reader.text(name)}, so that nothing is left out by it"
        for name in ("package_excludes", "filename_excludes", "excluded_versions", "blocked_files")
        if reader.text(name) and not _has_entries(values[name])
    )


def _has_entries(value: Any) -> bool:
    return value not in ((), Blocked())


def _from(hosts: tuple[str, ...]) -> str:
    return "from every host" if "http" in hosts else f"from {' '.join(hosts)}"


def _what_to_do(error: OSError) -> str:
    """Say what lets a configuration be read."""
    if isinstance(error, FileNotFoundError):
        return "name the configuration file, or make one with --sample-config"
    if isinstance(error, IsADirectoryError):
        return "name the file in it"
    if isinstance(error, PermissionError):
        return "let the user who runs pypimirror read it, and enter its folder"
    return "name another file"


def _check_external(reader: Reader, values: Mapping[str, Any]) -> None:
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


def _paths(reader: Reader, folder: Path) -> dict[str, Path | tuple[Path, ...] | None]:
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


def _afterwards(reader: Reader, folder: Path) -> dict[str, Path | tuple[str, ...] | None]:
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
    from distlib.index import DEFAULT_INDEX

    return urlunsplit(urlsplit(str(DEFAULT_INDEX))._replace(path="/simple/"))
