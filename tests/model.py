"""What a mirror has to look like, worked out from the index and the configuration alone."""

import fnmatch
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.fake_index import FakeIndex
from tests.index_pages import IndexFile, IndexProject, normalize
from tests.mirror import JsonFile, Mirror

Listing = dict[str, str]
"""A project's files with their sha256."""


@dataclass
class Options:
    """The options that the model knows; they are written into the configuration file as they are."""

    package_matches: str = "*"
    package_excludes: str = ""
    filename_matches: str = ""
    filename_excludes: str = ""
    cleanup: bool = True
    removal_grace_hours: int = 24
    removal_limit: int = 10
    replace_changed_files: bool = False
    full_index: bool = False
    name_links: bool = True

    @property
    def is_literal(self) -> bool:
        """Whether the project list is never read."""
        return "*" not in self.package_matches

    def named(self) -> set[str]:
        """Return the projects that are named, not found by a pattern."""
        return {name for name in self.package_matches.split() if "*" not in name and not self.excludes(name)}

    def selects(self, project: str) -> bool:
        """Say whether a project is wanted."""
        return self.matches(project) and not self.excludes(project)

    def matches(self, project: str) -> bool:
        """Say whether a pattern is for a project."""
        return _any(project, self.package_matches)

    def excludes(self, project: str) -> bool:
        """Say whether a pattern is against a project."""
        return _any(project, self.package_excludes)

    def selects_file(self, filename: str) -> bool:
        """Say whether a file is wanted."""
        is_wanted = not self.filename_matches or _any(filename, self.filename_matches)
        return is_wanted and not _any(filename, self.filename_excludes)


def _any(text: str, patterns: str) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns.split())


@dataclass
class Model:
    """What the pages of a mirror said when they were last looked at."""

    held: dict[str, Listing] = field(default_factory=dict)
    """Of quarantined projects, what their pages said before."""
    quarantined: set[str] = field(default_factory=set)
    """Projects of which nothing is held, though `held` knows what was."""
    ever: set[str] = field(default_factory=set)
    """Every file that was in the tree at any time."""

    def wanted(self, options: Options, index: FakeIndex) -> dict[str, dict[str, IndexFile]]:
        """Return what upstream has of what the configuration selects."""
        return {
            name: {f.filename: f for f in record.listed_files if options.selects_file(f.filename)}
            for name, record in index.records().items()
            if options.selects(name)
        }

    def kept(self, options: Options) -> dict[str, Listing]:
        """Return what is held of what the configuration selects."""
        return {
            name: {filename: sha for filename, sha in files.items() if options.selects_file(filename)}
            for name, files in self.held.items()
            if options.selects(name)
        }

    def conflicts(self, options: Options, index: FakeIndex) -> set[tuple[str, str]]:
        """Return the held files that upstream lists with other bytes, and that may not change."""
        if options.replace_changed_files:
            return set()
        wanted, kept = self.wanted(options, index), self.kept(options)
        return {
            (name, filename)
            for name, files in wanted.items()
            for filename, file in files.items()
            if kept.get(name, {}).get(filename, _sha256(file)) != _sha256(file)
        }

    def is_too_much(self, options: Options, index: FakeIndex) -> bool:
        """Say whether upstream lost more than one run may remove; there are never more than 50 files."""
        selected = {name for name in self.held if options.selects(name)}
        gone = selected - index.records().keys()
        if not options.cleanup:
            return False
        if gone and gone == selected:
            return True
        return self._is_most_of_the_files(options, index) or (
            len(gone) > 3 and 100 * len(gone) > options.removal_limit * len(self.held)
        )

    def _is_most_of_the_files(self, options: Options, index: FakeIndex) -> bool:
        """Say whether no file would be left, or less than half of ten or more."""
        wanted, records = self.wanted(options, index), index.records()
        kept = {name: files for name, files in self.kept(options).items() if name not in self.quarantined}
        held = sum(map(len, kept.values()))
        gone = sum(
            len(files.keys() - wanted.get(name, {}).keys())
            for name, files in kept.items()
            if name not in records or records[name].status != "quarantined"
        )
        is_most = held >= 10 and 100 * gone > max(50, options.removal_limit) * held
        return bool(gone) and (is_most or not any(wanted.values()))

    def expected(self, options: Options, index: FakeIndex, *, removes: bool) -> dict[str, Listing]:
        """Return what the pages have to list after a good run."""
        records = index.records()
        expected = {
            name: {filename: _sha256(file) for filename, file in files.items()}
            for name, files in self.wanted(options, index).items()
        }
        kept = self.kept(options)
        for name, filename in self.conflicts(options, index):
            expected[name][filename] = kept[name][filename]
        for name, files in kept.items():
            if removes or name in self.quarantined or _is_quarantined(records.get(name)):
                continue
            for filename, sha in files.items():
                expected.setdefault(name, {}).setdefault(filename, sha)
        return expected

    @staticmethod
    def finds_nothing(
        named: Iterable[str],
        wanted: Mapping[str, Mapping[str, IndexFile]],
        index: FakeIndex,
        listed: Mapping[str, Listing],
    ) -> bool:
        """Say whether a run tells of `named` projects without a page, or of a selection without a file."""
        records = index.records()
        is_missing = any(name not in records and name not in listed for name in named)
        has_files = any(records[name].listed_files for name in wanted)
        return is_missing or (has_files and not any(listed.values()))

    def look(self, mirror: Mirror) -> dict[str, Listing]:
        """Return what the pages list, and remember it."""
        listed: dict[str, Listing] = {}
        before, self.held = self.held, {}
        for shown in mirror.projects() if (mirror.root / "index.v1_json").exists() else []:
            name = normalize(shown)
            page = mirror.page(name)
            listed[name] = {file.filename: file.hashes["sha256"] for file in page.files}
            is_quarantined = (page.project_status or {}).get("status") == "quarantined"
            (self.quarantined.add if is_quarantined else self.quarantined.discard)(name)
            self.held[name] = before.get(name, {}) if is_quarantined else listed[name]
        self.ever |= mirror.names()
        return listed


def _is_quarantined(record: IndexProject | None) -> bool:
    return record is not None and record.status == "quarantined"


def _sha256(file: IndexFile) -> str:
    return hashlib.sha256(file.content).hexdigest()


def says_the_same(listed: JsonFile, file: IndexFile) -> bool:
    """Say whether a page tells of a file what upstream does."""
    yanked = None if file.yanked is None else file.yanked or True
    return (listed.yanked, listed.requires_python) == (yanked, file.requires_python)
