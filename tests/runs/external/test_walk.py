"""Links, hosts, the index and options change in any order, runs fail and are killed; then all is well."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests import faults
from tests.distributions import make_sdist, make_wheel
from tests.external import OPTIONS
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.outside_host import OutsideHost, link
from tests.stepper import KILLED, Stepper

STEPS = int(os.environ.get("PYPIMIRROR_SOAK", "0"))

FILES = dict(
    [
        make_sdist("demo", "0.1"),
        make_sdist("demo", "0.2"),
        make_wheel("demo", "0.3"),
        make_wheel("demo", "0.4"),
    ]
)
OTHER = dict(
    [
        make_sdist("demo", "0.1", extra_size=9),
        make_sdist("demo", "0.2", extra_size=9),
        make_wheel("demo", "0.3", extra_size=9),
        make_wheel("demo", "0.4", extra_size=9),
    ]
)
FAULTS = (
    faults.Status(404),
    faults.Status(503),
    faults.Body(b"<html>Sorry", "text/html"),
    faults.Cut(100),
    faults.Drop(),
    faults.Headers({"ETag": None, "Last-Modified": None}),
)
filenames = st.sampled_from(sorted(FILES))


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.opened = contextlib.ExitStack()
        self.folder = Path(tempfile.mkdtemp())
        self.opened.callback(shutil.rmtree, self.folder)
        self.stepper = self.opened.enter_context(Stepper())
        self.index = self.opened.enter_context(FakeIndex(formats=("html",)))
        self.index.add("demo", "1.0", wheel=False)
        self.index.add("more", "1.0", wheel=False)
        # One host for each file, as each host is asked once a second.
        self.hosts = {name: self.opened.enter_context(OutsideHost()) for name in FILES}
        for name, host in self.hosts.items():
            host.put(f"/{name}", FILES[name])
        self.down: set[str] = set()
        self.linked = set(FILES)
        self.own: set[str] = set()
        self.options: dict[str, object] = {}
        self.mirror = Mirror(self.folder / "m", self.index.url)
        self.configure()
        self.show_links()
        self.run("-U")

    def teardown(self) -> None:
        with self.opened:
            self.heal()

    def configure(self) -> None:
        options = OPTIONS | {"package_matches": "demo more", "removal_limit": 100, "timeout": 2}
        self.mirror.configure(**(options | self.options))

    def show_links(self) -> None:
        urls = (f"{self.hosts[name].origin}/{name}" for name in sorted(self.linked))
        self.index.project("demo").links[:] = map(link, urls)
        self.index.touch("demo")

    # Changes

    @rule(name=filenames)
    def link_or_not(self, name: str) -> None:
        self.linked ^= {name}
        self.show_links()

    @rule(name=filenames)
    def have_it_or_not(self, name: str) -> None:
        if name in self.own:
            self.index.remove_file("demo", name)
        else:
            self.index.add_file("demo", name, FILES[name])
        self.own ^= {name}

    @rule(name=filenames, is_other=st.booleans())
    def put(self, name: str, is_other: bool) -> None:
        self.hosts[name].put(f"/{name}", (OTHER if is_other else FILES)[name])

    @rule(name=filenames, fault=st.sampled_from(FAULTS))
    def spoil(self, name: str, fault: faults.Fault) -> None:
        self.hosts[name].clear_faults()
        self.hosts[name].fault("*", fault)

    @rule(name=filenames)
    def mend(self, name: str) -> None:
        self.hosts[name].clear_faults()

    @rule(name=filenames)
    def go_down_or_up(self, name: str) -> None:
        (self.hosts[name].start if name in self.down else self.hosts[name].stop)()
        self.down ^= {name}

    @rule(status=st.sampled_from(["active", "quarantined"]))
    def mark(self, status: str) -> None:
        self.index.project("demo").status = status
        self.index.touch("demo")

    @rule(options=st.sampled_from(({}, {}, {"external_links": False}, {"filename_excludes": "*.whl"})))
    def choose(self, options: dict[str, object]) -> None:
        self.options = options
        self.configure()

    @rule(hours=st.sampled_from((1, 13, 25, 100)))
    def wait(self, hours: float) -> None:
        self.mirror.age(hours)

    # Runs

    @rule()
    def run_each_day(self) -> None:
        for _ in range(2):
            self.mirror.age(25)
            self.run("-U")

    @rule(mode=st.sampled_from(["-U", "-U", "-I", "--project"]))
    def run(self, mode: str) -> None:
        arguments = ["-U", mode, "demo"] if mode == "--project" else [mode]
        assert self.stepper.run(self.mirror.config, *arguments).status in (0, 3, 4)
        self.mirror.check_links()

    @rule(step=st.integers(1, 60))
    def kill(self, step: int) -> None:
        assert self.stepper.run(self.mirror.config, "-U", kill_at=step).status in (0, 3, 4, KILLED)

    @rule(step=st.integers(1, 60))
    def fail(self, step: int) -> None:
        assert self.stepper.run(self.mirror.config, "-U", fail_at=step).status in (0, 1, 3, 4)

    @invariant()
    def what_is_linked_is_whole(self) -> None:
        self.mirror.check_links(is_settled=False)

    # The end

    def heal(self) -> None:
        """Let all be well: then the mirror has what the index and its links have, and nothing else."""
        for name, host in self.hosts.items():
            if name in self.down:
                host.start()
            host.clear_faults()
            host.put(f"/{name}", FILES[name])
        self.index.project("demo").status = "active"
        self.options = {"replace_changed_files": True}
        self.configure()
        self.show_links()
        for _ in range(3):
            self.stepper.run(self.mirror.config, "-I")
            self.mirror.age(100)
        ended = self.stepper.run(self.mirror.config, "-U")
        assert ended.status == 0, (ended, self.mirror.log[-3000:])
        wanted = {name: FILES[name] for name in self.linked | self.own}
        assert self.mirror.listed("demo") == {"demo-1.0.tar.gz", *wanted}
        for name, content in wanted.items():
            assert (self.mirror.root / "demo" / name).read_bytes() == content
        self.mirror.check_links()
        assert self.mirror.run("--verify=hash").stdout.endswith(" 0 wrong, 0 foreign\n")


Walk.TestCase.settings = settings(
    max_examples=max(1, STEPS // 30) if STEPS else 4,
    stateful_step_count=30,
    derandomize=not STEPS,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink) if STEPS else (Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
TestWalk = Walk.TestCase
