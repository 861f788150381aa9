"""The configuration: INI text to one frozen `Config`, with every problem in one error."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pypimirror.config import ini, requirement_files
from pypimirror.config.reading import Reader
from pypimirror.config.values import OPTIONS, Config, Option
from pypimirror.errors import ConfigError, Problem
from pypimirror.selection.globs import asks_for_everything
from pypimirror.selection.options import Blocked

__all__ = ["OPTIONS", "Config", "Option", "load", "parse"]

_COMMAND_LINE = "command line"
_HINTS: Mapping[type[OSError], str] = {
    FileNotFoundError: "name the configuration file, or make one with --sample-config",
    IsADirectoryError: "name the file in it",
    PermissionError: "let the user who runs pypimirror read it, and enter its folder",
}


def load(path: Path, overrides: Mapping[str, str]) -> Config:
    """Read the file at `path`; `overrides` are what the command line sets, which wins.

    Raises ConfigError with every problem of the file, also where there is no such file.
    """
    path = Path(os.path.abspath(path))  # links are kept: paths are relative to where the file is named
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = _HINTS.get(type(error), "name another file")
        raise ConfigError(str(path), (f"can't be read ({error.strerror}); {hint}",)) from error
    return parse(content, source=str(path), folder=path.parent, overrides=overrides)


def parse(content: bytes, *, source: str, folder: Path, overrides: Mapping[str, str]) -> Config:
    """Turn INI text into a `Config`; relative paths are relative to `folder`. Raises ConfigError."""
    found = ini.parse(content)
    if not found.is_readable:
        raise ConfigError(source, found.problems)
    given = found.settings | {name: ini.Setting(_COMMAND_LINE, value) for name, value in overrides.items()}
    reader = Reader(found._replace(settings=given))
    values = _values(reader, folder)
    reader.check_unknown()
    _check_external(reader, values)
    if reader.problems:
        raise ConfigError(source, tuple(reader.problems))
    if values["index_url"] is None:
        values["index_url"] = _default_index_url()
    warnings = found.warnings
    if "fetch_since_days" in given:
        warnings += ("fetch_since_days: not needed any more, as updates find every change",)
    if values["follow_external_index_pages"] and not values["external_links"]:
        warnings += ("follow_external_index_pages: has no effect without external_links = True",)
    if hosts := values["accept_unverified"]:
        whence = "every host" if "http" in hosts else " ".join(hosts)
        warnings += (f"accept_unverified: files without a digest are taken over plain http from {whence}",)
    warnings += requirement_files.warnings(values, frozenset(given)) + _emptied(reader, values)
    return Config(**values, warnings=warnings)


def _values(reader: Reader, folder: Path) -> dict[str, Any]:
    root = reader.value("mirror_file_path", folder) or folder
    # The ancestor's lock alone is relative to the mirror.
    values = {"mirror_file_path": root, "lock_file_name": reader.value("lock_file_name", root)}
    values |= {name: reader.value(name, folder) for name in OPTIONS if name not in values}
    values["requirements"] = requirement_files.read(reader, folder, is_exact=values["exact"])
    requirement_files.check_patterns(reader)
    for name in ("package_matches", "client_certificate", "on_success", "on_failure", "on_change"):
        values[name] = values[name] or ()
    values["log_filename"] = values["log_filename"] or root / ".pypimirror/pypimirror.log"
    values["state_dir"] = values["state_dir"] or root / ".pypimirror"
    return values


def _emptied(reader: Reader, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell of options that name files in which nothing stands: a feed may have been cut off."""
    return tuple(
        f"{name}: there is no entry in {reader.text(name)}, so that nothing is left out by it"
        for name in ("package_excludes", "filename_excludes", "excluded_versions", "blocked_files")
        if reader.text(name) and values[name] in ((), Blocked())
    )


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


def _default_index_url() -> str:
    # distlib is slow to import, and few runs need more than its one constant.
    from distlib.index import DEFAULT_INDEX

    return urlunsplit(urlsplit(str(DEFAULT_INDEX))._replace(path="/simple/"))
