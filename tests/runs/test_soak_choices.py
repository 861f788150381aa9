"""The random walk with the options that choose files and dependencies: changes end as a fresh mirror does.

PYPIMIRROR_SOAK=300 in the environment makes it as long as the other one.
"""

import dataclasses
import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.mirror import GOOD, Ended, Mirror
from tests.model import Model, Options
from tests.model_rules import MARKERS, TAGS, Chosen, chosen, roots
from tests.runs import test_soak as soak

pytestmark = pytest.mark.usefixtures("all_cores")

CHOICES: dict[str, tuple[object, ...]] = soak.CHOICES | {
    "package_matches": ("*", "a* *a", "anchor gamma", "gamma alpha-one", "anchor eta"),
    "python_versions": ("", "3.12", "3.9 3.12"),
    "platforms": ("", "linux_x86_64", "win_amd64 macosx_arm64"),
    "file_types": ("", "wheel sdist", "sdist"),
    "versions": ("", "", "gamma >=2", "anchor ==1.0", "delta <3"),
    "excluded_versions": ("", "", "gamma ==2.0", "anchor >2"),
    "prereleases": (True, False, "if-needed"),
    "yanked": (True, False),
    "latest_releases": (0, 1, 2),
    "min_age_days": (0, 0, 7),
    "blocked_files": ("", "", "gamma==1.0", "anchor==2.0 delta==3.0rc1"),
    "max_file_size": (0, 0, 700),
    "max_project_size": (0, 0, 1500),
    "dependencies": (True, True, False),
    "dependency_versions": ("matching", "matching", "all"),
    "requirements": ("", "", "delta>=2\nzeta", "eta==1.0\nbeta-two; python_version < '3.10'"),
}
NEEDS = (
    "Alpha.One>=2",
    "alpha_one",
    "beta_two<3",
    "delta==1.0",
    "epsilon!=1.0",
    "zeta>=2",
    "gamma",
    "unheard-of",
)
Listing = dict[str, dict[str, str]]

requires = st.lists(st.tuples(st.sampled_from(NEEDS), st.sampled_from(("", *MARKERS))), max_size=2)
versions = st.sampled_from(("1.0", "2.0", "3.0rc1", "3.0"))


@dataclass
class RuleOptions(Options):
    """The options that this walk changes, beside those of the other one."""

    package_matches: str = "anchor gamma"
    python_versions: str = ""
    platforms: str = ""
    file_types: str = ""
    versions: str = ""
    excluded_versions: str = ""
    prereleases: bool | str = True
    yanked: bool = True
    latest_releases: int = 0
    min_age_days: int = 0
    blocked_files: str = ""
    max_file_size: int = 0
    max_project_size: int = 0
    dependencies: bool = True
    dependency_versions: str = "matching"
    requirements: str = ""


class Choices(soak.Soak):
    options: RuleOptions

    def __init__(self) -> None:
        self.is_settled = self.is_whole = False
        super().__init__()
        self.options = RuleOptions()
        self.configure()

    def configure(self) -> None:
        if isinstance(self.options, RuleOptions):
            self.is_settled = False
            write(self.mirror, self.options)

    @initialize()
    def begin(self) -> None:
        needs: tuple[list[str], ...] = (
            ["gamma>=2", "beta_two"],
            ["delta==1.0"],
            [],
            ["zeta"],
            ['eta; sys_platform == "win32"'],
        )
        for name, each in zip(soak.NAMES, needs, strict=False):
            for version in ("1.0", "2.0"):
                self.index.add(name, version, requires_dist=each)

    @rule(
        name=soak.names,
        version=versions,
        tags=st.sets(st.sampled_from(sorted(TAGS)), max_size=2),
        needs=requires,
        is_young=st.booleans(),
    )
    def add(
        self,
        name: str,
        version: str,
        tags: set[str],
        needs: list[tuple[str, str]],
        is_young: bool,
    ) -> None:
        known = {f.filename for f in self.index.files(name)} if self.has(name) else set()
        if any(f"-{version}." in each or f"-{version}-" in each for each in known):
            return
        moment = datetime.now(UTC) - timedelta(days=1) if is_young else datetime(2024, 1, 2, tzinfo=UTC)
        lines = [f"{need}; {marker}" if marker else need for need, marker in needs]
        for tag in sorted(tags):
            self.index.add(
                name,
                version,
                sdist=False,
                tag=tag,
                requires_dist=lines,
                upload_time=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            )
        self.index.add(name, version, wheel=False, upload_time=f"{moment:%Y-%m-%dT%H:%M:%SZ}")

    def has(self, name: str) -> bool:
        return self.normal(name) in self.index.records()

    @rule(
        name=soak.names,
        pick=soak.chance,
        requires_python=st.sampled_from((None, ">=3.9", ">=3.10", "<3.10")),
    )
    def require_python(self, name: str, pick: int, requires_python: str | None) -> None:
        if self.has(name) and (files := self.index.files(name)):
            files[pick % len(files)].requires_python = requires_python
            self.index.touch(name)

    @rule(option=st.sampled_from(sorted(CHOICES)), pick=soak.chance)
    def change_option(self, option: str, pick: int) -> None:
        setattr(self.options, option, CHOICES[option][pick % len(CHOICES[option])])
        self.configure()

    # -- runs ---------------------------------------------------------------------------------

    def good_run(self, *arguments: str) -> None:
        self.wait(25)
        if len(self.index.records()) < 2:
            self.index.constant_serial = None
        before, ended = self.listed(), self.run(*arguments)
        if ended.status == 4:
            assert not (chosen(self.options, self.index, before)) or self.options.is_literal
            return
        if ended.status == 7:
            self.never_listed()
            if "--allow-removals" in arguments:
                raise AssertionError(ended)
            before, ended = self.listed(), self.run("-U", "--allow-removals")
        wanted = chosen(self.options, self.index, before)
        conflicts = self.conflicts(wanted, before)
        listed = self.model.look(self.mirror)
        # What was deleted or cut in the tree comes as upstream has it now.
        for name, filename in conflicts & self.damaged:
            if listed.get(name, {}).get(filename) == sha256(wanted[name][filename].content):
                conflicts.discard((name, filename))
        named = self.options.named() | roots(self.options)
        is_trouble = bool(conflicts) or self.model.finds_nothing(named, wanted, self.index, listed)
        is_in_vain = bool(self.options.requirements) and self.is_asked_in_vain(ended)
        assert is_in_vain or ended.status == (3 if is_trouble else 0), ended
        self.compare(listed, wanted, before, conflicts)
        self.never_listed()
        self.is_settled = True
        self.is_whole = ended.status == 0
        if ended.status == 0:
            self.damaged.clear()
            self.nothing_more_to_do()

    def is_asked_in_vain(self, ended: Ended) -> bool:
        """Tell whether a run ended so as nothing upstream answers a line, or all the options together."""
        said = "up to date, but for what the configuration asks for"
        return ended.status == 3 and said in self.mirror.log.splitlines()[-1]

    def conflicts(self, wanted: Chosen, before: Listing) -> set[tuple[str, str]]:
        if self.options.replace_changed_files:
            return set()
        return {
            (name, filename)
            for name, files in wanted.items()
            for filename, file in files.items()
            if before.get(name, {}).get(filename, sha256(file.content)) != sha256(file.content)
        }

    def compare(
        self, listed: Listing, wanted: Chosen, before: Listing, conflicts: set[tuple[str, str]]
    ) -> None:
        expected = {
            name: {f: sha256(file.content) for f, file in files.items()} for name, files in wanted.items()
        }
        for name, filename in conflicts:
            expected[name][filename] = before[name][filename]
        records = self.index.records()
        has_vanished = any(
            name not in records or files.keys() - {f.filename for f in records[name].listed_files}
            for name, files in before.items()
        )
        if conflicts and self.options.dependencies:
            # Nobody is dropped while a project is not what upstream says.
            for name, each in expected.items():
                assert each.items() <= listed.get(name, {}).items()
            return
        if self.options.cleanup or not has_vanished:
            assert listed == expected
            return
        for name, files in listed.items():
            assert files.items() <= {*expected.get(name, {}).items(), *before.get(name, {}).items()}

    def never_listed(self) -> None:
        for name, files in self.listed().items():
            for blocked in self.options.blocked_files.split():
                project, _, version = blocked.partition("==")
                assert name != project or not any(f"-{version}" in each for each in files)

    def nothing_more_to_do(self) -> None:
        before = self.mirror.tree()
        assert self.run("-U") == GOOD
        assert self.mirror.tree() == before

    def disturbed_run(self, *arguments: str) -> Ended | None:
        before = self.model.look(self.mirror)
        wanted = chosen(self.options, self.index, before)
        ended = self.run(*arguments)
        assert ended.status in (0, 3, 4, 7), ended
        after = self.model.look(self.mirror)
        if self.is_settled:
            for name, files in before.items():
                assert not (files.keys() & wanted.get(name, {}).keys()) - after.get(name, {}).keys(), name
        if ended.status != 4:
            self.never_listed()
        return ended

    @rule()
    def pages_alone(self) -> None:
        if self.listed():
            assert self.run("-i").status in (0, 1, 3, 7)
            self.model.look(self.mirror)

    @rule(name=st.sampled_from(("anchor", "gamma")))
    def one_project(self, name: str) -> None:
        if self.options.selects(name) and self.has(name):
            self.disturbed_run("-U", "--project", name)

    @rule()
    def as_a_fresh_mirror_does(self) -> None:
        """What a mirror became through all changes is what one is that begins now."""
        self.is_whole = False
        self.good_run("-U", "--allow-removals")
        is_young = self.options.min_age_days and not self.options.replace_changed_files
        if not self.is_whole or not self.options.cleanup or is_young:
            return
        folder = Path(tempfile.mkdtemp())
        try:
            fresh = Mirror(folder, self.index.url)
            write(fresh, self.options)
            if fresh.run("-U").status == 0:
                here, there = (
                    {n: set(f) for n, f in Model().look(each).items()} for each in (self.mirror, fresh)
                )
                assert here == there
        finally:
            shutil.rmtree(folder)


def write(mirror: Mirror, options: RuleOptions) -> None:
    """Write the configuration, and the file of requirements beside it."""
    values = dataclasses.asdict(options)
    if options.requirements:
        (mirror.folder / "requirements.txt").write_text(options.requirements)
        values["requirements"] = "requirements.txt"
    else:
        del values["requirements"]
    if not options.dependencies:
        del values["dependency_versions"]
    values = {name: value for name, value in values.items() if value != ""}
    mirror.configure(**values, timeout=1, workers=4)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


TestChoices = Choices.TestCase
TestChoices.settings = settings(
    max_examples=8 if soak.STEPS else 2,
    stateful_step_count=max(soak.STEPS // 4, 18),
    derandomize=not soak.STEPS,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
