"""`--check-config`: what a sound configuration asks for, and what in it looks wrong, as lines."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from pypimirror.amounts import numbered
from pypimirror.config import Config, ini
from pypimirror.config.advice import advice
from pypimirror.config.nothing import inactive, why_inactive
from pypimirror.selection.globs import asks_for_everything

_OF_THE_ANCESTOR = {
    "mirror_file_path": "the folder of the mirror, as ever",
    "package_matches": "as ever; names are compared whatever their spelling, so zope.* means zope-* too",
    "filename_matches": "as ever; the page of a project lists what matches, and nothing else",
    "base_url": "what pages tell people to type; links in pages are relative",
    "lock_file_name": "relative to mirror_file_path, as ever; .pypimirror/lock is taken too",
    "log_filename": "as ever; without it the log is .pypimirror/pypimirror.log in the mirror",
    "cleanup": "removes what upstream no longer has, after removal_grace_hours; removal_limit bounds it",
    "create_indexes": "as ever; JSON pages are written beside the HTML pages",
    "verbose": "logs each request and file",
    "external_links": "downloads files that pages link to on other hosts; few indexes have such links today",
    "follow_external_index_pages": "looks on the pages behind such links, too",
    "fetch_since_days": "has no effect: every update finds every change",
}
"""What the options of z3c.pypimirror mean here."""


def lines(config: Config, path: Path, *, is_quiet: bool) -> Iterator[str]:
    """Yield what to say of a configuration that was read from `path`; quietly, what looks wrong."""
    if not is_quiet:
        yield f"{path} is sound"
        yield from (f"  {line}" for line in _asks_for(config))
    for warning in (*config.warnings, *advice(config), *_afterwards(config)):
        yield f"warning: {warning}"
    if not is_quiet and "fetch_since_days" in (given := ini.parse(path.read_bytes()).settings):
        yield "it is a configuration of z3c.pypimirror; its options mean:"
        yield from (f"  {name}: {_OF_THE_ANCESTOR[name]}" for name in given if name in _OF_THE_ANCESTOR)


def _asks_for(config: Config) -> Iterator[str]:
    yield f"mirror: {config.mirror_file_path}, of {config.shown_index_url}"
    if config.package_matches:
        is_all = asks_for_everything(config.package_matches)
        yield f"projects: {'every project' if is_all else _shortened(' '.join(config.package_matches))}"
    if config.package_excludes:
        yield f"not: {_shortened(' '.join(config.package_excludes))}"
    if roots := config.requirements.roots:
        names = dict.fromkeys(root.name for root in roots)
        lines = f"{numbered(len(roots), 'line')} for {numbered(len(names), 'project')}"
        yield f"requirements: {lines}: {_shortened(' '.join(names))}"
        if (idle := inactive(config)) and len(idle) < len(roots):
            yield f"of these {why_inactive(config, idle)}"
    if config.dependencies:
        which = "the versions that match" if config.dependency_versions == "matching" else "all versions"
        yield f"dependencies: {which} of what the selected releases require"
    for option in ("python_versions", "platforms", "implementations", "file_types"):
        if values := getattr(config, option):
            yield f"{option}: {' '.join(values)}"
    files = [*config.filename_matches, *(f"not {pattern}" for pattern in config.filename_excludes)]
    if files:
        yield f"files: {_shortened(' '.join(files))}"


def _afterwards(config: Config) -> Iterator[str]:
    """Tell of what else than the mirror is not as it should be: commands, log and metrics."""
    for option in ("on_change", "on_success", "on_failure"):
        words = getattr(config, option)
        if words and shutil.which(words[0]) is None:
            yield f"{option}: there is no program {words[0]} for this user; name it with its whole path"
    root, log = config.mirror_file_path, config.log_filename
    if log.is_relative_to(root) and not log.is_relative_to(root / ".pypimirror"):
        yield "log_filename: it is where files are served, so everybody can read it; name another file"
    if config.metrics and config.metrics.suffix != ".prom":
        yield "metrics: Prometheus's textfile collector reads files that end in .prom alone; name it so"


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."
