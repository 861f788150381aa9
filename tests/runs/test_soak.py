"""Anything in any order: upstream and the configuration change, runs fail and are killed; checked after each.

The default suite takes short walks; with PYPIMIRROR_SOAK=300 in the environment they have 600 steps in all.
"""

import dataclasses
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests import faults
from tests.fake_index import FakeIndex
from tests.index_pages import IndexFile, PageOptions, project_json
from tests.mirror import GOOD, Ended, Mirror, is_over
from tests.model import Model, Options, says_the_same

pytestmark = pytest.mark.usefixtures("all_cores")

STEPS = int(os.environ.get("PYPIMIRROR_SOAK", "0"))

NAMES = ("anchor", "Alpha.One", "beta_two", "gamma", "delta", "epsilon", "zeta", "eta")
JSON = "application/vnd.pypi.simple.v1+json"
LOGIN = b"<html><body><a href=/login>log in</a></body></html>"
BARE = b"<html><body><p>There is nothing here.</p></body></html>"

CHOICES: dict[str, tuple[object, ...]] = {
    "package_matches": ("*", "*", "a* *a", "anchor gamma delta alpha-one eta", "gamma"),
    "package_excludes": ("", "", "gamma", "*a", "alpha-* zeta"),
    "filename_matches": ("", "", "*.whl", "*.tar.gz *-2.0*"),
    "filename_excludes": ("", "*-1.0*", "*.whl"),
    "cleanup": (True, True, False),
    "removal_grace_hours": (24, 0),
    "removal_limit": (10, 100),
    "replace_changed_files": (False, True),
    "full_index": (False, True),
    "name_links": (True, True, False),
}

FAULTS: tuple[faults.Fault, ...] = (
    faults.Status(500),
    faults.Status(404),
    faults.Status(410),
    faults.Status(429),
    faults.Status(503, {"Retry-After": "0"}),
    faults.Cut(40),
    faults.CutChunked(40),
    faults.Corrupt(),
    faults.Extend(b"more"),
    faults.Drop(),
    faults.Hang(3),
    faults.HangBody(20, 3),
    faults.Body(LOGIN, "text/html"),
    faults.Body(b"{}", "application/json"),
    faults.Body(b'{"meta": {', JSON),
    faults.Body(b'{"meta":{"api-version":"1.0"},"projects":[]}', JSON),
    faults.Redirect("http://127.0.0.1:1/"),
    faults.Redirect("/simple/"),
    faults.Redirect("/login"),
    faults.Body(BARE, "text/html"),
    faults.Body(b'{"meta":{"api-version":"1.0"},"name":"other","files":[]}', JSON),
    faults.Body(b'{"meta":{"api-version":"1.0"},"name":"gamma","files":[{"size":-1}]}', JSON),
)

names = st.sampled_from(NAMES)
others = st.sampled_from(NAMES[1:])
versions = st.sampled_from(("1.0", "2.0"))
chance = st.integers(0, 999)


class Soak(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.index = FakeIndex()
        self.index.start()
        self.options = Options()
        self.mirror = Mirror(self.folder, self.index.url)
        self.model = Model()
        self.orphans: set[str] = set()
        self.damaged: set[tuple[str, str]] = set()
        self.configure()

    def teardown(self) -> None:
        self.index.stop()
        shutil.rmtree(self.folder)

    def configure(self) -> None:
        self.mirror.configure(**dataclasses.asdict(self.options), timeout=1, workers=4)

    @initialize()
    def begin(self) -> None:
        for name in NAMES[:5]:
            self.index.add(name, "1.0")

    # -- upstream -----------------------------------------------------------------------------

    @rule(name=names, version=versions, wheel=st.booleans())
    def add(self, name: str, version: str, wheel: bool) -> None:
        known = {f.filename for f in self.index.files(name)} if self.has(name) else set()
        if not any(version in filename for filename in known):
            self.index.add(name, version, wheel=wheel)

    def has(self, name: str) -> bool:
        return Model().wanted(Options(), self.index).get(self.normal(name)) is not None

    @staticmethod
    def normal(name: str) -> str:
        return name.lower().replace(".", "-").replace("_", "-")

    @rule(name=others)
    def remove_project(self, name: str) -> None:
        if self.has(name):
            self.index.remove(name)

    @rule()
    def remove_many_projects(self) -> None:
        for name in NAMES[1:]:
            if self.has(name):
                self.index.remove(name)

    @rule(name=names, pick=chance)
    def remove_file(self, name: str, pick: int) -> None:
        if self.has(name) and (files := self.index.files(name)):
            self.index.remove_file(name, files[pick % len(files)].filename)

    @rule(name=names, pick=chance, yanked=st.sampled_from((None, "", "broken")))
    def yank(self, name: str, pick: int, yanked: str | None) -> None:
        if self.has(name) and (files := self.index.files(name)):
            files[pick % len(files)].yanked = yanked
            files[pick % len(files)].requires_python = ">=3.9" if pick % 2 else None
            self.index.touch(name)

    @rule(name=names, status=st.sampled_from(("active", "archived", "quarantined")))
    def change_status(self, name: str, status: str) -> None:
        if self.has(name):
            self.index.project(name).status = status
            self.index.touch(name)

    @rule(name=names, is_loud=st.booleans())
    def respell(self, name: str, is_loud: bool) -> None:
        if self.has(name):
            self.index.project(name).name = name.upper() if is_loud else name
            self.index.touch(name)

    @rule(name=names, pick=chance)
    def change_bytes(self, name: str, pick: int) -> None:
        if self.has(name) and (files := [f for f in self.index.files(name) if f.filename.endswith(".gz")]):
            file = files[pick % len(files)]
            self.index.add_file(name, file.filename, b"changed %d" % (pick % 2), yanked=file.yanked)

    @rule(has_serials=st.booleans())
    def change_serials(self, has_serials: bool) -> None:
        self.index.serials = has_serials

    @rule(serial=st.sampled_from((None, 1_000_000_000)))
    def send_one_serial_for_all(self, serial: int | None) -> None:
        self.index.constant_serial = serial

    # -- the configuration ------------------------------------------------------------------------

    @rule(option=st.sampled_from(sorted(CHOICES)), pick=chance)
    def change_option(self, option: str, pick: int) -> None:
        setattr(self.options, option, CHOICES[option][pick % len(CHOICES[option])])
        self.configure()

    # -- what happens to the tree -------------------------------------------------------------------

    @rule(pick=chance, how=st.sampled_from(("delete", "cut")))
    def damage(self, pick: int, how: str) -> None:
        files = sorted(self.mirror.names() - {"full.html"}) if self.mirror.root.exists() else []
        if not files:
            return
        path = self.mirror.root / files[pick % len(files)]
        if how == "delete":
            path.unlink()
        else:
            path.write_bytes(b"")
        folder, _, name = str(path.relative_to(self.mirror.root)).partition("/")
        self.damaged.add((folder, name.removesuffix(".metadata")))
        if not name.endswith(".metadata"):
            self.model.held.get(folder, {}).pop(name, None)
        self.good_run("-I")

    @rule()
    def lose_the_state(self) -> None:
        (self.mirror.root / ".pypimirror/state.sqlite").unlink(missing_ok=True)
        listed = {f"{name}/{file}" for name, files in self.model.look(self.mirror).items() for file in files}
        if self.mirror.root.exists():
            self.orphans |= {each.removesuffix(".metadata") for each in self.mirror.names()} - listed
        self.model.held = self.listed()

    # -- runs ---------------------------------------------------------------------------------------

    def listed(self) -> dict[str, dict[str, str]]:
        return Model().look(self.mirror)

    @rule()
    def a_good_run(self) -> None:
        self.good_run("-U")

    @rule()
    def a_full_check(self) -> None:
        self.good_run("-I")

    @rule()
    def removals_are_allowed(self) -> None:
        self.good_run("-U", "--allow-removals")

    def wait(self, hours: float) -> None:
        if (self.mirror.root / ".pypimirror/state.sqlite").exists():
            self.mirror.age(hours)

    def good_run(self, *arguments: str) -> None:
        """Run without any fault, and compare with what upstream and the configuration say."""
        options, index, model = self.options, self.index, self.model
        # What was removed a day ago no longer counts for the limit.
        self.wait(25)
        if len(index.records()) < 2:  # that of one project could be a real one
            index.constant_serial = None
        before = {name for name, files in model.kept(options).items() if files}
        is_too_much = "--allow-removals" not in arguments and model.is_too_much(options, index)
        conflicts = model.conflicts(options, index)
        removes = options.cleanup and not is_too_much
        expected = model.expected(options, index, removes=removes)
        wanted = model.wanted(options, index)
        ended = self.run(*arguments)
        if options.is_literal and not wanted:
            # Not one page of a mirror of plain names could be had.
            assert ended.status in (3, 4, 7)
            model.look(self.mirror)
            return
        if self.is_asked_about(ended):
            # That is asked about first; the walk says yes, and looks where the mirror is.
            assert self.run("-U", "--allow-removals").status in (0, 3)
            model.look(self.mirror)
            return
        listed = model.look(self.mirror)
        is_trouble = bool(conflicts) or model.finds_nothing(options.named(), wanted, index, listed)
        assert ended.status == (7 if is_too_much else 3 if is_trouble else 0), ended
        for name, files in expected.items():
            if files or name in wanted:
                assert listed.get(name) == files, (name, listed.get(name), files)
        for name in listed.keys() - expected.keys():
            assert not removes, name
            assert name not in before, name
        self.compare_what_is_said(wanted, conflicts)
        self.compare_the_tree(listed, is_settled=removes and arguments == ("-U",))
        if ended.status == 0:
            self.damaged.clear()
            self.nothing_more_to_do()

    def is_asked_about(self, ended: Ended) -> bool:
        """Say whether a change of the configuration waits for somebody to say yes."""
        return ended.status == 7 and "the configuration no longer selects" in self.mirror.log.splitlines()[-1]

    def compare_what_is_said(
        self, wanted: dict[str, dict[str, IndexFile]], conflicts: set[tuple[str, str]]
    ) -> None:
        records = self.index.records()
        for name, files in wanted.items():
            page = self.mirror.page(name)
            status = (page.project_status or {}).get("status", "active")
            assert status == records[name].status
            for file in page.files:
                if file.filename in files and (name, file.filename) not in conflicts:
                    assert says_the_same(file, files[file.filename]), (name, file)

    def compare_the_tree(self, listed: dict[str, dict[str, str]], *, is_settled: bool) -> None:
        """In the tree is what is listed, and beside it what waits for its grace or nobody knows."""
        held = self.model.held
        ours = {f"{name}/{file}" for name in listed for file in {**listed[name], **held.get(name, {})}}
        there = {each.removesuffix(".metadata") for each in self.mirror.names() - {"full.html"}}
        assert {f"{name}/{file}" for name in listed for file in listed[name]} <= there
        for name in listed:
            if (self.mirror.page(name).project_status or {}).get("status") == "quarantined":
                assert not {each for each in there - self.orphans if each.startswith(f"{name}/")}
        extra = there - ours - self.orphans
        assert extra <= {each.removesuffix(".metadata") for each in self.model.ever}
        if is_settled and self.options.removal_grace_hours == 0:
            assert not extra

    def nothing_more_to_do(self) -> None:
        before = self.mirror.tree()
        self.index.clear()
        assert self.run("-U") == GOOD
        assert self.mirror.tree() == before
        if self.index.serials and self.index.constant_serial is None and not self.options.is_literal:
            assert self.index.paths() == ["/simple/"]

    def run(self, *arguments: str) -> Ended:
        was_trouble = self.mirror.has_told_trouble()
        ended = self.mirror.run(*arguments)
        assert "Traceback" not in ended.stderr
        # Patterns that match nothing may be a slip of the pen, and are no failure.
        if ended.status == 0 and "but patterns match nothing" not in ended.stderr:
            said = ended._replace(stdout="")
            assert is_over(said) if was_trouble and arguments[0] in ("-U", "-I") else said == GOOD, ended
        self.mirror.check_links()
        return ended

    def disturbed_run(self, *arguments: str) -> Ended | None:
        """Run under a fault: what left the pages had a reason other than that."""
        records = self.index.records()
        before = self.model.look(self.mirror)
        ended = self.run(*arguments)
        assert ended.status in (0, 3, 4, 7), ended
        after = self.model.look(self.mirror)
        if ended.status == 4:
            assert after == before
            return ended
        for name, files in before.items():
            for filename in files:
                if filename in after.get(name, {}) or not self.options.selects(name):
                    continue
                is_upstream = name in records and filename in {f.filename for f in records[name].listed_files}
                assert not is_upstream or not self.options.selects_file(filename), (name, filename)
        if self.is_asked_about(ended):
            return ended
        for name, files in after.items():
            assert self.options.selects(name)
            assert all(map(self.options.selects_file, files))
        return ended

    @rule(
        fault=st.sampled_from(FAULTS),
        where=st.sampled_from(("/simple/", "/simple/?*", "/simple/gamma/", "/files/*", "/files/*.whl")),
        mode=st.sampled_from((("-U",), ("-U",), ("-I",), ("-U", "--allow-removals"))),
    )
    def a_run_under_a_fault(self, fault: faults.Fault, where: str, mode: tuple[str, ...]) -> None:
        is_gone = isinstance(fault, faults.Status) and fault.code in (404, 410)
        if self.options.is_literal and (is_gone or fault == faults.Redirect("/login")):
            return  # that is how upstream says that projects are gone: /login answers 404, too
        self.index.fault(where, fault, times=3 if isinstance(fault, faults.Hang | faults.HangBody) else None)
        try:
            self.disturbed_run(*mode)
        finally:
            self.index.clear_faults()

    @rule(name=names)
    def a_run_with_an_old_page(self, name: str) -> None:
        has_serials = self.index.serials and self.index.constant_serial is None
        if not self.has(name) or not has_serials or self.options.is_literal:
            return
        options = PageOptions(
            api_version="1.4", serials=True, core_metadata=True, files_url="../../files", serial_comment=False
        )
        old = project_json(self.index.project(name), options)
        if files := self.index.files(name):
            self.index.project(name).files = files[1:]
            old = project_json(self.index.project(name), options)
            self.index.project(name).files = files
        self.index.touch(name)
        self.index.fault(f"/simple/{self.normal(name)}/", faults.Body(old, JSON))
        try:
            self.disturbed_run("-U")
        finally:
            self.index.clear_faults()

    @rule()
    def a_run_without_upstream(self) -> None:
        self.index.stop()
        try:
            ended = self.disturbed_run("-U")
            assert ended is None or ended.status in (3, 4)
        finally:
            self.index.start()

    @rule()
    def pages_alone(self) -> None:
        if not self.model.held:
            return
        self.model.look(self.mirror)
        ended = self.run("-i")
        assert ended.status in (0, 1, 3, 7)
        self.model.look(self.mirror)

    @rule(name=st.sampled_from(("anchor", "gamma")))
    def one_project(self, name: str) -> None:
        if self.options.selects(name) and self.has(name):
            self.disturbed_run("-U", "--project", name)

    @rule(
        after_ms=st.integers(50, 900), how=st.sampled_from((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
    )
    def a_run_that_is_cut_off(self, after_ms: int, how: signal.Signals) -> None:
        self.index.latency = 0.01
        running = self.mirror.start("-U")
        time.sleep(after_ms / 1000)
        running.send_signal(how)
        _, stderr = running.communicate()
        self.index.latency = 0
        assert "Traceback" not in stderr
        # -15: the signal came before our code ran.
        assert running.returncode in (-9, -15, 0, 3, 4, 7, 143)
        if self.mirror.root.exists():
            self.mirror.check_links(is_settled=False)
        # What a run that was cut off published is not modelled: another one says where the mirror is.
        ended = self.run("-I", "--allow-removals")
        if ended.status in (0, 3):
            self.model.look(self.mirror)


TestSoak = Soak.TestCase
TestSoak.settings = settings(
    # Several walks, as Hypothesis leaves some kinds of steps out of each.
    max_examples=8 if STEPS else 3,
    stateful_step_count=max(STEPS // 4, 18),
    derandomize=not STEPS,
    deadline=None,
    phases=(Phase.generate,),  # each step takes a second: a failure is told as it came
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
